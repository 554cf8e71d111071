/** One category a pixel. Masks hold a byte a pixel; `ignoredLabel` stands where no category is known. */
import { FoveaError } from '../../../contract/errors.ts';
import { toImage } from '../../data/letterbox.ts';
import {
  measureTogether,
  confusionOf,
  pixelCounts,
  type PixelCounts,
} from '../../../contract/model/segmentation-measures.ts';
import { SplitImages, type ExampleImages, type ImageFeed } from '../../data/split-images.ts';
import type { ImagePack, SplitData } from '../../data/training-data.ts';
import type { Builder } from '../../graph/builder.ts';
import { tensor, type Tensor, type TensorArray, type Value } from '../../graph/types.ts';
import { PixelCounter, SurenessCounter } from '../../metrics/segmentation.ts';
import { dotPerCategory, isBinary, labelIs, lossInputs, ordinals, perCategory } from '../../nn/losses/definition.ts';
import { sumOfLosses } from '../../nn/losses/index.ts';
import { MaskPredictionsWriter } from '../mask-predictions-file.ts';
import {
  compareWholeNumbers,
  type Counts,
  type Evaluation,
  type MeasuredBatch,
  type Measures,
  type SplitLabels,
  type Task,
  type TaskFacts,
} from './definition.ts';

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
  const firstCounted = binary ? 1 : 0;
  return {
    outputCount: binary ? 1 : categoryCount,
    label: { dataType: 'uint8', shape: [1, height, width] },
    deciding: 'test/meanIou',
    openLabels: (split, { packs }, images) => MaskLabels.open(split, packs, images, categoryCount),
    moveLabels: (_g, labels, motion) => motion.apply(labels, ignoredLabel),
    loss: (g, outputs, labels) => sumOfLosses(g, outputs[0]!, asCategories(g, labels), terms),
    counts: (g, outputs, labels) => stepCounts(g, outputs[0]!, asCategories(g, labels)),
    trainMeasures: (counts) => definedOnly({ 'train/meanIou': measured(countedPixels(counts), 'macro', 'iou') }),
    evaluationResults: (g, outputs, inputs) => {
      const [logits] = outputs as [Value];
      const labels = asCategories(g, inputs.labels());
      const present = g.reshape(inputs.isImage(), [labels.shape[0]!, 1, 1]);
      const known = g.where(present, labels, g.constant(tensor('int32', [], [ignoredLabel])));
      return {
        loss: g.scope('loss', () => sumOfLosses(g, logits, known, terms)),
        predicted: g.cast(predictedCategories(g, logits), 'uint8'),
        confidence: confidenceBytes(g, logits),
        shares: shareBytes(g, logits),
      };
    },
    startEvaluation: async (options) => {
      const writer = await MaskPredictionsWriter.create(options.file, {
        epoch: options.epoch,
        categoryCount,
        firstCounted,
        height,
        width,
        imageIds: options.split.imageIds,
      });
      return new SegmentationEvaluation(writer, { categoryCount, firstCounted, pixels: height * width });
    },
    exported: {
      raw: (_g, outputs) => ({ logits: outputs[0]! }),
      decided: (g, outputs) => ({ category: predictedCategories(g, outputs[0]!) }),
      compare: ({ logits }, { category }) => compareWholeNumbers(decidedCategories(logits!), category!.data),
      say: ({ logits }, placement) => ({
        kind: 'masks',
        masks: {
          widthPx: width,
          heightPx: height,
          placement: toImage(placement, [0, 0, width, height]),
          ...decideShares(sharesOf(logits!), binary ? 1 : categoryCount),
        },
      }),
      tiles: {
        shareCount: binary ? 1 : categoryCount,
        shares: ({ logits }) => sharesOf(logits!),
        decide: (means) => decideShares(means, binary ? 1 : categoryCount),
      },
    },
  };
}

/** Softmax over the categories, or the sigmoid of the only logit. logits: [1, C, H, W]; result: [C, H · W]. */
function sharesOf({ data, shape }: Tensor): Float32Array {
  const channels = shape[1]!;
  const logits = data as Float32Array;
  const pixels = logits.length / channels;
  if (channels === 1) return logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  const shares = new Float32Array(logits.length);
  for (let pixel = 0; pixel < pixels; pixel++) {
    let largest = -Infinity;
    for (let at = pixel; at < logits.length; at += pixels) largest = Math.max(largest, logits[at]!);
    let sum = 0;
    for (let at = pixel; at < logits.length; at += pixels) sum += shares[at] = Math.exp(logits[at]! - largest);
    for (let at = pixel; at < logits.length; at += pixels) shares[at]! /= sum;
  }
  return shares;
}

/** The first of the greatest shares, or whether the only one is above a half, and that share. shares: [C, pixels]. */
function decideShares(shares: Float32Array, channels: number): { predicted: Uint8Array; confidence: Uint8Array } {
  const pixels = shares.length / channels;
  const [predicted, confidence] = [new Uint8Array(pixels), new Uint8Array(pixels)];
  for (let pixel = 0; pixel < pixels; pixel++) {
    let [best, share] = [0, shares[pixel]!];
    if (channels === 1) {
      best = Number(share > 0.5);
      share = Math.max(share, 1 - share);
    }
    for (let channel = 1; channel < channels; channel++) {
      const other = shares[channel * pixels + pixel]!;
      if (other > share) [best, share] = [channel, other];
    }
    predicted[pixel] = best;
    confidence[pixel] = Math.round(255 * share);
  }
  return { predicted, confidence };
}

