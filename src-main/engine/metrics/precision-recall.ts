/**
 * Precision at 101 recalls of a classifier, one class against all others, by COCO's convention: the best precision at
 * this recall or a higher one, 0 where it is not reached. Equal scores count together.
 */

const recallPoints = 101;

/** `scores`: how sure the classifier is of the class; `isPositive`: 1 where it is right. Null without positives. */
export function precisionAtRecalls(scores: ArrayLike<number>, isPositive: ArrayLike<number>): number[] | null {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  let positives = 0;
  for (let i = 0; i < isPositive.length; i++) positives += isPositive[i]!;
  if (positives === 0) return null;
  const steps: Step[] = [];
  let right = 0;
  order.forEach((index, place) => {
    right += isPositive[index]!;
    const isLastOfItsScore = scores[order[place + 1] ?? -1] !== scores[index];
    if (isLastOfItsScore) steps.push([right / positives, right / (place + 1)]);
  });
  return atRecalls(steps);
}

/** The same of scores that were counted in bins, `all` of them and the `right` ones, the surest last. Null without positives. */
export function precisionOfBins(all: ArrayLike<number>, right: ArrayLike<number>): number[] | null {
  let positives = 0;
  for (let bin = 0; bin < right.length; bin++) positives += right[bin]!;
  if (positives === 0) return null;
  const steps: Step[] = [];
  let [found, foundRight] = [0, 0];
  for (let bin = all.length - 1; bin >= 0; bin--) {
    if (all[bin] === 0) continue;
    found += all[bin]!;
    foundRight += right[bin]!;
    steps.push([foundRight / positives, foundRight / found]);
  }
  return atRecalls(steps);
}

/** At each score that occurs, the surest first. */
type Step = [recall: number, precision: number];

function atRecalls(steps: readonly Step[]): number[] {
  let best = 0;
  const envelope = steps.toReversed().map(([recall, precision]) => {
    best = Math.max(best, precision);
    return [recall, best] as const;
  });
  envelope.reverse();
  let at = 0;
  return Array.from({ length: recallPoints }, (_, i) => {
    while (at < envelope.length && envelope[at]![0] < i / (recallPoints - 1) - 1e-12) at++;
    return envelope[at]?.[1] ?? 0;
  });
}
