/** Segmentation's parts: what its graphs count and measure, the file of predicted masks, and the run's list of masks. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import { tensor } from '../../src-main/engine/graph/types.ts';
import type { CellCounts } from '../../src-main/contract/model/segmentation-measures.ts';
import { planNetwork } from '../../src-main/engine/nn/network.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import {
  MaskPredictionsWriter,
  readMaskPredictions,
  readPredictedMask,
} from '../../src-main/engine/train/mask-predictions-file.ts';
import { stateLayout, updateSettings } from '../../src-main/engine/train/state-layout.ts';
import { buildTrainGraph } from '../../src-main/engine/train/step-graph.ts';
import type { Task } from '../../src-main/engine/train/tasks/definition.ts';
import { taskFor } from '../../src-main/engine/train/tasks/index.ts';
import { readTrainingData, writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { numbersOfStep } from '../../src-main/engine/train/update-graph.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { shapesConfig, sumOf } from '../helpers/segmentation-run.ts';
import { floats, numbersOf, runGraph, scalarOf, type Results } from '../helpers/engine-run.ts';
import { phase } from '../helpers/run-config.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-segmentation-task-'));
  file = join(folder, 'predictions.bin');
});
afterAll(() => rm(folder, { recursive: true }));

const loss = sumOf(false, { kind: 'cross-entropy', classWeights: null }, { kind: 'dice', smooth: 0 });
const taskOfPixels = (binary: boolean): Task =>
  taskFor({
    config: shapesConfig({ loss: { ...loss, binary } as typeof loss }),
    categoryCount: binary ? 2 : 3,
    imageShape: [3, 1, 4],
  });

/** Two images of four pixels; of the first the last pixel is ignored. */
const labels = [0, 1, 2, 255, 2, 2, 0, 0];
const scores = [
  [3, 0, 0, 1, 0, 0, 2, 1], // category 0, pixel by pixel
  [0, 2, 4, 0, 1, 0, 0, 2],
  [1, 1, 3, 5, 2, 6, 1, 0],
];
const logitsOf = (images: readonly number[]): number[] =>
  images.flatMap((image) => scores.flatMap((row) => row.slice(image * 4, image * 4 + 4)));

/** The results for the first `count` of a batch of `images`. */
function evaluate(images: readonly number[], count: number): Promise<Results> {
  const g = newGraph('evaluation');
  const task = taskOfPixels(false);
  const masks = images.flatMap((image) => labels.slice(image * 4, image * 4 + 4));
  const size = images.length;
  const results = task.evaluationResults(g, [g.input('logits', 'float32', [size, 3, 1, 4])], {
    labels: () => g.input('labels', 'uint8', [size, 1, 1, 4]),
    isImage: () => g.input('isImage', 'bool', [size]),
  });
  for (const [name, value] of Object.entries(results)) g.output(value, name);
  return runGraph(optimise(g.graph), {
    logits: floats([size, 3, 1, 4], logitsOf(images)),
    labels: tensor('uint8', [size, 1, 1, 4], masks),
    isImage: tensor(
      'bool',
      [size],
      images.map((_, i) => Number(i < count)),
    ),
  });
}

describe('a batch that is measured', () => {
  test('gives the first of the greatest logits of each pixel', async () => {
    const results = await evaluate([0, 1], 2);
    expect(numbersOf(results, 'predicted')).toEqual([0, 1, 1, 2, 2, 2, 0, 1]);
    expect(results['predicted']!.dataType).toBe('uint8');
  });

  test('gives the share of every class in each pixel', async () => {
    const { shares } = await evaluate([0, 1], 2);
    const logits = logitsOf([0, 1]);
    const expected = Array.from({ length: 24 }, (_, i) => {
      const [image, pixel] = [Math.floor(i / 12), i % 4];
      const own = [0, 1, 2].map((category) => Math.exp(logits[image * 12 + category * 4 + pixel]!));
      return Math.round((255 * own[Math.floor((i % 12) / 4)]!) / (own[0]! + own[1]! + own[2]!));
    });
    expect(shares!.dataType).toBe('uint8');
    expect(Array.from(shares!.data, Number)).toEqual(expected);
  });

  test('has no loss from what only fills it up', async () => {
    const [alone, filled, both] = [await evaluate([0], 1), await evaluate([0, 1], 1), await evaluate([0, 1], 2)];
    expect(scalarOf(filled, 'loss')).toBeCloseTo(scalarOf(alone, 'loss'), 6);
    expect(scalarOf(both, 'loss')).not.toBeCloseTo(scalarOf(alone, 'loss'), 3);
  });
});

