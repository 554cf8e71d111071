/** Classes of a data set that a person adds and changes. Their order is the class index as networks see it: it stays. */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import type { Category } from '../contract/model/dataset.ts';
import type { CategoryId, DatasetId } from '../contract/model/ids.ts';

interface CategoryRow extends Omit<Category, 'colour'> {
  datasetId: DatasetId;
  colour: number | null;
}

export class CategoryRepository {
  readonly #one: Statement<[CategoryId], CategoryRow>;
  readonly #taken: Statement<[DatasetId, string], number>;
  readonly #insert: Statement<[{ datasetId: DatasetId; name: string }]>;
  readonly #rename: Statement<[string, CategoryId]>;
  readonly #recolour: Statement<[number | null, CategoryId]>;

  constructor(database: Database) {
    const columns = 'c.id AS categoryId, c.dataset_id AS datasetId, c.ordinal, c.name, c.colour';
    this.#one = database.prepare(`
      SELECT ${columns} FROM category c JOIN dataset d ON d.id = c.dataset_id WHERE c.id = ? AND d.state = 'ready' AND d.trashed_at IS NULL`);
    this.#taken = database
      .prepare<[DatasetId, string], number>('SELECT 1 FROM category WHERE dataset_id = ? AND name = ?')
      .pluck();
    this.#insert = database.prepare(`
      INSERT INTO category (dataset_id, ordinal, name)
      VALUES (@datasetId, (SELECT coalesce(max(ordinal) + 1, 0) FROM category WHERE dataset_id = @datasetId), @name)`);
    this.#rename = database.prepare('UPDATE category SET name = ? WHERE id = ?');
    this.#recolour = database.prepare('UPDATE category SET colour = ? WHERE id = ?');
  }

  /** Throws `already-exists` for a name that another class of the data set has. */
  create(datasetId: DatasetId, name: string): Category {
    this.#requireFreeName(datasetId, name);
    const { lastInsertRowid } = this.#insert.run({ datasetId, name });
    return readRow(this.#row(Number(lastInsertRowid) as CategoryId));
  }

  /** Throws `not-found`, or `already-exists` for a name that another class of the data set has. */
  rename(categoryId: CategoryId, name: string): Category {
    const row = this.#row(categoryId);
    if (row.name !== name) {
      this.#requireFreeName(row.datasetId, name);
      this.#rename.run(name, categoryId);
    }
    return readRow({ ...row, name });
  }

  /** `colour`: place in the palette, null for the one of the ordinal. Throws `not-found`. */
  recolour(categoryId: CategoryId, colour: number | null): Category {
    const row = this.#row(categoryId);
    this.#recolour.run(colour, categoryId);
    return readRow({ ...row, colour });
  }

  #row(categoryId: CategoryId): CategoryRow {
    const row = this.#one.get(categoryId);
    if (!row) throw new FoveaError('not-found', `There is no class ${categoryId} in this project.`, { categoryId });
    return row;
  }

  #requireFreeName(datasetId: DatasetId, name: string): void {
    if (this.#taken.get(datasetId, name) === undefined) return;
    throw new FoveaError('already-exists', `This data set has a class named “${name}” already.`, { name });
  }
}

function readRow({ categoryId, ordinal, name, colour }: CategoryRow): Category {
  return { categoryId, ordinal, name, ...(colour === null ? {} : { colour }) };
}
