/** Samples made beside training: in the order of training, the same whoever makes them and wherever a run goes on. */
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { noAugmentation, type AugmentationConfig } from '../../src-main/contract/model/run-images.ts';
import { epochOrder } from '../../src-main/engine/data/epoch-order.ts';
import { SampleMaker } from '../../src-main/engine/data/samples/sample-maker.ts';
import { labelCapacity, sampleSettings } from '../../src-main/engine/data/samples/sample-split.ts';
import { SampleStream } from '../../src-main/engine/data/samples/sample-stream.ts';
import { objectColumns, type ObjectLabels, type TrainingData } from '../../src-main/engine/data/training-data.ts';
import { Throughput } from '../../src-main/engine/train/throughput.ts';
import { makeShapes, shapesConfig } from '../helpers/segmentation-run.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';
import { makeSmallData, remains, runTraining, type Reported, type SmallData } from '../helpers/training-run.ts';
import { temporaryFolder } from '../helpers/service-fixture.ts';

const augmentation: AugmentationConfig = {
  ...noAugmentation,
  flipHorizontal: 0.5,
  scale: 0.3,
  translate: 0.1,
  hue: 0.02,
  saturation: 0.5,
  value: 0.3,
  mosaic: 0.5,
  closeMosaicEpochs: 1,
};
const config = shapesConfig({
  augmentation,
  batchSize: 4,
  seed: 11,
  phases: [phase({ epochs: 3, learningRate: 0.003 })],
});
const settings = sampleSettings(config);

let small: SmallData;
let data: TrainingData;
beforeAll(async () => {
  small = await makeShapes({ train: 10, test: 4, side: 32, squares: true });
  data = { ...small.data, train: { ...small.data.train, objects: objects(10) } };
});
afterAll(() => small.dispose());

/** One to three boxes an image, and in the first a crowd. */
function objects(images: number): ObjectLabels {
  const counts = Array.from({ length: images }, (_, image) => 1 + (image % 3));
  const rows = counts.flatMap((count, image) =>
    Array.from({ length: count }, (_, i) => [
      i % 3,
      2 + i,
      3 + image,
      14 + i,
      20 + image,
      100,
      Number(image === 0),
    ]).flat(),
  );
  return { counts, rows };
}

async function openStream(batchSize: number, of = data): Promise<SampleStream> {
  const options = { data: of, split: of.train, settings, labelCapacity: 5, batchSize };
  const stream = await SampleStream.open(options);
  onTestFinished(() => stream.close());
  return stream;
}

describe('a stream', () => {
  const maker = (): SampleMaker => {
    const made = new SampleMaker({ data, split: data.train, settings, labelCapacity: 5 });
    onTestFinished(() => made.close());
    return made;
  };

  test('gives what each sample is, images and labels, through smaller last batches and epochs', async () => {
    const stream = await openStream(4);
    const alone = maker();
    for (const epoch of [0, 1, 2]) {
      const order = epochOrder(10, config.seed, epoch);
      // Two batches, then the rest, which is half a batch.
      for (const [from, to] of [
        [0, 8],
        [8, 10],
      ] as const) {
        const positions = order.subarray(from, to);
        const feed = await stream.feed(positions, 12, epoch);
        expect([...(feed.rows as number[])]).toEqual([...positions.keys()]);
        const expected = alone.make(epoch, positions);
        expect(feed.images.subarray(0, expected.images.length)).toEqual(expected.images);
        expect(feed.masks!.subarray(0, expected.masks!.length)).toEqual(expected.masks);
        expect(feed.boxes!.subarray(0, expected.boxes!.length)).toEqual(expected.boxes);
        expect([feed.images.length, feed.masks!.length, feed.boxes!.length]).toEqual([36_864, 12_288, 360]);
        expect(feed.boxes!.some((value) => value !== 0)).toBe(true);
      }
    }
  });

  test('begins anywhere', async () => {
    const stream = await openStream(2);
    const positions = epochOrder(10, config.seed, 1).subarray(6, 8);
    const alone = maker();
    expect((await stream.feed(positions, 2, 1)).images).toEqual(alone.make(1, positions).images);
    expect(alone.make(0, positions).images).not.toEqual(alone.make(1, positions).images);
  });

  test('says which pack is too short', async () => {
    const other = await makeShapes({ train: 10, test: 2, side: 32, squares: true });
    onTestFinished(() => other.dispose());
    await truncate(other.data.packs[0]!.file, 500);
    const stream = await openStream(4, other.data);
    const positions = epochOrder(10, config.seed, 0).subarray(0, 4);
    await expect(stream.feed(positions, 4, 0)).rejects.toThrow(/train\.u8 ends too early: image \d+ is not whole/);
  });

  test('fails with its thread', async () => {
    const entry = new URL('data:text/javascript,setTimeout(() => { throw new Error("no memory") }, 50)');
    const options = { data, split: data.train, settings, labelCapacity: 5, batchSize: 4, worker: entry };
    const stream = await SampleStream.open(options);
    onTestFinished(() => stream.close());
    const positions = epochOrder(10, config.seed, 0).subarray(0, 4);
    await expect(stream.feed(positions, 4, 0)).rejects.toThrow('no memory');
    await expect(stream.feed(positions, 4, 0)).rejects.toThrow('no memory');
  });
});

test('there is room for the fullest image, and for more where images are put together', () => {
  const capacity = (changes: Partial<AugmentationConfig>): number =>
    labelCapacity(data, { ...config, augmentation: { ...augmentation, ...changes } });
  expect(capacity({ mosaic: 0 })).toBe(3);
  expect(capacity({ mosaic: 1 })).toBeGreaterThan(3);
  expect(capacity({ mosaic: 1 })).toBeLessThanOrEqual(12);
  expect(labelCapacity(small.data, config)).toBe(1);
  const width = objectColumns.length;
  const crowded = { counts: [8, 0, 0, 0], rows: Array.from({ length: 8 * width }, () => 0) };
  expect(
    labelCapacity({ ...data, evaluation: { ...data.evaluation, objects: crowded } }, config),
  ).toBeGreaterThanOrEqual(8);
});

describe('a run on samples', () => {
  const lenet = smallConfig({ augmentation, phases: [phase({ epochs: 3 })] });
  let digits: SmallData;
  let whole: string;
  let straight: Reported;
  beforeAll(async () => {
    digits = await makeSmallData({ train: 40, test: 10, channels: 3, side: 16 });
    whole = await mkdtemp(join(tmpdir(), 'fovea-samples-'));
    straight = await runTraining(whole, lenet, digits.data);
  });
  afterAll(async () => {
    await digits.dispose();
    await rm(whole, { recursive: true, force: true });
  });

  test('trains to its end', () => {
    expect(straight.outcome).toEqual({ kind: 'finished', epochsDone: 3 });
    expect(straight.points.filter(({ series }) => series === 'step/loss')).toHaveLength(9);
  });

  test('stopped in the middle of an epoch and resumed, it ends with the same bytes', async () => {
    const cut = await temporaryFolder();
    const oneByOne = vi.spyOn(Throughput.prototype, 'stepsWithin').mockReturnValue(1);
    onTestFinished(() => oneByOne.mockRestore());
    for (const [resume, stopAfter] of [
      [false, 2],
      [true, 3],
      [true, Infinity],
    ] as const) {
      await runTraining(cut, lenet, digits.data, {
        resume,
        onSteps: (steps, cancel) => void (steps >= stopAfter && cancel()),
      });
    }
    expect(await remains(cut)).toEqual(await remains(whole));
  });
});
