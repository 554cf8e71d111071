/** COCO's measures against an independent implementation (tests/golden/detection/measures.py), and the curves and the
 *  confusion matrix against examples worked out by hand. */
import { describe, expect, test } from 'vitest';
import { cocoMeasures, type CocoMeasures } from '../../src-main/engine/metrics/average-precision.ts';
import { detectionConfusion } from '../../src-main/engine/metrics/detection-confusion.ts';
import { confidenceCurves } from '../../src-main/engine/metrics/detection-curves.ts';
import { expectMeasures } from '../helpers/coco-measures.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import { detectionsOf, groundTruthsOf, type DetectionRow, type ObjectRow } from '../helpers/detection-tables.ts';

interface MeasuresCase {
  name: string;
  categoryCount: number;
  objects: ObjectRow[];
  detections: DetectionRow[];
  perCategory: CocoMeasures[];
  all: CocoMeasures;
}
const golden = readGolden<{ cases: MeasuresCase[] }>('../detection/measures.json').cases;

describe('COCO measures', () => {
  test.each(golden.map((testCase) => [testCase.name, testCase] as const))('%s', (_, testCase) => {
    const [groundTruths, detections] = [groundTruthsOf(testCase.objects), detectionsOf(testCase.detections)];
    const before = structuredClone([groundTruths, detections]);
    const { all, perCategory } = cocoMeasures(groundTruths, detections, testCase.categoryCount);
    expectMeasures(all, testCase.all, 'all');
    expect(perCategory).toHaveLength(testCase.perCategory.length);
    perCategory.forEach((measures, category) =>
      expectMeasures(measures, testCase.perCategory[category]!, `category ${category}`),
    );
    expect([groundTruths, detections], 'arguments are left as they were').toEqual(before);
  });

  test('nothing to find gives no values', () => {
    const { all, perCategory } = cocoMeasures(groundTruthsOf([]), detectionsOf([[0, 0, 0, 0, 5, 5, 0.5]]), 1);
    expect(Object.values(all).every((value) => value === null)).toBe(true);
    expect(perCategory[0]!.precisionAtRecall).toBeNull();
  });

  test('precision at recalls falls where a wrong box comes first', () => {
    const groundTruths = groundTruthsOf([
      [0, 0, 0, 0, 10, 10, 0, 0],
      [1, 0, 0, 0, 10, 10, 0, 0],
    ]);
    const detections = detectionsOf([
      [0, 0, 0, 0, 10, 10, 0.9],
      [0, 0, 50, 50, 10, 10, 0.8],
      [1, 0, 0, 0, 10, 10, 0.7],
    ]);
    const { perCategory } = cocoMeasures(groundTruths, detections, 1);
    const curve = perCategory[0]!.precisionAtRecall!;
    expect(curve).toHaveLength(101);
    expect(curve.slice(0, 51).every((value) => Math.abs(value - 1) < 1e-12)).toBe(true);
    expect(curve.slice(51).every((value) => Math.abs(value - 2 / 3) < 1e-12)).toBe(true);
  });

  test('a row of a category that does not exist is refused', () => {
    const wrong = detectionsOf([[0, 3, 0, 0, 5, 5, 0.5]]);
    expect(() => cocoMeasures(groundTruthsOf([]), wrong, 3)).toThrow('row 0 has category 3');
  });
});

describe('curves over the confidence', () => {
  const groundTruths = groundTruthsOf([
    [0, 0, 0, 0, 10, 10, 0, 0],
    [0, 0, 40, 0, 10, 10, 0, 0],
    [0, 1, 80, 0, 10, 10, 0, 0],
    [0, 0, 0, 80, 50, 20, 0, 1],
  ]);
  const detections = detectionsOf([
    [0, 0, 0, 0, 10, 10, 0.9],
    [0, 0, 1, 0, 10, 10, 0.5], // the same object again
    [0, 0, 40, 0, 10, 10, 0.25],
    [0, 0, 5, 85, 5, 5, 0.95], // in the crowd
    [0, 1, 80, 5, 10, 10, 0.8], // IoU 1/3
  ]);
  const settings = { threshold: 0.5, maxDetections: 300 };
  const { confidences, perCategory, mean, best } = confidenceCurves(groundTruths, detections, 3, settings);
  const at = (confidence: number): number => confidences.indexOf(confidence);

  test('count what has at least the score', () => {
    const first = perCategory[0]!;
    expect(first.precision[at(0.901)]).toBeNull();
    expect([first.precision[at(0.9)], first.recall[at(0.9)]]).toEqual([1, 0.5]);
    expect([first.precision[at(0.5)], first.recall[at(0.5)]]).toEqual([0.5, 0.5]);
    expect([first.precision[at(0.25)], first.recall[at(0.25)]]).toEqual([2 / 3, 1]);
    expect(first.f1[at(0.25)]).toBeCloseTo(0.8, 12);
    expect([perCategory[1]!.precision[0], perCategory[1]!.recall[0], perCategory[1]!.f1[0]]).toEqual([0, 0, 0]);
    expect(perCategory[2]).toBeNull();
  });

  test('the mean is over categories with objects, and its best is found', () => {
    expect(mean!.precision[at(0.9)]).toBe(1);
    expect(mean!.precision[at(0.25)]).toBeCloseTo(1 / 3, 12);
    expect(mean!.recall[at(0.25)]).toBe(0.5);
    expect(best).toMatchObject({ confidence: 0, recall: 0.5 });
    expect(best!.f1).toBeCloseTo(0.4, 12);
    expect(confidenceCurves(groundTruthsOf([]), detections, 3, settings)).toMatchObject({ mean: null, best: null });
  });
});

describe('confusion with the background', () => {
  const settings = { scoreThreshold: 0.25, iouThreshold: 0.45 };

  test('joins the closest first, whatever the category, each once', () => {
    const groundTruths = groundTruthsOf([
      [0, 0, 0, 0, 10, 10, 0, 0],
      [0, 1, 40, 0, 10, 10, 0, 0],
      [1, 1, 0, 0, 10, 10, 0, 0],
      [2, 0, 0, 0, 50, 50, 0, 1],
    ]);
    const detections = detectionsOf([
      [0, 0, 1, 0, 10, 10, 0.9], // IoU 9/11, but the next one is closer
      [0, 1, 0, 0, 10, 10, 0.3],
      [0, 1, 40, 0, 10, 10, 0.2], // not sure enough
      [1, 1, 0, 0, 10, 10, 0.25],
      [2, 0, 5, 5, 5, 5, 0.9], // in the crowd
      [2, 1, 90, 90, 5, 5, 0.9],
    ]);
    expect(detectionConfusion(groundTruths, detections, 2, settings)).toEqual([
      [0, 1, 0],
      [0, 1, 1],
      [1, 1, 0],
    ]);
  });

  test('of equal overlaps the detection listed first is joined', () => {
    const groundTruths = groundTruthsOf([[0, 0, 0, 0, 10, 10, 0, 0]]);
    const rows: DetectionRow[] = [
      [0, 1, 0, 0, 10, 10, 0.5],
      [0, 0, 0, 0, 10, 10, 0.9],
    ];
    expect(detectionConfusion(groundTruths, detectionsOf(rows), 2, settings)[0]).toEqual([0, 1, 0]);
    expect(detectionConfusion(groundTruths, detectionsOf(rows.toReversed()), 2, settings)[0]).toEqual([1, 0, 0]);
  });
});
