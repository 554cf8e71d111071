/** Run configurations of earlier versions are read as what they meant. */
import { describe, expect, test } from 'vitest';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { usualMonitoring } from '../../src-main/contract/model/monitoring.ts';
import { readRunConfig, upgradeRunConfig } from '../../src-main/contract/model/run-config-versions.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { runConfig } from '../helpers/store-fixture.ts';

/** As the first version wrote it. */
const first = {
  version: 1,
  task: 'classification',
  model: { id: 'lenet5', options: { batchNorm: true } },
  data: { datasetId: 1, trainSplit: 'train', evaluationSplit: 'test' },
  loss: { kind: 'cross-entropy', softmaxBeforeLoss: false },
  batchSize: 64,
  phases: [
    {
      epochs: 3,
      learningRate: 0.01,
      optimiser: { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.01 },
      schedule: { kind: 'exponential', gamma: 0.9 },
      freeze: ['conv1'],
    },
  ],
  seed: 1,
  device: 'cuda',
};

test('a document from before there was a choice of precision was float32', () => {
  const config = runConfig(1 as DatasetId);
  const { precision, ...before } = config;
  expect(precision).toBe('float32');
  expect(readRunConfig(before)).toEqual(config);
});

describe('version 1', () => {
  test('knew nothing of what came later, and decayed everything', () => {
    expect(readRunConfig(first)).toEqual({
      ...first,
      version: 3,
      data: { ...first.data, inputSize: null, fit: 'letterbox', unlabelled: 'background', boxesAsMasks: false },
      augmentation: noAugmentation,
      accumulation: 1,
      ema: null,
      precision: 'float32',
      monitoring: usualMonitoring,
      patience: null,
      weights: null,
      phases: [{ ...first.phases[0], warmup: { epochs: 0, startFactor: 0.1 }, decayAll: true, clipNorm: null }],
    });
  });

  test('in part keeps what it has, for settings that are laid over a template', () => {
    expect(upgradeRunConfig({ version: 1, batchSize: 8 })).toMatchObject({ version: 3, batchSize: 8, accumulation: 1 });
    expect(upgradeRunConfig({ version: 1, phases: 'none' })).toMatchObject({ version: 3, phases: 'none' });
  });
});

test('version 2 took images as they are and flipped every other one', () => {
  const today = runConfig(1 as DatasetId);
  const { inputSize, fit, unlabelled, boxesAsMasks, ...data } = today.data;
  expect([inputSize, fit, unlabelled, boxesAsMasks]).toEqual([null, 'letterbox', 'background', false]);
  const second = { ...today, version: 2, data, augmentation: { flip: true, shift: 4 } };
  expect(readRunConfig(second)).toEqual({
    ...today,
    augmentation: { ...noAugmentation, flipHorizontal: 0.5, shift: 4 },
  });
});

test('today’s version stays as it is', () => {
  const config = runConfig(1 as DatasetId);
  expect(readRunConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
});

test.each([null, 'text', [], {}, { ...first, version: 4 }, { ...first, phases: [] }])('refuses %j', (document) => {
  expect(() => readRunConfig(document)).toThrow('This is no configuration of a run that can be read here.');
});

test('says where a document is wrong', () => {
  expect(() => readRunConfig({ ...first, batchSize: 0.5 })).toThrow(/ batchSize: Invalid integer/);
});
