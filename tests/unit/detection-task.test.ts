/** The detection task by itself: labels in the network's pixels, moved with their image, and what a validation measures. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SplitImages } from '../../src-main/engine/data/split-images.ts';
import type { SplitData } from '../../src-main/engine/data/training-data.ts';
import { tensor, type Tensor } from '../../src-main/engine/graph/types.ts';
import { motionOf } from '../../src-main/engine/nn/augmentation.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { readCandidates, readDetectionPredictions } from '../../src-main/engine/train/detection-predictions-file.ts';
import type { ImageSource, Task } from '../../src-main/engine/train/tasks/definition.ts';
import { taskFor } from '../../src-main/engine/train/tasks/index.ts';
import { scenesConfig } from '../helpers/detection-run.ts';
import { floats, numbersOf, runGraph, runtime } from '../helpers/engine-run.ts';
import { smallConfig } from '../helpers/run-config.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-detection-task-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  expect(runtime.liveSessions).toBe(0);
});

const side = 32;
const pack = { file: 'none.u8', count: 2, channels: 3, heightPx: side, widthPx: side };
const source: ImageSource = { packs: [pack], fit: 'letterbox' };
/** Images of 64 × 32 and of 32 × 32 px: the first is halved, with bars of 8 px above and below. */
const split: SplitData = {
  imageIds: [7, 9],
  packs: [0, 0],
  rows: [0, 1],
  labels: [],
  sizesPx: [64, 32, 32, 32],
  objects: {
    counts: [2, 2],
    rows: [1, 0, 0, 64, 32, 2048, 0, 0, 10, 4, 30, 12, 160, 0, 0, 4, 4, 20, 28, 384, 0, 1, 0, 0, 9, 9, 81, 1],
  },
};
const taskOf = (capacity = 3): Task =>
  taskFor({ config: scenesConfig(), categoryCount: 2, imageShape: [3, side, side], labelCapacity: capacity });
const images = (resident: boolean) =>
  ({ residentBytes: resident ? new Uint8Array(1) : null }) as unknown as SplitImages;

describe('labels', () => {
  const none = [0, 0, 0, 0, 0, 0];
  const wide = [[1, 1, 0, 8, 32, 24], [1, 0, 5, 10, 15, 14], none].flat();
  const square = [[1, 0, 4, 4, 20, 28], none, none].flat();

  test('are in the pixels of the network, without crowds, in rows as the images have them', async () => {
    const task = taskOf();
    expect(task.label).toEqual({ dataType: 'float32', shape: [18] });
    const resident = await task.openLabels(split, source, images(true));
    expect([...(await resident.feed([1], 1, { images: new Uint8Array(), rows: [1] }))]).toEqual([...wide, ...square]);
    const read = await task.openLabels(split, source, images(false));
    const feed = { images: new Uint8Array(), rows: [0] };
    expect([...(await read.feed([1], 2, feed))]).toEqual([...square, ...none, ...none, ...none]);
    expect([...(await read.feed([1, 0], 2, feed))]).toEqual([...square, ...wide]);
  });

  test('that come with their moved images are taken as they are', async () => {
    const labels = await taskOf().openLabels(split, source, images(false));
    const boxes = Float32Array.from({ length: 18 }, (_, i) => i);
    expect(await labels.feed([0], 1, { images: new Uint8Array(), rows: [0], boxes })).toBe(boxes);
  });

  test('are asked for where there are none', async () => {
    const { objects: _, ...bare } = split;
    await expect(async () => taskOf().openLabels(bare, source, images(true))).rejects.toThrow('have no boxes');
  });

  test('move with their image', async () => {
    const g = newGraph('move');
    const draws = g.constant(tensor('int64', [2, 3], [0, 3, -2, 1, 3, -2]));
    const rows = g.input('rows', 'float32', [2, 1, 6]);
    g.output(motionOf(g, [20, side], draws, { shift: 4 }).applyToObjects(rows), 'moved');
    const row = [1, 5, 2, 4, 12, 9];
    const results = await runGraph(optimise(g.graph), { rows: floats([2, 1, 6], [...row, ...row]) });
    expect(numbersOf(results, 'moved')).toEqual([1, 5, 5, 2, 15, 7, 1, 5, side - 12 + 3, 2, side - 2 + 3, 7]);
  });
});

test('another loss, and a network for another task, are refused', () => {
  const facts = { categoryCount: 2, imageShape: [3, side, side] };
  const { loss } = smallConfig();
  expect(() => taskFor({ ...facts, config: scenesConfig({ loss }) })).toThrow(
    'is not one of detection. Use: detection.',
  );
  const model = { id: 'lenet5', options: {} };
  expect(() => taskFor({ ...facts, config: scenesConfig({ model }) })).toThrow(
    'LeNet-5 is a network for classification',
  );
});

/** What the graph gives of both images: a few anchors say something, all others nothing. */
function said(image: number, boxes: readonly (readonly [category: number, score: number, ...sides: number[]])[]) {
  const anchors = 4 * 4 + 2 * 2 + 1;
  const scores = new Float32Array(2 * 2 * anchors);
  const sides = new Float32Array(2 * 4 * anchors);
  boxes.forEach(([category, score, ...box], anchor) => {
    scores[(2 * image + category) * anchors + anchor] = score;
    box.forEach((value, i) => (sides[(4 * image + i) * anchors + anchor] = value));
  });
  return { scores, sides, anchors };
}

test('a validation finds boxes in the pixels of the originals and keeps what was said', async () => {
  const file = join(folder, 'predictions.bin');
  const evaluation = await taskOf().startEvaluation({ split, source, epoch: 3, file });
  // Right in the network's pixels: the wide one, the small one twice (once badly), and nothing of the second image.
  const { scores, sides, anchors } = said(0, [
    [1, 0.9, 0, 8, 32, 24],
    [0, 0.8, 5, 10, 15, 14],
    [0, 0.7, 5, 10, 15, 14.5],
    [0, 0.0005, 1, 1, 2, 2],
  ]);
  const scalar = (value: number): Tensor => tensor('float32', [], [value]);
  await evaluation.add({
    results: {
      box: scalar(1.5),
      category: scalar(0.25),
      distribution: scalar(2),
      scores: tensor('float32', [2, 2, anchors], scores),
      sides: tensor('float32', [2, 4, anchors], sides),
    },
    first: 0,
    count: 2,
    labels: new Float32Array(),
    rows: [0, 1],
  });
  const measures = evaluation.measures();
  // Category 0: one of two objects found; category 1: its only object found.
  expect(measures['test/ap50']).toBeCloseTo((51 / 101 + 1) / 2, 9);
  expect(measures['test/ar']).toBeCloseTo((0.5 + 1) / 2, 9);
  expect(measures).toMatchObject({
    'test/precision': 1,
    'test/recall': 0.75,
    'test/loss': 3.75,
    'test/boxLoss': 1.5,
    'test/categoryLoss': 0.25,
    'test/distributionLoss': 2,
  });
  await evaluation.writePredictions();
  const predictions = await readDetectionPredictions(file);
  expect(Array.from(predictions.imageIds)).toEqual([7, 9]);
  expect([...predictions.objects]).toEqual(split.objects!.rows);
  expect([...predictions.firstCandidate]).toEqual([0, 3, 3]);
  const rows = [...(await readCandidates(file, predictions)).rows].map((value) => Number(value.toFixed(5)));
  expect(rows).toEqual([0, 0, 64, 32, 0.9, 1, 10, 4, 30, 12, 0.8, 0, 10, 4, 30, 13, 0.7, 0]);
});
