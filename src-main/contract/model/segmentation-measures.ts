/**
 * Measures of a segmentation, from which pixels of which class were called which: for the engine that reports them and for
 * the window that shows where they come from. Categories are ordinals; a label that is none of them was ignored. Pure.
 */
import { invariant } from '../errors.ts';

/** Of one image and one category. */
export interface PixelCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

/** counts[image][category], in the order of the images and in the order of the categories that were asked for. */
export type SegmentationCounts = readonly (readonly PixelCounts[])[];

/**
 * Of every image, how many pixels of a label's category were predicted as another (or the same): triples (label,
 * predicted, pixels > 0). Those of image i are at [starts[i], starts[i + 1]) of the triples.
 */
export interface CellCounts {
  /** [images + 1] */
  readonly starts: Uint32Array;
  /** [triples, 3] */
  readonly triples: Uint32Array;
}

function forEachPair(
  { starts, triples }: CellCounts,
  image: number,
  visit: (label: number, predicted: number, pixels: number) => void,
): void {
  for (let at = starts[image]! * 3; at < starts[image + 1]! * 3; at += 3) {
    visit(triples[at]!, triples[at + 1]!, triples[at + 2]!);
  }
}

const imageCount = ({ starts }: CellCounts): number => starts.length - 1;

/** `counted`: ordinals of the categories whose pixels count; the others are merely what is left. */
export function pixelCounts(pairs: CellCounts, counted: readonly number[]): SegmentationCounts {
  const width = Math.max(0, ...counted) + 1;
  return Array.from({ length: imageCount(pairs) }, (_, image) => {
    const [right, labelled, predictedAs] = [0, 1, 2].map(() => new Float64Array(width)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    let all = 0;
    forEachPair(pairs, image, (label, predicted, pixels) => {
      all += pixels;
      if (label < width) labelled[label]! += pixels;
      if (predicted < width) predictedAs[predicted]! += pixels;
      if (label === predicted && label < width) right[label]! += pixels;
    });
    return counted.map((category): PixelCounts => {
      const truePositives = right[category]!;
      const falsePositives = predictedAs[category]! - truePositives;
      const falseNegatives = labelled[category]! - truePositives;
      const trueNegatives = all - truePositives - falsePositives - falseNegatives;
      return { truePositives, falsePositives, falseNegatives, trueNegatives };
    });
  });
}

/** Pixels, confusion[label][predicted], over all images. */
export function confusionOf(pairs: CellCounts, categoryCount: number): number[][] {
  const sums = Array.from({ length: categoryCount }, () => new Array<number>(categoryCount).fill(0));
  for (let image = 0; image < imageCount(pairs); image++) {
    forEachPair(pairs, image, (label, predicted, pixels) => {
      sums[label]![predicted]! += pixels;
    });
  }
  return sums;
}

/** How many pixels of each image are in one cell of the confusion. */
export function countsInCell(pairs: CellCounts, label: number, predicted: number): Float64Array {
  return Float64Array.from({ length: imageCount(pairs) }, (_, image) => {
    let found = 0;
    forEachPair(pairs, image, (ownLabel, ownPrediction, pixels) => {
      if (ownLabel === label && ownPrediction === predicted) found = pixels;
    });
    return found;
  });
}

interface Measure {
  label: string;
  formula: string;
  /** Numerator and denominator. */
  parts(counts: PixelCounts): readonly [number, number];
}

/** Sources: Jaccard 1912, Dice 1945. */
export const segmentationMeasures = {
  iou: {
    label: 'IoU',
    formula: 'TP / (TP + FP + FN)',
    parts: ({ truePositives: tp, falsePositives: fp, falseNegatives: fn }) => [tp, tp + fp + fn],
  },
  f1: {
    label: 'F1 (Dice)',
    formula: '2·TP / (2·TP + FP + FN)',
    parts: ({ truePositives: tp, falsePositives: fp, falseNegatives: fn }) => [2 * tp, 2 * tp + fp + fn],
  },
  accuracy: {
    label: 'Accuracy',
    formula: '(TP + TN) / (TP + FP + FN + TN)',
    parts: ({ truePositives: tp, falsePositives: fp, falseNegatives: fn, trueNegatives: tn }) => [
      tp + tn,
      tp + fp + fn + tn,
    ],
  },
  precision: {
    label: 'Precision',
    formula: 'TP / (TP + FP)',
    parts: ({ truePositives: tp, falsePositives: fp }) => [tp, tp + fp],
  },
  recall: {
    label: 'Recall',
    formula: 'TP / (TP + FN)',
    parts: ({ truePositives: tp, falseNegatives: fn }) => [tp, tp + fn],
  },
} as const satisfies Record<string, Measure>;
export type SegmentationMeasure = keyof typeof segmentationMeasures;

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
  const value = (each: readonly PixelCounts[]): number | null => quotient(totalCounts(each), options);
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

/** [category][image] */
export const perCategory = (counts: SegmentationCounts): PixelCounts[][] =>
  (counts[0] ?? []).map((_, category) => counts.map((image) => image[category]!));

/** As those of one image, or of one category. */
export function totalCounts(counts: readonly PixelCounts[]): PixelCounts {
  const sum = (of: (each: PixelCounts) => number): number => counts.reduce((partial, each) => partial + of(each), 0);
  return {
    truePositives: sum((each) => each.truePositives),
    falsePositives: sum((each) => each.falsePositives),
    falseNegatives: sum((each) => each.falseNegatives),
    trueNegatives: sum((each) => each.trueNegatives),
  };
}

function quotient(counts: PixelCounts, { measure, zeroDivision }: MeasureOptions): number | null {
  const [numerator, denominator] = segmentationMeasures[measure].parts(counts);
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
