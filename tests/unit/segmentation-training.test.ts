/**
 * Segmentation through the trainer: a U-Net from scratch learns drawn shapes, a run that is stopped goes on to the same
 * bytes with its masks moved like its images, and a frozen encoder is freed in a second phase.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import { SplitImages } from '../../src-main/engine/data/split-images.ts';
import { measureTogether, pixelCounts } from '../../src-main/contract/model/segmentation-measures.ts';
import { PixelCounter } from '../../src-main/engine/metrics/segmentation.ts';
import { isFrozen } from '../../src-main/engine/nn/network.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { readMaskPredictions, readPredictedMask } from '../../src-main/engine/train/mask-predictions-file.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { Throughput } from '../../src-main/engine/train/throughput.ts';
import { floatValues, readSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { planModel } from '../../src-main/engine/zoo/registry.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { makeShapes, shapesConfig, sumOf } from '../helpers/segmentation-run.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';
import { remains, runTraining, valuesOf, type Reported, type SmallData } from '../helpers/training-run.ts';

const side = 32;
const pixels = side * side;

let small: SmallData;
beforeAll(async () => {
  small = await makeShapes({ train: 24, test: 10, side, squares: true });
});
afterAll(() => small.dispose());

let folders = 0;
async function newFolder(): Promise<string> {
  const folder = join(small.folder, `run ${folders++}`);
  await mkdir(folder);
  return folder;
}

/** Masks of the evaluation split in its order. */
async function evaluationMasks({ packs, evaluation }: TrainingData): Promise<Uint8Array[]> {
  const { masks } = evaluation;
  const bytes = await readFile(packs[masks!.packs[0]!]!.file);
  return masks!.rows.map((row) => new Uint8Array(bytes.subarray(row * pixels, (row + 1) * pixels)));
}

describe('a U-Net from scratch', () => {
  let folder: string;
  let reported: Reported;
  beforeAll(async () => {
    folder = await newFolder();
    reported = await runTraining(folder, shapesConfig(), small.data);
  }, 120_000);

  test('learns what shapes look like', () => {
    for (const series of ['train/meanIou', 'test/meanIou', 'test/dice', 'test/accuracy'] as const) {
      const values = valuesOf(reported, series);
      expect(values).toHaveLength(7);
      expect(Math.max(...values.slice(-2)), series).toBeGreaterThan(values[0]! + 0.15);
    }
    expect(Math.max(...valuesOf(reported, 'test/meanIou'))).toBeGreaterThan(0.5);
    for (const series of ['train/loss', 'test/loss'] as const)
      expect(valuesOf(reported, series).at(-1)!).toBeLessThan(0.7 * valuesOf(reported, series)[0]!);
    expect(reported.logs.at(-1)!.text).toMatch(
      /^Epoch 7: train loss [\d.]+, train mean IoU [\d.]+, test loss [\d.]+, test accuracy [\d.]+, test mean IoU [\d.]+, test Dice [\d.]+$/,
    );
  });

  test('keeps the epoch of the best mean IoU', async () => {
    const values = valuesOf(reported, 'test/meanIou');
    const best = values.indexOf(Math.max(...values)) + 1;
    expect(reported.checkpoints.filter((checkpoint) => checkpoint.best).at(-1)!.epoch).toBe(best);
    const { metadata } = await readSafetensors(runFiles.checkpoint(folder, 'best'));
    expect(JSON.parse(metadata['position']!)).toMatchObject({ epoch: best, best: values[best - 1] });
  });

  test('leaves its masks and their counts behind, from which the measures follow', async () => {
    const file = runFiles.predictions(folder);
    const { epoch, categoryCount, firstCounted, height, width, imageIds, pairs } = await readMaskPredictions(file);
    expect([epoch, categoryCount, firstCounted, height, width]).toEqual([7, 3, 0, side, side]);
    expect([...(imageIds as Float64Array)]).toEqual(small.data.evaluation.imageIds);
    const counter = new PixelCounter(3);
    for (const [index, mask] of (await evaluationMasks(small.data)).entries())
      counter.add((await readPredictedMask(file, index)).predicted, mask);
    expect(pairs).toEqual(counter.pairs);
    const counts = pixelCounts(pairs, [0, 1, 2]);
    const options = { zeroDivision: null } as const;
    const last = { iou: valuesOf(reported, 'test/meanIou').at(-1), f1: valuesOf(reported, 'test/dice').at(-1) };
    expect(measureTogether(counts, 'macro', { ...options, measure: 'iou' })).toBe(last.iou);
    expect(measureTogether(counts, 'macro', { ...options, measure: 'f1' })).toBe(last.f1);
    expect(measureTogether(counts, 'micro', { ...options, measure: 'recall' })).toBe(
      valuesOf(reported, 'test/accuracy').at(-1),
    );
  });
});