describe('what a step counts', () => {
  async function countsOf(task: Task, logits: number[], channels: number): Promise<Record<string, number[]>> {
    const g = newGraph('counts');
    const [x, y] = [g.input('logits', 'float32', [2, channels, 1, 4]), g.input('labels', 'uint8', [2, 1, 1, 4])];
    const counts = task.counts(g, [x], y);
    for (const [name, value] of Object.entries(counts)) g.output(value, name);
    const known = labels.map((label) => (channels === 1 && label === 2 ? 0 : label));
    const results = await runGraph(optimise(g.graph), {
      logits: floats([2, channels, 1, 4], logits),
      labels: tensor('uint8', [2, 1, 1, 4], known),
    });
    return Object.fromEntries(Object.keys(counts).map((name) => [name, numbersOf(results, name)]));
  }

  test('are pixels of each category, but for the ignored', async () => {
    const counts = await countsOf(taskOfPixels(false), logitsOf([0, 1]), 3);
    expect(counts).toEqual({ right: [2, 1, 2], predicted: [2, 3, 2], expected: [3, 1, 3] });
    // IoU: 2 of 3, 1 of 3, 2 of 3
    expect(taskOfPixels(false).trainMeasures(counts, 2)).toEqual({ 'train/meanIou': expect.closeTo(5 / 9, 10) });
  });

  test('are only the object’s where there is one logit', async () => {
    const counts = await countsOf(taskOfPixels(true), [-1, 2, -3, 4, 0, 1, -1, 2], 1);
    expect(counts).toEqual({ right: [1], predicted: [3], expected: [1] });
    expect(taskOfPixels(true).trainMeasures(counts, 2)).toEqual({ 'train/meanIou': expect.closeTo(1 / 3, 10) });
  });

  test('a category that is neither there nor predicted is left out, and nothing at all is no measure', () => {
    const task = taskOfPixels(false);
    expect(task.trainMeasures({ right: [4, 0, 0], predicted: [4, 1, 0], expected: [4, 0, 0] }, 1)).toEqual({
      'train/meanIou': 0.5,
    });
    expect(task.trainMeasures({ right: [0, 0, 0], predicted: [0, 0, 0], expected: [0, 0, 0] }, 1)).toEqual({});
  });
});

describe('labels that lie on the image', () => {
  /** A network that gives back its image of one channel, and labels that are a copy of it: how far apart are they? */
  async function differences(moveLabels: Task['moveLabels']): Promise<number[]> {
    const [count, size, batchSize] = [6, 5, 3];
    const plan = planNetwork(
      [{ kind: 'conv2d', path: 'same', outChannels: 1, kernel: 1, stride: 1, padding: 0 }],
      [1, size, size],
    );
    const settings = phase({ optimiser: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } });
    const config = { accumulation: 1, ema: null };
    const update = updateSettings(config, settings);
    const apart: Task['loss'] = (g, [output], maps) => {
      const far = g.sub(output!, g.cast(maps, 'float32'));
      return g.reduceSum(g.mul(far, far), [0, 1, 2, 3]);
    };
    const graph = buildTrainGraph({
      plan,
      layout: stateLayout(plan, settings),
      update,
      preprocessing: { range: [0, 255], mean: 0, std: 1 },
      augmentation: { ...noAugmentation, flipHorizontal: 0.5, shift: 2 },
      task: {
        label: { dataType: 'uint8', shape: [1, size, size] },
        ...(moveLabels && { moveLabels }),
        loss: apart,
        counts: (g, outputs, maps) => ({ apart: apart(g, outputs, maps) }),
      },
      imageCount: count,
      batchSize,
      maximumSteps: 2,
      seed: 0,
    });
    const bytes = Array.from({ length: count * size * size }, (_, i) => 1 + ((i * 37) % 250));
    const draws = [1, 2, -1, 0, -2, 0, 1, 0, 0, 0, 1, 1, 1, -1, -2, 0, 0, 2];
    const numbers = numbersOfStep(update, { learningRate: 0, update: 1, weight: 1, averagePace: 1 });
    const results = await runGraph(graph, {
      images: tensor('uint8', [count, 1, size, size], bytes),
      labels: tensor('uint8', [count, 1, size, size], bytes),
      indices: tensor('int64', [2, batchSize], [5, 0, 3, 1, 1, 4]),
      draws: tensor('int64', [2, batchSize, 3], draws),
      numbers: floats([2, numbers.length], [...numbers, ...numbers]),
      steps: tensor('int64', [], [2]),
      firstStep: tensor('int64', [], [0]),
      parameters: floats([2], [1, 0]),
    });
    return numbersOf(results, 'apart');
  }

  test('move as it does', async () => {
    expect(await differences((_g, maps, motion) => motion.apply(maps, 0))).toEqual([0, 0]);
    const stay = await differences(undefined);
    for (const difference of stay) expect(difference).toBeGreaterThan(1000);
  });
});

