/** A run of LeNet-5 with batch norm on noise, as large as a bench wants it, without holding the noise in memory. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { datasetId } from '../../src-main/contract/model/ids.ts';
import { usualMonitoring } from '../../src-main/contract/model/monitoring.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { SplitData, TrainingData } from '../../src-main/engine/data/training-data.ts';
import { imagesAsTheyAre, noAugmentation } from '../../src-main/contract/model/run-images.ts';

const imageBytes = 3 * 32 * 32;

/** Writes the images into `folder`; a fifth as many more are for evaluation. */
export function makeLargeRun(
  folder: string,
  images: number,
  batchSize: number,
): { config: RunConfig; data: TrainingData } {
  const file = join(folder, 'images.u8');
  const count = images + Math.floor(images / 5);
  const noise = Uint8Array.from({ length: 1000 * imageBytes }, (_, i) => (i * 2_654_435_761) >>> 24);
  const handle = openSync(file, 'w');
  for (let written = 0; written < count; written += 1000)
    writeSync(handle, noise, 0, Math.min(1000, count - written) * imageBytes);
  closeSync(handle);
  const split = (first: number, last: number): SplitData => {
    const rows = Array.from({ length: last - first }, (_, i) => first + i);
    return {
      imageIds: rows.map((row) => row + 1),
      packs: rows.map(() => 0),
      rows,
      labels: rows.map((row) => row % 10),
    };
  };
  const config: RunConfig = {
    version: 3,
    task: 'classification',
    model: { id: 'lenet5', options: { batchNorm: true, dropout: 0 } },
    data: { datasetId: v.parse(datasetId, 1), trainSplit: 'train', evaluationSplit: 'test', ...imagesAsTheyAre },
    augmentation: noAugmentation,
    loss: { kind: 'cross-entropy', softmaxBeforeLoss: false },
    batchSize,
    accumulation: 1,
    ema: null,
    phases: [
      {
        epochs: 2,
        learningRate: 0.001,
        optimiser: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
        schedule: { kind: 'constant' },
        warmup: { epochs: 0, startFactor: 0.1 },
        freeze: [],
        decayAll: false,
        clipNorm: null,
      },
    ],
    seed: 1,
    device: 'cpu',
    precision: 'float32',
    monitoring: usualMonitoring,
    patience: null,
    weights: null,
  };
  const data: TrainingData = {
    categories: Array.from({ length: 10 }, (_, i) => `class ${i}`),
    packs: [{ file, count, channels: 3, heightPx: 32, widthPx: 32 }],
    train: split(0, images),
    evaluation: split(images, count),
  };
  return { config, data };
}
