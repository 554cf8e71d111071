/** Measures of segmentations: every measure in every reduction equals NumPy's (tests/golden/engine/segmentation_metrics.py). */
import { describe, expect, test } from 'vitest';
import {
  measureEach,
  measureTogether,
  confusionOf,
  pixelCounts,
  countsInCell,
  reductions,
  type Reduction,
  type SegmentationMeasure,
} from '../../src-main/contract/model/segmentation-measures.ts';
import { PixelCounter } from '../../src-main/engine/metrics/segmentation.ts';
import { readGolden } from '../helpers/engine-cases.ts';

type Values = Record<Reduction, number | null> & { none: (number | null)[][] };
interface MetricCase {
  name: string;
  categories: number;
  zeroDivision: number | null;
  classWeights: number[];
  /** [image][pixel] */
  predicted: number[][];
  labels: number[][];
  values: Record<SegmentationMeasure, Values>;
}
const { cases } = readGolden<{ cases: MetricCase[] }>('segmentation-metrics.json');

function countsOf({ categories, predicted, labels }: MetricCase): PixelCounter {
  const counter = new PixelCounter(categories);
  predicted.forEach((mask, i) => counter.add(Uint8Array.from(mask), Uint8Array.from(labels[i]!)));
  return counter;
}

const closeTo = (value: number | null): unknown => (value === null ? null : (expect.closeTo(value, 10) as unknown));

describe.each(cases.map((metricCase) => [metricCase.name, metricCase] as const))('%s', (_, metricCase) => {
  const categories = Array.from({ length: metricCase.categories }, (_, category) => category);
  const counts = pixelCounts(countsOf(metricCase).pairs, categories);
  const { zeroDivision, classWeights, values } = metricCase;

  test.each(Object.keys(values) as SegmentationMeasure[])('%s', (measure) => {
    const options = { measure, zeroDivision };
    const found = reductions.map((reduction) => [reduction, measureTogether(counts, reduction, options, classWeights)]);
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(reductions.map((reduction) => [reduction, closeTo(values[measure][reduction])])),
    );
    expect(measureEach(counts, options)).toEqual(values[measure].none.map((image) => image.map(closeTo)));
  });
});

describe('a counter', () => {
  const counter = new PixelCounter(3);
  counter.add(Uint8Array.of(0, 1, 1, 2, 2, 0), Uint8Array.of(0, 1, 2, 2, 255, 1));

  test('counts each category of an image and leaves out what is ignored', () => {
    expect(pixelCounts(counter.pairs, [0, 1, 2])[0]).toEqual([
      { truePositives: 1, falsePositives: 1, falseNegatives: 0, trueNegatives: 3 },
      { truePositives: 1, falsePositives: 1, falseNegatives: 1, trueNegatives: 2 },
      { truePositives: 1, falsePositives: 0, falseNegatives: 1, trueNegatives: 3 },
    ]);
  });

  test('sums up the confusion of pixels over all images', () => {
    counter.add(Uint8Array.of(2, 2), Uint8Array.of(2, 0));
    expect(confusionOf(counter.pairs, 3)).toEqual([
      [1, 0, 1],
      [1, 1, 0],
      [0, 1, 2],
    ]);
    expect(pixelCounts(counter.pairs, [0, 1, 2])).toHaveLength(2);
    expect([...countsInCell(counter.pairs, 2, 2)]).toEqual([1, 1]);
    expect([...countsInCell(counter.pairs, 0, 2)]).toEqual([0, 1]);
  });

  test('counts only the categories that were asked for', () => {
    const objectOnly = new PixelCounter(2);
    objectOnly.add(Uint8Array.of(0, 1, 1), Uint8Array.of(0, 1, 0));
    expect(pixelCounts(objectOnly.pairs, [1])).toEqual([
      [{ truePositives: 1, falsePositives: 1, falseNegatives: 0, trueNegatives: 1 }],
    ]);
  });

  test('takes masks of one size only, and weights where they are needed', () => {
    expect(() => counter.add(new Uint8Array(3), new Uint8Array(4))).toThrow(
      'internal: 3 predicted pixels for 4 labels',
    );
    expect(() => measureTogether([], 'weighted', { measure: 'iou', zeroDivision: 1 })).toThrow(
      'internal: the reduction "weighted" needs weights of the categories',
    );
  });

  test('of no image has no measure', () => {
    expect(measureTogether([], 'macro', { measure: 'iou', zeroDivision: 1 })).toBeNull();
  });
});

test('12 megapixels in 24 categories are counted to the last pixel', () => {
  const labels = Uint8Array.from({ length: 4000 * 3000 }, (_, i) => (i >> 9) % 24);
  const predicted = labels.map((label, i) => (i % 7 === 0 ? (label + 1) % 24 : label));
  const counter = new PixelCounter(24);
  counter.add(predicted, labels);
  const { triples } = counter.pairs;
  expect(triples.reduce((sum, value, i) => sum + (i % 3 === 2 ? value : 0), 0)).toBe(labels.length);
  const categories = Array.from({ length: 24 }, (_, category) => category);
  const counts = pixelCounts(counter.pairs, categories);
  expect(measureTogether(counts, 'micro', { measure: 'recall', zeroDivision: null })).toBeCloseTo(6 / 7, 5);
});
