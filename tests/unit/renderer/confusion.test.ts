import { describe, expect, it } from 'vitest';
import { mixUps, precision, recall } from '../../../src-renderer/charts/confusion.ts';

// true ↓ predicted →
const counts = [
  [8, 2, 0],
  [1, 4, 5],
  [0, 0, 0],
];

describe('a confusion matrix', () => {
  it('gives recall by rows and precision by columns, nothing where there is nothing', () => {
    expect([0, 1, 2].map((category) => recall(counts, category))).toEqual([0.8, 0.4, null]);
    expect([0, 1, 2].map((category) => precision(counts, category))).toEqual([8 / 9, 4 / 6, 0]);
    expect(
      precision(
        [
          [0, 1],
          [0, 1],
        ],
        0,
      ),
    ).toBeNull();
  });

  it('names the commonest mix-ups first, with their share of the true class', () => {
    expect(mixUps(counts, 2)).toEqual([
      { groundTruth: 1, predicted: 2, count: 5, share: 0.5 },
      { groundTruth: 0, predicted: 1, count: 2, share: 0.2 },
    ]);
  });
});
