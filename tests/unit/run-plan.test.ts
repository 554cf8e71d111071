/** A run before it starts: its knobs and defaults, what the checks find, and where it can train. */
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { knob as knobSchema, type DeviceInfo } from '../../src-main/contract/model/model-spec.ts';
import type { Dataset } from '../../src-main/contract/model/dataset.ts';
import type { CategoryId, DatasetId } from '../../src-main/contract/model/ids.ts';
import { runConfig, type RunConfig } from '../../src-main/contract/model/run.ts';
import { valuesByPath, withValueAt } from '../../src-main/services/runs/config-values.ts';
import { listDevices, thisMachine, type Machine } from '../../src-main/services/runs/devices.ts';
import { createRunHandlers } from '../../src-main/services/runs/handlers.ts';
import { checkRun, type CheckedFacts } from '../../src-main/services/runs/run-check.ts';
import { nextRunNumber } from '../../src-main/services/runs/run-folders.ts';
import { runTemplate } from '../../src-main/services/runs/run-template.ts';
import { fakeTrainers } from '../helpers/fake-trainer.ts';
import { createRunProject, runContext, testConfig, type RunProject } from '../helpers/run-project.ts';

const gpuBox: Machine = {
  platform: 'linux',
  architecture: 'x64',
  processor: 'Fast CPU',
  coreCount: 8,
  hasNvidiaDriver: true,
  hasCudaLibraries: true,
};
const devices: DeviceInfo[] = listDevices(gpuBox);
const dataset: Dataset = {
  datasetId: 4 as DatasetId,
  name: 'CIFAR-10',
  format: 'cifar10',
  source: '/data',
  createdAt: '2026-01-02T03:04:05.000Z',
  categories: ['plane', 'car', 'bird'].map((name, ordinal) => ({
    categoryId: (ordinal + 1) as CategoryId,
    ordinal,
    name,
  })),
  splitCounts: { train: 50_000, val: 0, test: 10_000 },
  imageSize: { widthPx: 32, heightPx: 32, channels: 3 },
};

describe('the template', () => {
  const { knobs, config } = runTemplate('lenet5', dataset, devices);

  test('has the defaults: Adam at 0.001, batch 64, 20 epochs, seed 0, plain cross-entropy, on the CPU', () => {
    expect(config).toEqual({
      version: 1,
      task: 'classification',
      model: { id: 'lenet5', options: { batchNorm: false, dropout: 0 } },
      data: { datasetId: 4, trainSplit: 'train', evaluationSplit: 'test' },
      loss: { kind: 'cross-entropy', softmaxBeforeLoss: false },
      batchSize: 64,
      phases: [
        {
          epochs: 20,
          learningRate: 0.001,
          optimiser: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
          schedule: { kind: 'constant' },
          freeze: [],
        },
      ],
      seed: 0,
      device: 'cpu',
    });
  });

  test('explains every knob in one sentence and shows the default that the configuration has', () => {
    const values = valuesByPath(config);
    for (const knob of knobs) {
      expect(v.is(knobSchema, knob)).toBe(true);
      expect(knob.explanation).toMatch(/^[A-Z0-9].*\.$/);
      if (values.has(knob.path)) expect([knob.path, knob.defaultValue]).toEqual([knob.path, values.get(knob.path)]);
    }
    expect(new Set(knobs.map(({ path }) => path)).size).toBe(knobs.length);
    const withoutKnob = [...values.keys()].filter((path) => !knobs.some((knob) => knob.path === path));
    expect(withoutKnob).toEqual(['version', 'task', 'model.id', 'data.datasetId', 'loss.kind', 'phases.0.freeze']);
  });

  test('has a knob for whatever another optimiser or schedule needs', () => {
    const changed = [
      ...knobs,
      { path: 'phases.0.optimiser.kind', defaultValue: 'sgd' },
      { path: 'phases.0.schedule.kind', defaultValue: 'exponential' },
    ];
    const sgd = v.parse(
      runConfig,
      changed.reduce<unknown>((document, { path, defaultValue }) => withValueAt(document, path, defaultValue), config),
    );
    expect(sgd.phases[0]).toMatchObject({
      optimiser: { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 },
      schedule: { kind: 'exponential', gamma: 0.95 },
    });
  });

  test('evaluates on the split that has images', () => {
    const evaluationSplit = (splitCounts: Dataset['splitCounts']) =>
      runTemplate('lenet5', { ...dataset, splitCounts }, devices).config.data.evaluationSplit;
    expect(evaluationSplit({ train: 10, val: 5, test: 0 })).toBe('val');
    expect(evaluationSplit({ train: 10, val: 5, test: 5 })).toBe('test');
  });

  test('of an unknown model is refused with the models there are', () => {
    expect(() => runTemplate('lenet6', dataset, devices)).toThrow('There is no model "lenet6". Models: lenet5');
  });
});

