/** Which images stand in a report: of one run its worst and its best, of several those that they do most differently. Pure. */
import type { ImageId } from '../../../contract/model/ids.ts';
import type { ImageScores } from '../../../contract/model/run-results.ts';

export interface ExampleImage {
  imageId: ImageId;
  /** How each run did it, in the order of the runs: "wrong, 0.092". */
  words: readonly string[];
}

const shown = 8;

/** `runs`: their scores, of the same images in any order. None where there are no runs or no image that all have measured. */
export function chooseExamples(runs: readonly ImageScores[]): ExampleImage[] {
  const [first, ...others] = runs;
  if (first === undefined) return [];
  const places = others.map(({ imageIds }) => new Map(Array.from(imageIds, (imageId, place) => [imageId, place])));
  const common = Array.from(first.imageIds, (imageId, place) => ({
    imageId: imageId as ImageId,
    places: [place, ...places.map((of) => of.get(imageId) ?? -1)],
  })).flatMap((image) => {
    const scores = image.places.map((place, run) => runs[run]!.scores[place] ?? NaN);
    return scores.every(Number.isFinite) ? [{ ...image, scores }] : [];
  });
  const chosen =
    others.length === 0
      ? bothEnds(common.toSorted((a, b) => a.scores[0]! - b.scores[0]!))
      : common.toSorted((a, b) => spread(b.scores) - spread(a.scores)).slice(0, shown);
  return chosen.map(({ imageId, places: at, scores }) => ({
    imageId,
    words: scores.map((score, run) => {
      const { right } = runs[run]!;
      return `${right === null ? '' : right[at[run]!] === 1 ? 'right, ' : 'wrong, '}${score.toFixed(3)}`;
    }),
  }));
}

const spread = (scores: readonly number[]): number => Math.max(...scores) - Math.min(...scores);

function bothEnds<T>(sorted: readonly T[]): T[] {
  return sorted.length <= shown ? [...sorted] : [...sorted.slice(0, shown / 2), ...sorted.slice(-shown / 2)];
}