/** The encoder's first children are frozen, then everything is free. */
const freed = ['encoder.features.0', 'encoder.features.1', 'encoder.features.2', 'encoder.features.3'];
const thawing = shapesConfig({
  accumulation: 3, // of four steps, so that the last update of an epoch is one step
  ema: { decay: 0.9, warmupSteps: 3 },
  augmentation: { ...noAugmentation, flipHorizontal: 0.5, shift: 3 },
  loss: sumOf(
    false,
    { kind: 'focal', gamma: 2, alpha: null },
    { kind: 'lovasz' },
    { kind: 'tversky', alpha: 0.3, beta: 0.7, gamma: 1, smooth: 1 },
  ),
  phases: [
    phase({ epochs: 1, freeze: freed, schedule: { kind: 'exponential', gamma: 0.95 } }),
    phase({ epochs: 1, schedule: { kind: 'exponential', gamma: 0.95 } }),
  ],
});

describe('the encoder’s first children frozen, then freed', () => {
  let whole: string;
  let straight: Reported;
  beforeAll(async () => {
    whole = await newFolder();
    straight = await runTraining(whole, thawing, small.data);
  }, 120_000);

  test('they stay as they are in the first phase and move in the second', { timeout: 60_000 }, async () => {
    const plan = planModel('unet', thawing.model.options, [3, side, side], 3);
    const start = initialise(plan.parameters, plan.buffers, thawing.seed);
    const folder = await newFolder();
    await runTraining(folder, { ...thawing, phases: thawing.phases.slice(0, 1) }, small.data);
    const unmoved = async (runFolder: string): Promise<string[]> => {
      const { tensors } = await readSafetensors(runFiles.checkpoint(runFolder, 'last'));
      return plan.parameters
        .map(({ name }) => name)
        .filter((name) =>
          Buffer.from(floatValues(tensors.get(name)!).buffer).equals(Buffer.from(start.get(name)!.buffer)),
        );
    };
    const frozen = plan.parameters.filter((parameter) => isFrozen(parameter, freed)).map(({ name }) => name);
    expect(frozen.length).toBeGreaterThan(20);
    expect(await unmoved(folder)).toEqual(frozen);
    expect(await unmoved(whole)).toEqual([]);
    const announced = straight.logs.filter(({ text }) => text.startsWith('Phase')).map(({ text }) => text);
    expect(announced).toHaveLength(2);
    expect(announced[1]).toMatch(/(\d+) of \1 parameters are trained\.$/);
  });

  test('stopped in either phase and resumed, it ends with the same bytes', { timeout: 120_000 }, async () => {
    const cut = await newFolder();
    const oneByOne = vi.spyOn(Throughput.prototype, 'stepsWithin').mockReturnValue(1);
    const parts: Reported[] = [];
    for (const stopAfter of [3, 4, Infinity]) {
      parts.push(
        await runTraining(cut, thawing, small.data, {
          resume: parts.length > 0,
          onSteps: (steps, cancel) => void (steps >= stopAfter && cancel()),
        }),
      );
    }
    oneByOne.mockRestore();
    expect(parts.map(({ outcome }) => outcome.kind)).toEqual(['cancelled', 'cancelled', 'finished']);
    expect(await remains(cut)).toEqual(await remains(whole));
    expect(parts.flatMap(({ points }) => points)).toEqual(straight.points);
  });

  test('read from their packs batch by batch, images and masks give the same bytes', { timeout: 60_000 }, async () => {
    const streamed = await newFolder();
    const open = SplitImages.open.bind(SplitImages);
    vi.spyOn(SplitImages, 'open').mockImplementation((split, packs, limit) => open(split, packs, limit ?? 1000));
    await runTraining(streamed, thawing, small.data);
    vi.restoreAllMocks();
    expect(await remains(streamed)).toEqual(await remains(whole));
  });
});

