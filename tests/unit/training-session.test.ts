/** The session in the training process, with a `train` that a test scripts. */
import { EventEmitter } from 'node:events';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import type { TrainOptions, TrainOutcome } from '../../src-main/engine/train/train-options.ts';
import type { train } from '../../src-main/engine/train/trainer.ts';
import { acquireFolderLock } from '../../src-main/training-process/folder-lock.ts';
import type { TrainerEvent } from '../../src-main/training-process/messages.ts';
import { connectToParent } from '../../src-main/processes/parent-link.ts';
import { Pacer } from '../../src-main/training-process/pacer.ts';
import { TrainingSession } from '../../src-main/training-process/session.ts';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { testConfig } from '../helpers/run-project.ts';

const data: TrainingData = {
  categories: ['a', 'b'],
  packs: [{ file: '/none', count: 3, channels: 1, heightPx: 2, widthPx: 2 }],
  train: { imageIds: [1, 2], packs: [0, 0], rows: [0, 2], labels: [1, 0] },
  evaluation: { imageIds: [3], packs: [0], rows: [1], labels: [1] },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-session-'));
  await writeTrainingData(join(folder, 'data.json'), data);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function sessionWith(script: (options: TrainOptions) => Promise<TrainOutcome>): {
  session: TrainingSession;
  sent: TrainerEvent[];
} {
  const sent: TrainerEvent[] = [];
  const session = new TrainingSession(
    (event) => sent.push(event),
    async () => script as typeof train,
  );
  return { session, sent };
}
const job = () => ({ folder, config: testConfig(1 as DatasetId), resume: false });

describe('a session', () => {
  test('gives the trainer the job and its data, and says how it ended', async () => {
    let given: TrainOptions | null = null;
    const { session, sent } = sessionWith(async (options) => {
      given = options;
      options.report.started(10, 0);
      options.report.log('info', 'hello');
      return { kind: 'finished', epochsDone: 2 };
    });
    session.handle({ kind: 'train', job: job() });
    await session.ended;
    expect(given).toMatchObject({ ...job(), data });
    expect(sent).toMatchObject([
      { kind: 'started', parameterCount: 10, epochsDone: 0 },
      { kind: 'log', lines: [{ level: 'info', text: 'hello' }] },
      { kind: 'finished', epochsDone: 2 },
    ]);
  });

  test('sends progress at most ten times a second and points at most five times, and loses none of the points', async () => {
    const { session, sent } = sessionWith(async ({ report }) => {
      report.started(10, 0);
      for (let step = 1; step <= 200; step++) {
        report.progress({
          activity: 'training',
          epoch: 1,
          epochsTotal: 1,
          step,
          stepsPerEpoch: 200,
          imagesPerSecond: null,
          secondsLeft: null,
        });
        report.points([{ series: 'step/loss', step, epoch: step / 200, value: 1 }]);
        await pause(5);
      }
      report.checkpoint(1, true);
      return { kind: 'finished', epochsDone: 1 };
    });
    const startedAt = performance.now();
    session.handle({ kind: 'train', job: job() });
    await session.ended;
    const seconds = (performance.now() - startedAt) / 1000;
    const ofKind = <K extends TrainerEvent['kind']>(kind: K) =>
      sent.filter((event) => event.kind === kind) as Extract<TrainerEvent, { kind: K }>[];
    expect(ofKind('progress').length).toBeLessThanOrEqual(seconds * 10 + 2);
    expect(ofKind('progress').length).toBeGreaterThan(5);
    expect(ofKind('points').length).toBeLessThanOrEqual(seconds * 5 + 2);
    const points = ofKind('points').flatMap(({ points }) => points);
    const machine = points.filter(({ series }) => series.startsWith('machine/'));
    expect(machine.map(({ series, step }) => [series, step])).toEqual([
      ['machine/memory', 200],
      ['machine/load', 200],
    ]);
    const steps = points.filter((point) => !machine.includes(point)).map(({ step }) => step);
    expect(steps).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(sent.slice(-1)).toMatchObject([{ kind: 'finished' }]);
    // The last points come before the checkpoint that contains them.
    expect(sent.findLastIndex(({ kind }) => kind === 'points')).toBeLessThan(
      sent.findIndex(({ kind }) => kind === 'checkpoint'),
    );
  });

  test('measures the machine every ten seconds of an epoch', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const { session, sent } = sessionWith(async ({ report }) => {
        report.started(10, 0);
        for (const [step, epoch] of [...[1, 2, 3].map((at) => [at, at / 4]), [4, 1]] as [number, number][]) {
          vi.advanceTimersByTime(6000);
          report.points([{ series: 'step/loss', step, epoch, value: 1 }]);
        }
        report.checkpoint(1, true);
        return { kind: 'finished', epochsDone: 1 };
      });
      session.handle({ kind: 'train', job: job() });
      await session.ended;
      const points = sent.flatMap((event) => (event.kind === 'points' ? event.points : []));
      const loads = points.filter(({ series }) => series === 'machine/load');
      expect(loads.map(({ step, epoch }) => [step, epoch])).toEqual([
        [2, 0.5],
        [4, 1],
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('stops when it is told to', async () => {
    const { session, sent } = sessionWith(async ({ report, signal }) => {
      report.started(10, 0);
      while (!signal.aborted) await pause(5);
      return { kind: 'cancelled', epochsDone: 0.25 };
    });
    session.handle({ kind: 'train', job: job() });
    await pause(50);
    session.handle({ kind: 'cancel' });
    await session.ended;
    expect(sent.at(-1)).toEqual({ kind: 'cancelled', epochsDone: 0.25 });
  });

  test('without a job has nothing to wait for', async () => {
    const { session, sent } = sessionWith(() => Promise.reject(new Error('not reached')));
    session.stop();
    await session.ended;
    expect(sent).toEqual([]);
  });

  test.each([
    [
      new FoveaError('bad-input', 'The loss became NaN.', { step: 7 }),
      { code: 'bad-input', message: 'The loss became NaN.', context: { step: 7 } },
    ],
    [new TypeError('x is not a function'), { code: 'internal', message: 'internal: x is not a function', context: {} }],
  ])('fails with %s, once, and its record says so', async (thrown, expected) => {
    const { session, sent } = sessionWith(async ({ report }) => {
      report.started(10, 0);
      throw thrown;
    });
    session.handle({ kind: 'train', job: job() });
    await session.ended;
    session.fail(new Error('a second one'));
    expect(sent.filter(({ kind }) => kind === 'failed')).toEqual([{ kind: 'failed', error: expected }]);
    expect(sent).toContainEqual(
      expect.objectContaining({
        kind: 'log',
        lines: [expect.objectContaining({ level: 'error', text: expected.message })],
      }),
    );
    expect(await readFile(join(folder, 'events.jsonl'), 'utf8')).toContain(
      `"kind":"failed","error":{"code":"${expected.code}"`,
    );
  });

  test('fails with an error that nobody caught', async () => {
    const { session, sent } = sessionWith(() => new Promise(() => undefined));
    session.handle({ kind: 'train', job: job() });
    await pause(30);
    session.fail(new RangeError('out of memory'));
    await session.ended;
    expect(sent.at(-1)).toMatchObject({ kind: 'failed', error: { message: 'internal: out of memory' } });
  });

  test.each([
    ['no JSON', '{"categories":', /data\.json: .*JSON/],
    [
      'a list too short',
      JSON.stringify({ ...data, train: { ...data.train, rows: [0] } }),
      /train has lists of different lengths/,
    ],
    [
      'a row outside its pack',
      JSON.stringify({ ...data, train: { ...data.train, rows: [0, 3] } }),
      /train image 1 is in no pack/,
    ],
    [
      'a pack that is not there',
      JSON.stringify({ ...data, evaluation: { ...data.evaluation, packs: [1] } }),
      /evaluation image 0 is in no pack/,
    ],
    [
      'an unknown label',
      JSON.stringify({ ...data, evaluation: { ...data.evaluation, labels: [2] } }),
      /evaluation image 0 has an unknown label/,
    ],
    ['a negative id', JSON.stringify({ ...data, train: { ...data.train, imageIds: [1, -2] } }), /train\.imageIds\.1: /],
  ])('refuses data with %s', async (_, text, message) => {
    await writeFile(join(folder, 'data.json'), text);
    const { session, sent } = sessionWith(() => Promise.reject(new Error('not reached')));
    session.handle({ kind: 'train', job: job() });
    await session.ended;
    expect(sent.at(-1)).toMatchObject({
      kind: 'failed',
      error: { code: 'bad-input', message: expect.stringMatching(message) },
    });
  });
});

test('a large data file is written in pieces and read as it was', async () => {
  const count = 20_000;
  const split = (first: number) => ({
    imageIds: Array.from({ length: count }, (_, index) => first + index),
    packs: new Array<number>(count).fill(0),
    rows: Array.from({ length: count }, (_, index) => index),
    labels: Array.from({ length: count }, (_, index) => index % 2),
  });
  const large: TrainingData = {
    categories: ['a', '"b"\n'],
    packs: [{ ...data.packs[0]!, count }],
    train: split(1),
    evaluation: split(count + 1),
  };
  await writeTrainingData(join(folder, 'data.json'), large);
  expect(JSON.parse(await readFile(join(folder, 'data.json'), 'utf8'))).toEqual(large);
  await writeTrainingData(join(folder, 'data.json'), {
    ...large,
    train: { imageIds: [], packs: [], rows: [], labels: [] },
  });
  expect(JSON.parse(await readFile(join(folder, 'data.json'), 'utf8')).train.labels).toEqual([]);
});

describe('the lock of a run folder', () => {
  const times = { renewEveryMs: 20, staleAfterMs: 5_000, waitAtMostMs: 300 };
  const file = () => join(folder, 'training.lock');

  test('makes a second process wait, and lets it in when the first is done', async () => {
    await writeFile(file(), `${process.ppid}\n`);
    const waiting = acquireFolderLock(file(), { ...times, waitAtMostMs: 5_000 });
    await pause(250);
    await rm(file());
    const lock = await waiting;
    expect(await readFile(file(), 'utf8')).toBe(`${process.pid}\n`);
    await lock.release();
    await expect(readFile(file())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('does not let two in, and says who is there', async () => {
    await writeFile(file(), `${process.ppid}\n`);
    await expect(acquireFolderLock(file(), times)).rejects.toMatchObject({
      code: 'busy',
      message: `Another process (${process.ppid}) still trains in this run's folder. Wait for it to end, or end it; if there is no such process, delete ${file()}.`,
    });
  });

  test('of a dead process, or one not renewed for long, does not count', async () => {
    await writeFile(file(), `${2 ** 22 + 1}\n`);
    await (await acquireFolderLock(file(), times)).release();
    await writeFile(file(), `${process.ppid}\n`);
    await utimes(file(), new Date(), new Date(Date.now() - 10_000));
    await (await acquireFolderLock(file(), times)).release();
  });
});

describe('the link to the parent', () => {
  afterEach(() => Reflect.deleteProperty(process, 'parentPort'));

  test('is the port of an Electron utility process where there is one', async () => {
    const port = Object.assign(new EventEmitter(), {
      posted: [] as unknown[],
      postMessage: (message: unknown) => void port.posted.push(message),
    });
    Object.defineProperty(process, 'parentPort', { value: port, configurable: true });
    const link = connectToParent();
    const heard: unknown[] = [];
    link.onCommand((command) => heard.push(command));
    link.onGone(() => heard.push('gone'));
    link.send({ kind: 'ready' });
    port.emit('message', { data: { kind: 'cancel' } });
    port.emit('close');
    await link.drained();
    expect(port.posted).toEqual([{ kind: 'ready' }]);
    expect(heard).toEqual([{ kind: 'cancel' }, 'gone']);
  });
});

describe('a pacer', () => {
  test('passes the first at once, then what has come together, and on request', async () => {
    const passed: number[][] = [];
    const pacer = new Pacer<number[]>(
      50,
      (waiting, next) => [...waiting, ...next],
      (values) => passed.push(values),
    );
    pacer.add([1]);
    pacer.add([2]);
    pacer.add([3]);
    expect(passed).toEqual([[1]]);
    await pause(80);
    expect(passed).toEqual([[1], [2, 3]]);
    pacer.add([4]);
    pacer.flush();
    pacer.flush();
    expect(passed).toEqual([[1], [2, 3], [4]]);
  });
});
