import { describe, expect, it } from 'vitest';
import type { ClassAnswers } from '../../../src-main/contract/model/run-results.ts';
import { imagesWith, meanCurve, measureOfClass } from '../../../src-renderer/state/class-answers.ts';

/** Of images 11, 12 and 13: pairs of truth and answer with their counts. */
function answers(
  images: [truth: number, answer: number, count: number][][],
  sizes: number[] | null = null,
): ClassAnswers {
  const starts = [0];
  for (const pairs of images) starts.push(starts.at(-1)! + pairs.length);
  return {
    epoch: 1,
    classes: ['car', 'bus', 'background'].map((name) => ({ name, categoryId: null })),
    unit: 'objects',
    imageIds: Float64Array.from(images, (_, i) => 11 + i),
    cells: { starts: Uint32Array.from(starts), triples: Uint32Array.from(images.flat(2)) },
    sizes: sizes && Uint8Array.from(sizes),
    precisionAtRecall: null,
  };
}

describe('measures of a class', () => {
  const counts = [
    [6, 1, 3],
    [2, 4, 0],
    [1, 0, 0],
  ];
  it('follow from its row and its column', () => {
    expect(measureOfClass('recall', 0, counts, null)).toBeCloseTo(6 / 10);
    expect(measureOfClass('precision', 0, counts, null)).toBeCloseTo(6 / 9);
    expect(measureOfClass('f1', 0, counts, null)).toBeCloseTo(12 / 19);
    expect(measureOfClass('iou', 0, counts, null)).toBeCloseTo(6 / 13);
  });

  it('are nothing where there is nothing to measure', () => {
    const nothing = [
      [0, 0],
      [0, 1],
    ];
    for (const measure of ['recall', 'precision', 'f1', 'iou', 'ap'] as const)
      expect(measureOfClass(measure, 0, nothing, null)).toBeNull();
  });

  it('have the area under precision over recall, and its mean over the classes that occur', () => {
    const curves = [[1, 0.5], null, [0, 0.5]];
    expect(measureOfClass('ap', 0, counts, curves)).toBe(0.75);
    expect(measureOfClass('ap', 1, counts, curves)).toBeNull();
    expect(meanCurve(curves)).toEqual([0.5, 0.5]);
    expect(meanCurve([null])).toBeNull();
  });
});

describe('images that a filter leaves', () => {
  const [car, bus, background] = [0, 1, 2];
  const baseline = answers(
    [
      [[car, car, 1]],
      [
        [bus, background, 1],
        [car, bus, 1],
      ],
      [[bus, bus, 2]],
    ],
    [1, 4, 6],
  );
  const other = answers([[[car, background, 1]], [[bus, bus, 1]], [[bus, bus, 2]]]);
  const none = { category: null, size: null, cell: null };
  const left = (changes: Partial<Parameters<typeof imagesWith>[1]>) => [
    ...(imagesWith([baseline, other], { ...none, ...changes }) ?? ['all']),
  ];

  it('are all where nothing is asked', () => expect(left({})).toEqual(['all']));
  it('have the class in the truth', () => {
    expect(left({ category: car })).toEqual([11, 12]);
    expect(left({ category: bus })).toEqual([12, 13]);
  });
  it('have objects of the size', () => {
    expect(left({ size: 'small' })).toEqual([11]);
    expect(left({ size: 'large' })).toEqual([12, 13]);
    expect(left({ size: 'large', category: car })).toEqual([12]);
  });
  it('have the cell in one of the runs', () => {
    expect(left({ cell: { runs: [0], truth: bus, predicted: background } })).toEqual([12]);
    expect(left({ cell: { runs: [0, 1], truth: car, predicted: background } })).toEqual([11]);
    expect(left({ cell: { runs: [0, 1], truth: bus, predicted: bus } })).toEqual([12, 13]);
  });
});
