/** Questions about the areas and aspects of boxes, whose answers come from bits and texts in the image's row, against the boxes themselves. */
import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import {
  addBox,
  boxLevels,
  boxLevelsOfLabels,
  boxPatterns,
  boxShares,
  boxWordOfLabels,
  type BoxSummary,
} from '../../src-main/store/box-bits.ts';
import { labelRow } from '../../src-main/store/label-row.ts';
import { migrations } from '../../src-main/store/migrations/index.ts';
import type { ProjectStore } from '../../src-main/store/project-store.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { insertImages } from '../helpers/insert-images.ts';
import { createStore } from '../helpers/store-fixture.ts';

const IMAGES = 200;
const measures = ['area', 'aspect'] as const;
type Box = [number, number, number, number];

/** Sizes over many octaves, some of them powers of two, so that boxes lie on the borders between bins; some are square. */
function randomBox(random: () => number): Box {
  const side = (): number =>
    random() < 0.3 ? 2 ** Math.floor(random() * 12 - 3) : Math.round(2 ** (random() * 12 - 3) * 100) / 100;
  const width = side();
  return [0, 0, width, random() < 0.1 ? width : side()];
}

/** A number so close to another that they are in one level, or on its border; often the number itself. */
function near(value: number, random: () => number): number {
  return value * (1 + [0, 0, 1e-15, -1e-15, 1e-5, -1e-5, 1e-3][Math.floor(random() * 7)]!);
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
    // One image in twenty has more boxes than the text holds, of much the same size.
    random() < 0.05
      ? Array.from({ length: 150 }, (): Box => [0, 0, 60 + Math.round(random() * 40), 70])
      : Array.from({ length: Math.floor(random() * 5) }, () => randomBox(random)),
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
  const rows = database
    .prepare<[], { area_levels: string | null; aspect_levels: string | null }>(
      'SELECT id, area_bits, aspect_bits, area_levels, aspect_levels FROM image ORDER BY id',
    )
    .safeIntegers()
    .all();
  const sorted = (text: string | null): string | null => text && [...text].sort().join('');
  return rows.map((row) => ({
    ...row,
    ...{ area_levels: sorted(row.area_levels), aspect_levels: sorted(row.aspect_levels) },
  }));
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
  const all = boxes.flat();
  for (let round = 0; round < 900; round++) {
    const isArea = round % 2 === 0;
    const [field, of] = isArea ? ['area', areaOf] : ['boxaspect', aspectOf];
    // The ends are those of boxes, or nearly so.
    const end = (): number => near(of(all[Math.floor(random() * all.length)]!), random);
    const a = end();
    const b = [a, a * (1 + random() / 4), end(), near(a, random)][round % 4]!;
    const [least, below] = [Math.min(a, b), Math.max(a, b)];
    const inRange = (box: Box): boolean => of(box) >= least && of(box) < below;
    const expected = having(inRange);
    expect(found(`${field}=${least}..${below}`), `${field}=${least}..${below}`).toEqual(expected);
    expect(found(`-${field}=${least}..${below}`)).toHaveLength(IMAGES - expected.length);
    expect(found(`${field}=${a}`), `${field}=${a}`).toEqual(having((box) => of(box) === a));
    checked++;
    if (expected.length > 0 && expected.length < IMAGES) some++;
  }
  expect(some / checked).toBeGreaterThan(0.4);
});

test('a range that ends before it begins, or at nothing, finds nothing and breaks nothing', async () => {
  const { store, datasetId } = await fill(seededRandom(7));
  const range = store.images.idRange(datasetId)!;
  for (const query of [
    'area=9..3',
    'boxaspect=2..2',
    'area=0..0',
    'boxaspect=1..1',
    'area=1000000000000..2000000000000',
  ]) {
    expect(store.images.idsInRange(datasetId, { splits: [], categoryIds: [], query }, range), query).toEqual([]);
  }
});

