/** Two runs on the same images: which ones the second fixed or broke, and where they disagree most. Pure. */
import type { ImageId } from '../../src-main/contract/model/ids.ts';
import type { ImageScores } from '../../src-main/contract/model/run-results.ts';

export const comparisonFilters = ['all', 'fixed', 'broken', 'both-wrong', 'both-right'] as const;
export type ComparisonFilter = (typeof comparisonFilters)[number];

export interface ComparedImage {
  imageId: ImageId;
  /** Of the baseline and of the other; null where there was nothing to measure. */
  scores: readonly [number | null, number | null];
  outcome: Exclude<ComparisonFilter, 'all'>;
}

/** Images that both were measured by, in the baseline's order. `threshold`: from which score on an image counts as right. */
export function comparedImages(baseline: ImageScores, other: ImageScores, threshold: number): ComparedImage[] {
  const places = new Map<number, number>();
  other.imageIds.forEach((imageId, place) => places.set(imageId, place));
  const isRight = ({ right, scores }: ImageScores, place: number): boolean =>
    // Nothing to find and nothing found is right.
    right === null ? !(scores[place]! < threshold) : right[place] === 1;
  const scoreAt = ({ scores }: ImageScores, place: number): number | null =>
    Number.isNaN(scores[place]) ? null : scores[place]!;
  return Array.from(baseline.imageIds, (imageId, place) => ({
    imageId,
    place,
    otherPlace: places.get(imageId),
  })).flatMap(({ imageId, place, otherPlace }) => {
    if (otherPlace === undefined) return [];
    const [before, after] = [isRight(baseline, place), isRight(other, otherPlace)];
    const outcome = before ? (after ? 'both-right' : 'broken') : after ? 'fixed' : 'both-wrong';
    const scores = [scoreAt(baseline, place), scoreAt(other, otherPlace)] as const;
    return [{ imageId: imageId as ImageId, scores, outcome } satisfies ComparedImage];
  });
}

export function countsByOutcome(images: readonly ComparedImage[]): Record<ComparisonFilter, number> {
  const counts: Record<ComparisonFilter, number> = {
    all: images.length,
    fixed: 0,
    broken: 0,
    'both-wrong': 0,
    'both-right': 0,
  };
  for (const { outcome } of images) counts[outcome]++;
  return counts;
}

/** Of the images that pass the filter, those first whose scores differ most. */
export function byDisagreement(images: readonly ComparedImage[], filter: ComparisonFilter): ComparedImage[] {
  const difference = ({ scores: [a, b] }: ComparedImage): number => (a === null || b === null ? -1 : Math.abs(a - b));
  return images
    .filter(({ outcome }) => filter === 'all' || outcome === filter)
    .toSorted((a, b) => difference(b) - difference(a));
}
