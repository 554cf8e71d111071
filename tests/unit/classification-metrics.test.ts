import { describe, expect, test } from 'vitest';
import {
  classificationResult,
  confusionCounts,
  predictedCategories,
  softmax,
} from '../../src-main/engine/metrics/classification.ts';

const rows = (...values: number[][]) => Float32Array.from(values.flat());

describe('softmax', () => {
  test('of known logits', () => {
    // e^0, e^ln2, e^ln5 are 1 : 2 : 5.
    const [a, b, c] = softmax(rows([0, Math.log(2), Math.log(5)]), 3);
    expect(a).toBeCloseTo(0.125, 6);
    expect(b).toBeCloseTo(0.25, 6);
    expect(c).toBeCloseTo(0.625, 6);
  });

  test('does not overflow, does not underflow to nothing, and does not mind a common offset', () => {
    expect([...softmax(rows([1000, 1000], [-1000, -1000], [3e38, -3e38]), 2)]).toEqual([0.5, 0.5, 0.5, 0.5, 1, 0]);
    expect([...softmax(rows([1, 2]), 2)]).toEqual([...softmax(rows([101, 102]), 2)]);
  });

  test('gives zeros for a row that has no probabilities, and the next row is not touched by it', () => {
    expect([...softmax(rows([NaN, 1], [Infinity, 0], [-Infinity, 0], [7, 7]), 2)]).toEqual([
      0, 0, 0, 0, 0, 1, 0.5, 0.5,
    ]);
  });

  test('leaves its input alone', () => {
    const logits = rows([1, 2, 3]);
    softmax(logits, 3);
    expect([...logits]).toEqual([1, 2, 3]);
  });
});

describe('predictions', () => {
  test('take the greatest, the first of equals, and a NaN before all', () => {
    expect([...predictedCategories(rows([1, 3, 2], [2, 2, 1], [1, NaN, 9], [-3, -2, -1]), 3)]).toEqual([1, 0, 1, 2]);
  });

  test('are counted as counts[groundTruth][predicted]', () => {
    expect(confusionCounts([0, 1, 1, 2, 0], [0, 1, 0, 2, 2], 3)).toEqual([
      [1, 1, 0],
      [0, 1, 0],
      [1, 0, 1],
    ]);
    expect(() => confusionCounts([0], [3], 3)).toThrow('internal: image 0 has a category outside 0…2');
  });

  test('give the accuracy, and null for no images', () => {
    const logits = rows([5, 0], [0, 5], [5, 0], [0, 5]);
    expect(classificationResult(logits, [0, 1, 1, 1], 2)).toEqual({
      count: 4,
      accuracy: 0.75,
      confusion: [
        [1, 0],
        [1, 2],
      ],
    });
    expect(classificationResult(new Float32Array(0), [], 2)).toEqual({
      count: 0,
      accuracy: null,
      confusion: [
        [0, 0],
        [0, 0],
      ],
    });
  });

  test('refuse logits that are no whole number of rows', () => {
    expect(() => softmax(rows([1, 2, 3]), 2)).toThrow('internal: 3 logits are no whole number of rows of 2');
  });
});
