/** One category a pixel. Masks hold a byte a pixel; `ignoredLabel` stands where no category is known. */
import { FoveaError } from '../../../contract/errors.ts';
import { SplitImages } from '../../data/split-images.ts';
import type { ImagePack, SplitData } from '../../data/training-data.ts';
import type { Builder } from '../../graph/builder.ts';
import { tensor, type Tensor, type TensorArray, type Value } from '../../graph/types.ts';
import { measureTogether, PixelCounter, type PixelCounts } from '../../metrics/segmentation.ts';
import { dotPerCategory, isBinary, labelIs, lossInputs, ordinals, perCategory } from '../../nn/losses/definition.ts';
import { sumOfLosses } from '../../nn/losses/index.ts';
import { MaskPredictionsWriter } from '../mask-predictions-file.ts';
import type { Counts, Evaluation, MeasuredBatch, Measures, SplitLabels, Task, TaskFacts } from './definition.ts';

const ignoredLabel = 255;

export function segmentation({ config, categoryCount, imageShape }: TaskFacts): Task {
  const { loss } = config;
  if (loss.kind !== 'sum')
    throw new FoveaError('invalid-request', `The loss "${loss.kind}" is not one of segmentation. Use: sum.`);
  const { binary, terms } = loss;
  if (binary && categoryCount !== 2)
    throw new FoveaError('invalid-request', `A binary loss tells two classes apart, but there are ${categoryCount}.`);
  const [, height, width] = imageShape as [number, number, number];
  // With one logit the first category is merely what is left.
  const counted = binary ? [1] : ordinals(categoryCount);
  return {
    outputCount: binary ? 1 : categoryCount,
    label: { dataType: 'uint8', shape: [1, height, width] },
    deciding: 'test/meanIou',
    openLabels: (split, packs, images) => MaskLabels.open(split, packs, images, categoryCount),
    moveLabels: (labels, motion) => motion.apply(labels, ignoredLabel),
    loss: (g, outputs, labels) => sumOfLosses(g, outputs[0]!, asCategories(g, labels), terms),
    counts: (g, outputs, labels) => pixelCounts(g, outputs[0]!, asCategories(g, labels)),
    trainMeasures: (counts) => definedOnly({ 'train/meanIou': measured(countedPixels(counts), 'macro', 'iou') }),
    evaluationResults: (g, outputs, inputs) => {
      const [logits] = outputs as [Value];
      const labels = asCategories(g, inputs.labels());
      const present = g.reshape(inputs.isImage(), [labels.shape[0]!, 1, 1]);
      const known = g.where(present, labels, g.constant(tensor('int32', [], [ignoredLabel])));
      return {
        loss: g.scope('loss', () => sumOfLosses(g, logits, known, terms)),
        predicted: g.cast(predictedCategories(g, logits), 'uint8'),
      };
    },
    startEvaluation: async (options) => {
      const writer = await MaskPredictionsWriter.create(options.file, {
        epoch: options.epoch,
        counted,
        height,
        width,
        imageIds: options.split.imageIds,
      });
      return new SegmentationEvaluation(writer, new PixelCounter(categoryCount, counted), height * width);
    },
  };
}

/** uint8 [B, 1, H, W] as int32 [B, H, W]. */
function asCategories(g: Builder, masks: Value): Value {
  const [batch, , height, width] = masks.shape as [number, number, number, number];
  return g.cast(g.reshape(masks, [batch, height, width]), 'int32');
}

/** [B, C, H, W] → int64 [B, H, W]: the first of the greatest logits, or whether the only one is above 0. */
const predictedCategories = (g: Builder, logits: Value): Value =>
  isBinary(logits)
    ? g.cast(g.reshape(g.op('Greater', [logits, g.float(0)]), [logits.shape[0]!, ...logits.shape.slice(2)]), 'int64')
    : g.op('ArgMax', [logits], { axis: 1, keepdims: 0 });

/** Pixels of the batch in each category that is counted, [C]: right ones, predicted ones, and those of the labels. */
function pixelCounts(g: Builder, logits: Value, labels: Value): Record<string, Value> {
  const { targets, valid } = lossInputs(g, logits, labels);
  const categories = isBinary(logits) ? [1] : ordinals(logits.shape[1]!);
  const predicted = g.mul(labelIs(g, predictedCategories(g, logits), categories), valid);
  return {
    right: dotPerCategory(g, predicted, targets),
    predicted: perCategory(g, predicted),
    expected: perCategory(g, targets),
  };
}

/** As those of one image, which all images together are. */
function countedPixels({ right, predicted, expected }: Counts): readonly PixelCounts[] {
  return right!.map((truePositives, category) => ({
    truePositives,
    falsePositives: predicted![category]! - truePositives,
    falseNegatives: expected![category]! - truePositives,
    trueNegatives: 0,
  }));
}

