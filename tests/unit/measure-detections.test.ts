/** A detector measured from its predictions file: cells and scores of each image, and measures that follow the settings. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { confusionOf } from '../../src-main/contract/model/segmentation-measures.ts';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import { DetectionPredictionsWriter } from '../../src-main/engine/train/detection-predictions-file.ts';
import { measureDetections } from '../../src-main/engine/train/measure-detections.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';

const [cat, dog] = [0, 1];
/** x1, y1, x2, y2, score, class; the best first. */
const candidates = [
  // Right, the same again a little off, a cat called dog, and something made up that is hardly sure.
  [0, 0, 10, 10, 0.9, cat, 1, 0, 11, 10, 0.8, cat, 30, 30, 40, 40, 0.7, dog, 50, 50, 60, 60, 0.1, dog],
  [],
  [],
];
/** Category, x1, y1, x2, y2, area, crowd. */
const objects = {
  counts: [2, 1, 0],
  rows: [cat, 0, 0, 10, 10, 100, 0, cat, 30, 30, 40, 40, 100, 0, dog, 5, 5, 9, 9, 16, 0],
};

let folder: string;
let file: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-measure-'));
  file = join(folder, 'predictions.bin');
  data = join(folder, 'data.json');
  const split = { imageIds: [11, 12, 13], packs: [0, 0, 0], rows: [0, 1, 2], labels: [], objects };
  const trained: TrainingData = {
    categories: ['cat', 'dog'],
    packs: [{ file: join(folder, 'images.u8'), count: 3, channels: 3, heightPx: 64, widthPx: 64 }],
    train: split,
    evaluation: split,
  };
  await writeTrainingData(data, trained);
  const head = { epoch: 2, categoryCount: 2, imageIds: [11, 12, 13], objects, head: null };
  const writer = await DetectionPredictionsWriter.create(file, head);
  for (const rows of candidates) await writer.addImage(Float32Array.from(rows));
  await writer.commit();
});
afterAll(() => rm(folder, { recursive: true }));

describe('at the usual settings', () => {
  const settings = { scoreThreshold: 0.25, iouThreshold: 0.7 };

  test('each image has its cells, and a score that follows from them', async () => {
    const { cells, scores, imageIds, epoch } = await measureDetections({ file, data, ...settings });
    expect(epoch).toBe(2);
    expect([...imageIds]).toEqual([11, 12, 13]);
    expect(confusionOf(cells, 3)).toEqual([
      [1, 1, 0],
      [0, 0, 1],
      [0, 0, 0],
    ]);
    // One right; a mix-up is a wrong detection and a missed object: 2 / (2 + 2). Nothing in the last, nothing found.
    expect([...scores]).toEqual([0.5, 0, NaN]);
  });

  test('objects are counted by class', async () => {
    const { perCategory, all } = await measureDetections({ file, data, ...settings });
    expect(perCategory.map((each) => each.objects)).toEqual([2, 1]);
    expect(all.ap50).toBeGreaterThan(0);
  });
});

test('less confidence lets more in, and less suppression keeps what overlaps', async () => {
  const low = await measureDetections({ file, data, scoreThreshold: 0.05, iouThreshold: 0.7 });
  expect(confusionOf(low.cells, 3)[2]).toEqual([0, 1, 0]);
  const loose = await measureDetections({ file, data, scoreThreshold: 0.25, iouThreshold: 0.95 });
  expect(confusionOf(loose.cells, 3)[2]).toEqual([1, 0, 0]);
});
