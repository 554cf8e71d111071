/** What a confusion matrix says beside its counts: shares, recall, precision, and the commonest mix-ups. Pure. */

/** counts[groundTruth][predicted]. */
export type Counts = readonly (readonly number[])[];

export interface MixUp {
  groundTruth: number;
  predicted: number;
  count: number;
  /** Of the images of the true class. */
  share: number;
}

export function rowTotal(counts: Counts, groundTruth: number): number {
  return counts[groundTruth]!.reduce((sum, count) => sum + count, 0);
}

/** Of the images of a class, the share that was recognised; null where the class has no images. */
export function recall(counts: Counts, category: number): number | null {
  const total = rowTotal(counts, category);
  return total === 0 ? null : counts[category]![category]! / total;
}

/** Of the images called by a class, the share that belongs to it; null where nothing was called so. */
export function precision(counts: Counts, category: number): number | null {
  const total = counts.reduce((sum, row) => sum + row[category]!, 0);
  return total === 0 ? null : counts[category]![category]! / total;
}

export function mixUps(counts: Counts, atMost: number): MixUp[] {
  const all = counts.flatMap((row, groundTruth) => {
    const total = rowTotal(counts, groundTruth);
    return row.flatMap((count, predicted) =>
      groundTruth === predicted || count === 0 ? [] : [{ groundTruth, predicted, count, share: count / total }],
    );
  });
  return all.sort((a, b) => b.count - a.count).slice(0, atMost);
}