/** The same as `predictedCategories`, of numbers. */
function decidedCategories({ data, shape }: Tensor): number[] {
  const [images, channels, height, width] = shape as [number, number, number, number];
  const pixels = height * width;
  const logits = data as Float32Array;
  const best = (image: number, pixel: number): number => {
    const at = (channel: number): number => logits[(image * channels + channel) * pixels + pixel]!;
    if (channels === 1) return Number(at(0) > 0);
    return ordinals(channels).reduce((winner, channel) => (at(channel) > at(winner) ? channel : winner), 0);
  };
  return Array.from({ length: images * pixels }, (_, i) => best(Math.floor(i / pixels), i % pixels));
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

/** [B, C, H, W] → uint8 [B, H, W]: the share of the category that is decided for, 255 for 1. */
function confidenceBytes(g: Builder, logits: Value): Value {
  // σ(|x|) is the larger of σ(x) and 1 − σ(x).
  const share = isBinary(logits)
    ? g.op('Sigmoid', [g.op('Abs', [g.reshape(logits, [logits.shape[0]!, ...logits.shape.slice(2)])])])
    : g.op('ReduceMax', [g.op('Softmax', [logits], { axis: 1 }), g.ints([1])], { keepdims: 0 });
  return g.cast(g.op('Round', [g.scale(share, 255)]), 'uint8');
}

/** [B, C, H, W] → uint8 of the same shape: the share of every category, 255 for 1; of one logit that of the second category. */
const shareBytes = (g: Builder, logits: Value): Value =>
  g.cast(
    g.op('Round', [
      g.scale(isBinary(logits) ? g.op('Sigmoid', [logits]) : g.op('Softmax', [logits], { axis: 1 }), 255),
    ]),
    'uint8',
  );

/** Pixels of the batch in each category that is counted, [C]: right ones, predicted ones, and those of the labels. */
function stepCounts(g: Builder, logits: Value, labels: Value): Record<string, Value> {
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
    images: ExampleImages,
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

  async feed(positions: ArrayLike<number>, asked: number, images: ImageFeed): Promise<TensorArray> {
    const masks = images.masks ?? (await this.masks.feed(positions, asked)).images;
    if (!this.masks.residentBytes) this.check(masks);
    return masks;
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

interface MeasuredFacts {
  categoryCount: number;
  /** Ordinal of the first category whose pixels are measured. */
  firstCounted: number;
  /** Of one image. */
  pixels: number;
}

/** Counts pixels and writes the predicted masks as they come. */
class SegmentationEvaluation implements Evaluation {
  private readonly writer: MaskPredictionsWriter;
  private readonly counter: PixelCounter;
  private readonly sureness: SurenessCounter;
  private readonly facts: MeasuredFacts;
  private lossSum = 0;
  private imageCount = 0;

  constructor(writer: MaskPredictionsWriter, facts: MeasuredFacts) {
    this.writer = writer;
    this.counter = new PixelCounter(facts.categoryCount);
    this.sureness = new SurenessCounter(facts.categoryCount, facts.firstCounted);
    this.facts = facts;
  }

  async add({ results, count, labels, rows }: MeasuredBatch): Promise<void> {
    const { loss, predicted, confidence, shares } = results as Record<
      'loss' | 'predicted' | 'confidence' | 'shares',
      Tensor
    >;
    const masks = predicted.data as Uint8Array;
    const { pixels } = this.facts;
    const maskAt = (all: Uint8Array, row: number): Uint8Array => all.subarray(row * pixels, (row + 1) * pixels);
    this.lossSum += Number(loss.data[0]) * count;
    this.imageCount += count;
    for (let image = 0; image < count; image++) {
      const truth = maskAt(labels as Uint8Array, rows[image]!);
      this.counter.add(maskAt(masks, image), truth);
      const counted = shares.data.length / shares.shape[0]!;
      this.sureness.add((shares.data as Uint8Array).subarray(image * counted, (image + 1) * counted), truth);
    }
    const sure = confidence.data as Uint8Array;
    await this.writer.addMasks(masks.subarray(0, count * pixels), sure.subarray(0, count * pixels));
  }

  /** The loss is the mean over the batches in which the split was measured. */
  measures(): Measures {
    const { pairs } = this.counter;
    const { categoryCount, firstCounted } = this.facts;
    const counts = pixelCounts(pairs, ordinals(categoryCount).slice(firstCounted));
    const together = (reduction: 'micro' | 'macro', measure: 'iou' | 'f1'): number | null =>
      measureTogether(counts, reduction, { measure, zeroDivision: null });
    return definedOnly({
      'test/loss': this.lossSum / this.imageCount,
      'test/accuracy': shareOfRight(confusionOf(pairs, categoryCount)),
      'test/meanIou': together('macro', 'iou'),
      'test/dice': together('macro', 'f1'),
    });
  }

  writePredictions(): Promise<void> {
    return this.writer.commit(this.counter.pairs, this.sureness.counts);
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
