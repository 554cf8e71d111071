import { expect, test } from 'vitest';
import type { DatasetId, RunId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig, SeriesName, TimedPoint } from '../../src-main/contract/model/run.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { errorOf } from '../helpers/errors.ts';
import { addRun, createStore, runConfig } from '../helpers/store-fixture.ts';

const DATASET = 1 as DatasetId;

function points(series: SeriesName, values: readonly number[]): TimedPoint[] {
  return values.map((value, index) => ({
    series,
    step: (index + 1) * 10,
    epoch: index + 1,
    value,
    elapsedMs: (index + 1) * 500,
  }));
}

test('a new run is queued, with everything its configuration says', async () => {
  const store = await createStore();
  const runId = addRun(store, DATASET, 'first', [3, 4]);
  expect(store.runs.get(runId)).toEqual({
    runId,
    name: 'first',
    status: 'queued',
    reason: null,
    task: 'classification',
    modelId: 'lenet5',
    datasetId: 1,
    datasetName: 'Letters',
    createdAt: '2026-01-02T03:04:05Z',
    startedAt: null,
    endedAt: null,
    durationMs: 0,
    epochsDone: 0,
    epochsTotal: 7,
    parameterCount: 0,
    latest: {},
    best: {},
    resumable: false,
    resumedEpochs: [],
    interventions: [],
    tags: [],
    notes: '',
    pinned: false,
    archived: false,
    sweepId: null,
    priority: 0,
    slurmJob: null,
  });
  expect(store.runs.config(runId)).toEqual(runConfig(DATASET, [3, 4]));
  expect(store.runs.folder(runId)).toBe('runs/first');
});

test('a configuration that an earlier version stored is read as one of today', async () => {
  const store = await createStore();
  const { accumulation, ema, augmentation, ...older } = runConfig(DATASET);
  const [{ warmup, decayAll, clipNorm, ...phase }] = older.phases as [RunConfig['phases'][number]];
  const stored = { ...older, version: 1, phases: [phase] };
  const runId = store.runs.insert({
    name: 'old',
    config: stored as unknown as RunConfig,
    datasetName: 'Letters',
    folder: 'runs/old',
    createdAt: '2026-01-02T03:04:05Z',
  });
  expect([accumulation, ema, augmentation]).toEqual([1, null, noAugmentation]);
  expect(store.runs.config(runId)).toEqual({
    ...runConfig(DATASET),
    phases: [{ ...phase, warmup, clipNorm, decayAll: !decayAll }],
  });
});

test('an update changes what it names and nothing else', async () => {
  const store = await createStore();
  const runId = addRun(store, DATASET, 'first');
  store.runs.update(runId, {
    status: 'running',
    startedAt: '2026-01-03T00:00:00Z',
    parameterCount: 62_006,
    resumable: true,
  });
  store.runs.update(runId, { status: 'failed', reason: 'the process died', durationMs: 1234.5, epochsDone: 2 });
  store.runs.update(runId, {});
  expect(store.runs.get(runId)).toMatchObject({
    name: 'first',
    status: 'failed',
    reason: 'the process died',
    startedAt: '2026-01-03T00:00:00Z',
    endedAt: null,
    durationMs: 1234.5,
    epochsDone: 2,
    parameterCount: 62_006,
    resumable: true,
  });
  store.runs.update(runId, { reason: null });
  expect(store.runs.get(runId).reason).toBeNull();
});

test('latest is the last step; best is the extreme in its direction, at the earliest epoch', async () => {
  const store = await createStore();
  const runId = addRun(store, DATASET, 'first');
  const other = addRun(store, DATASET, 'other');
  store.runs.appendPoints(other, points('test/accuracy', [0.99]));
  store.runs.appendPoints(runId, points('test/accuracy', [0.4, 0.7, 0.7, 0.6]));
  store.runs.appendPoints(runId, points('test/loss', [1.2, 0.5, 0.9, 0.5]));
  store.runs.appendPoints(runId, points('step/loss', [9, 8, 0.0001]));
  const { latest, best } = store.runs.get(runId);
  expect(latest).toEqual({ 'test/accuracy': 0.6, 'test/loss': 0.5 });
  expect(best).toEqual({ 'test/accuracy': { value: 0.7, epoch: 2 }, 'test/loss': { value: 0.5, epoch: 2 } });
  expect(store.runs.list().map((run) => [run.name, run.best['test/accuracy']?.value])).toEqual([
    ['other', 0.99],
    ['first', 0.7],
  ]);
});

test('a value that is not a number is kept in its series, but is never latest or best', async () => {
  const store = await createStore();
  const runId = addRun(store, DATASET, 'diverged');
  store.runs.appendPoints(runId, points('train/loss', [2, NaN]));
  store.runs.appendPoints(runId, points('test/loss', [3, Infinity]));
  const [series] = store.runs.series(runId, ['train/loss']);
  expect([...series!.values]).toEqual([2, NaN]);
  expect(store.runs.get(runId).latest).toEqual({ 'test/loss': Infinity });
  expect(store.runs.get(runId).best).toEqual({
    'train/loss': { value: 2, epoch: 1 },
    'test/loss': { value: 3, epoch: 1 },
  });
});

