/** Full CIFAR-10 for benches: kept in .cache/, made by the script that lies beside the shared test data. */
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, openSync, closeSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readCifar10Batch } from '../../src-main/formats/cifar10.ts';
import type { ImagePack, SplitData, TrainingData } from '../../src-main/engine/data/training-data.ts';
import { SetupProblem } from '../../src-main/setup/say.mjs';
import { repository } from '../helpers/app-session.ts';

const trainFiles = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);
const testFiles = ['test_batch.bin'];

export interface Cifar10 {
  /** Folder with the official binary batches. */
  folder: string;
  data: TrainingData;
}

/** Throws SetupProblem where the data set is not there and cannot be made. */
export async function fullCifar10(progress: (text: string) => void): Promise<Cifar10> {
  const folder = process.env['FOVEA_CIFAR10'] ?? join(repository, '.cache', 'cifar10');
  if (![...trainFiles, ...testFiles].every((file) => existsSync(join(folder, file)))) makeBatches(folder, progress);
  const packs: ImagePack[] = [];
  const train = await packBatches(folder, trainFiles, 'train', packs);
  const evaluation = await packBatches(folder, testFiles, 'test', packs);
  const categories = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
  return { folder, data: { categories, packs, train, evaluation } };
}

function makeBatches(folder: string, progress: (text: string) => void): void {
  const testData = process.env['FOVEA_TEST_DATA'] ?? resolve(repository, '..', 'shared', 'data');
  const script = join(testData, 'get-cifar10.mjs');
  if (!existsSync(script)) {
    throw new SetupProblem(
      'This bench needs CIFAR-10 (binary version), which is not part of the repository.',
      'put data_batch_1.bin … data_batch_5.bin and test_batch.bin into a folder and name it in FOVEA_CIFAR10',
    );
  }
  progress('making the CIFAR-10 batches (about 140 MB to download, once)');
  execFileSync(process.execPath, [script, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Writes the batches' pixels into one pack and adds it to `packs`. */
async function packBatches(
  folder: string,
  files: readonly string[],
  name: string,
  packs: ImagePack[],
): Promise<SplitData> {
  const target = join(repository, '.cache', 'bench');
  mkdirSync(target, { recursive: true });
  const file = join(target, `${name}.u8`);
  const labels: number[] = [];
  const handle = openSync(file, 'w');
  try {
    for (const batch of files.map((each) => join(folder, each))) {
      for await (const images of readCifar10Batch(batch, createReadStream(batch))) {
        labels.push(...images.labels);
        writeSync(handle, images.pixels);
      }
    }
  } finally {
    closeSync(handle);
  }
  const pack = packs.push({ file, count: labels.length, channels: 3, heightPx: 32, widthPx: 32 }) - 1;
  const rows = labels.map((_, row) => row);
  return { imageIds: rows.map((row) => row + 1), packs: rows.map(() => pack), rows, labels };
}
