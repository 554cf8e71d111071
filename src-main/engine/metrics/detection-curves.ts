/** How precision, recall and F1 of a detector change with the confidence that is asked for. */
import {
  boxComparison,
  match,
  outcomes,
  pairByCategory,
  type Comparison,
  type Detections,
  type GroundTruths,
} from './detection-pairs.ts';

/** One entry for each confidence asked for. */
export interface ConfidenceCurve {
  /** Share of the detections with at least this score that are right; null where there are none. */
  readonly precision: readonly (number | null)[];
  /** Share of the objects that they find. */
  readonly recall: readonly number[];
  /** Harmonic mean of both, 0 where nothing is right. */
  readonly f1: readonly number[];
}

export interface ConfidenceCurves {
  /** 0, 0.001 … 1 */
  readonly confidences: readonly number[];
  /** null for a category without objects. */
  readonly perCategory: readonly (ConfidenceCurve | null)[];
  /** Means over the categories with objects; null where there are none. */
  readonly mean: ConfidenceCurve | null;
  /** Where the mean F1 is greatest, the lowest of equal ones. */
  readonly best: Readonly<{ confidence: number; precision: number | null; recall: number; f1: number }> | null;
}

const confidences = Array.from({ length: 1001 }, (_, i) => i / 1000);
const anyArea = [0, Infinity] as const;

export interface CurveSettings {
  /** From this similarity on a detection finds an object. */
  threshold: number;
  /** The best of an image and category. */
  maxDetections: number;
}

/** Crowds are not to be found, and what lies in them is not wrong. */
export function confidenceCurves(
  groundTruths: GroundTruths,
  detections: Detections,
  categoryCount: number,
  { threshold, maxDetections }: CurveSettings,
  comparison: Comparison = boxComparison(groundTruths, detections),
): ConfidenceCurves {
  const perCategory = pairByCategory(groundTruths, detections, categoryCount, comparison, maxDetections).map(
    (pairs) => {
      const { outcomes: found, positives } = match(pairs, groundTruths, [threshold], anyArea);
      return positives === 0 ? null : curveOf(pairs.score, found[0]!, positives);
    },
  );
  const mean = meanCurve(perCategory.filter((curve) => curve !== null));
  return { confidences, perCategory, mean, best: mean && bestOf(mean) };
}

function curveOf(scores: Float64Array, found: Uint8Array, positives: number): ConfidenceCurve {
  const order = Int32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!);
  const precision: (number | null)[] = [];
  const recall: number[] = [];
  let [place, right, wrong] = [0, 0, 0];
  for (const confidence of confidences.toReversed()) {
    for (; place < order.length && scores[order[place]!]! >= confidence; place++) {
      if (found[order[place]!] === outcomes.right) right++;
      if (found[order[place]!] === outcomes.wrong) wrong++;
    }
    precision.push(right + wrong === 0 ? null : right / (right + wrong));
    recall.push(right / positives);
  }
  precision.reverse();
  recall.reverse();
  return { precision, recall, f1: recall.map((r, i) => harmonicMean(precision[i] ?? 0, r)) };
}

const harmonicMean = (a: number, b: number): number => (a + b === 0 ? 0 : (2 * a * b) / (a + b));

function meanCurve(curves: readonly ConfidenceCurve[]): ConfidenceCurve | null {
  if (curves.length === 0) return null;
  const average = (values: readonly (number | null)[]): number | null => {
    const present = values.filter((value) => value !== null);
    return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
  };
  return {
    precision: confidences.map((_, i) => average(curves.map((curve) => curve.precision[i]!))),
    recall: confidences.map((_, i) => average(curves.map((curve) => curve.recall[i]!))!),
    f1: confidences.map((_, i) => average(curves.map((curve) => curve.f1[i]!))!),
  };
}

function bestOf({ precision, recall, f1 }: ConfidenceCurve): NonNullable<ConfidenceCurves['best']> {
  const at = f1.reduce((best, value, i) => (value > f1[best]! ? i : best), 0);
  return { confidence: confidences[at]!, precision: precision[at]!, recall: recall[at]!, f1: f1[at]! };
}
