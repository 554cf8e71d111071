/** Configurations of runs of LeNet-5 on images as they are, for tests: Adam, a constant rate, nothing else on. */
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { usualMonitoring } from '../../src-main/contract/model/monitoring.ts';
import { imagesAsTheyAre, noAugmentation } from '../../src-main/contract/model/run-images.ts';
import type { OptimiserConfig, PhaseConfig, RunConfig } from '../../src-main/contract/model/run.ts';

export const adam = {
  kind: 'adam',
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
} as const satisfies OptimiserConfig;
export const momentum = {
  kind: 'sgd',
  momentum: 0.9,
  nesterov: false,
  weightDecay: 1e-4,
} as const satisfies OptimiserConfig;

export function phase(changes: Partial<PhaseConfig> = {}): PhaseConfig {
  return {
    epochs: 2,
    learningRate: 0.002,
    optimiser: adam,
    schedule: { kind: 'constant' },
    warmup: { epochs: 0, startFactor: 0.1 },
    freeze: [],
    decayAll: false,
    clipNorm: null,
    ...changes,
  };
}

export function smallConfig(changes: Partial<RunConfig> = {}, options: RunConfig['model']['options'] = {}): RunConfig {
  return {
    version: 3,
    task: 'classification',
    model: { id: 'lenet5', options: { batchNorm: false, dropout: 0, ...options } },
    data: { datasetId: 1 as DatasetId, trainSplit: 'train', evaluationSplit: 'test', ...imagesAsTheyAre },
    augmentation: noAugmentation,
    loss: { kind: 'cross-entropy', softmaxBeforeLoss: false },
    batchSize: 16,
    accumulation: 1,
    ema: null,
    phases: [phase()],
    seed: 4,
    device: 'cpu',
    precision: 'float32',
    monitoring: usualMonitoring,
    patience: null,
    weights: null,
    ...changes,
  };
}
