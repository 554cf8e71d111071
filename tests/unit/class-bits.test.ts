/** Filters by class, whose answers come from bits in the image's row, against the labels themselves. */
import { expect, test } from 'vitest';
import type { CategoryId, DatasetId, ImageId } from '../../src-main/contract/model/ids.ts';
import { labelRow } from '../../src-main/store/label-row.ts';
import type { ProjectStore } from '../../src-main/store/project-store.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { insertImages } from '../helpers/insert-images.ts';
import { addDataset, createStore } from '../helpers/store-fixture.ts';

const IMAGES = 120;

interface Filled {
  store: ProjectStore;
  datasetId: DatasetId;
  categoryIds: CategoryId[];
  /** Place by place, the classes of the labels of each image. */
  classes: number[][];
}

/** A data set with the classes "0", "1" …, after one that takes the ids up to `before`. */
async function fill(before: number, count: number): Promise<Filled> {
  const store = await createStore();
  const random = seededRandom(before * 1000 + count);
  const begin = (name: string): DatasetId =>
    store.datasets.begin({ name, format: 'images', source: '', createdAt: '2026-01-01' });
  if (before > 0) store.datasets.addCategories(begin('before'), namesOf(before));
  const datasetId = begin('classes');
  const categoryIds = store.datasets.addCategories(datasetId, namesOf(count));
  const classes = Array.from({ length: IMAGES }, () =>
    Array.from({ length: Math.floor(random() * 6) }, () => Math.floor(random() * count)),
  );
  const images = classes.map((own, index) => ({
    ...{ name: `${index}`, path: `${index}`, split: 'train' as const, widthPx: 30, heightPx: 20, channels: 3 },
    ...{ mediaType: 'image/png', orientation: 1, sizeBytes: 1, modifiedMs: 1, review: 'done' as const },
    labels: own.map((category) => labelRow({ category, shape: { kind: 'classification' }, attributes: {}, flags: [] })),
  }));
  insertImages(store, datasetId, images, categoryIds);
  store.datasets.publish(datasetId);
  return { store, datasetId, categoryIds, classes };
}

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}`);
}

function found({ store, datasetId, categoryIds }: Filled, wanted: readonly number[]): number[] {
  const range = store.images.idRange(datasetId)!;
  const ids = wanted.map((place) => categoryIds[place]!);
  const byIds = store.images.idsInRange(datasetId, { splits: [], categoryIds: ids }, range);
  const query = wanted.map((place) => `class:${place}`).join(' or ');
  expect(store.images.idsInRange(datasetId, { splits: [], categoryIds: [], query }, range)).toEqual(byIds);
  return byIds.map((id) => id - range.after - 1);
}

function wordsOf({ store }: Filled): unknown[] {
  return store.database.prepare('SELECT id, class_bits, more_class_bits FROM image ORDER BY id').safeIntegers().all();
}

test.each([
  [0, 3],
  [5, 80],
  [61, 70],
  [62, 62],
  [100, 124],
  [123, 80],
  [1000, 124],
  [7, 300],
])('after %i classes a filter knows each of %i', async (before, count) => {
  const filled = await fill(before, count);
  const { store, datasetId, classes } = filled;
  const random = seededRandom(count);
  const wanted = [
    ...Array.from({ length: count }, (_, place) => [place]),
    ...Array.from({ length: 20 }, () => Array.from({ length: 4 }, () => Math.floor(random() * count))),
    namesOf(count).map(Number),
  ];
  const having = (places: readonly number[]): number[] =>
    classes.flatMap((own, image) => (own.some((place) => places.includes(place)) ? [image] : []));
  for (const places of wanted) expect(found(filled, places), `classes ${places.join()}`).toEqual(having(places));
  const imported = wordsOf(filled);
  store.database.exec('UPDATE image SET label_facts = NULL, class_bits = 5, more_class_bits = 6');
  for (const places of wanted.slice(-21)) expect(found(filled, places)).toEqual(having(places));
  while (store.labelFacts.workOutSome(datasetId));
  expect(wordsOf(filled)).toEqual(imported);
});

test('counts of a class are those of the labels, where only none or some matters too', async () => {
  const { store, datasetId, classes } = await fill(5, 4);
  const range = store.images.idRange(datasetId)!;
  const tests: [string, (count: number) => boolean][] = [];
  for (const value of [0, 0.5, 1, 1.5, 2, 3, 9]) {
    tests.push(
      [`<${value}`, (count) => count < value],
      [`<=${value}`, (count) => count <= value],
      [`=${value}`, (count) => count === value],
      [`>=${value}`, (count) => count >= value],
      [`>${value}`, (count) => count > value],
      [`!=${value}`, (count) => count !== value],
    );
    for (const below of [0, 0.5, 1, 1.5, 2, 4])
      tests.push([`=${value}..${below}`, (count) => count >= value && count < below]);
  }
  for (const known of [true, false]) {
    if (!known) store.database.exec('UPDATE image SET label_facts = NULL, class_bits = 5');
    for (const [test, holds] of tests) {
      for (const sign of ['', '-']) {
        const query = `${sign}count(2)${test}`;
        const wanted = classes.flatMap((own, image) =>
          holds(own.filter((place) => place === 2).length) === (sign === '') ? [image] : [],
        );
        const ids = store.images.idsInRange(datasetId, { splits: [], categoryIds: [], query }, range);
        expect(
          ids.map((id) => id - range.after - 1),
          query,
        ).toEqual(wanted);
      }
    }
  }
});

test('images of packs have the bit of their class', async () => {
  const store = await createStore();
  addDataset(store, { train: [0, 1], test: [] }, 'First');
  const { datasetId, categoryIds, imageIds } = addDataset(store, { train: [2, 0, 1, 2], test: [1] }, 'Second');
  const range = store.images.idRange(datasetId)!;
  const of = (...places: number[]): ImageId[] =>
    store.images.idsInRange(datasetId, { splits: [], categoryIds: places.map((place) => categoryIds[place]!) }, range);
  expect(of(0)).toEqual([imageIds[1]]);
  expect(of(2)).toEqual([imageIds[0], imageIds[3]]);
  expect(of(0, 1)).toEqual([imageIds[1], imageIds[2], imageIds[4]]);
});
