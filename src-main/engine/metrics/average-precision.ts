/**
 * Average precision and recall as COCO defines them, of boxes or of whatever else a comparison compares: precision at 101
 * recalls, made to fall, averaged over thresholds of similarity (IoU, OKS) 0.50:0.95; recall with 1, 10 and all counting
 * detections an image; by size of the object. Pure functions.
 */
import {
  boxComparison,
  match,
  outcomes,
  pairByCategory,
  type CategoryMatches,
  type CategoryPairs,
  type Comparison,
  type Detections,
  type GroundTruths,
} from './detection-pairs.ts';

/** All in [0, 1]; null where no object counts. */
export interface CocoMeasures {
  /** Over 0.50:0.95. */
  readonly ap: number | null;
  readonly ap50: number | null;
  readonly ap75: number | null;
  readonly apSmall: number | null;
  readonly apMedium: number | null;
  readonly apLarge: number | null;
  /** Recall over 0.50:0.95 with one detection an image and category; 10; as many as count, which are 100 boxes or masks and 20 poses. */
  readonly ar1: number | null;
  readonly ar10: number | null;
  readonly ar100: number | null;
  readonly arSmall: number | null;
  readonly arMedium: number | null;
  readonly arLarge: number | null;
}

export interface CocoResult {
  /** Means over the categories that have a value. */
  readonly all: CocoMeasures;
  readonly perCategory: readonly CategoryMeasures[];
}
export interface CategoryMeasures extends CocoMeasures {
  /** Precision at recalls 0, 0.01 … 1 and a similarity of 0.5; null where no object counts. */
  readonly precisionAtRecall: readonly number[] | null;
}

/** As NumPy's linspace gives them, to the last bit. */
const thresholds = Array.from({ length: 10 }, (_, i) => (i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9)));
const recallPoints = Array.from({ length: 101 }, (_, i) => i * 0.01);

/** px² */
const areaRanges = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const;

/** Categories and images are ordinals; scores and boxes must be finite. */
export function cocoMeasures(
  groundTruths: GroundTruths,
  detections: Detections,
  categoryCount: number,
  comparison: Comparison = boxComparison(groundTruths, detections),
): CocoResult {
  const perCategory = pairByCategory(groundTruths, detections, categoryCount, comparison).map((pairs) =>
    measuresOf(pairs, groundTruths),
  );
  const average = (key: keyof CocoMeasures): number | null => mean(perCategory.map((measures) => measures[key]));
  return { all: namedMeasures(average), perCategory };
}

function namedMeasures(value: (key: keyof CocoMeasures) => number | null): CocoMeasures {
  return {
    ap: value('ap'),
    ap50: value('ap50'),
    ap75: value('ap75'),
    apSmall: value('apSmall'),
    apMedium: value('apMedium'),
    apLarge: value('apLarge'),
    ar1: value('ar1'),
    ar10: value('ar10'),
    ar100: value('ar100'),
    arSmall: value('arSmall'),
    arMedium: value('arMedium'),
    arLarge: value('arLarge'),
  };
}

function mean(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null);
  return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
}

function measuresOf(pairs: CategoryPairs, groundTruths: GroundTruths): CategoryMeasures {
  // By falling score over all images; ties stay in the order of the images.
  const order = Int32Array.from(pairs.score, (_, i) => i).sort((a, b) => pairs.score[b]! - pairs.score[a]! || a - b);
  const matchesOf = (range: keyof typeof areaRanges): CategoryMatches =>
    match(pairs, groundTruths, thresholds, areaRanges[range]);
  const bySize = {
    all: matchesOf('all'),
    small: matchesOf('small'),
    medium: matchesOf('medium'),
    large: matchesOf('large'),
  };
  const precisions = (range: keyof typeof areaRanges): Float64Array[] | null => {
    const { positives, outcomes: found } = bySize[range];
    return positives === 0 ? null : found.map((each) => precisionAtRecalls(each, order, positives));
  };
  const recall = (range: keyof typeof areaRanges, most = Infinity): number | null => {
    const { positives, outcomes: found } = bySize[range];
    if (positives === 0) return null;
    return mean(found.map((each) => rightAmong(each, pairs.rank, most) / positives));
  };
  const averaged = (curves: readonly Float64Array[] | null): number | null =>
    curves && mean(curves.flatMap((curve) => [...curve]));
  const all = precisions('all');
  return {
    ap: averaged(all),
    ap50: averaged(all && [all[0]!]),
    ap75: averaged(all && [all[5]!]),
    apSmall: averaged(precisions('small')),
    apMedium: averaged(precisions('medium')),
    apLarge: averaged(precisions('large')),
    ar1: recall('all', 1),
    ar10: recall('all', 10),
    ar100: recall('all'),
    arSmall: recall('small'),
    arMedium: recall('medium'),
    arLarge: recall('large'),
    precisionAtRecall: all && [...all[0]!],
  };
}

function rightAmong(found: Uint8Array, rank: Int32Array, most: number): number {
  let right = 0;
  for (let i = 0; i < found.length; i++) if (found[i] === outcomes.right && rank[i]! < most) right++;
  return right;
}

/** The best precision at this recall or a higher one; 0 where it is not reached. */
function precisionAtRecalls(found: Uint8Array, order: Int32Array, positives: number): Float64Array {
  const precision = new Float64Array(order.length);
  const recall = new Float64Array(order.length);
  let right = 0;
  let count = 0;
  for (const row of order) {
    if (found[row] === outcomes.ignored) continue;
    if (found[row] === outcomes.right) right++;
    recall[count] = right / positives;
    precision[count] = right / (count + 1 + Number.EPSILON);
    count++;
  }
  for (let i = count - 1; i > 0; i--) precision[i - 1] = Math.max(precision[i - 1]!, precision[i]!);
  const result = new Float64Array(recallPoints.length);
  let place = 0;
  recallPoints.forEach((point, i) => {
    while (place < count && recall[place]! < point) place++;
    result[i] = place < count ? precision[place]! : 0;
  });
  return result;
}
