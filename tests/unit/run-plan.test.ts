/** A run before it starts: its knobs and defaults, what the checks find, and where it can train. */
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DeviceInfo } from '../../src-main/contract/model/device.ts';
import { usualMonitoring } from '../../src-main/contract/model/monitoring.ts';
import { knob as knobSchema } from '../../src-main/contract/model/model-spec.ts';
import type { Dataset } from '../../src-main/contract/model/dataset.ts';
import type { CategoryId, DatasetId } from '../../src-main/contract/model/ids.ts';
import { optimiserConfig, runConfig, scheduleConfig, type RunConfig } from '../../src-main/contract/model/run.ts';
import { valuesByPath, withValueAt } from '../../src-main/services/runs/config-values.ts';
import { describeDevices } from '../../src-main/services/devices/describe.ts';
import { createRunHandlers } from '../../src-main/services/runs/handlers.ts';
import { checkRun, type CheckedFacts } from '../../src-main/services/runs/run-check.ts';
import { nextRunNumber } from '../../src-main/services/runs/run-folders.ts';
import { runTemplate } from '../../src-main/services/runs/run-template.ts';
import { imagesAsTheyAre, noAugmentation } from '../../src-main/contract/model/run-images.ts';
import type { SplitLabels } from '../../src-main/services/training-data/learnable.ts';
import { gpuBox } from '../helpers/devices.ts';
import { fakeTrainers } from '../helpers/fake-trainer.ts';
import { createRunProject, runContext, testConfig, type RunProject } from '../helpers/run-project.ts';
import { launchIdleWorker } from '../helpers/worker-process.ts';