describe('the file of predicted masks', () => {
  const head = { epoch: 3, categoryCount: 3, firstCounted: 1, height: 2, width: 3, imageIds: [41, 7] };
  const masks = [Uint8Array.of(0, 1, 2, 2, 1, 0), Uint8Array.of(1, 1, 1, 2, 2, 2)];
  const pairs: CellCounts = { starts: Uint32Array.of(0, 1, 3), triples: Uint32Array.of(0, 0, 6, 1, 1, 4, 1, 2, 2) };
  const sureness = {
    all: Float64Array.from({ length: 256 * head.categoryCount }, (_, i) => 2 * i),
    right: Float64Array.from({ length: 256 * head.categoryCount }, (_, i) => i),
  };
  const sure = (mask: Uint8Array): Uint8Array => mask.map((category) => 200 + category);
  async function write(): Promise<void> {
    const writer = await MaskPredictionsWriter.create(file, head);
    for (const mask of masks) await writer.addMasks(mask, sure(mask));
    await writer.commit(pairs, sureness);
  }

  test('is read as it was written', async () => {
    await write();
    expect(await readMaskPredictions(file)).toEqual({
      ...head,
      imageIds: Float64Array.from(head.imageIds),
      pairs,
      sureness,
    });
    expect([await readPredictedMask(file, 0), await readPredictedMask(file, 1)]).toEqual(
      masks.map((predicted) => ({ predicted, confidence: sure(predicted) })),
    );
  });

  test('is read without confidences where an earlier version wrote it', async () => {
    await write();
    const bytes = await readFile(file);
    const [start, pixels] = [32 + 16, 6];
    bytes.writeUInt32LE(2, 4);
    const second = start + 2 * pixels;
    const kept = [bytes.subarray(0, start + pixels), bytes.subarray(second, second + pixels)];
    await writeFile(file, Buffer.concat([...kept, bytes.subarray(second + 2 * pixels)]));
    expect(await readMaskPredictions(file)).toMatchObject({
      ...head,
      imageIds: Float64Array.from(head.imageIds),
      pairs,
      sureness: null,
    });
    expect(await readPredictedMask(file, 1)).toEqual({ predicted: masks[1], confidence: null });
  });

  test('stays as it was until a new one is whole', async () => {
    await write();
    const discarded = await MaskPredictionsWriter.create(file, { ...head, epoch: 4 });
    await discarded.addMasks(masks[0]!, masks[0]!);
    expect((await readMaskPredictions(file)).epoch).toBe(3);
    await discarded.discard();
    expect(await readdir(folder)).toEqual(['predictions.bin']);
    const short = await MaskPredictionsWriter.create(file, head);
    await short.addMasks(masks[0]!, masks[0]!);
    await expect(short.commit(pairs, sureness)).rejects.toThrow('internal: 2 images with 1 masks and pixels of 2');
    await short.discard();
    expect((await readMaskPredictions(file)).epoch).toBe(3);
  });

  test('is refused in words where it is damaged or not there', async () => {
    await write();
    await expect(readPredictedMask(file, 2)).rejects.toThrow('internal: mask 2 of 2');
    await truncate(file, 32 + 16 + 24 + 12 + 5);
    await expect(readMaskPredictions(file)).rejects.toThrow(
      'is damaged: it ends at byte 89, inside of what it should hold.',
    );
    await writeFile(file, 'FVPR and something else that is longer than a header');
    await expect(readMaskPredictions(file)).rejects.toThrow('it does not begin with "FVSP"');
    await expect(readMaskPredictions(join(folder, 'gone'))).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('the run’s list of images', () => {
  const size = { count: 2, heightPx: 4, widthPx: 4 };
  const split = { imageIds: [5, 6], packs: [0, 0], rows: [0, 1], labels: [], masks: { packs: [1, 1], rows: [1, 0] } };
  const data: TrainingData = {
    categories: ['sky', 'ground'],
    packs: [
      { file: '/images', channels: 3, ...size },
      { file: '/masks', channels: 1, ...size },
    ],
    train: split,
    evaluation: split,
  };
  const list = (): string => join(folder, 'data.json');

  test('knows where the masks are', async () => {
    await writeTrainingData(list(), data);
    expect(await readTrainingData(list())).toEqual(data);
  });

  test.each([
    [{ packs: [1, 1], rows: [0, 2] }, 'the mask of train image 1 is in no pack'],
    [{ packs: [1], rows: [0] }, 'train has lists of different lengths'],
  ])('is refused with masks that are not there: %#', async (masks, message) => {
    await writeTrainingData(list(), { ...data, train: { ...split, masks } });
    await expect(readTrainingData(list())).rejects.toThrow(message);
  });

  test('needs labels or masks', async () => {
    const { masks: _, ...bare } = split;
    await writeTrainingData(list(), { ...data, train: bare });
    await expect(readTrainingData(list())).rejects.toThrow('train has lists of different lengths');
  });
});
