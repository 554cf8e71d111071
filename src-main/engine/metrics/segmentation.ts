/**
 * Measures of a segmentation: pixels that are right and wrong, per image and category, and what follows from them.
 * Categories are ordinals; a label that is none of them is ignored. Pure but for `PixelCounter`, which takes image by image.
 */
import { invariant } from '../../contract/errors.ts';

/** Of one image and one category. */
export interface PixelCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

/** counts[image][category], in the order in which they were added and in the order of the categories that were asked for. */
export type SegmentationCounts = readonly (readonly PixelCounts[])[];

/** Masks hold a byte a pixel. */
const byteValues = 256;

/** Counts image by image, so that no more than one image's masks need be in memory. */
export class PixelCounter {
  private readonly categoryCount: number;
  /** Which categories are counted: all of them, or only one where the other is merely what is left. */
  private readonly counted: readonly number[];
  private readonly images: PixelCounts[][] = [];
  private readonly sums: number[][];
  private readonly pairs = new Uint32Array(byteValues * byteValues);

  constructor(categoryCount: number, counted?: readonly number[]) {
    this.categoryCount = categoryCount;
    this.counted = counted ?? Array.from({ length: categoryCount }, (_, category) => category);
    this.sums = Array.from({ length: categoryCount }, () => new Array<number>(categoryCount).fill(0));
  }

  /** One image's masks: a category a pixel, as many pixels in both. `labels` may have others, which are ignored. */
  add(predicted: Uint8Array, labels: Uint8Array): readonly PixelCounts[] {
    invariant(predicted.length === labels.length, `${predicted.length} predicted pixels for ${labels.length} labels`);
    const { pairs, sums, categoryCount } = this;
    pairs.fill(0);
    for (let pixel = 0; pixel < labels.length; pixel++) pairs[labels[pixel]! * byteValues + predicted[pixel]!]!++;
    const perLabel = new Array<number>(categoryCount).fill(0);
    const perPrediction = new Array<number>(categoryCount).fill(0);
    let all = 0;
    for (let label = 0; label < categoryCount; label++) {
      for (let category = 0; category < categoryCount; category++) {
        const count = pairs[label * byteValues + category]!;
        sums[label]![category]! += count;
        perLabel[label]! += count;
        perPrediction[category]! += count;
        all += count;
      }
    }
    const counts = this.counted.map((category): PixelCounts => {
      const truePositives = pairs[category * byteValues + category]!;
      const falsePositives = perPrediction[category]! - truePositives;
      const falseNegatives = perLabel[category]! - truePositives;
      const trueNegatives = all - truePositives - falsePositives - falseNegatives;
      return { truePositives, falsePositives, falseNegatives, trueNegatives };
    });
    this.images.push(counts);
    return counts;
  }

  get counts(): SegmentationCounts {
    return this.images;
  }

  /** Pixels, confusion[label][predicted], over all images. */
  get confusion(): readonly (readonly number[])[] {
    return this.sums;
  }
}

/** Numerator and denominator of each measure. Sources: Jaccard 1912, Dice 1945. */
const measures = {
  iou: ({ truePositives: tp, falsePositives: fp, falseNegatives: fn }) => [tp, tp + fp + fn],
  /** The Dice coefficient. */
  f1: ({ truePositives: tp, falsePositives: fp, falseNegatives: fn }) => [2 * tp, 2 * tp + fp + fn],
  accuracy: ({ truePositives: tp, falsePositives: fp, falseNegatives: fn, trueNegatives: tn }) => [
    tp + tn,
    tp + fp + fn + tn,
  ],
  precision: ({ truePositives: tp, falsePositives: fp }) => [tp, tp + fp],
  recall: ({ truePositives: tp, falseNegatives: fn }) => [tp, tp + fn],
} as const satisfies Record<string, (counts: PixelCounts) => readonly [number, number]>;
export type SegmentationMeasure = keyof typeof measures;

/**
 * How many measures become one. 'micro' adds up all pixels; 'macro' adds up the images of each category and averages the
 * categories; 'micro-imagewise' adds up the categories of each image and averages the images; 'macro-imagewise' measures
 * each category of each image and averages all. The weighted ones average the categories by weight.
 */
export const reductions = [
  'micro',
  'macro',
  'weighted',
  'micro-imagewise',
  'macro-imagewise',
  'weighted-imagewise',
] as const;
export type Reduction = (typeof reductions)[number];

export interface MeasureOptions {
  measure: SegmentationMeasure;
  /** What 0/0 is; null: the value is absent and left out of averages. */
  zeroDivision: number | null;
}

/** [image][category], null where it is absent. */
export function measureEach(
  counts: SegmentationCounts,
  options: MeasureOptions,
): readonly (readonly (number | null)[])[] {
  return counts.map((image) => image.map((each) => quotient(each, options)));
}

/**
 * One number in [0, 1], null where all that it is made of is absent. `classWeights` (one a category) is for the weighted
 * reductions, which need it.
 * NOTE (differs from segmentation-models-pytorch): weights are those of an average, so that they need not add up to 1;
 * there the weighted image-wise mean is divided by the number of categories once more, and an absent value spoils its mean.
 */
export function measureTogether(
  counts: SegmentationCounts,
  reduction: Reduction,
  options: MeasureOptions,
  classWeights?: readonly number[],
): number | null {
  const value = (each: readonly PixelCounts[]): number | null => quotient(total(each), options);
  const weights = reduction.startsWith('weighted') ? classWeights : undefined;
  invariant(
    !reduction.startsWith('weighted') || weights,
    `the reduction "${reduction}" needs weights of the categories`,
  );
  switch (reduction) {
    case 'micro':
      return value(counts.flat());
    case 'macro':
    case 'weighted':
      return mean(perCategory(counts).map(value), weights);
    case 'micro-imagewise':
      return mean(counts.map(value));
    case 'macro-imagewise':
    case 'weighted-imagewise': {
      const each = perCategory(counts).map((images) => mean(images.map((image) => quotient(image, options))));
      return mean(each, weights);
    }
  }
}

const perCategory = (counts: SegmentationCounts): PixelCounts[][] =>
  (counts[0] ?? []).map((_, category) => counts.map((image) => image[category]!));

function total(counts: readonly PixelCounts[]): PixelCounts {
  const sum = (of: (each: PixelCounts) => number): number => counts.reduce((partial, each) => partial + of(each), 0);
  return {
    truePositives: sum((each) => each.truePositives),
    falsePositives: sum((each) => each.falsePositives),
    falseNegatives: sum((each) => each.falseNegatives),
    trueNegatives: sum((each) => each.trueNegatives),
  };
}

function quotient(counts: PixelCounts, { measure, zeroDivision }: MeasureOptions): number | null {
  const [numerator, denominator] = measures[measure](counts);
  return denominator === 0 ? zeroDivision : numerator / denominator;
}

/** Of what is not absent. */
function mean(values: readonly (number | null)[], weights?: readonly number[]): number | null {
  let sum = 0;
  let weightSum = 0;
  values.forEach((value, i) => {
    if (value === null) return;
    const weight = weights ? weights[i]! : 1;
    sum += weight * value;
    weightSum += weight;
  });
  return weightSum === 0 ? null : sum / weightSum;
}