const devices: DeviceInfo[] = describeDevices(gpuBox, new Map());
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
      version: 3,
      task: 'classification',
      model: { id: 'lenet5', options: { batchNorm: false, dropout: 0, kernel: 5, pool: 2, units: 120 } },
      data: { datasetId: 4, trainSplit: 'train', evaluationSplit: 'test', ...imagesAsTheyAre },
      augmentation: noAugmentation,
      loss: { kind: 'cross-entropy', softmaxBeforeLoss: false },
      batchSize: 64,
      accumulation: 1,
      ema: null,
      phases: [
        {
          epochs: 20,
          learningRate: 0.001,
          optimiser: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
          schedule: { kind: 'constant' },
          warmup: { epochs: 0, startFactor: 0.1 },
          freeze: [],
          decayAll: false,
          clipNorm: null,
        },
      ],
      seed: 0,
      device: 'cpu',
      precision: 'float32',
      monitoring: usualMonitoring,
      patience: null,
      weights: null,
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
    expect(withoutKnob).toEqual([
      'version',
      'task',
      'model.id',
      'data.datasetId',
      // Of masks.
      'data.unlabelled',
      'data.boxesAsMasks',
      'loss.kind',
      'phases.0.freeze',
      'weights',
    ]);
  });

  test.each([
    ['sgd', { momentum: 0.9, nesterov: false, weightDecay: 0 }],
    ['adamw', { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }],
    ['rmsprop', { alpha: 0.99, epsilon: 1e-8, momentum: 0, centered: false, weightDecay: 0 }],
  ])('has a knob with a default for whatever %s needs', (kind, fields) => {
    expect(withKind('phases.0.optimiser', kind).phases[0]!.optimiser).toEqual({ kind, ...fields });
  });

  test.each([
    ['step', { everyEpochs: 10, gamma: 0.1 }],
    ['exponential', { gamma: 0.95 }],
    ['cosine', { finalFactor: 0.01 }],
    ['linear', { finalFactor: 0.01 }],
    ['one-cycle', { startFactor: 0.04, finalFactor: 0.0001, riseFraction: 0.3 }],
  ])('has a knob with a default for whatever the schedule %s needs', (kind, fields) => {
    expect(withKind('phases.0.schedule', kind).phases[0]!.schedule).toEqual({ kind, ...fields });
  });

  /** The configuration with another kind in one of its records, all fields at their defaults. */
  function withKind(path: string, kind: string): RunConfig {
    const ofRecord = knobs.filter((knob) => knob.path.startsWith(`${path}.`));
    const fields = ofRecord.map((knob) => ({ ...knob, value: knob.defaultsByKind?.[kind] ?? knob.defaultValue }));
    const changes = [...fields, { path: `${path}.kind`, value: kind }];
    return v.parse(
      runConfig,
      changes.reduce<unknown>((document, change) => withValueAt(document, change.path, change.value), config),
    );
  }

  test('offers every optimiser and schedule, and what can be switched on with its parts', () => {
    const choices = (path: string): string[] => {
      const control = knobs.find((knob) => knob.path === path)?.control;
      return control?.kind === 'choice' ? control.options.map(({ value }) => value).sort() : [];
    };
    const kinds = (options: readonly { entries: { kind: { literal: string } } }[]): string[] =>
      options.map(({ entries }) => entries.kind.literal).sort();
    expect(choices('phases.0.optimiser.kind')).toEqual(kinds(optimiserConfig.options));
    expect(choices('phases.0.schedule.kind')).toEqual(kinds(scheduleConfig.options));
    const ema = knobs.find(({ path }) => path === 'ema')!;
    const whenOn = ema.control.kind === 'optional' ? ema.control.whenOn : {};
    expect(v.is(runConfig, withValueAt(config, 'ema', whenOn))).toBe(true);
    const parts = knobs.filter(({ path }) => path.startsWith('ema.'));
    expect(parts.map(({ path, defaultValue }) => [path.slice('ema.'.length), defaultValue])).toEqual(
      Object.entries(whenOn),
    );
  });

  test('offers mixed precision only where a device gains from it', () => {
    const offers = (known: readonly DeviceInfo[]): boolean =>
      runTemplate('lenet5', dataset, known).knobs.some(({ path }) => path === 'precision');
    expect(offers(devices)).toBe(true);
    expect(offers(devices.map((device) => ({ ...device, available: device.id === 'cpu' })))).toBe(false);
    expect(runTemplate('lenet5', dataset, []).config.precision).toBe('float32');
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

/** Of a task that all images have one label for. */
const labelled = (images: number, byClass: SplitLabels['byClass']): SplitLabels => ({
  ...{ images, labelled: images, byClass },
  ...{ rejected: 0, severalClasses: 0, background: 0, mostLabels: 1, otherObjects: 0 },
});

describe('the check', () => {
  const good: CheckedFacts = {
    config: { ...runTemplate('lenet5', dataset, devices).config },
    dataset,
    labels: {
      train: labelled(50_000, new Map(dataset.categories.map(({ categoryId }) => [categoryId, 16_666]))),
      evaluation: labelled(10_000, new Map()),
    },
    devices,
  };
  const trainedOn = (train: SplitLabels) => ({ ...good.labels, train });
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

  test('says of instance segmentation how many objects have no outline', () => {
    const { config } = runTemplate('yolov8-seg', dataset, devices);
    const train = { ...good.labels.train, otherObjects: 3 };
    const messages = checkRun({ ...good, config, labels: trainedOn(train) }).map(({ message }) => message);
    expect(messages.filter((message) => message.includes('no outline'))).toEqual([
      '3 objects in the split “train” have no outline or mask, so the network learns that nothing is there. Outline them, or turn on “Boxes as masks”, which learns boxes as rectangles.',
    ]);
    const detection = checkRun({
      ...good,
      config: runTemplate('yolov8', dataset, devices).config,
      labels: trainedOn(train),
    });
    expect(detection.filter(({ message }) => message.includes('no outline'))).toEqual([]);
  });

  test.each([
    [254, 'yolov8-seg', 0],
    [255, 'yolov8-seg', 1],
    [255, 'yolov8', 0],
  ])('says that of %i objects in an image %s tells 254 apart', (mostLabels, modelId, times) => {
    const { config } = runTemplate(modelId, dataset, devices);
    const train = { ...good.labels.train, mostLabels };
    const messages = checkRun({ ...good, config, labels: trainedOn(train) }).map(({ message }) => message);
    expect(messages.filter((message) => message.includes('the first 254 have a mask'))).toHaveLength(times);
  });

  test('finds classes without images, images without a class, and a data set without any', () => {
    const categoryId = dataset.categories[0]!.categoryId;
    const few = { ...labelled(50_000, new Map([[categoryId, 49_999]])), labelled: 49_999 };
    expect(found({ labels: trainedOn(few) })).toEqual([
      ['warning', 'data.trainSplit', '1 image in the split “train” without a class will be left out.'],
      ['warning', 'data.trainSplit', 'No training images of car, bird: the network cannot learn to recognise them.'],
    ]);
    const doubted = { ...good.labels.train, severalClasses: 2, rejected: 1 };
    expect(found({ labels: trainedOn(doubted) }).map(([severity, , message]) => [severity, message])).toEqual([
      ['warning', '2 images in the split “train” with several classes will be left out.'],
      ['note', '1 image in the split “train” rejected in review will be left out.'],
    ]);
    const none = { ...labelled(50_000, new Map()), labelled: 0 };
    expect(found({ labels: { ...good.labels, evaluation: { ...none, images: 10_000 } } })).toEqual([
      [
        'error',
        'data.evaluationSplit',
        'No image in the split “test” has a class. Label some, or choose another split.',
      ],
    ]);
    expect(found({ labels: trainedOn(none) })).toEqual([
      ['error', 'data.trainSplit', 'No image in the split “train” has a class. Label some, or choose another split.'],
    ]);
    const many = Array.from({ length: 9 }, (_, ordinal) => ({
      categoryId: (ordinal + 1) as CategoryId,
      ordinal,
      name: `c${ordinal}`,
    }));
    expect(
      found({
        dataset: { ...dataset, categories: many },
        labels: trainedOn(labelled(50_000, new Map([[categoryId, 50_000]]))),
      })[0]?.[2],
    ).toContain('No training images of c1, c2, c3, c4, c5 and 3 more:');
  });

  test('finds images that do not fit the network', () => {
    expect(found({ dataset: { ...dataset, imageSize: null } })).toEqual([
      [
        'error',
        'data.inputSize.widthPx',
        "The images of “CIFAR-10” differ in size. Choose the size of the network's input.",
      ],
    ]);
    const resized = configWith('data.inputSize', { widthPx: 64, heightPx: 64 });
    expect(found({ config: resized, dataset: { ...dataset, imageSize: null } })).toEqual([]);
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

  test('finds a network or a loss of another task, and what its labels must be', () => {
    const other = { ...good.config, model: { id: 'unet', options: {} } };
    expect(found({ config: other })).toEqual([
      ['error', undefined, 'U-Net is a network for segmentation, but the run is for classification.'],
    ]);
    expect(found({ config: { ...other, task: 'segmentation' } })).toEqual([
      ['error', undefined, 'The loss "cross-entropy" is not one of segmentation. Use: sum.'],
    ]);
    const terms = [{ weight: 1, loss: { kind: 'dice', smooth: 0 } as const }];
    const segmentation: RunConfig = { ...other, task: 'segmentation', loss: { kind: 'sum', binary: false, terms } };
    const none = { ...labelled(50_000, new Map()), labelled: 0 };
    expect(found({ config: segmentation, labels: trainedOn(none) })).toEqual([
      [
        'error',
        'data.trainSplit',
        'No image in the split “train” has an outline or a mask. Label some, or choose another split.',
      ],
    ]);
    // Images without an object are the background, which is learned too.
    const background = { ...good.labels.train, labelled: 40_000, background: 10_000 };
    expect(found({ config: segmentation, labels: trainedOn(background) })).toEqual([]);
    const odd = withValueAt(segmentation, 'data.inputSize', { widthPx: 64, heightPx: 100 }) as RunConfig;
    expect(found({ config: odd })).toEqual([
      [
        'error',
        'data.inputSize.heightPx',
        'The network takes inputs whose sides are multiples of 32 px: use 64 × 96 px.',
      ],
    ]);
  });

  test('finds mosaics where they teach nothing, or never come', () => {
    const mosaic = configWith('augmentation.mosaic', 1);
    expect(found({ config: mosaic })).toEqual([
      ['error', 'augmentation.mosaic', expect.stringContaining('so it can teach no class. Switch it off.')],
    ]);
    const closed = withValueAt(mosaic, 'augmentation.closeMosaicEpochs', 20) as RunConfig;
    expect(found({ config: closed })[1]).toEqual([
      'note',
      'augmentation.closeMosaicEpochs',
      'The run ends before its last epoch with mosaics, so there are none.',
    ]);
    const cropped = withValueAt(mosaic, 'augmentation.randomCrop', 0.5) as RunConfig;
    expect(found({ config: cropped })[1]?.[1]).toBe('augmentation.randomCrop');
  });

  test('puts errors first', () => {
    const config = withValueAt(configWith('loss.softmaxBeforeLoss', true), 'device', 'cuda') as RunConfig;
    const noGpu = describeDevices({ ...gpuBox, hasCudaLibraries: false }, new Map());
    expect(found({ config, devices: noGpu })).toEqual([
      [
        'error',
        'device',
        'The device “cuda” cannot be used: The CUDA libraries are not installed. Run `npm run setup:cuda`.',
      ],
      ['note', 'loss.softmaxBeforeLoss', expect.any(String)],
    ]);
  });

  test('warns of mixed precision on a CPU, which only becomes slower', () => {
    const mixed = configWith('precision', 'mixed');
    expect(found({ config: mixed })).toEqual([
      ['warning', 'precision', expect.stringContaining('mixed precision only makes training slower. Use float32.')],
    ]);
    const onGpu = withValueAt(mixed, 'device', 'webgpu') as RunConfig;
    expect(found({ config: onGpu, devices: devices.map((device) => ({ ...device, available: true })) })).toEqual([]);
  });

  test('finds Nesterov without momentum, and AdamW without decay', () => {
    const optimiser = { kind: 'sgd', momentum: 0, nesterov: true, weightDecay: 0 };
    expect(found({ config: configWith('phases.0.optimiser', optimiser) })).toEqual([
      ['error', 'phases.0.optimiser.nesterov', 'Nesterov needs a momentum above 0.'],
    ]);
    const adamw = { ...good.config.phases[0]!.optimiser, kind: 'adamw' };
    expect(found({ config: configWith('phases.0.optimiser', adamw) })).toEqual([
      ['note', 'phases.0.optimiser.weightDecay', 'AdamW without weight decay is the same as Adam.'],
    ]);
  });

  test('finds a warm-up that never ends, or that one cycle does not need', () => {
    expect(found({ config: configWith('phases.0.warmup.epochs', 20) })).toEqual([
      [
        'warning',
        'phases.0.warmup.epochs',
        'The warm-up lasts as long as training, so the learning rate never reaches its value. Make it shorter.',
      ],
    ]);
    const warm = configWith('phases.0.warmup.epochs', 2);
    expect(found({ config: warm })).toEqual([]);
    const oneCycle = { kind: 'one-cycle', startFactor: 0.04, finalFactor: 0.001, riseFraction: 0.3 };
    expect(found({ config: withValueAt(warm, 'phases.0.schedule', oneCycle) as RunConfig })).toEqual([
      ['note', 'phases.0.warmup.epochs', 'One cycle already begins with a rise; it needs no warm-up.'],
    ]);
  });

  test('finds more accumulation than an epoch has steps, and images pushed out of sight', () => {
    expect(found({ config: configWith('accumulation', 782) })).toEqual([]);
    expect(found({ config: configWith('accumulation', 783) })).toEqual([
      [
        'warning',
        'accumulation',
        'An epoch has only 782 steps, so the weights change once in an epoch. Accumulate fewer.',
      ],
    ]);
    expect(found({ config: configWith('augmentation.shift', 31) })).toEqual([]);
    expect(found({ config: configWith('augmentation.shift', 32) })).toEqual([
      [
        'error',
        'augmentation.shift',
        'A shift of 32 px can push an image of 32 × 32 px out of sight. Make it smaller.',
      ],
    ]);
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
    const { context } = runContext(trainers.launch, launchIdleWorker);
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