describe('the check', () => {
  const good: CheckedFacts = {
    config: { ...runTemplate('lenet5', dataset, devices).config },
    dataset,
    trainCounts: new Map(
      dataset.categories.map(({ categoryId }, index) => [categoryId, index === 0 ? 16_668 : 16_666]),
    ),
    devices,
  };
  const found = (change: Partial<CheckedFacts>) =>
    checkRun({ ...good, ...change }).map(({ severity, path, message }) => [severity, path, message]);
  const configWith = (path: string, value: unknown): RunConfig => withValueAt(good.config, path, value) as RunConfig;

  test('finds nothing wrong with the defaults', () => {
    expect(found({})).toEqual([]);
  });

  test('finds empty splits', () => {
    expect(found({ dataset: { ...dataset, splitCounts: { train: 0, val: 0, test: 0 } } })).toEqual([
      ['error', 'data.trainSplit', '“CIFAR-10” has no images in the split “train”. Choose another split to train on.'],
      [
        'error',
        'data.evaluationSplit',
        '“CIFAR-10” has no images in the split “test”. Choose another split to evaluate on.',
      ],
    ]);
  });

  test('finds classes without images, images without a class, and a data set without any', () => {
    const categoryId = dataset.categories[0]!.categoryId;
    expect(found({ trainCounts: new Map([[categoryId, 49_999]]) })).toEqual([
      ['warning', 'data.trainSplit', 'No training images of car, bird: the network cannot learn to recognise them.'],
      ['warning', 'data.trainSplit', '1 image in the split “train” without a class will be left out.'],
    ]);
    expect(found({ trainCounts: new Map() })).toEqual([
      ['error', 'data.trainSplit', 'No image in the split “train” has a class. Label some, or choose another split.'],
    ]);
    const many = Array.from({ length: 9 }, (_, ordinal) => ({
      categoryId: (ordinal + 1) as CategoryId,
      ordinal,
      name: `c${ordinal}`,
    }));
    expect(
      found({ dataset: { ...dataset, categories: many }, trainCounts: new Map([[categoryId, 50_000]]) })[0]?.[2],
    ).toContain('No training images of c1, c2, c3, c4, c5 and 3 more:');
  });

  test('finds images that do not fit the network', () => {
    expect(found({ dataset: { ...dataset, imageSize: null } })).toEqual([
      ['error', undefined, 'The images of “CIFAR-10” differ in size. This version trains on images of one size.'],
    ]);
    const [[severity, , message]] = found({
      dataset: { ...dataset, imageSize: { widthPx: 8, heightPx: 8, channels: 3 } },
    }) as [string[]];
    expect(severity).toBe('error');
    expect(message).toMatch(/conv2|pool1/);
  });

  test('finds options and layers that the network does not have, and a run that learns nothing', () => {
    expect(found({ config: configWith('model.options.heads', 4) })[0]?.slice(0, 1)).toEqual(['error']);
    expect(found({ config: configWith('phases.0.freeze', ['conv9']) })).toEqual([
      ['error', 'phases.0.freeze', 'There is no layer “conv9” to freeze.'],
    ]);
    expect(found({ config: configWith('phases.0.freeze', ['conv1', 'conv2', 'fc1', 'fc2', 'fc3']) })).toEqual([
      ['error', 'phases.0.freeze', 'Every layer is frozen, so nothing would be learned.'],
    ]);
    expect(found({ config: configWith('phases.0.freeze', ['conv1']) })).toEqual([]);
  });

  test('warns of evaluating on the training images, of a batch beyond the split, and notes the double softmax', () => {
    expect(found({ config: configWith('data.evaluationSplit', 'train') })[0]).toEqual([
      'warning',
      'data.evaluationSplit',
      'The run is evaluated on the images it learns from: its accuracy will say how well it remembers, not how well it generalises. Choose another split.',
    ]);
    expect(found({ config: configWith('batchSize', 60_000) })).toEqual([
      [
        'warning',
        'batchSize',
        'A batch of 60000 is more than the 50,000 training images: every epoch is a single step. Make it smaller.',
      ],
    ]);
    expect(found({ config: configWith('loss.softmaxBeforeLoss', true) })[0]?.slice(0, 2)).toEqual([
      'note',
      'loss.softmaxBeforeLoss',
    ]);
  });

  test('puts errors first', () => {
    const config = withValueAt(configWith('loss.softmaxBeforeLoss', true), 'device', 'cuda') as RunConfig;
    const noGpu = listDevices({ ...gpuBox, hasCudaLibraries: false });
    expect(found({ config, devices: noGpu })).toEqual([
      [
        'error',
        'device',
        'The device “cuda” cannot be used: The CUDA libraries are not installed. Run `npm run setup:cuda`.',
      ],
      ['note', 'loss.softmaxBeforeLoss', expect.any(String)],
    ]);
  });

  test('finds Nesterov without momentum', () => {
    const optimiser = { kind: 'sgd', momentum: 0, nesterov: true, weightDecay: 0 };
    expect(found({ config: configWith('phases.0.optimiser', optimiser) })).toEqual([
      ['error', 'phases.0.optimiser.nesterov', 'Nesterov needs a momentum above 0.'],
    ]);
  });
});

