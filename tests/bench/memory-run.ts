/** A run of LeNet-5 with batch norm on noise, as large as a bench wants it, without holding the noise in memory. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { SplitData, TrainingData } from '../../src-main/engine/data/training-data.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';

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
  const config: RunConfig = smallConfig(
    { batchSize, phases: [phase({ learningRate: 0.001 })], seed: 1 },
    { batchNorm: true },
  );
  const data: TrainingData = {
    categories: Array.from({ length: 10 }, (_, i) => `class ${i}`),
    packs: [{ file, count, channels: 3, heightPx: 32, widthPx: 32 }],
    train: split(0, images),
    evaluation: split(images, count),
  };
  return { config, data };
}
