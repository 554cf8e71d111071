import { describe, expect, it } from 'vitest';
import type { ImageId, RunId } from '../../../src-main/contract/model/ids.ts';
import type { ImageMasks, PixelResults } from '../../../src-main/contract/model/run-results.ts';
import { reductions } from '../../../src-main/contract/model/segmentation-measures.ts';
import { errorPixels, maskPixels, packed } from '../../../src-renderer/features/results/mask-pictures.ts';
import {
  classRows,
  classShares,
  filledFormula,
  measureNames,
  measureRows,
} from '../../../src-renderer/state/measure-table.ts';
import { ranked, SegmentationResults } from '../../../src-renderer/state/segmentation-results.svelte.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';
import { createFakeApi } from './fake-api.ts';

/** Image 7: class 0 6 of 8 right, 2 called 1; image 9: class 1 1 of 4 right; image 5: nothing wrong. */
const pixels: PixelResults = {
  epoch: 3,
  classes: [
    { name: 'background', categoryId: null },
    { name: 'cell', categoryId: null },
  ],
  firstCounted: 0,
  imageIds: Float64Array.of(7, 9, 5),
  pairs: {
    starts: Uint32Array.of(0, 2, 4, 5),
    triples: Uint32Array.of(0, 0, 6, 0, 1, 2, 1, 1, 1, 1, 0, 3, 0, 0, 8),
  },
};
const masks: ImageMasks = {
  widthPx: 2,
  heightPx: 2,
  predicted: Uint8Array.of(0, 1, 1, 0),
  confidence: null,
  groundTruth: Uint8Array.of(0, 1, 0, 255),
  placement: [0, 0, 2, 2],
};

async function open(changes: Partial<PixelResults> = {}) {
  const asked: number[] = [];
  const backend = createFakeBackend({
    'run.pixels': async () => ({ ...pixels, ...changes }),
    'run.masks': async ({ imageId }) => {
      asked.push(imageId);
      return masks;
    },
  });
  const results = new SegmentationResults(createFakeApi(backend), sample.project.projectId, 1 as RunId);
  await results.read();
  return { results, asked };
}

const ids = (results: SegmentationResults): number[] => results.images.map(({ imageId }) => imageId);

describe('the images of a segmentation', () => {
  it('come worst first, and the worst one is looked at', async () => {
    const { results, asked } = await open();
    expect(ids(results)).toEqual([9, 7, 5]);
    expect(results.images.map(({ value }) => value)).toEqual([0.125, 0.375, 1]);
    expect([results.selected, asked]).toEqual([9, [9]]);
    results.order = 'best-first';
    expect(ids(results)).toEqual([5, 7, 9]);
    results.order = 'dataset';
    expect(ids(results)).toEqual([7, 9, 5]);
  });

  it('are ranked by one class, those without it last', async () => {
    const { results } = await open();
    results.rank('iou', 1);
    expect(results.images.map(({ imageId, value }) => [imageId, value])).toEqual([
      [7, 0],
      [9, 0.25],
      [5, null],
    ]);
    expect(results.selected).toBe(7);
  });

  it('are those of one cell of the confusion', async () => {
    const { results } = await open();
    results.showCell({ truth: 1, predicted: 0 });
    expect(results.images).toEqual([{ imageId: 9, value: 3 }]);
    results.cell = null;
    expect(ids(results)).toHaveLength(3);
  });

  it('are stepped through, and masks are asked for once', async () => {
    const { results, asked } = await open();
    results.step(1);
    results.step(-1);
    results.step(-1);
    await Promise.resolve();
    expect([results.selected, asked]).toEqual([9, [9, 7]]);
    expect(results.masks).toEqual(masks);
  });

  it('leave the first class out where it is only what is left', async () => {
    const { results } = await open({ firstCounted: 1 });
    expect(results.counted).toEqual([1]);
    expect(results.counts[1]).toHaveLength(1);
  });

  it('without a value come last either way', () => {
    const images = [null, 0.5, 0.2].map((value, index) => ({ imageId: index as ImageId, value }));
    expect(ranked(images, 'worst-first').map(({ imageId }) => imageId)).toEqual([2, 1, 0]);
    expect(ranked(images, 'best-first').map(({ imageId }) => imageId)).toEqual([1, 2, 0]);
  });
});

describe('the table of measures', () => {
  it('has every measure in every reduction', async () => {
    const { results } = await open();
    const rows = measureRows(results.counts, null);
    expect(rows.map(({ measure }) => measure)).toEqual(measureNames);
    const iou = Object.fromEntries(reductions.map((reduction, index) => [reduction, rows[0]!.values[index]]));
    // Class 0: 14 of 19, class 1: 1 of 6; together 15 of 25.
    expect(iou['micro']).toBeCloseTo(15 / 25, 10);
    expect(iou['macro']).toBeCloseTo((14 / 19 + 1 / 6) / 2, 10);
    expect(iou['weighted']).toBeCloseTo((14 / 19) * 0.8 + (1 / 6) * 0.2, 10);
    expect(iou['micro-imagewise']).toBeCloseTo((6 / 10 + 1 / 7 + 1) / 3, 10);
  });

  it('has a line for each class, whose number is the formula with its pixels', async () => {
    const { results } = await open();
    expect(classShares(results.counts)).toEqual([0.8, 0.2]);
    const [background, cell] = classRows(results.counts, null);
    expect(background!.values[0]).toBeCloseTo(14 / 19, 10);
    expect(filledFormula('iou', cell!.counts, String)).toBe('1 / (1 + 2 + 3) = 0.167');
    expect(filledFormula('f1', cell!.counts, String)).toBe('2·1 / (2·1 + 2 + 3) = 0.286');
  });

  it('says what 0 / 0 is as it is told', async () => {
    const { results } = await open({
      pairs: { starts: Uint32Array.of(0, 1, 2, 3), triples: Uint32Array.of(0, 0, 1, 0, 0, 1, 0, 0, 1) },
    });
    expect([null, 0, 1].map((zero) => classRows(results.counts, zero as null | 0 | 1)[1]!.values[0])).toEqual([
      null,
      0,
      1,
    ]);
  });
});

describe('masks as pictures', () => {
  const [red, blue, grey] = [[255, 0, 0] as const, [0, 0, 255] as const, [9, 9, 9] as const];
  const colours = { falsePositive: red, falseNegative: blue, right: grey };

  it('have a colour a class, and none for what is hidden', () => {
    expect([...maskPixels(masks.predicted, [null, red])]).toEqual([0, packed(red), packed(red), 0]);
    const bytes = new Uint8Array(maskPixels(Uint8Array.of(1), [null, [1, 2, 3]]).buffer);
    expect([...bytes]).toEqual([1, 2, 3, 255]);
  });

  it('show what is wrong in all classes, without what is not counted', () => {
    expect([...errorPixels(masks, null, colours)]).toEqual([0, 0, packed(red), 0]);
  });

  it('tell false positives from misses of one class', () => {
    expect([...errorPixels(masks, 1, colours)]).toEqual([0, packed(grey), packed(red), 0]);
    expect([...errorPixels(masks, 0, colours)]).toEqual([packed(grey), 0, packed(blue), 0]);
    expect([...errorPixels({ ...masks, groundTruth: null }, 0, colours)]).toEqual([0, 0, 0, 0]);
  });
});
