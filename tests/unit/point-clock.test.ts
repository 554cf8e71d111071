import { describe, expect, test } from 'vitest';
import type { MetricPoint } from '../../src-main/contract/model/run.ts';
import type { RunEvent } from '../../src-main/engine/train/run-events.ts';
import { PointClock, RecordClock } from '../../src-main/services/runs/point-clock.ts';

const point = (step: number, series: MetricPoint['series'] = 'step/loss'): MetricPoint => ({
  series,
  step,
  epoch: step / 10,
  value: 1,
});
const times = (points: readonly { elapsedMs: number | null }[]) => points.map(({ elapsedMs }) => elapsedMs);

describe('points of a running run', () => {
  test('share the time since the last ones evenly', () => {
    const clock = new PointClock(0);
    expect(
      times(
        clock.time(
          [1, 2, 3, 4].map((step) => point(step)),
          200,
        ),
      ),
    ).toEqual([50, 100, 150, 200]);
    expect(times(clock.time([point(5), point(6)], 400))).toEqual([300, 400]);
  });

  test('of the same step have the same time', () => {
    const clock = new PointClock(0);
    clock.time([point(9)], 900);
    expect(times(clock.time([point(10), point(10, 'train/loss'), point(10, 'test/loss')], 1000))).toEqual([
      1000, 1000, 1000,
    ]);
    expect(times(clock.time([point(10, 'test/accuracy')], 1500))).toEqual([1500]);
  });

  test('go on from the training time before a pause', () => {
    const clock = new PointClock(60_000);
    expect(times(clock.time([point(101), point(102)], 60_200))).toEqual([60_100, 60_200]);
  });
});

describe('points of a record', () => {
  const clock = new RecordClock();
  const at = (second: number, event: RunEvent) =>
    clock.hear({ time: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(), event });
  const started: RunEvent = { kind: 'started', parameterCount: 1, epochsDone: 0 };

  test('have the time since training began, without the pause before it went on', () => {
    expect(at(3, started)).toEqual([]);
    expect(times(at(5, { kind: 'points', points: [point(1), point(2)] }))).toEqual([1000, 2000]);
    at(8, { kind: 'cancelled', epochsDone: 0.2 });
    at(50, started);
    expect(times(at(51, { kind: 'points', points: [point(3)] }))).toEqual([6000]);
  });

  test('never go back, even where the clock did', () => {
    expect(times(at(10, { kind: 'points', points: [point(4)] }))).toEqual([6000]);
  });
});
