/** COCO's measures of poses against an independent implementation (tests/golden/detection/pose_measures.py). */
import { describe, expect, test } from 'vitest';
import { cocoMeasures, type CocoMeasures } from '../../src-main/engine/metrics/average-precision.ts';
import { confidenceCurves } from '../../src-main/engine/metrics/detection-curves.ts';
import { keypointSigmas } from '../../src-main/contract/geometry/keypoints.ts';
import { keypointComparison } from '../../src-main/engine/metrics/keypoint-similarity.ts';
import { expectMeasures } from '../helpers/coco-measures.ts';
import { detectionsOf, groundTruthsOf, type DetectionRow, type ObjectRow } from '../helpers/detection-tables.ts';
import { readGolden } from '../helpers/engine-cases.ts';

interface PoseCase {
  name: string;
  categoryCount: number;
  pointCount: number;
  /** Behind the numbers of a box x, y and a third a point. */
  objects: number[][];
  detections: number[][];
  perCategory: CocoMeasures[];
  all: CocoMeasures;
}
const golden = readGolden<{ cases: PoseCase[] }>('../detection/pose-measures.json').cases;

function tablesOf(objects: readonly number[][], detections: readonly number[][], pointCount: number) {
  const groundTruths = groundTruthsOf(objects as unknown as ObjectRow[]);
  const found = detectionsOf(detections as unknown as DetectionRow[]);
  const points = (rows: readonly number[][]) => Float64Array.from(rows.flatMap((row) => row.slice(-3 * pointCount)));
  const tables = { groundTruths: points(objects), detections: points(detections) };
  const comparison = keypointComparison(groundTruths, found, tables, keypointSigmas(pointCount));
  return { groundTruths, found, comparison };
}

describe('measures of poses', () => {
  test.each(golden.map((testCase) => [testCase.name, testCase] as const))('%s', (_, testCase) => {
    const { objects, detections, pointCount, categoryCount } = testCase;
    const { groundTruths, found, comparison } = tablesOf(objects, detections, pointCount);
    const { all, perCategory } = cocoMeasures(groundTruths, found, categoryCount, comparison);
    expectMeasures(all, testCase.all, 'all');
    perCategory.forEach((measures, category) =>
      expectMeasures(measures, testCase.perCategory[category]!, `category ${category}`),
    );
  });
});

describe('similarity of keypoints', () => {
  // Two points, σ = 1/2, so that 2·(2σ)²·area = 200.
  const box = [0, 0, 10, 10, 10, 10, 100, 0];
  const found = (...points: number[]) => [0, 0, 10, 10, 10, 10, 0.9, ...points];
  const alike = (object: number[], detection: number[]): number =>
    tablesOf([object], [detection], 2).comparison.similarity(0, 0);

  test('falls with the square of the distance, over the labelled points', () => {
    const truth = [...box, 12, 12, 2, 18, 18, 1];
    expect(alike(truth, found(12, 12, 1, 18, 18, 1))).toBe(1);
    expect(alike(truth, found(12, 12, 1, 24, 26, 1))).toBeCloseTo((1 + Math.exp(-100 / 200)) / 2, 12);
    expect(alike([...box, 12, 12, 2, 0, 0, 0], found(12, 12, 1, 99, 99, 1))).toBe(1);
  });

  test('of an object without a point is that with its box, three times as wide, and it does not count', () => {
    const truth = [...box, 0, 0, 0, 0, 0, 0];
    expect(alike(truth, found(0, 0, 1, 30, 30, 1))).toBe(1);
    expect(alike(truth, found(15, 15, 1, 40, 15, 1))).toBeCloseTo((1 + Math.exp(-100 / 200)) / 2, 12);
    const { groundTruths, found: table, comparison } = tablesOf([truth], [found(15, 15, 1, 15, 15, 1)], 2);
    expect(cocoMeasures(groundTruths, table, 1, comparison).all.ap).toBeNull();
    const settings = { threshold: 0.5, maxDetections: 300 };
    expect(confidenceCurves(groundTruths, table, 1, settings, comparison).mean).toBeNull();
  });

  test('has COCO’s σ for a person’s points and 1/K for others', () => {
    expect(keypointSigmas(17)[11]).toBe(0.107);
    expect(keypointSigmas(4)).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  test('points of other tables are refused', () => {
    const { groundTruths, found: table } = tablesOf([[...box, 1, 1, 2]], [], 1);
    const points = { groundTruths: new Float64Array(6), detections: new Float64Array() };
    expect(() => keypointComparison(groundTruths, table, points, [1])).toThrow('do not belong');
  });
});