test('latest and best follow every change of the points, and are kept between', async () => {
  const store = await createStore();
  const runId = addRun(store, DATASET, 'first');
  const scores = () => store.database.prepare('SELECT scores FROM run').pluck().get() as string | null;
  store.runs.appendPoints(runId, points('test/accuracy', [0.4, 0.7, 0.6]));
  expect(scores()).toBeNull();
  expect(store.runs.list()[0]!.best['test/accuracy']).toEqual({ value: 0.7, epoch: 2 });
  const kept = scores();
  expect(kept).toContain('0.7');
  store.runs.appendPoints(runId, points('step/loss', [3]));
  expect(scores()).toBe(kept);
  store.runs.deletePointsAfter(runId, 1);
  expect(store.runs.get(runId)).toMatchObject({
    latest: { 'test/accuracy': 0.4 },
    best: { 'test/accuracy': { value: 0.4, epoch: 1 } },
  });
});

test('a series comes back in the order of its steps, and a repeated step replaces the earlier one', async () => {
  const store = await createStore();
  const runId = addRun(store, DATASET, 'first');
  store.runs.appendPoints(runId, points('train/loss', [3, 2, 1]).reverse());
  store.runs.appendPoints(runId, [{ series: 'train/loss', step: 20, epoch: 2.5, value: 7, elapsedMs: null }]);
  const [loss, empty] = store.runs.series(runId, ['train/loss', 'test/loss']);
  expect(loss!.series).toBe('train/loss');
  expect([...loss!.steps]).toEqual([10, 20, 30]);
  expect([...loss!.epochs]).toEqual([1, 2.5, 3]);
  expect([...loss!.values]).toEqual([3, 7, 1]);
  expect([...loss!.times]).toEqual([500, NaN, 1500]);
  expect(empty).toEqual({
    series: 'test/loss',
    steps: new Float64Array(),
    epochs: new Float64Array(),
    values: new Float64Array(),
    times: new Float64Array(),
  });
});

test('points after an epoch can be taken back', async () => {
  const store = await createStore();
  const runId = addRun(store, DATASET, 'first');
  store.runs.appendPoints(runId, points('train/loss', [3, 2, 1]));
  store.runs.deletePointsAfter(runId, 2);
  expect([...store.runs.series(runId, ['train/loss'])[0]!.epochs]).toEqual([1, 2]);
});

test('a trashed run is in no list and no count until it is brought back; its folder stays its own', async () => {
  const store = await createStore();
  const runId = addRun(store, DATASET, 'first');
  store.runs.update(runId, { trashedAt: '2026-01-03T00:00:00Z' });
  expect([store.runs.list(), store.runs.count()]).toEqual([[], 0]);
  expect([store.trash.list(), store.runs.folders()]).toMatchObject([[{ kind: 'run', runId }], ['runs/first']]);
  store.runs.update(runId, { trashedAt: null });
  expect([store.runs.list().length, store.runs.count(), store.trash.list()]).toEqual([1, 1, []]);
});

test('what a person keeps with a run comes back as it was', async () => {
  const store = await createStore();
  const runId = addRun(store, DATASET, 'first');
  const kept = {
    tags: ['baseline', 'a, "b"'],
    notes: 'two\nlines',
    pinned: true,
    archived: true,
    resumedEpochs: [1.5],
  };
  store.runs.update(runId, kept);
  expect(store.runs.get(runId)).toMatchObject(kept);
});

test('only queued and running runs hold their data set', async () => {
  const store = await createStore();
  const runId = addRun(store, DATASET, 'first');
  expect(store.runs.isDatasetInUse(DATASET)).toBe(true);
  expect(store.runs.isDatasetInUse(2 as DatasetId)).toBe(false);
  store.runs.update(runId, { status: 'running' });
  expect(store.runs.inProgress()).toEqual([runId]);
  for (const status of ['finished', 'cancelled', 'failed', 'interrupted'] as const) {
    store.runs.update(runId, { status });
    expect(store.runs.isDatasetInUse(DATASET), status).toBe(false);
  }
  expect(store.runs.inProgress()).toEqual([]);
});

test('a deleted run takes its points with it, and its id is not given again', async () => {
  const store = await createStore();
  const first = addRun(store, DATASET, 'first');
  store.runs.appendPoints(first, points('train/loss', [1]));
  store.runs.delete(first);
  expect(store.database.prepare('SELECT count(*) FROM metric_point').pluck().get()).toBe(0);
  expect(store.runs.list()).toEqual([]);
  expect(addRun(store, DATASET, 'second')).toBe(first + 1);
});

test('an unknown run is not found', async () => {
  const { runs } = await createStore();
  const unknown = 5 as RunId;
  for (const action of [
    () => runs.get(unknown),
    () => runs.config(unknown),
    () => runs.update(unknown, { name: 'x' }),
    () => runs.delete(unknown),
  ]) {
    expect(errorOf(action).message).toBe('There is no run 5 in this project.');
  }
});
