/** What an image's row knows of its labels: as imported, as worked out again, and while it is not known. */
import { expect, test } from 'vitest';
import type { Shape } from '../../src-main/contract/model/annotation.ts';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { labelRow } from '../../src-main/store/label-row.ts';
import type { ProjectStore } from '../../src-main/store/project-store.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { insertImages } from '../helpers/insert-images.ts';
import { createStore } from '../helpers/store-fixture.ts';

const SEED = Number(process.env['FOVEA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const flags = ['occluded', 'truncated', 'difficult', 'crowd'] as const;

function fill(store: ProjectStore, random: () => number): DatasetId {
  const datasetId = store.datasets.begin({ name: 'a', format: 'images', source: '', createdAt: '2026-01-01' });
  const categoryIds = store.datasets.addCategories(datasetId, ['a', 'b']);
  const number = (most: number): number => Math.round(random() * most * 4) / 4;
  const shape = (): Shape => {
    const [x, y, w, h] = [number(30) - 2, number(20) - 2, number(random() < 0.1 ? 40 : 6) + 0.25, number(8) + 0.25];
    const kind = Math.floor(random() * 4);
    if (kind === 0) return { kind: 'classification' };
    if (kind === 1) return { kind: 'polygon', parts: [{ outer: [x, y, x + w, y, x + w, y + h], holes: [] }] };
    return { kind: 'bbox', bboxXyxy: [x, y, x + w, y + h] };
  };
  const images = Array.from({ length: 300 }, (_, index) => {
    const labels = Array.from({ length: index === 7 ? 60 : Math.floor(random() * 6) }, () =>
      labelRow({
        ...{ category: Math.floor(random() * 2), shape: shape(), attributes: {} },
        flags: flags.filter(() => random() < 0.1),
      }),
    );
    // Some twice, to the pixel.
    if (random() < 0.2) labels.push(...labels.slice(0, 1));
    return {
      ...{ name: `${index}`, path: `${index}`, split: 'train' as const, widthPx: 30, heightPx: 20, channels: 3 },
      ...{ mediaType: 'image/png', orientation: 1, sizeBytes: 1, modifiedMs: 1, review: 'done' as const, labels },
    };
  });
  insertImages(store, datasetId, images, categoryIds);
  store.datasets.publish(datasetId);
  return datasetId;
}

function factsOf({ database }: ProjectStore): unknown[] {
  return database
    .prepare(
      `SELECT id, label_count, label_facts, least_area, greatest_area, least_aspect, greatest_aspect, area_bits, aspect_bits
      FROM image ORDER BY id`,
    )
    .safeIntegers()
    .all();
}

function workOut(store: ProjectStore, datasetId: DatasetId): void {
  while (store.labelFacts.workOutSome(datasetId));
}

test('an import says what the database would work out', async () => {
  console.log(`facts: FOVEA_TEST_SEED=${SEED}`);
  const store = await createStore();
  const datasetId = fill(store, seededRandom(SEED));
  const imported = factsOf(store);
  store.database.exec(
    'UPDATE image SET label_facts = NULL, least_area = 1, greatest_area = 2, least_aspect = 3, area_bits = 5, aspect_bits = 6',
  );
  workOut(store, datasetId);
  expect(factsOf(store)).toEqual(imported);
});

test('a query finds the same images whether the facts are known or not', async () => {
  const store = await createStore();
  const datasetId = fill(store, seededRandom(SEED));
  const range = store.images.idRange(datasetId)!;
  const queries = ['kind:polygon', '-kind:bbox', 'flag:crowd', 'by:import', 'by:person', 'box:outside', 'box:huge'];
  const numbers = [
    'area<1',
    'area>=30',
    'area=1..4',
    'area!=4',
    '-area=4',
    'boxaspect>2',
    '-boxaspect<1',
    'boxaspect=1..2',
  ];
  const ask = (query: string) => store.images.idsInRange(datasetId, { splits: [], categoryIds: [], query }, range);
  const all = [...queries, 'box:doubled', ...numbers];
  const known = all.map(ask);
  store.database.exec('UPDATE image SET label_facts = NULL');
  expect(Object.fromEntries(all.map((query) => [query, ask(query)]))).toEqual(
    Object.fromEntries(all.map((query, at) => [query, known[at]])),
  );
  expect(known.filter((ids) => ids.length > 0 && ids.length < 300).length).toBeGreaterThan(10);
});

test.each([
  [
    'adding',
    `INSERT INTO annotation (image_id, kind, category_id, source, created_at) SELECT @id, 'classification', id, 'person', 'now' FROM category LIMIT 1`,
  ],
  ['removing', 'DELETE FROM annotation WHERE image_id = @id'],
  ['moving', 'UPDATE annotation SET x2 = x2 + 1 WHERE image_id = @id'],
  ['another class', 'UPDATE annotation SET category_id = category_id WHERE image_id = @id'],
  ['another size of the image', 'UPDATE image SET width = 12 WHERE id = @id'],
])('%s leaves them to be worked out again', async (_name, sql) => {
  const store = await createStore();
  const datasetId = fill(store, seededRandom(SEED));
  const id = store.images.idRange(datasetId)!.after + 8; // the one with sixty labels
  store.database.prepare(sql).run({ id });
  const facts = store.database.prepare('SELECT label_facts FROM image WHERE id = ?').pluck();
  expect(facts.get(id)).toBeNull();
  workOut(store, datasetId);
  expect(facts.get(id)).not.toBeNull();
  const counted = store.database.prepare(
    'SELECT count(*) FROM image WHERE label_count <> (SELECT count(*) FROM annotation WHERE image_id = image.id)',
  );
  expect(counted.pluck().get()).toBe(0);
});
