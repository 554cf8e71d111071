import { expect, test } from 'vitest';
import type { CategoryId, DatasetId, ImageId } from '../../src-main/contract/model/ids.ts';
import { errorOf } from '../helpers/errors.ts';
import { addDataset, createStore } from '../helpers/store-fixture.ts';

const ANY = { splits: [], categoryIds: [] };

test('a data set is visible once it is published, with its counts', async () => {
  const store = await createStore();
  const { datasetId } = addDataset(store, { train: [0, 1, 2, 0], test: [1, 1] });
  expect(store.datasets.list()).toEqual([
    {
      datasetId,
      name: 'Letters',
      format: 'cifar10',
      source: '/data',
      createdAt: '2026-01-02T03:04:05Z',
      categories: [
        { categoryId: 1, ordinal: 0, name: 'a' },
        { categoryId: 2, ordinal: 1, name: 'b' },
        { categoryId: 3, ordinal: 2, name: 'c' },
      ],
      splitCounts: { train: 4, val: 0, test: 2 },
      imageSize: { widthPx: 32, heightPx: 32, channels: 3 },
    },
  ]);
});

test('what is being imported or deleted cannot be seen by any way in', async () => {
  const store = await createStore();
  const { datasetId, imageIds } = addDataset(store, { train: [0], test: [1] });
  store.datasets.markDeleting(datasetId);
  const importing = store.datasets.begin({ name: 'New', format: 'idx', source: '', createdAt: '' });
  expect(store.datasets.list()).toEqual([]);
  expect(errorOf(() => store.datasets.get(datasetId)).code).toBe('not-found');
  expect(errorOf(() => store.datasets.requireReady(importing)).code).toBe('not-found');
  expect(errorOf(() => store.images.get(imageIds[0]!)).message).toBe('There is no image 1 in this project.');
  expect(errorOf(() => store.images.pixelSource(imageIds[0]!)).code).toBe('not-found');
  expect(store.images.count()).toBe(0);
  expect(store.datasets.leftovers()).toEqual([datasetId, importing]);
});

test('names are unique among data sets that are there or being imported', async () => {
  const store = await createStore();
  const first = addDataset(store, { train: [0], test: [0] }, 'First');
  const importing = store.datasets.begin({ name: 'Second', format: 'idx', source: '', createdAt: '' });
  expect(errorOf(() => store.datasets.rename(first.datasetId, 'Second')).message).toBe(
    'This project has a data set named “Second” already. Choose another name.',
  );
  expect(store.datasets.rename(first.datasetId, 'First').name).toBe('First');
  expect(store.datasets.rename(first.datasetId, 'Other').name).toBe('Other');
  store.datasets.markDeleting(importing);
  expect(store.datasets.rename(first.datasetId, 'Second').name).toBe('Second');
});

test('images of different sizes have no common size', async () => {
  const store = await createStore();
  const { datasetId } = addDataset(store, { train: [0], test: [0] });
  store.datasets.addPack(datasetId, { file: 'other.u8', count: 1, channels: 3, heightPx: 32, widthPx: 48 });
  expect(store.datasets.get(datasetId).imageSize).toBeNull();
});

