/** A run's list of images keeps the points of its objects, and is refused where they do not fit. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SplitData, TrainingData } from '../../src-main/engine/data/training-data.ts';
import { readTrainingData, writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'fovea-pose-data-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const split: SplitData = {
  imageIds: [4],
  packs: [0],
  rows: [0],
  labels: [],
  objects: { counts: [1], rows: [0, 1, 2, 9, 8, 48, 0], points: [1.5, 2, 2, 0, 0, 0] },
};
const data: TrainingData = {
  categories: ['fox'],
  pose: { pointCount: 2, mirrored: [1, 0] },
  packs: [{ file: '/images.u8', count: 1, channels: 3, heightPx: 32, widthPx: 32 }],
  train: split,
  evaluation: split,
};

test('comes back as it was written', async () => {
  const file = join(folder, 'data.json');
  for (const each of [data, { ...data, pose: { pointCount: 2, mirrored: null } }]) {
    await writeTrainingData(file, each);
    expect(await readTrainingData(file)).toEqual(each);
  }
});

test.each([
  ['train has not 2 points for each object', '1.5,2,2,0,0,0', '1.5,2,2'],
  ['its points have not one mirrored place each', '"mirrored":[1,0]', '"mirrored":[1,1]'],
])('says %s', async (words, from, to) => {
  const file = join(folder, 'wrong.json');
  await writeTrainingData(file, data);
  await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
  await expect(readTrainingData(file)).rejects.toThrow(words);
});
