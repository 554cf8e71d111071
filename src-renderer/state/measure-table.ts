/** The numbers of a segmentation in every reduction, with what each is made of, in words. Pure. */
import {
  measureTogether,
  perCategory,
  reductions,
  segmentationMeasures,
  totalCounts,
  type PixelCounts,
  type Reduction,
  type SegmentationCounts,
  type SegmentationMeasure,
} from '../../src-main/contract/model/segmentation-measures.ts';

export const measureNames = Object.keys(segmentationMeasures) as SegmentationMeasure[];

export const reductionWords: Readonly<Record<Reduction, { label: string; explanation: string }>> = {
  micro: {
    label: 'micro',
    explanation: 'The pixels of all images and classes are added up, then the formula is applied once.',
  },
  macro: {
    label: 'macro',
    explanation: 'The formula is applied to each class over all images; the classes are averaged, each alike.',
  },
  weighted: {
    label: 'weighted',
    explanation: 'As macro, but a class counts by its share of the pixels.',
  },
  'micro-imagewise': {
    label: 'micro, by image',
    explanation:
      'The classes of each image are added up, the formula is applied to each image, the images are averaged.',
  },
  'macro-imagewise': {
    label: 'macro, by image',
    explanation: 'The formula is applied to each class of each image, and all are averaged.',
  },
  'weighted-imagewise': {
    label: 'weighted, by image',
    explanation: 'As macro by image, but a class counts by its share of the pixels.',
  },
};

/** What 0/0 is: null leaves the value out. */
export type ZeroDivision = 0 | 1 | null;

export interface MeasureRow {
  measure: SegmentationMeasure;
  /** In the order of `reductions`. */
  values: readonly (number | null)[];
}

/** Of all labelled pixels, the share of each class. */
export function classShares(counts: SegmentationCounts): number[] {
  const labelled = perCategory(counts).map((images) => {
    const { truePositives, falseNegatives } = totalCounts(images);
    return truePositives + falseNegatives;
  });
  const all = labelled.reduce((sum, pixels) => sum + pixels, 0);
  return labelled.map((pixels) => (all === 0 ? 0 : pixels / all));
}

export function measureRows(counts: SegmentationCounts, zeroDivision: ZeroDivision): MeasureRow[] {
  const shares = classShares(counts);
  return measureNames.map((measure) => ({
    measure,
    values: reductions.map((reduction) => measureTogether(counts, reduction, { measure, zeroDivision }, shares)),
  }));
}

export interface ClassRow {
  /** Place among the counted classes. */
  category: number;
  share: number;
  counts: PixelCounts;
  /** In the order of `measureNames`. */
  values: readonly (number | null)[];
}

/** One line a class, over all images: the reduction "none". */
export function classRows(counts: SegmentationCounts, zeroDivision: ZeroDivision): ClassRow[] {
  const shares = classShares(counts);
  return perCategory(counts).map((images, category) => ({
    category,
    share: shares[category]!,
    counts: totalCounts(images),
    values: measureNames.map((measure) =>
      measureTogether(
        images.map((image) => [image]),
        'micro',
        { measure, zeroDivision },
      ),
    ),
  }));
}

/** "1,204 / (1,204 + 310 + 96) = 0.748", the formula with the pixels filled in. */
export function filledFormula(
  measure: SegmentationMeasure,
  counts: PixelCounts,
  format: (pixels: number) => string,
): string {
  const { formula, parts } = segmentationMeasures[measure];
  const named: Readonly<Record<string, number>> = {
    TP: counts.truePositives,
    FP: counts.falsePositives,
    FN: counts.falseNegatives,
    TN: counts.trueNegatives,
  };
  const filled = formula.replaceAll(/TP|FP|FN|TN/g, (name) => format(named[name]!));
  const [numerator, denominator] = parts(counts);
  return `${filled} = ${denominator === 0 ? '0 / 0' : (numerator / denominator).toFixed(3)}`;
}
