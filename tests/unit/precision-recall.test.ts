/** Precision at 101 recalls against the definition, worked out by trying every threshold. */
import { describe, expect, test } from 'vitest';
import { precisionAtRecalls, precisionOfBins } from '../../src-main/engine/metrics/precision-recall.ts';
import { seededRandom } from '../helpers/generated-data.ts';

/** For each recall the best precision of any threshold that reaches it. */
function byDefinition(scores: readonly number[], positive: readonly number[]): number[] {
  const all = positive.reduce((sum, each) => sum + each, 0);
  const points = [...new Set(scores)].map((threshold) => {
    const called = scores.map((score) => score >= threshold);
    const right = called.filter((each, i) => each && positive[i] === 1).length;
    return { recall: right / all, precision: right / called.filter(Boolean).length };
  });
  return Array.from({ length: 101 }, (_, i) =>
    Math.max(0, ...points.filter(({ recall }) => recall >= i / 100 - 1e-12).map(({ precision }) => precision)),
  );
}

describe('precision at 101 recalls', () => {
  test('is the best of any threshold, also where scores are equal', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 30; round++) {
      const count = 1 + Math.floor(random() * 60);
      const scores = Array.from({ length: count }, () => Math.round(random() * 10) / 10);
      const positive = Array.from({ length: count }, (_, i) => Number(random() < 0.3 || i === 0));
      const got = precisionAtRecalls(scores, positive)!;
      byDefinition(scores, positive).forEach((wanted, i) =>
        expect(got[i], `round ${round}, ${i}`).toBeCloseTo(wanted, 12),
      );
    }
  });

  test('is the same of scores that were counted in bins', () => {
    const random = seededRandom(8);
    for (let round = 0; round < 30; round++) {
      const scores = Array.from({ length: 80 }, () => Math.floor(random() * 16));
      const positive = Array.from({ length: 80 }, (_, i) => Number(random() < 0.3 || i === 0));
      const counted = (wanted: (i: number) => boolean): Float64Array => {
        const bins = new Float64Array(16);
        scores.forEach((score, i) => (bins[score]! += Number(wanted(i))));
        return bins;
      };
      const got = precisionOfBins(
        counted(() => true),
        counted((i) => positive[i] === 1),
      )!;
      byDefinition(scores, positive).forEach((wanted, i) => expect(got[i], `round ${round}`).toBeCloseTo(wanted, 12));
    }
    expect(precisionOfBins([1, 2], [0, 0])).toBeNull();
  });

  test('is 1 throughout where all are found first, and nothing without positives', () => {
    expect(precisionAtRecalls([0.9, 0.8, 0.1], [1, 1, 0])!.every((each) => each === 1)).toBe(true);
    expect(precisionAtRecalls([0.9], [0])).toBeNull();
  });
});
