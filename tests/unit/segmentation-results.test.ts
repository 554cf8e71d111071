/** The results of a segmentation as the calls give them: pixels with the run's classes, scores, and masks in their place. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CategoryId, ImageId } from '../../src-main/contract/model/ids.ts';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import { PixelCounter, SurenessCounter } from '../../src-main/engine/metrics/segmentation.ts';
import { MaskPredictionsWriter } from '../../src-main/engine/train/mask-predictions-file.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { resultPlace, TrainingDataCache } from '../../src-main/services/results/result-files.ts';
import { SegmentationResults } from '../../src-main/services/results/segmentation-results.ts';

const predicted = [Uint8Array.of(0, 1, 1, 0), Uint8Array.of(1, 1, 0, 0)];
const truth = [Uint8Array.of(0, 1, 0, 255), Uint8Array.of(0, 0, 0, 0)];
const classes = [
  { name: 'background', categoryId: null },
  { name: 'cell', categoryId: 9 as CategoryId },
];

const sureOf = (category: number): number => 128 + category;

/** Of both classes, the predicted one 200 of 255. */
const sharesOf = (mask: Uint8Array): Uint8Array =>
  Uint8Array.from([0, 1].flatMap((category) => Array.from(mask, (each) => (each === category ? 200 : 55))));

let folder: string;
let results: SegmentationResults;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-results-'));
  results = new SegmentationResults(new TrainingDataCache());
  const file = join(folder, 'masks.u8');
  // In another order than the images are evaluated in.
  await writeFile(file, Buffer.concat([truth[1]!, truth[0]!]));
  const size = { count: 2, heightPx: 2, widthPx: 2 };
  const split = { imageIds: [7, 3], packs: [0, 0], rows: [0, 1], labels: [], masks: { packs: [1, 1], rows: [1, 0] } };
  const data: TrainingData = {
    categories: ['background', 'cell'],
    fit: 'letterbox',
    packs: [
      { file: join(folder, 'images.u8'), channels: 3, ...size },
      { file, channels: 1, ...size },
    ],
    train: { ...split, sizesPx: [20, 20, 20, 20] },
    // The first image is twice as wide as high: bars above and below it.
    evaluation: { ...split, sizesPx: [40, 20, 10, 10] },
  };
  await writeTrainingData(runFiles.data(folder), data);
  const writer = await MaskPredictionsWriter.create(runFiles.predictions(folder), {
    epoch: 4,
    categoryCount: 2,
    firstCounted: 0,
    height: 2,
    width: 2,
    imageIds: [7, 3],
  });
  const counter = new PixelCounter(2);
  const sureness = new SurenessCounter(2, 0);
  for (const [i, mask] of predicted.entries()) {
    counter.add(mask, truth[i]!);
    sureness.add(sharesOf(mask), truth[i]!);
    await writer.addMasks(mask, mask.map(sureOf));
  }
  await writer.commit(counter.pairs, sureness.counts);
});
afterEach(() => rm(folder, { recursive: true }));

test('pixels come with the classes that the run was trained with', async () => {
  const { epoch, classes: named, imageIds, firstCounted, pairs } = await results.pixels(resultPlace(folder), classes);
  expect({ epoch, named, firstCounted, imageIds: [...imageIds] }).toEqual({
    epoch: 4,
    named: classes,
    firstCounted: 0,
    imageIds: [7, 3],
  });
  expect([...pairs.starts]).toEqual([0, 3, 5]);
});

test('classes that the data set no longer has keep their names', async () => {
  const { classes: named } = await results.pixels(resultPlace(folder), [
    classes[0]!,
    { name: 'nucleus', categoryId: 9 as CategoryId },
  ]);
  expect(named).toEqual([
    { name: 'background', categoryId: null },
    { name: 'cell', categoryId: null },
  ]);
});

test('an image’s score is the mean IoU of the classes in it', async () => {
  const { scores, right } = await results.scores(resultPlace(folder));
  // The first: background 1 of 2, cell 1 of 2. The second: background 2 of 4, cell 0 of 2.
  expect([...scores]).toEqual([0.5, 0.25]);
  expect(right).toBeNull();
});

test('masks lie where the image does, beside the truth', async () => {
  const first = await results.masks(resultPlace(folder), 7 as ImageId);
  expect(first).toMatchObject({ widthPx: 2, heightPx: 2, predicted: predicted[0], groundTruth: truth[0] });
  expect(first.confidence).toEqual(predicted[0]!.map(sureOf));
  // Half of each bar's height is beyond the image.
  expect(first.placement[0]).toBe(0);
  expect(first.placement[2]).toBe(40);
  expect(first.placement[3] - first.placement[1]).toBe(40);
  const second = await results.masks(resultPlace(folder), 3 as ImageId);
  expect(second).toMatchObject({ groundTruth: truth[1], placement: [0, 0, 10, 10] });
});

test('without the pack there is no truth; without an evaluation or the image, words', async () => {
  await rm(join(folder, 'masks.u8'));
  expect((await results.masks(resultPlace(folder), 7 as ImageId)).groundTruth).toBeNull();
  await expect(results.masks(resultPlace(folder), 8 as ImageId)).rejects.toThrow(
    'The run was not measured by image 8.',
  );
  await rm(runFiles.predictions(folder));
  await expect(results.scores(resultPlace(folder))).rejects.toThrow('This run has made no predictions yet');
});

test('precision over recall counts every pixel whose class is known, by how sure the network is of each class', async () => {
  const curves = (await results.precisionAtRecall(resultPlace(folder, null)))!;
  // Background: 6 of 7 pixels are it, 3 are called so, rightly. Cell: the only one is called so, with 3 others.
  const [background, cell] = curves as [number[], number[]];
  expect([background.length, background[0], background[50], background[51], background[100]]).toEqual([
    101,
    ...[1, 1, 6 / 7, 6 / 7],
  ]);
  expect([cell[0], cell[100]]).toEqual([1 / 4, 1 / 4]);
});
