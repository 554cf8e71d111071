/** How large the numbers of a tensor are, and how they spread. Sums are in float64. */

/** Euclidean length; NaN or infinite where a value is. */
export function euclideanNorm(values: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!;
  return Math.sqrt(squares);
}

export interface ValueSpread {
  /** NaN where no value is a finite number. */
  low: number;
  high: number;
  /** Values in each of equally wide bins from `low` to `high`, which belongs to the last one. */
  counts: Uint32Array;
}

/**
 * As NumPy's `histogram`, but that values which are no finite numbers are left out, and that equal values lie in the middle
 * bin of a range without width.
 */
export function spreadOf(values: Float32Array, bins: number): ValueSpread {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const counts = new Uint32Array(bins);
  if (low > high) return { low: NaN, high: NaN, counts };
  const perValue = bins / (high - low);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    counts[high === low ? bins >> 1 : Math.min(bins - 1, Math.floor((value - low) * perValue))]!++;
  }
  return { low, high, counts };
}
