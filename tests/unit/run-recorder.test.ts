import { mkdtemp, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { MetricPoint } from '../../src-main/contract/model/run.ts';
import { readEvents, type RunEvent } from '../../src-main/engine/train/run-events.ts';
import { RunRecorder } from '../../src-main/training-process/run-recorder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-recorder-'));
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-02T03:04:05.000Z') });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

const results = (): Promise<string> => readFile(join(folder, 'results.csv'), 'utf8');
const events = async (): Promise<RunEvent[]> => {
  const found: RunEvent[] = [];
  for await (const { event } of readEvents(join(folder, 'events.jsonl'))) found.push(event);
  return found;
};
const steps = (...epochs: number[]): RunEvent => ({
  kind: 'points',
  points: epochs.map((epoch) => ({ series: 'step/loss', step: epoch * 4, epoch, value: 2 })),
});
const epochEnd = (epoch: number, accuracy = 0.5): RunEvent => {
  const point = (series: MetricPoint['series'], value: number): MetricPoint => ({
    series,
    step: epoch * 4,
    epoch,
    value,
  });
  return {
    kind: 'points',
    points: [
      point('train/loss', 1.25),
      point('train/accuracy', 0.25),
      point('test/loss', 1.5),
      point('test/accuracy', accuracy),
      point('epoch/learningRate', 0.001),
    ],
  };
};
const started = (epochsDone: number): RunEvent => ({ kind: 'started', parameterCount: 10, epochsDone });
const checkpoint = (epoch: number): RunEvent => ({ kind: 'checkpoint', epoch, best: false });
const log = (text: string): RunEvent => ({
  kind: 'log',
  lines: [{ time: '2026-01-02T03:04:05.000Z', level: 'info', text }],
});

function record(recorder: RunRecorder, ...reported: RunEvent[]): void {
  for (const event of reported) {
    recorder.record(event);
    vi.advanceTimersByTime(500);
  }
}

describe('results.csv', () => {
  test('has a line for each epoch, with the time that each took', async () => {
    record(
      new RunRecorder(folder, 'classification'),
      started(0),
      steps(0.5, 1),
      epochEnd(1),
      checkpoint(1),
      steps(2),
      epochEnd(2, 0.75),
      checkpoint(2),
    );
    expect(await results()).toBe(
      'epoch,train/loss,train/accuracy,test/loss,test/accuracy,learningRate,seconds\n' +
        '1,1.25,0.25,1.5,0.5,0.001,1.000\n' +
        '2,1.25,0.25,1.5,0.75,0.001,1.500\n',
    );
  });

  test('has the columns of its task', async () => {
    record(new RunRecorder(folder, 'segmentation'), started(0));
    expect(await results()).toBe(
      'epoch,train/loss,train/meanIou,test/loss,test/accuracy,test/meanIou,test/dice,learningRate,seconds\n',
    );
  });

  test('leaves a field empty for what was not measured', async () => {
    const partial: RunEvent = { kind: 'points', points: [{ series: 'test/loss', step: 4, epoch: 1, value: NaN }] };
    record(new RunRecorder(folder, 'classification'), started(0), partial, { kind: 'finished', epochsDone: 1 });
    expect((await results()).split('\n')[1]).toBe('1,,,NaN,,,0.500');
  });
});

describe('a run that goes on', () => {
  test('from an epoch loses what came after it, keeps its log, and has nothing twice', async () => {
    record(
      new RunRecorder(folder, 'classification'),
      started(0),
      log('begin'),
      steps(0.5, 1),
      epochEnd(1),
      checkpoint(1),
    );
    record(
      new RunRecorder(folder, 'classification'),
      started(1),
      steps(1.5, 2),
      epochEnd(2),
      checkpoint(2),
      log('later'),
      steps(2.5),
    );
    record(new RunRecorder(folder, 'classification'), started(1), steps(1.5, 2), epochEnd(2, 0.9), checkpoint(2), {
      kind: 'finished',
      epochsDone: 2,
    });
    expect(await events()).toEqual([
      started(0),
      log('begin'),
      steps(0.5, 1),
      epochEnd(1),
      checkpoint(1),
      started(1),
      log('later'),
      started(1),
      steps(1.5, 2),
      epochEnd(2, 0.9),
      checkpoint(2),
      { kind: 'finished', epochsDone: 2 },
    ]);
    const lines = (await results()).trimEnd().split('\n').slice(1);
    expect(lines.map((line) => line.split(',').slice(0, 5).join())).toEqual([
      '1,1.25,0.25,1.5,0.5',
      '2,1.25,0.25,1.5,0.9',
    ]);
  });

  test('from within an epoch keeps the steps up to there, also of a batch that straddles it', async () => {
    record(new RunRecorder(folder, 'classification'), started(0), steps(0.25, 0.5, 0.75), checkpoint(0.5));
    record(new RunRecorder(folder, 'classification'), started(0.5), steps(0.75));
    expect(await events()).toEqual([started(0), steps(0.25, 0.5), checkpoint(0.5), started(0.5), steps(0.75)]);
  });

  test('has the row of an epoch whose checkpoint was written just before the kill', async () => {
    record(new RunRecorder(folder, 'classification'), started(0), epochEnd(1));
    expect((await results()).split('\n')).toHaveLength(2);
    record(new RunRecorder(folder, 'classification'), started(1));
    expect((await results()).split('\n')[1]).toBe('1,1.25,0.25,1.5,0.5,0.001,0.500');
  });

  test('passes over a line that the kill cut off', async () => {
    record(new RunRecorder(folder, 'classification'), started(0), steps(0.5));
    await writeFile(join(folder, 'events.jsonl'), '{"time":"2026-01-02T03:04:05.000Z","event":{"kind":"po', {
      flag: 'a',
    });
    expect(await events()).toEqual([started(0), steps(0.5)]);
    record(new RunRecorder(folder, 'classification'), started(0.5), steps(0.75));
    expect(await events()).toEqual([started(0), steps(0.5), started(0.5), steps(0.75)]);
  });
});

test('a value that is no number is there again when it is read', async () => {
  const nan: RunEvent = { kind: 'points', points: [{ series: 'step/loss', step: 1, epoch: 0.1, value: NaN }] };
  record(new RunRecorder(folder, 'classification'), nan);
  expect(await events()).toEqual([nan]);
});

test.runIf(process.platform === 'linux')('a full disk is an error that names the file', async () => {
  const recorder = new RunRecorder(folder, 'classification');
  record(recorder, started(0));
  // It opens the file again.
  recorder.close();
  await unlink(join(folder, 'events.jsonl'));
  await symlink('/dev/full', join(folder, 'events.jsonl'));
  expect(() => recorder.record(steps(1))).toThrow(/^Could not write .*events\.jsonl.*ENOSPC/);
});
