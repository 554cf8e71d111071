import { expect, test } from 'vitest';
import type { DatasetId, RunId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig, RunSummary } from '../../src-main/contract/model/run.ts';
import { withValueAt } from '../../src-main/services/runs/config-values.ts';
import { compareRuns } from '../../src-main/services/runs/run-comparison.ts';
import { testConfig } from '../helpers/run-project.ts';

const base = testConfig(1 as DatasetId);
const summary = (id: number, change: Partial<RunSummary> = {}): RunSummary => ({
  runId: id as RunId,
  name: `run ${id}`,
  status: 'finished',
  reason: null,
  task: 'classification',
  modelId: 'lenet5',
  datasetId: 1 as DatasetId,
  datasetName: 'CIFAR-10',
  createdAt: '2026-01-02T03:04:05.000Z',
  startedAt: null,
  endedAt: null,
  durationMs: 0,
  epochsDone: 2,
  epochsTotal: 2,
  parameterCount: 62_006,
  latest: {},
  best: {},
  resumable: false,
  resumedEpochs: [],
  interventions: [],
  sweepId: null,
  priority: 0,
  slurmJob: null,
  tags: [],
  notes: '',
  pinned: false,
  archived: false,
  ...change,
});
const set = (config: RunConfig, path: string, value: unknown): RunConfig =>
  withValueAt(config, path, value) as RunConfig;

test('metrics are those that a run of any of their tasks reports', () => {
  const runs = [
    { summary: summary(1), config: base },
    { summary: summary(2), config: set(base, 'task', 'segmentation') },
  ];
  const names = (compared: typeof runs): string[] => compareRuns(compared).metrics.map(({ metric }) => metric);
  expect(names(runs.slice(1))).toEqual([
    'train/loss',
    'train/meanIou',
    'test/loss',
    'test/accuracy',
    'test/meanIou',
    'test/dice',
  ]);
  expect(names(runs)).toHaveLength(7);
});

test('metrics stand in the order of the runs, with null for what a run does not have', () => {
  const { runs, metrics } = compareRuns([
    {
      summary: summary(2, { latest: { 'test/accuracy': 0.6 }, best: { 'test/accuracy': { value: 0.61, epoch: 1 } } }),
      config: base,
    },
    { summary: summary(1), config: base },
  ]);
  expect(runs.map(({ runId }) => runId)).toEqual([2, 1]);
  expect(metrics.map(({ metric, better }) => [metric, better])).toEqual([
    ['train/loss', 'lower'],
    ['train/accuracy', 'higher'],
    ['test/loss', 'lower'],
    ['test/accuracy', 'higher'],
  ]);
  expect(metrics[3]).toEqual({
    metric: 'test/accuracy',
    label: 'Test accuracy',
    better: 'higher',
    final: [0.6, null],
    best: [{ value: 0.61, epoch: 1 }, null],
  });
});

test('only settings that differ are named, in words', () => {
  const sgd = { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 };
  const other = [
    ['model.options.batchNorm', true],
    ['data.datasetId', 2],
    ['batchSize', 128],
    ['phases.0.optimiser', sgd],
    ['phases.0.freeze', ['conv1', 'conv2']],
  ].reduce((config, [path, value]) => set(config, String(path), value), base);
  const { configuration } = compareRuns([
    { summary: summary(1), config: base },
    { summary: summary(2, { datasetId: 2 as DatasetId, datasetName: 'MNIST' }), config: other },
  ]);
  expect(configuration.map(({ label, values }) => [label, ...values])).toEqual([
    ['Batch norm', 'off', 'on'],
    ['Data set', 'CIFAR-10', 'MNIST'],
    ['Batch size', '10', '128'],
    ['Optimiser', 'Adam', 'SGD'],
    ['Beta 1', '0.9', '–'],
    ['Beta 2', '0.999', '–'],
    ['Epsilon', '1e-8', '–'],
    ['Frozen layers', 'none', 'conv1, conv2'],
    ['Momentum', '–', '0.9'],
    ['Nesterov momentum', '–', 'off'],
  ]);
  expect(configuration[0]?.path).toBe('model.options.batchNorm');
});

test('what can be off is named as on or off, and its parts where it is on', () => {
  const averaged = set(base, 'ema', { decay: 0.99, warmupSteps: 10 });
  const { configuration } = compareRuns([
    { summary: summary(1), config: base },
    { summary: summary(2), config: set(averaged, 'phases.0.clipNorm', 0.5) },
  ]);
  expect(configuration.map(({ label, values }) => [label, ...values])).toEqual([
    ['EMA of the weights', 'off', 'on'],
    ['Gradient clipping', 'off', '0.5'],
    ['EMA decay', '–', '0.99'],
    ['EMA warm-up', '–', '10'],
  ]);
});

test('two data sets of one name are told apart', () => {
  const { configuration } = compareRuns([
    { summary: summary(1), config: base },
    { summary: summary(2, { datasetId: 2 as DatasetId }), config: set(base, 'data.datasetId', 2) },
  ]);
  expect(configuration).toEqual([
    { path: 'data.datasetId', label: 'Data set', values: ['CIFAR-10 (1)', 'CIFAR-10 (2)'] },
  ]);
});

test('where a run has several phases, their settings carry the number of theirs', () => {
  const [first] = base.phases;
  const twoPhases = {
    ...base,
    phases: [
      { ...first!, epochs: 1 },
      { ...first!, learningRate: 0.0001 },
    ],
  };
  const { configuration } = compareRuns([
    { summary: summary(1), config: base },
    { summary: summary(2), config: twoPhases },
  ]);
  expect(configuration.find(({ path }) => path === 'phases.1.learningRate')).toEqual({
    path: 'phases.1.learningRate',
    label: 'Phase 2: Learning rate',
    values: ['–', '0.0001'],
  });
  expect(configuration.find(({ path }) => path === 'phases.0.epochs')?.label).toBe('Phase 1: Epochs');
});

test('runs of the same settings have no difference, also of a model that this version does not know', () => {
  const unknown = set(base, 'model.id', 'lenet9');
  const pair = (config: RunConfig) => [
    { summary: summary(1), config },
    { summary: summary(2), config },
  ];
  expect(compareRuns(pair(base)).configuration).toEqual([]);
  expect(compareRuns(pair(unknown)).configuration).toEqual([]);
});

test('terms of a loss are named by their place and kind', () => {
  const sum = (kind: 'dice' | 'jaccard', weight: number): RunConfig => ({
    ...base,
    loss: { kind: 'sum', binary: false, terms: [{ weight, loss: { kind, smooth: 1 } }] },
  });
  const { configuration } = compareRuns([
    { summary: summary(1), config: sum('dice', 1) },
    { summary: summary(2), config: sum('jaccard', 0.5) },
  ]);
  expect(configuration.map(({ label, values }) => [label, ...values])).toEqual([
    ['Loss, term 1: weight', '1', '0.5'],
    ['Loss, term 1: kind', 'Dice', 'Jaccard'],
  ]);
});
