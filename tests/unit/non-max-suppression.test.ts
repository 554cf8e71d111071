/** Non-maximum suppression against an independent implementation (tests/golden/detection/measures.py). */
import { expect, test } from 'vitest';
import { nonMaxSuppression, type SuppressionSettings } from '../../src-main/contract/geometry/non-max-suppression.ts';
import { readGolden } from '../helpers/engine-cases.ts';

interface SuppressionCase {
  boxes: number[][];
  scores: number[];
  categories: number[];
  settings: SuppressionSettings;
  kept: number[];
}
const golden = readGolden<{ cases: SuppressionCase[] }>('../detection/suppression.json').cases;

const run = ({ boxes, scores, categories, settings }: Omit<SuppressionCase, 'kept'>): number[] => [
  ...nonMaxSuppression(
    {
      bboxXyxy: Float32Array.from(boxes.flat()),
      scores: Float32Array.from(scores),
      categories: Int32Array.from(categories),
    },
    settings,
  ),
];

test.each(golden.map((testCase) => [JSON.stringify(testCase.settings), testCase] as const))('%s', (_, testCase) => {
  expect(run(testCase)).toEqual(testCase.kept);
});

const settings = { scoreThreshold: 0.001, iouThreshold: 0.7, maxDetections: 300, classAgnostic: false };

test('of equal scores the first stays, and no candidates give none', () => {
  const boxes = [0, 1, 2].map(() => [0, 0, 10, 10]);
  expect(run({ boxes, scores: [0.5, 0.5, 0.5], categories: [0, 0, 1], settings })).toEqual([0, 2]);
  expect(run({ boxes: [], scores: [], categories: [], settings })).toEqual([]);
});

test('a score that is no number is left out', () => {
  expect(run({ boxes: [[0, 0, 9, 9]], scores: [NaN], categories: [0], settings })).toEqual([]);
});
