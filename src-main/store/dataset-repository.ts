/**
 * Data sets with their categories and packs. A data set is visible only while its state is 'ready': it is filled as
 * 'importing', published by one small transaction, and emptied as 'deleting'. Deleting goes in steps so that no
 * transaction is long; a data set that was left half-way is found again by `leftovers`.
 */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import type { LabelSchema, Skeleton } from '../contract/model/annotation-edit.ts';
import type { Category, Dataset, DatasetFormat, Split } from '../contract/model/dataset.ts';
import type { CategoryId, DatasetId } from '../contract/model/ids.ts';
import { writeRelaxed } from './relaxed-write.ts';

export interface NewDataset {
  name: string;
  format: DatasetFormat;
  source: string;
  createdAt: string;
}

export interface NewCategory {
  name: string;
  /** The number that the source gives it, where that is not its place. */
  sourceId: number | null;
  /** Of its objects' points. */
  skeleton?: Omit<Skeleton, 'categoryId'>;
}

export type PackId = number & { readonly __pack: never };

/** A file of `count` images: uint8 [count, channels, heightPx, widthPx]. `file` is its name in the packs folder. */
export interface PackFacts {
  file: string;
  count: number;
  channels: number;
  heightPx: number;
  widthPx: number;
}
export interface Pack extends PackFacts {
  packId: PackId;
}

interface DatasetRow {
  id: DatasetId;
  name: string;
  format: DatasetFormat;
  source: string;
  created_at: string;
}

type ImageSize = NonNullable<Dataset['imageSize']>;

/** Of a row of `dataset`. */
const VISIBLE = `state = 'ready' AND trashed_at IS NULL`;

/** The statements whose plans a test holds. */
export const hotDatasetQueries = {
  splitCounts: 'SELECT split, count(*) AS count FROM image WHERE dataset_id = ? GROUP BY split',
  sizes: `
    SELECT width AS widthPx, height AS heightPx, channels FROM pack WHERE dataset_id = @datasetId
    UNION SELECT width, height, channels FROM image WHERE dataset_id = @datasetId AND path IS NOT NULL
    LIMIT 2`,
} as const;

export class DatasetRepository {
  #database: Database;
  #ready: Statement<[DatasetId], DatasetRow>;
  #categories: Statement<[DatasetId], Omit<Category, 'colour'> & { colour: number | null }>;
  #splitCounts: Statement<[DatasetId], { split: Split; count: number }>;
  #sizes: Statement<[{ datasetId: DatasetId }], ImageSize>;

