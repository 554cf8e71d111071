/**
 * Measures of a classifier from its logits. Logits are row-major [N, C]; labels and predictions are category ordinals.
 * Pure functions of their arguments; none changes its input.
 */
import { invariant } from '../../contract/errors.ts';

/** Whole numbers, counts[groundTruth][predicted]; rows and columns in the order of the categories. */
export type ConfusionCounts = readonly (readonly number[])[];

export interface ClassificationResult {
  readonly count: number;
  /** Share of right predictions in [0, 1]; null where there are no images. */
  readonly accuracy: number | null;
  readonly confusion: ConfusionCounts;
}

/** logits: [N, C], labels: [N] in 0…C−1. */
export function classificationResult(
  logits: Float32Array,
  labels: ArrayLike<number>,
  categoryCount: number,
): ClassificationResult {
  const predicted = predictedCategories(logits, categoryCount);
  invariant(predicted.length === labels.length, `${predicted.length} rows of logits, but ${labels.length} labels`);
  const confusion = confusionCounts(predicted, labels, categoryCount);
  const right = confusion.reduce((sum, row, groundTruth) => sum + (row[groundTruth] ?? 0), 0);
  const count = labels.length;
  return { count, accuracy: count === 0 ? null : right / count, confusion };
}

/** The category with the greatest logit of each row, the first where several share it. A NaN counts as the greatest. */
export function predictedCategories(logits: Float32Array, categoryCount: number): Int32Array {
  const predicted = new Int32Array(rowCount(logits, categoryCount));
  for (let row = 0; row < predicted.length; row++) {
    const start = row * categoryCount;
    let best = 0;
    for (let category = 0; category < categoryCount; category++) {
      const value = logits[start + category]!;
      if (Number.isNaN(value)) {
        best = category;
        break;
      }
      if (value > logits[start + best]!) best = category;
    }
    predicted[row] = best;
  }
  return predicted;
}

/** predicted, labels: [N] in 0…C−1. */
export function confusionCounts(
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
  categoryCount: number,
): ConfusionCounts {
  const counts = Array.from({ length: categoryCount }, () => new Array<number>(categoryCount).fill(0));
  for (let index = 0; index < labels.length; index++) {
    const row = counts[labels[index]!];
    const category = predicted[index]!;
    invariant(
      row !== undefined && category < categoryCount,
      `image ${index} has a category outside 0…${categoryCount - 1}`,
    );
    row[category]!++;
  }
  return counts;
}

/**
 * softmax(x)ᵢ = e^(xᵢ − max x) / Σⱼ e^(xⱼ − max x), [N, C] → [N, C]. Subtracting the greatest logit changes nothing in
 * exact arithmetic and keeps every exponent ≤ 0, so nothing overflows. A row with NaN or +∞ has no probabilities: zeros.
 */
export function softmax(logits: Float32Array, categoryCount: number): Float32Array {
  const probabilities = new Float32Array(logits.length);
  for (let row = 0; row < rowCount(logits, categoryCount); row++) {
    const start = row * categoryCount;
    const end = start + categoryCount;
    let greatest = -Infinity;
    for (let index = start; index < end; index++) greatest = Math.max(greatest, logits[index]!);
    let sum = 0;
    for (let index = start; index < end; index++) sum += Math.exp(logits[index]! - greatest);
    if (!Number.isFinite(sum)) continue;
    for (let index = start; index < end; index++) probabilities[index] = Math.exp(logits[index]! - greatest) / sum;
  }
  return probabilities;
}

function rowCount(logits: Float32Array, categoryCount: number): number {
  const rows = logits.length / categoryCount;
  invariant(Number.isInteger(rows), `${logits.length} logits are no whole number of rows of ${categoryCount}`);
  return rows;
}

/** −1/N · Σ log softmax(x)[label]; with `softmaxFirst` x is softmax(logits). Null where there are no images. */
export function meanCrossEntropy(
  logits: Float32Array,
  labels: ArrayLike<number>,
  categoryCount: number,
  softmaxFirst: boolean,
): number | null {
  if (labels.length === 0) return null;
  const scores = softmaxFirst ? softmax(logits, categoryCount) : logits;
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    const start = row * categoryCount;
    const own = scores.subarray(start, start + categoryCount);
    const greatest = own.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = own.reduce((partial, value) => partial + Math.exp(value - greatest), 0);
    sum += greatest + Math.log(total) - own[labels[row]!]!;
  }
  return sum / labels.length;
}
