/** Classes of a data set that a person adds and changes. Their order is the class index as networks and formats see it. */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import type { Category } from '../contract/model/dataset.ts';
import type { LabelSchema } from '../contract/model/annotation-edit.ts';
import type { ClassUsage } from '../contract/model/class-edit.ts';
import type { CategoryId, DatasetId } from '../contract/model/ids.ts';
import type { CategoryRow, ClassChange } from './class-change.ts';

/** Above every ordinal: where rows stand while others take their places. */
const aside = 1_000_000_000;

export class CategoryRepository {
  readonly #rows: Statement<[DatasetId], CategoryRow>;
  readonly #usage: Statement<[DatasetId], ClassUsage>;
  readonly #label: Statement<[CategoryId]>;
  readonly #keypoints: Statement<[CategoryId], number>;
  readonly #taken: Statement<[DatasetId, string], number>;
  readonly #add: Statement<[{ datasetId: DatasetId; name: string }]>;
  readonly #insert: Statement<[CategoryRow & { datasetId: DatasetId }]>;
  readonly #update: Statement<[CategoryRow]>;
  readonly #place: Statement<[number, CategoryId]>;
  readonly #remove: Statement<[CategoryId]>;
  readonly #setSchema: Statement<[string, DatasetId]>;

  constructor(database: Database) {
    this.#rows = database.prepare(`
      SELECT id AS categoryId, ordinal, name, colour, source_id AS sourceId
      FROM category WHERE dataset_id = ? ORDER BY ordinal`);
    this.#usage = database.prepare(`
      SELECT category_id AS categoryId, count(*) AS labels, count(DISTINCT image_id) AS images
      FROM annotation WHERE category_id IN (SELECT id FROM category WHERE dataset_id = ?) GROUP BY category_id`);
    this.#label = database.prepare('SELECT 1 FROM annotation WHERE category_id = ? LIMIT 1');
    this.#keypoints = database
      .prepare<[CategoryId], number>(`SELECT count(*) FROM annotation WHERE category_id = ? AND kind = 'keypoints'`)
      .pluck();
    this.#taken = database
      .prepare<[DatasetId, string], number>('SELECT 1 FROM category WHERE dataset_id = ? AND name = ?')
      .pluck();
    this.#add = database.prepare(`
      INSERT INTO category (dataset_id, ordinal, name)
      VALUES (@datasetId, (SELECT coalesce(max(ordinal) + 1, 0) FROM category WHERE dataset_id = @datasetId), @name)`);
    this.#insert = database.prepare(`
      INSERT INTO category (id, dataset_id, ordinal, name, colour, source_id)
      VALUES (@categoryId, @datasetId, @ordinal, @name, @colour, @sourceId)`);
    this.#update = database.prepare(`
      UPDATE category SET ordinal = @ordinal, name = @name, colour = @colour, source_id = @sourceId
      WHERE id = @categoryId`);
    this.#place = database.prepare('UPDATE category SET ordinal = ? WHERE id = ?');
    this.#remove = database.prepare('DELETE FROM category WHERE id = ?');
    this.#setSchema = database.prepare('UPDATE dataset SET label_schema = ? WHERE id = ?');
  }

  /** In the order of the class index. */
  rows(datasetId: DatasetId): CategoryRow[] {
    return this.#rows.all(datasetId);
  }

  /** Classes without labels are left out. */
  usage(datasetId: DatasetId): ClassUsage[] {
    return this.#usage.all(datasetId);
  }

  /** Labels of the class that have named points. */
  keypointCount(categoryId: CategoryId): number {
    return this.#keypoints.get(categoryId) ?? 0;
  }

  /** Throws `already-exists` for a name that another class of the data set has. */
  create(datasetId: DatasetId, name: string): Category {
    this.#requireFreeName(datasetId, name);
    const categoryId = Number(this.#add.run({ datasetId, name }).lastInsertRowid) as CategoryId;
    return { categoryId, ordinal: this.rows(datasetId).length - 1, name };
  }

  /**
   * Makes rows what they are after the change, apart from those that go; labels may then come to the new ones, and
   * `removeRows` ends it. Throws `already-exists` for a name that another class has by now.
   */
  applyRows({ datasetId, categories, schema }: ClassChange): void {
    const wanted = categories.flatMap(({ after }) => after ?? []);
    const going = new Set(
      categories.flatMap(({ before, after }) => (after === null ? (before?.categoryId ?? []) : [])),
    );
    const now = this.rows(datasetId);
    const isThere = new Set(now.map(({ categoryId }) => categoryId));
    now.forEach(({ categoryId }, index) => this.#place.run(aside + index, categoryId));
    for (const row of wanted) {
      const own = now.find(({ categoryId }) => categoryId === row.categoryId);
      if (own?.name !== row.name) this.#requireFreeName(datasetId, row.name);
      if (isThere.has(row.categoryId)) this.#update.run({ ...row, ordinal: 2 * aside + row.ordinal });
      else this.#insert.run({ ...row, datasetId, ordinal: 2 * aside + row.ordinal });
    }
    // Classes that came since keep their places as far as others leave them; no place stays empty.
    const places = new Map<CategoryId, number>(now.map(({ categoryId, ordinal }) => [categoryId, ordinal + 0.5]));
    for (const { categoryId, ordinal } of wanted) places.set(categoryId, ordinal);
    const staying = [...places].filter(([categoryId]) => !going.has(categoryId)).sort((a, b) => a[1] - b[1]);
    staying.forEach(([categoryId], index) => this.#place.run(index, categoryId));
    if (schema !== null) this.#setSchema.run(JSON.stringify(schema.after satisfies LabelSchema), datasetId);
  }

  /** Throws `bad-input` where a class still has labels, which came while nobody looked. */
  removeRows({ categories }: ClassChange): void {
    for (const { before, after } of categories) {
      if (before === null || after !== null) continue;
      if (this.#label.get(before.categoryId) !== undefined) {
        throw new FoveaError('bad-input', `The class “${before.name}” has labels that came since, so it stays.`, {
          categoryId: before.categoryId,
        });
      }
      this.#remove.run(before.categoryId);
    }
  }

  #requireFreeName(datasetId: DatasetId, name: string): void {
    if (this.#taken.get(datasetId, name) === undefined) return;
    throw new FoveaError('already-exists', `This data set has a class named “${name}” already.`, { name });
  }
}
