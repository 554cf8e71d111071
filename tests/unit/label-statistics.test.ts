/** What a split's labels are, and what is suggested from it. */
import { describe, expect, test } from 'vitest';
import {
  suggestedTask,
  suggestedWeights,
  usableLabels,
  type LabelStatistics,
} from '../../src-main/contract/model/label-statistics.ts';
import type { Shape } from '../../src-main/contract/model/annotation.ts';
import { readLabelStatistics } from '../../src-main/services/runs/label-statistics.ts';
import type { OpenProject } from '../../src-main/services/open-projects.ts';
import { labelRow } from '../../src-main/store/label-row.ts';
import { addDataset, createStore } from '../helpers/store-fixture.ts';
import { insertImages } from '../helpers/insert-images.ts';

const kinds = (...list: LabelStatistics['kinds']): LabelStatistics => ({
  images: 1,
  imageArea: 1,
  kinds: list,
  classes: [],
});

describe('the labels of a split', () => {
  test('of photographs are counted by kind and class, with what they cover', async () => {
    const store = await createStore();
    const datasetId = store.datasets.begin({
      name: 'Drawn',
      format: 'coco',
      source: '/d',
      createdAt: '2026-01-02T03:04:05Z',
    });
    const categoryIds = store.datasets.addCategories(datasetId, ['road', 'car']);
    const image = (name: string, split: 'train' | 'test', shapes: [number, Shape][]) => ({
      ...{ name, path: name, split, widthPx: 20, heightPx: 10, channels: 3, review: 'done' as const },
      ...{ mediaType: 'image/png' as const, orientation: 1 as const, sizeBytes: 9, modifiedMs: 1 },
      labels: shapes.map(([category, shape]) => labelRow({ category, shape, flags: [], attributes: {} })),
    });
    const square: Shape = {
      kind: 'polygon',
      parts: [{ outer: [0, 0, 4, 0, 4, 4, 0, 4], holes: [[1, 1, 2, 1, 2, 2, 1, 2]] }],
    };
    insertImages(
      store,
      datasetId,
      [
        image('a.png', 'train', [
          [0, square],
          [0, { kind: 'mask', rle: { widthPx: 20, heightPx: 10, counts: [3, 7, 190] } }],
          [1, { kind: 'bbox', bboxXyxy: [0, 0, 5, 2] }],
        ]),
        image('b.png', 'train', [[0, square]]),
        image('c.png', 'test', [[1, square]]),
      ],
      categoryIds,
    );
    store.datasets.publish(datasetId);
    const found = await readLabelStatistics({ store } as OpenProject, datasetId, 'train');
    expect(found).toMatchObject({ images: 2, imageArea: 400 });
    expect(new Map(found.kinds.map(({ kind, count }) => [kind, count]))).toEqual(
      new Map([
        ['polygon', 2],
        ['mask', 1],
        ['bbox', 1],
      ]),
    );
    expect(found.classes.toSorted((a, b) => a.categoryId - b.categoryId)).toEqual([
      { categoryId: categoryIds[0], objects: 3, images: 2, area: 15 + 7 + 15 },
      { categoryId: categoryIds[1], objects: 1, images: 1, area: 10 },
    ]);
  });

  test('of classified images cover nothing', async () => {
    const store = await createStore();
    const { datasetId, categoryIds } = addDataset(store, { train: [0, 1, 1], test: [0] });
    const found = await readLabelStatistics({ store } as OpenProject, datasetId, 'train');
    expect(found).toMatchObject({ images: 3, kinds: [{ kind: 'classification', count: 3 }] });
    expect(found.classes).toEqual([
      { categoryId: categoryIds[0], objects: 1, images: 1, area: 0 },
      { categoryId: categoryIds[1], objects: 2, images: 2, area: 0 },
    ]);
  });
});

describe('what they suit', () => {
  test.each([
    ['classes of images', kinds({ kind: 'classification', count: 9 }), 'classification'],
    ['boxes', kinds({ kind: 'bbox', count: 9 }), 'detection'],
    ['outlines', kinds({ kind: 'polygon', count: 9 }, { kind: 'bbox', count: 3 }), 'segmentation'],
    ['masks', kinds({ kind: 'mask', count: 1 }), 'segmentation'],
    ['nothing', kinds(), 'classification'],
  ])('%s', (_, statistics, task) => {
    expect(suggestedTask(statistics)).toBe(task);
  });

  test('outlines can be boxes too, but no class of the whole image', () => {
    const outlines = kinds({ kind: 'polygon', count: 4 });
    expect([usableLabels(outlines, 'detection'), usableLabels(outlines, 'classification')]).toEqual([4, 0]);
  });
});

test('weights are the median share over the own one, within bounds, and 1 for what never occurs', () => {
  expect(suggestedWeights([0.6, 0.3, 0.1])).toEqual([0.5, 1, 3]);
  expect(suggestedWeights([0.5, 0.5, 0])).toEqual([1, 1, 1]);
  expect(suggestedWeights([0.989, 0.01, 0.001])).toEqual([0.05, 1, 10]);
});
