/**
 * Small data sets for tests, made from a seed: CIFAR-10 (binary version, folder or archive) and MNIST-style IDX. The
 * images are learnable: each class has its own colour and stripes, under noise.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import {
  cifar10,
  serialiseCifar10Batch,
  serialiseCifar10Meta,
  type Cifar10Images,
} from '../../src-main/formats/cifar10.ts';
import { serialiseIdxImages, serialiseIdxLabels } from '../../src-main/formats/idx.ts';

export const CIFAR10_NAMES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` labels that hold each of the classes 0 to 9 equally often, in random order. */
export function shuffledLabels(count: number, random: () => number): Uint8Array {
  const labels = Uint8Array.from({ length: count }, (_, index) => index % 10);
  for (let index = count - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [labels[index], labels[other]] = [labels[other] ?? 0, labels[index] ?? 0];
  }
  return labels;
}

/** Images of the given classes: uint8 [count, channels, side, side]. */
export function drawImages(labels: Uint8Array, channels: number, side: number, random: () => number): Uint8Array {
  const pixels = new Uint8Array(labels.length * channels * side * side);
  let at = 0;
  for (const label of labels) {
    const angle = (label * Math.PI) / 10;
    const [stepX, stepY] = [Math.cos(angle), Math.sin(angle)];
    const shift = random() * side;
    for (let channel = 0; channel < channels; channel++) {
      const level = 128 + 70 * Math.cos((2 * Math.PI * (label + (10 / 3) * channel)) / 10);
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const stripe = 30 * Math.sin(0.9 * (stepX * x + stepY * y) + shift);
          pixels[at++] = Math.max(0, Math.min(255, level + stripe + 60 * (random() - 0.5)));
        }
      }
    }
  }
  return pixels;
}

export interface GeneratedSize {
  /** Training images of each of the ten classes, spread over the five batches. */
  perClass: number;
  /** Test images of each class; a fifth of the training images where absent, at least 1. */
  testPerClass?: number;
  seed: number;
}

export interface GeneratedCifar10 {
  folder: string;
  trainCount: number;
  testCount: number;
  /** Images by file, as written. */
  files: Map<string, Cifar10Images>;
}

/** Writes a small CIFAR-10 (binary version) into `folder`, which is made. */
export async function writeCifar10(folder: string, size: GeneratedSize): Promise<GeneratedCifar10> {
  const random = seededRandom(size.seed);
  const trainCount = size.perClass * 10;
  const testCount = (size.testPerClass ?? Math.max(1, Math.floor(size.perClass / 5))) * 10;
  const trainLabels = shuffledLabels(trainCount, random);
  await mkdir(folder, { recursive: true });
  const files = new Map<string, Cifar10Images>();
  cifar10.trainFiles.forEach((file, batch) => {
    const first = Math.floor((batch * trainCount) / 5);
    const labels = trainLabels.slice(first, Math.floor(((batch + 1) * trainCount) / 5));
    files.set(file, { labels, pixels: drawImages(labels, 3, 32, random) });
  });
  const testLabels = shuffledLabels(testCount, random);
  files.set(cifar10.testFile, { labels: testLabels, pixels: drawImages(testLabels, 3, 32, random) });
  for (const [file, images] of files) await writeFile(join(folder, file), serialiseCifar10Batch(images));
  await writeFile(join(folder, cifar10.metaFile), serialiseCifar10Meta(CIFAR10_NAMES));
  return { folder, trainCount, testCount, files };
}

/** The order of the published archive, which is not the order of the batches. */
const ARCHIVE_ORDER = [
  'data_batch_1.bin',
  'batches.meta.txt',
  'data_batch_3.bin',
  'data_batch_4.bin',
  'test_batch.bin',
  'data_batch_5.bin',
  'data_batch_2.bin',
];

/** Packs a folder as `writeCifar10` made it into a .tar, or a .tar.gz where the name ends so. */
export async function writeArchive(folder: string, archive: string, inside = 'cifar-10-batches-bin'): Promise<void> {
  const items = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = items.filter((item) => item.isFile()).map((item) => relative(folder, join(item.parentPath, item.name)));
  const names = files.sort((a, b) => ARCHIVE_ORDER.indexOf(a) - ARCHIVE_ORDER.indexOf(b));
  const tar = pack();
  const output = createWriteStream(archive);
  const written = archive.endsWith('gz') ? pipeline(tar, createGzip({ level: 1 }), output) : pipeline(tar, output);
  tar.entry({ name: `${inside}/`, type: 'directory' });
  for (const name of names) {
    const content = await readFile(join(folder, name));
    await new Promise<void>((resolve, reject) => {
      tar.entry({ name: `${inside}/${name.replaceAll(sep, '/')}` }, content, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }
  tar.finalize();
  await written;
}

export interface GeneratedIdx {
  folder: string;
  trainCount: number;
  testCount: number;
  train: { labels: Uint8Array; pixels: Uint8Array };
  test: { labels: Uint8Array; pixels: Uint8Array };
}

/** Writes a small MNIST-style data set (28×28, one channel) into `folder`, compressed where asked. */
export async function writeIdx(folder: string, size: GeneratedSize & { gzip?: boolean }): Promise<GeneratedIdx> {
  const random = seededRandom(size.seed);
  const trainCount = size.perClass * 10;
  const testCount = (size.testPerClass ?? Math.max(1, Math.floor(size.perClass / 5))) * 10;
  await mkdir(folder, { recursive: true });
  const write = async (name: string, bytes: Uint8Array): Promise<void> =>
    size.gzip ? writeFile(join(folder, `${name}.gz`), gzipSync(bytes)) : writeFile(join(folder, name), bytes);
  const split = async (prefix: string, count: number): Promise<GeneratedIdx['train']> => {
    const labels = shuffledLabels(count, random);
    const pixels = drawImages(labels, 1, 28, random);
    await write(`${prefix}-images-idx3-ubyte`, serialiseIdxImages(28, 28, pixels));
    await write(`${prefix}-labels-idx1-ubyte`, serialiseIdxLabels(labels));
    return { labels, pixels };
  };
  return {
    folder,
    trainCount,
    testCount,
    train: await split('train', trainCount),
    test: await split('t10k', testCount),
  };
}