test('one logit tells the object from the rest', { timeout: 60_000 }, async () => {
  const discs = await makeShapes({ train: 12, test: 5, side, squares: false });
  try {
    const config = shapesConfig({
      loss: sumOf(true, { kind: 'cross-entropy', classWeights: null }, { kind: 'dice', smooth: 1 }),
      phases: [phase({ epochs: 1, learningRate: 0.003 })],
    });
    const folder = await newFolder();
    const reported = await runTraining(folder, config, discs.data);
    const { tensors } = await readSafetensors(runFiles.checkpoint(folder, 'last'));
    expect(tensors.get('segmentation_head.0.weight')!.shape[0]).toBe(1);
    const { categoryCount, firstCounted, pairs } = await readMaskPredictions(runFiles.predictions(folder));
    expect([categoryCount, firstCounted]).toEqual([2, 1]);
    const counts = pixelCounts(pairs, [1]);
    // The mean IoU is the object's own; the accuracy is that of all pixels.
    expect(valuesOf(reported, 'test/meanIou')).toEqual([
      measureTogether(counts, 'micro', { measure: 'iou', zeroDivision: null }),
    ]);
    expect(valuesOf(reported, 'test/accuracy')).toEqual([
      measureTogether(counts, 'micro', { measure: 'accuracy', zeroDivision: null }),
    ]);
  } finally {
    await discs.dispose();
  }
});

describe('is refused in words', () => {
  const refuse = async (changes: Partial<RunConfig>, data: TrainingData = small.data): Promise<void> => {
    await runTraining(await newFolder(), shapesConfig(changes), data);
  };
  const withoutMasks = ({ masks: _, ...split }: TrainingData['train']): TrainingData['train'] => split;

  test('images without masks', async () => {
    const data = { ...small.data, evaluation: withoutMasks(small.data.evaluation) };
    await expect(refuse({}, data)).rejects.toThrow(
      'The images have no masks, so segmentation cannot be learned from them.',
    );
  });

  test('masks of another size', async () => {
    const packs = small.data.packs.map((pack, i) => (i === 1 ? { ...pack, heightPx: 16 } : pack));
    await expect(refuse({}, { ...small.data, packs })).rejects.toThrow(
      'The masks must be 1×32×32 like the images, got 1×16×32.',
    );
  });

  test('a mask with a class that does not exist', async () => {
    const file = join(small.folder, 'unknown.u8');
    const bytes = await readFile(small.data.packs[3]!.file);
    bytes[pixels + 40] = 3;
    await writeFile(file, bytes);
    const packs = small.data.packs.map((pack, i) => (i === 3 ? { ...pack, file } : pack));
    await expect(refuse({}, { ...small.data, packs })).rejects.toThrow(
      'A mask has the value 3, but there are only the classes 0 to 2 and 255 for what is ignored.',
    );
  });

  test('images whose sides do not fit the network', async () => {
    const odd = await makeShapes({ train: 2, test: 2, side: 40, squares: true });
    await expect(refuse({}, odd.data)).rejects.toThrow(
      'U-Net takes images whose sides are multiples of 32 px, but these have 40 × 40 px.',
    );
    await odd.dispose();
  });

  test.each([
    [{ loss: smallConfig().loss }, 'The loss "cross-entropy" is not one of segmentation. Use: sum.'],
    [{ model: smallConfig().model }, 'LeNet-5 is a network for classification, but the run is for segmentation.'],
    [{ loss: sumOf(true, { kind: 'lovasz' }) }, 'A binary loss tells two classes apart, but there are 3.'],
    [
      { model: { id: 'unet', options: { encoder: 'resnet9' } } },
      /^U-Net: "encoder" cannot be "resnet9"\. Choices: resnet18, .*efficientnet-b7\.$/,
    ],
  ])('settings that do not fit together: %#', async (changes, message) => {
    await expect(refuse(changes)).rejects.toThrow(message);
    await expect(refuse(changes)).rejects.toMatchObject({ code: 'invalid-request' });
  });
});