test('an import, the database, and the migration of an older one give the same bits', async () => {
  const { store } = await fill(seededRandom(8));
  const imported = bitsOf(store);
  const forget = `UPDATE image SET area_bits = 5, aspect_bits = 6, area_levels = 'a', aspect_levels = 'b'`;
  store.database.exec(`${forget}, label_facts = NULL`);
  const [datasetId] = store.datasets.list().map((dataset) => dataset.datasetId);
  while (store.labelFacts.workOutSome(datasetId!));
  expect(bitsOf(store)).toEqual(imported);
  const columns = ['area_bits', 'aspect_bits', 'area_levels', 'aspect_levels'];
  store.database.exec(
    `DROP INDEX image_by_dataset; ${columns.map((column) => `ALTER TABLE image DROP COLUMN ${column}`).join(';')}`,
  );
  const sql = migrations.filter(({ number }) => number === 12 || number === 14).map((migration) => migration.sql);
  store.database.exec(`CREATE INDEX image_by_dataset ON image (id); ${sql.join(';')}`);
  expect(bitsOf(store)).toEqual(imported);
  expect(JSON.stringify(imported, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))).toMatch(
    /"area_levels":null,"aspect_levels":null.*"area_levels":"/,
  );
});

test('a bin is certain only where all of its boxes are in the range', () => {
  const random = seededRandom(9);
  const database = new SqliteDatabase(':memory:');
  for (const measure of measures) {
    const inSql = database
      .prepare(`SELECT ${boxWordOfLabels(measure, 'a.value')} FROM (SELECT ? AS value) a`)
      .pluck()
      .safeIntegers();
    const levelInSql = database
      .prepare(`SELECT ${boxLevelsOfLabels(measure, 'a.value')} FROM (SELECT ? AS value) a`)
      .pluck();
    const matches = database.prepare<[string, string], number>('SELECT ? GLOB ?').pluck();
    for (let round = 0; round < 3000; round++) {
      // A third of them on the border between two levels, as exactly as can be.
      const border = 2 ** ((Math.floor(random() * 30_000) + 0.5) / (measure === 'area' ? 1664 : 3328));
      const isBorder = round % 3 === 0;
      const value = isBorder ? near(border, random) : (measure === 'area' ? areaOf : aspectOf)(randomBox(random));
      const summary: BoxSummary = { parts: [0, 0], levels: '' };
      addBox(summary, measure, value);
      const [low, high] = summary.parts;
      const bit = BigInt(low) | (BigInt(high) << 31n);
      expect(inSql.get(value), `${measure} ${value}`).toBe(bit);
      const level = boxLevels(summary)!;
      // There the logarithms of two libraries may differ.
      if (!isBorder) expect(levelInSql.get(value), `${measure} ${value}`).toBe(level);
      const isClose = round % 2 === 0;
      const least = isClose ? near(value, random) : value * random() * 1.5;
      const most = Math.max(least, isClose ? near(value, random) : value * (0.7 + random()));
      for (const hasMost of [false, true]) {
        const holds = value >= least && (hasMost ? value <= most : value < most);
        const patterns = boxPatterns(measure, { least, most, hasMost });
        const said = `${value} in ${least}..${most}`;
        if (holds) expect(matches.get(level, patterns.possible), said).toBe(1);
        else if (patterns.certain !== null) expect(matches.get(level, patterns.certain), said).toBe(0);
      }
      const { certain, possible } = boxShares(measure, { least, most });
      expect(certain & possible).toBe(0n);
      const isInside = value >= least && value <= most;
      if (isInside) expect((certain | possible) & bit, `${value} in ${least}..${most}`).toBe(bit);
      else expect(certain & bit, `${value} not in ${least}..${most}`).toBe(0n);
    }
  }
  // Neither a box without an area nor one without a height breaks anything.
  const none: BoxSummary = { parts: [0, 0], levels: '' };
  expect(boxLevels(none)).toBeNull();
  addBox(none, 'area', 0);
  expect(none).toEqual({ parts: [1, 0], levels: '\u0800' });
  // Squares are known to be such.
  const square: BoxSummary = { parts: [0, 0], levels: '' };
  addBox(square, 'aspect', 1);
  const ofSquares = (least: number, most: number, hasMost: boolean) =>
    boxPatterns('aspect', { least, most, hasMost }).certain?.includes(square.levels) ?? false;
  expect([ofSquares(1, 1, true), ofSquares(0.9, 1, false), ofSquares(1, 1.1, false)]).toEqual([true, false, true]);
  expect(boxShares('area', { least: 0, most: 20 }).certain & 1n).toBe(0n);
  database.close();
});
