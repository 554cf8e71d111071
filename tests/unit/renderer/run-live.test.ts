import { describe, expect, it } from 'vitest';
import type { RunId } from '../../../src-main/contract/model/ids.ts';
import type { LogLine, TimedPoint, Series } from '../../../src-main/contract/model/run.ts';
import { GrowableSeries } from '../../../src-renderer/state/growable-series.ts';
import { RunLive } from '../../../src-renderer/state/run-live.svelte.ts';
import { createFakeApi } from './fake-api.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';

const projectId = sample.project.projectId;
const runId = sample.run.runId;

function point(step: number, value: number): TimedPoint {
  return { series: 'step/loss', step, epoch: step / 10, value, elapsedMs: step * 9 };
}

describe('GrowableSeries', () => {
  it('keeps every point while it grows past its capacity', () => {
    const series = new GrowableSeries();
    for (let step = 1; step <= 1000; step++) series.append(step, step / 100, step * 2, step * 9);
    expect([series.length, series.lastStep]).toEqual([1000, 1000]);
    expect([series.steps[999], series.epochs[499], series.values[0], series.times[999]]).toEqual([1000, 5, 2, 9000]);
  });

  it('does not allocate for each point', () => {
    const series = new GrowableSeries();
    series.append(1, 0, 0, null);
    const before = series.values.buffer;
    for (let step = 2; step <= 200; step++) series.append(step, 0, 0, null);
    expect(series.values.buffer).toBe(before);
  });

  it('goes back to the checkpoint when a run is resumed from before its last points', () => {
    const series = new GrowableSeries();
    for (const step of [10, 20, 30, 40]) series.append(step, step / 10, step, null);
    series.append(25, 2.5, -1, null);
    expect([...series.steps]).toEqual([10, 20, 25]);
    expect([...series.values]).toEqual([10, 20, -1]);
  });
});

interface Opened {
  live: RunLive;
  emitPoints: (points: TimedPoint[], of?: RunId) => void;
  emitLines: (lines: LogLine[]) => void;
  /** Runs what was put off, and says how much that was. */
  frame: () => number;
  /** Lets the reading go through. */
  answer: () => Promise<void>;
  reconnect: () => void;
}

function open(recorded: Series[], log: LogLine[] = []): Opened {
  let release = () => {};
  let released = new Promise<void>((resolve) => (release = resolve));
  const backend = createFakeBackend({
    'run.series': async () => {
      await released;
      return recorded;
    },
    'run.log': async () => log,
  });
  const api = createFakeApi(backend);
  let frames: (() => void)[] = [];
  const live = new RunLive(api, projectId, runId, (callback) => frames.push(callback));
  live.follow();
  return {
    live,
    emitPoints: (points, of = runId) => backend.emit('run.points', { projectId, runId: of, points }),
    emitLines: (lines) => backend.emit('run.log', { projectId, runId, lines }),
    frame: () => {
      const due = frames;
      frames = [];
      for (const callback of due) callback();
      return due.length;
    },
    answer: async () => {
      release();
      await new Promise((resolve) => setTimeout(resolve, 0));
      released = Promise.resolve();
    },
    reconnect: () => api.reconnect(),
  };
}

function stepLoss(...steps: number[]): Series {
  return {
    series: 'step/loss',
    steps: Float64Array.from(steps),
    epochs: Float64Array.from(steps, (step) => step / 10),
    values: Float64Array.from(steps, (step) => step * 100),
    times: Float64Array.from(steps, (step) => step * 9),
  };
}

describe('RunLive', () => {
  it('shows what is recorded, then what arrives, all of it at once when it is time', async () => {
    const run = open([stepLoss(1, 2)]);
    await run.answer();
    expect([...run.live.series('step/loss').values]).toEqual([100, 200]);

    for (let step = 3; step < 50; step++) run.emitPoints([point(step, step)]);
    expect(run.live.series('step/loss').values.length).toBe(2);
    expect(run.frame()).toBe(1);
    expect(run.live.series('step/loss').values.length).toBe(49);
    expect(run.live.series('step/loss').values.at(-1)).toBe(49);
  });

  it('neither loses nor doubles points that arrive while it reads', async () => {
    const run = open([stepLoss(1, 2, 3)]);
    run.emitPoints([point(2, -2), point(3, -3), point(4, -4)]);
    await run.answer();
    expect([...run.live.series('step/loss').steps]).toEqual([1, 2, 3, 4]);
    expect([...run.live.series('step/loss').values]).toEqual([100, 200, 300, -4]);
  });

  it('leaves points of other runs alone', async () => {
    const run = open([stepLoss(1)]);
    await run.answer();
    run.emitPoints([point(2, 2)], 99 as RunId);
    expect(run.frame()).toBe(0);
  });

  it('joins the recorded log with new lines', async () => {
    const line = (time: string, text: string): LogLine => ({ time, level: 'info', text });
    const run = open([], [line('2026-01-01T00:00:01Z', 'recorded')]);
    run.emitLines([line('2026-01-01T00:00:01Z', 'recorded'), line('2026-01-01T00:00:02Z', 'early')]);
    await run.answer();
    run.emitLines([line('2026-01-01T00:00:03Z', 'later')]);
    expect(run.live.log.map((entry) => entry.text)).toEqual(['recorded', 'early', 'later']);
  });

  it('reads again when the connection is back', async () => {
    const recorded = [stepLoss(1)];
    const run = open(recorded);
    await run.answer();
    recorded[0] = stepLoss(1, 2, 3);
    run.reconnect();
    await run.answer();
    expect([...run.live.series('step/loss').steps]).toEqual([1, 2, 3]);
  });
});