  constructor(database: Database) {
    this.#database = database;
    this.#ready = database.prepare(`SELECT * FROM dataset WHERE id = ? AND ${VISIBLE}`);
    this.#categories = database.prepare(
      'SELECT id AS categoryId, ordinal, name, colour FROM category WHERE dataset_id = ? ORDER BY ordinal',
    );
    this.#splitCounts = database.prepare(hotDatasetQueries.splitCounts);
    this.#sizes = database.prepare(hotDatasetQueries.sizes);
  }

  /** Visible data sets, newest first. */
  list(): Dataset[] {
    return this.#database
      .prepare<[], DatasetRow>(`SELECT * FROM dataset WHERE ${VISIBLE} ORDER BY id DESC`)
      .all()
      .map((row) => this.#describe(row));
  }

  /** Throws `not-found` where there is none or it is not visible. */
  get(datasetId: DatasetId): Dataset {
    const row = this.#ready.get(datasetId);
    if (!row) throw datasetNotFound(datasetId);
    return this.#describe(row);
  }

  /** Throws `not-found` where there is none or it is not visible. Cheaper than `get`. */
  requireReady(datasetId: DatasetId): void {
    if (!this.#ready.get(datasetId)) throw datasetNotFound(datasetId);
  }

  categories(datasetId: DatasetId): Category[] {
    return this.#categories
      .all(datasetId)
      .map(({ colour, ...category }) => (colour === null ? category : { ...category, colour }));
  }

  /** The numbers that the source gives the classes, in the order of the class index; null where it is the place. */
  sourceIds(datasetId: DatasetId): (number | null)[] {
    return this.#database
      .prepare<[DatasetId], number | null>('SELECT source_id FROM category WHERE dataset_id = ? ORDER BY ordinal')
      .pluck()
      .all(datasetId);
  }

  /** Skeletons and attributes of the data set's labels; empty where none were set. Throws `not-found`. */
  labelSchema(datasetId: DatasetId): LabelSchema {
    this.requireReady(datasetId);
    return this.#schemaOf(datasetId);
  }

  /** None of a data set that is gone. */
  skeletons(datasetId: DatasetId): Skeleton[] {
    return this.#schemaOf(datasetId).skeletons;
  }

  #schemaOf(datasetId: DatasetId): LabelSchema {
    const text = this.#database
      .prepare<[DatasetId], string | null>('SELECT label_schema FROM dataset WHERE id = ?')
      .pluck()
      .get(datasetId);
    return text ? (JSON.parse(text) as LabelSchema) : { skeletons: [], attributes: [] };
  }

  isNameTaken(name: string): boolean {
    const row = this.#database
      .prepare(`SELECT 1 FROM dataset WHERE name = ? AND state <> 'deleting' AND trashed_at IS NULL`)
      .get(name);
    return row !== undefined;
  }

  /** Throws `already-exists` where a visible data set, or one being imported, has the name. */
  requireFreeName(name: string): void {
    if (this.isNameTaken(name)) {
      throw new FoveaError(
        'already-exists',
        `This project has a data set named “${name}” already. Choose another name.`,
        { name },
      );
    }
  }

  /** Adds an invisible data set. Throws `already-exists` for a taken name. */
  begin(dataset: NewDataset): DatasetId {
    this.requireFreeName(dataset.name);
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO dataset (name, format, source, state, created_at)
         VALUES (@name, @format, @source, 'importing', @createdAt)`,
      )
      .run(dataset);
    return Number(lastInsertRowid) as DatasetId;
  }

  /** In the order of the class index. Returns the categories' ids in that order. */
  addCategories(datasetId: DatasetId, categories: readonly (string | NewCategory)[]): CategoryId[] {
    const insert = this.#database.prepare(
      'INSERT INTO category (dataset_id, ordinal, name, source_id) VALUES (?, ?, ?, ?)',
    );
    const setSchema = this.#database.prepare('UPDATE dataset SET label_schema = ? WHERE id = ?');
    return writeRelaxed(this.#database, () => {
      const added = categories.map((category, ordinal) => {
        const given = typeof category === 'string' ? { name: category, sourceId: null } : category;
        const categoryId = Number(insert.run(datasetId, ordinal, given.name, given.sourceId).lastInsertRowid);
        return { ...given, categoryId: categoryId as CategoryId };
      });
      const skeletons = added.flatMap(({ categoryId, skeleton }) => (skeleton ? [{ categoryId, ...skeleton }] : []));
      if (skeletons.length > 0)
        setSchema.run(JSON.stringify({ skeletons, attributes: [] } satisfies LabelSchema), datasetId);
      return added.map(({ categoryId }) => categoryId);
    });
  }

  /** Says where the files of the data set's images are; relative to the project where they were copied into it. */
  setImageRoot(datasetId: DatasetId, folder: string): void {
    const update = this.#database.prepare('UPDATE dataset SET image_root = ? WHERE id = ?');
    writeRelaxed(this.#database, () => update.run(folder, datasetId));
  }

  addPack(datasetId: DatasetId, pack: PackFacts): PackId {
    const insert = this.#database.prepare(
      `INSERT INTO pack (dataset_id, file, count, channels, height, width)
       VALUES (@datasetId, @file, @count, @channels, @heightPx, @widthPx)`,
    );
    const { lastInsertRowid } = writeRelaxed(this.#database, () => insert.run({ datasetId, ...pack }));
    return Number(lastInsertRowid) as PackId;
  }

  packs(datasetId: DatasetId): Pack[] {
    return this.#database
      .prepare<[DatasetId], Pack>(
        `SELECT id AS packId, file, count, channels, height AS heightPx, width AS widthPx
         FROM pack WHERE dataset_id = ? ORDER BY id`,
      )
      .all(datasetId);
  }

  /** Makes an imported data set visible. */
  publish(datasetId: DatasetId): Dataset {
    this.#database.prepare(`UPDATE dataset SET state = 'ready' WHERE id = ? AND state = 'importing'`).run(datasetId);
    return this.get(datasetId);
  }

  /** Throws `not-found`, or `already-exists` where another data set has the name. */
  rename(datasetId: DatasetId, name: string): Dataset {
    const current = this.get(datasetId);
    if (current.name === name) return current;
    this.requireFreeName(name);
    this.#database.prepare('UPDATE dataset SET name = ? WHERE id = ?').run(name, datasetId);
    return this.get(datasetId);
  }

  /** Makes a data set invisible for good, as the first step of deleting it. Throws `not-found`. */
  markDeleting(datasetId: DatasetId): void {
    const result = this.#database.prepare(`UPDATE dataset SET state = 'deleting' WHERE id = ?`).run(datasetId);
    if (result.changes === 0) throw datasetNotFound(datasetId);
  }

  /** Last step of deleting: the data set, its categories and packs. Its images must be gone. */
  remove(datasetId: DatasetId): void {
    this.#database.prepare('DELETE FROM dataset WHERE id = ?').run(datasetId);
  }

  /** Data sets that an import or a deletion left half-way. */
  leftovers(): DatasetId[] {
    return this.#database.prepare<[], DatasetId>(`SELECT id FROM dataset WHERE state <> 'ready'`).pluck().all();
  }

  #describe(row: DatasetRow): Dataset {
    const splitCounts = { train: 0, val: 0, test: 0 };
    for (const { split, count } of this.#splitCounts.all(row.id)) splitCounts[split] = count;
    const [size, otherSize] = this.#sizes.all({ datasetId: row.id });
    return {
      datasetId: row.id,
      name: row.name,
      format: row.format,
      source: row.source,
      createdAt: row.created_at,
      categories: this.categories(row.id),
      splitCounts,
      imageSize: size && !otherSize ? size : null,
    };
  }
}

function datasetNotFound(datasetId: DatasetId): FoveaError {
  return new FoveaError('not-found', `There is no data set ${datasetId} in this project.`, { datasetId });
}