describe('devices', () => {
  test('are the CPU, and CUDA with what is missing for it', () => {
    expect(devices).toEqual([
      { id: 'cpu', label: 'CPU (Fast CPU, 8 cores)', available: true, reason: null },
      { id: 'cuda', label: 'NVIDIA GPU (CUDA)', available: true, reason: null },
    ]);
    const reason = (change: Partial<Machine>) => listDevices({ ...gpuBox, ...change })[1]?.reason;
    expect(reason({ platform: 'darwin' })).toBe('Training on an NVIDIA GPU needs Linux on x64.');
    expect(reason({ hasNvidiaDriver: false })).toBe(
      'No NVIDIA driver was found. Install it, then run `npm run setup:cuda`.',
    );
    expect(reason({ hasCudaLibraries: false })).toBe('The CUDA libraries are not installed. Run `npm run setup:cuda`.');
  });

  test('of this machine begin with its CPU', () => {
    expect(listDevices(thisMachine())[0]).toMatchObject({ id: 'cpu', available: true });
  });
});

test('the next run is numbered after the highest', () => {
  expect(nextRunNumber('lenet5', [])).toBe(1);
  expect(nextRunNumber('lenet5', ['lenet5-2', 'lenet5-11', 'lenet5-x', 'lenet5-3.5', 'other-40', 'lenet5'])).toBe(12);
});

describe('over the calls', () => {
  let project: RunProject;
  let handlers: ReturnType<typeof createRunHandlers>['handlers'];
  const trainers = fakeTrainers();
  beforeEach(async () => {
    const { context } = runContext(trainers.launch);
    ({ handlers } = createRunHandlers(context));
    project = await createRunProject(context.projects);
  });
  afterEach(() => project.dispose());

  test('a template can be started as it is, and errors refuse a start without leaving anything behind', async () => {
    const { projectId } = project.opened.project;
    const { config } = await handlers['run.template']({ projectId, datasetId: project.datasetId, modelId: 'lenet5' });
    expect(await handlers['run.check']({ projectId, config: { ...config, batchSize: 10 } })).toEqual([]);
    const wrong = { ...testConfig(project.datasetId), data: { ...config.data, trainSplit: 'val' as const } };
    await expect(handlers['run.start']({ projectId, config: wrong, name: null })).rejects.toThrow(
      '“Small” has no images in the split “val”. Choose another split to train on.',
    );
    expect(project.opened.store.runs.count()).toBe(0);
    expect(await handlers['run.start']({ projectId, config, name: null })).toMatchObject({
      name: 'lenet5-1',
      status: 'running',
    });
  });

  test('models are listed and described', async () => {
    expect((await handlers['model.list']({})).map(({ id }) => id)).toContain('lenet5');
    const request = {
      modelId: 'lenet5',
      options: { batchNorm: true, dropout: 0 },
      inputShape: [3, 32, 32],
      categoryCount: 10,
      freeze: ['conv1'],
    };
    expect(await handlers['model.describe'](request)).toMatchObject({
      parameterCount: 63_226,
      trainableCount: 63_226 - 456,
    });
  });
});