test('images are filtered by split, by class and by both', async () => {
  const store = await createStore();
  const other = addDataset(store, { train: [0, 1], test: [] }, 'Other');
  const { datasetId, categoryIds, imageIds } = addDataset(store, { train: [0, 1, 2, 0], test: [1, 1] });
  const [a, b] = categoryIds as [CategoryId, CategoryId];
  const range = store.images.idRange(datasetId)!;
  const positions = (filter: Parameters<typeof store.images.idsInRange>[1], within = range): number[] =>
    store.images.idsInRange(datasetId, filter, within).map((id) => imageIds.indexOf(id));
  expect(positions(ANY)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(positions({ splits: ['test'], categoryIds: [] })).toEqual([4, 5]);
  expect(positions({ splits: [], categoryIds: [b] })).toEqual([1, 4, 5]);
  expect(positions({ splits: ['train'], categoryIds: [a, b] })).toEqual([0, 1, 3]);
  expect(positions({ splits: ['val'], categoryIds: [] })).toEqual([]);
  expect(positions({ splits: [], categoryIds: [other.categoryIds[0]!] })).toEqual([]);
  expect(positions(ANY, { after: range.after + 1, last: range.after + 3 })).toEqual([1, 2]);
});

test('facets count each side under the filter of the other', async () => {
  const store = await createStore();
  const { datasetId, categoryIds } = addDataset(store, { train: [0, 1, 2, 0], test: [1, 1] });
  const [a, b, c] = categoryIds as [CategoryId, CategoryId, CategoryId];
  const range = store.images.idRange(datasetId)!;
  expect(store.images.facetsInRange(datasetId, { splits: ['train'], categoryIds: [b] }, range)).toEqual({
    bySplit: [
      { split: 'test', count: 2 },
      { split: 'train', count: 1 },
    ],
    byReview: [{ review: 'done', count: 1 }],
    byCategory: [
      { categoryId: a, count: 2, objects: 2 },
      { categoryId: b, count: 1, objects: 1 },
      { categoryId: c, count: 1, objects: 1 },
    ],
  });
});

test('an image comes with its classes, and a page keeps the order that was asked for', async () => {
  const store = await createStore();
  const { imageIds, categoryIds } = addDataset(store, { train: [1], test: [0] });
  const [first, second] = imageIds as [ImageId, ImageId];
  expect(store.images.get(second)).toEqual({
    imageId: second,
    name: 'test.bin #0',
    split: 'test',
    widthPx: 32,
    heightPx: 32,
    channels: 3,
    review: 'done',
    labelVersion: 0,
    annotations: [{ annotationId: 2, kind: 'classification', categoryId: categoryIds[0] }],
  });
  expect(store.images.summaries([second, first, 99 as ImageId]).map(({ imageId }) => imageId)).toEqual([second, first]);
  const pack = { file: 'dataset-1-test.u8', count: 1, channels: 3, heightPx: 32, widthPx: 32 };
  expect(store.images.pixelSource(second)).toEqual({ kind: 'pack', packed: { pack, row: 0 } });
});

test('deleting goes in steps, leaves other data sets alone, and gives no id twice', async () => {
  const store = await createStore();
  const gone = addDataset(store, { train: [0, 1, 2], test: [0, 0] }, 'Gone');
  const kept = addDataset(store, { train: [0, 1], test: [1] }, 'Kept');
  store.datasets.markDeleting(gone.datasetId);
  expect([1, 2, 3, 4].map(() => store.images.deleteSome(gone.datasetId, 2))).toEqual([2, 2, 1, 0]);
  store.datasets.remove(gone.datasetId);
  expect(store.datasets.leftovers()).toEqual([]);
  const count = (table: string): unknown => store.database.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
  expect([count('image'), count('annotation'), count('category'), count('pack')]).toEqual([3, 3, 2, 2]);
  expect(store.datasets.list().map(({ datasetId }) => datasetId)).toEqual([kept.datasetId]);
  expect(addDataset(store, { train: [0], test: [] }, 'New').datasetId).toBe(kept.datasetId + 1);
});

test('a label without a category rolls the whole batch back', async () => {
  const store = await createStore();
  const { datasetId, categoryIds } = addDataset(store, { train: [0], test: [0] });
  const size = { channels: 1, heightPx: 1, widthPx: 1 };
  const packId = store.datasets.addPack(datasetId, { file: 'more.u8', count: 2, ...size });
  const insert = (): void =>
    store.images.insert({
      ...{ datasetId, split: 'val', packId, firstRow: 0, ...size, sourceFile: 'x', firstNumber: 0, categoryIds },
      labels: Uint8Array.of(0, 9),
    });
  expect(errorOf(insert).message).toBe('internal: label 9 has no category');
  expect(store.datasets.get(datasetId).splitCounts.val).toBe(0);
});

test('an unknown data set is not found', async () => {
  const { datasets, images } = await createStore();
  expect(errorOf(() => datasets.get(4 as DatasetId)).message).toBe('There is no data set 4 in this project.');
  expect(errorOf(() => datasets.markDeleting(4 as DatasetId)).code).toBe('not-found');
  expect(images.idRange(4 as DatasetId)).toBeNull();
});
