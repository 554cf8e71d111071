/** Questions about the areas and aspects of boxes, whose answers come from bits in the image's row, against the boxes themselves. */
import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { addBox, boxShares, boxWordOfLabels, type BoxParts } from '../../src-main/store/box-bits.ts';
import { labelRow } from '../../src-main/store/label-row.ts';
import { migrations } from '../../src-main/store/migrations/index.ts';
import type { ProjectStore } from '../../src-main/store/project-store.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { insertImages } from '../helpers/insert-images.ts';
import { createStore } from '../helpers/store-fixture.ts';

const IMAGES = 200;
const measures = ['area', 'aspect'] as const;
type Box = [number, number, number, number];

/** Sizes over many octaves, some of them powers of two, so that boxes lie on the borders between bins. */
function randomBox(random: () => number): Box {
  const side = (): number =>
    random() < 0.3 ? 2 ** Math.floor(random() * 12 - 3) : Math.round(2 ** (random() * 12 - 3) * 100) / 100;
  return [0, 0, side(), side()];
}

function areaOf([x1, y1, x2, y2]: Box): number {
  return (x2 - x1) * (y2 - y1);
}

function aspectOf([x1, y1, x2, y2]: Box): number {
  return (x2 - x1) / (y2 - y1);
}

async function fill(random: () => number): Promise<{ store: ProjectStore; datasetId: DatasetId; boxes: Box[][] }> {
  const store = await createStore();
  const datasetId = store.datasets.begin({ name: 'a', format: 'images', source: '', createdAt: '2026-01-01' });
  const categoryIds = store.datasets.addCategories(datasetId, ['a']);
  const boxes = Array.from({ length: IMAGES }, () =>
    Array.from({ length: Math.floor(random() * 5) }, () => randomBox(random)),
  );
  const images = boxes.map((own, index) => ({
    ...{ name: `${index}`, path: `${index}`, split: 'train' as const, widthPx: 4000, heightPx: 4000, channels: 3 },
    ...{ mediaType: 'image/png', orientation: 1, sizeBytes: 1, modifiedMs: 1, review: 'done' as const },
    labels: own.map((bboxXyxy) =>
      labelRow({ category: 0, shape: { kind: 'bbox', bboxXyxy }, attributes: {}, flags: [] }),
    ),
  }));
  insertImages(store, datasetId, images, categoryIds);
  store.datasets.publish(datasetId);
  return { store, datasetId, boxes };
}

function bitsOf({ database }: Pick<ProjectStore, 'database'>): unknown[] {
  return database.prepare('SELECT id, area_bits, aspect_bits FROM image ORDER BY id').safeIntegers().all();
}

test('a range, a value and their negations find what the boxes themselves say', async () => {
  const random = seededRandom(7);
  const { store, datasetId, boxes } = await fill(random);
  const range = store.images.idRange(datasetId)!;
  const found = (query: string): number[] =>
    store.images.idsInRange(datasetId, { splits: [], categoryIds: [], query }, range).map((id) => id - range.after - 1);
  const having = (holds: (box: Box) => boolean): number[] =>
    boxes.flatMap((own, image) => (own.some(holds) ? [image] : []));
  let [some, checked] = [0, 0];
  for (let round = 0; round < 300; round++) {
    const isArea = round % 2 === 0;
    const [field, of] = isArea ? ['area', areaOf] : ['boxaspect', aspectOf];
    const end = (): number => of(randomBox(random));
    const [a, b] = [end(), round % 3 === 0 ? end() : 0];
    const [least, below] = round % 3 === 0 ? [Math.min(a, b), Math.max(a, b)] : [a, a * (1 + random() / 4)];
    const inRange = (box: Box): boolean => of(box) >= least && of(box) < below;
    const expected = having(inRange);
    expect(found(`${field}=${least}..${below}`), `${field}=${least}..${below}`).toEqual(expected);
    expect(found(`-${field}=${least}..${below}`)).toHaveLength(IMAGES - expected.length);
    expect(found(`${field}=${a}`), `${field}=${a}`).toEqual(having((box) => of(box) === a));
    checked++;
    if (expected.length > 0 && expected.length < IMAGES) some++;
  }
  expect(some / checked).toBeGreaterThan(0.5);
});

test('an import, the database, and the migration of an older one give the same bits', async () => {
  const { store } = await fill(seededRandom(8));
  const imported = bitsOf(store);
  store.database.exec('UPDATE image SET label_facts = NULL, area_bits = 5, aspect_bits = 6');
  const [datasetId] = store.datasets.list().map((dataset) => dataset.datasetId);
  while (store.labelFacts.workOutSome(datasetId!));
  expect(bitsOf(store)).toEqual(imported);
  store.database.exec(
    'DROP INDEX image_by_dataset; ALTER TABLE image DROP COLUMN area_bits; ALTER TABLE image DROP COLUMN aspect_bits',
  );
  store.database.exec(
    `CREATE INDEX image_by_dataset ON image (id); ${migrations.find(({ number }) => number === 12)!.sql}`,
  );
  expect(bitsOf(store)).toEqual(imported);
});

test('a bin is certain only where all of its boxes are in the range', () => {
  const random = seededRandom(9);
  const database = new SqliteDatabase(':memory:');
  for (const measure of measures) {
    const inSql = database
      .prepare(`SELECT ${boxWordOfLabels(measure, 'a.value')} FROM (SELECT ? AS value) a`)
      .pluck()
      .safeIntegers();
    for (let round = 0; round < 3000; round++) {
      const value = (measure === 'area' ? areaOf : aspectOf)(randomBox(random));
      const parts: BoxParts = [0, 0];
      addBox(parts, measure, value);
      const bit = BigInt(parts[0]) | (BigInt(parts[1]) << 31n);
      expect(inSql.get(value), `${measure} ${value}`).toBe(bit);
      const [least, most] = [value * random() * 1.5, value * (0.7 + random())];
      const { certain, possible } = boxShares(measure, least, most);
      expect(certain & possible).toBe(0n);
      const isInside = value >= least && value <= most;
      if (isInside) expect((certain | possible) & bit, `${value} in ${least}..${most}`).toBe(bit);
      else expect(certain & bit, `${value} not in ${least}..${most}`).toBe(0n);
    }
  }
  // Neither a box without an area nor one without a height breaks anything.
  const none: BoxParts = [0, 0];
  addBox(none, 'area', 0);
  expect(none).toEqual([1, 0]);
  expect(boxShares('area', 0, 20).certain & 1n).toBe(0n);
  database.close();
});