/** Over all pixels; a category that is neither there nor predicted is left out. */
const measured = (
  image: readonly PixelCounts[],
  reduction: 'micro' | 'macro',
  measure: 'iou' | 'f1' | 'recall',
): number | null => measureTogether([image], reduction, { measure, zeroDivision: null });

function definedOnly(measures: { [K in keyof Measures]: number | null }): Measures {
  return Object.fromEntries(Object.entries(measures).filter(([, value]) => value !== null));
}

/** Masks in packs of their own, row by row beside the images. */
class MaskLabels implements SplitLabels {
  private readonly masks: SplitImages;
  private readonly categoryCount: number;

  private constructor(masks: SplitImages, categoryCount: number) {
    this.masks = masks;
    this.categoryCount = categoryCount;
  }

  static async open(
    { masks: where }: SplitData,
    packs: readonly ImagePack[],
    images: SplitImages,
    categoryCount: number,
  ): Promise<MaskLabels> {
    if (!where)
      throw new FoveaError('bad-input', 'The images have no masks, so segmentation cannot be learned from them.');
    // In memory where the images are, so that the rows of both are the same.
    const masks = await SplitImages.open(where, packs, images.residentBytes ? Infinity : 0);
    try {
      const wanted = [1, ...images.imageShape.slice(1)];
      if (masks.imageShape.join() !== wanted.join())
        throw new FoveaError(
          'bad-input',
          `The masks must be ${wanted.join('×')} like the images, got ${masks.imageShape.join('×')}.`,
        );
      const labels = new MaskLabels(masks, categoryCount);
      if (masks.residentBytes) labels.check(masks.residentBytes);
      return labels;
    } catch (error) {
      await masks.close();
      throw error;
    }
  }

  async feed(positions: ArrayLike<number>, asked: number): Promise<TensorArray> {
    const { images } = await this.masks.feed(positions, asked);
    if (!this.masks.residentBytes) this.check(images);
    return images;
  }

  close(): Promise<void> {
    return this.masks.close();
  }

  /** A category that does not exist would be ignored without a word. */
  private check(masks: Uint8Array): void {
    const unknown = masks.find((label) => label >= this.categoryCount && label !== ignoredLabel);
    if (unknown !== undefined)
      throw new FoveaError(
        'bad-input',
        `A mask has the value ${unknown}, but there are only the classes 0 to ${this.categoryCount - 1} and ${ignoredLabel} for what is ignored.`,
      );
  }
}

/** Counts pixels and writes the predicted masks as they come. */
class SegmentationEvaluation implements Evaluation {
  private readonly writer: MaskPredictionsWriter;
  private readonly counter: PixelCounter;
  private readonly pixels: number;
  private lossSum = 0;
  private imageCount = 0;

  constructor(writer: MaskPredictionsWriter, counter: PixelCounter, pixels: number) {
    this.writer = writer;
    this.counter = counter;
    this.pixels = pixels;
  }

  async add({ results, count, labels, rows }: MeasuredBatch): Promise<void> {
    const { loss, predicted } = results as Record<'loss' | 'predicted', Tensor>;
    const masks = predicted.data as Uint8Array;
    const maskAt = (all: Uint8Array, row: number): Uint8Array =>
      all.subarray(row * this.pixels, (row + 1) * this.pixels);
    this.lossSum += Number(loss.data[0]) * count;
    this.imageCount += count;
    for (let image = 0; image < count; image++) {
      this.counter.add(maskAt(masks, image), maskAt(labels as Uint8Array, rows[image]!));
    }
    await this.writer.addMasks(masks.subarray(0, count * this.pixels));
  }

  /** The loss is the mean over the batches in which the split was measured. */
  measures(): Measures {
    const { counts } = this.counter;
    const together = (reduction: 'micro' | 'macro', measure: 'iou' | 'f1'): number | null =>
      measureTogether(counts, reduction, { measure, zeroDivision: null });
    return definedOnly({
      'test/loss': this.lossSum / this.imageCount,
      'test/accuracy': shareOfRight(this.counter.confusion),
      'test/meanIou': together('macro', 'iou'),
      'test/dice': together('macro', 'f1'),
    });
  }

  writePredictions(): Promise<void> {
    return this.writer.commit(this.counter.counts);
  }

  discard(): Promise<void> {
    return this.writer.discard();
  }
}

function shareOfRight(confusion: readonly (readonly number[])[]): number | null {
  const right = confusion.reduce((sum, row, category) => sum + row[category]!, 0);
  const all = confusion.flat().reduce((sum, count) => sum + count, 0);
  return all === 0 ? null : right / all;
}
