/**
 * Changes of splits, a slice of images at a time, each with what it was before. A change that was not completed is a
 * leftover of a crash; taking it back is the same as undoing it.
 */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import type { Split } from '../contract/model/dataset.ts';
import type { CategoryId, DatasetId, ImageId, SplitChangeId } from '../contract/model/ids.ts';
import type { SplitChange } from '../contract/model/splits.ts';

export interface SplitImageRow {
  imageId: ImageId;
  name: string;
  split: Split;
}

/** The statements whose plans a test holds. */
export const hotSplitQueries = {
  images: `SELECT id AS imageId, name, split FROM image WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`,
  classes: `
    SELECT DISTINCT image_id AS imageId, category_id AS categoryId FROM annotation
    WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY image_id, category_id`,
} as const;

export class SplitRepository {
  #database: Database;
  #images: Statement<[string], SplitImageRow>;
  #classes: Statement<[string], { imageId: ImageId; categoryId: CategoryId }>;
  #keep: Statement<[SplitChangeId, ImageId]>;
  #set: Statement<[Split, ImageId]>;

  constructor(database: Database) {
    this.#database = database;
    this.#images = database.prepare(hotSplitQueries.images);
    this.#classes = database.prepare(hotSplitQueries.classes);
    this.#keep = database.prepare(
      'INSERT INTO split_change_image (change_id, image_id, before) SELECT ?, id, split FROM image WHERE id = ?',
    );
    this.#set = database.prepare('UPDATE image SET split = ? WHERE id = ?');
  }

  /** Ascending in id. */
  images(imageIds: readonly ImageId[]): SplitImageRow[] {
    return this.#images.all(JSON.stringify(imageIds));
  }

  /** The classes of each image's labels; images without a label are not in the map. */
  classesOf(imageIds: readonly ImageId[]): Map<ImageId, CategoryId[]> {
    const rows = Map.groupBy(this.#classes.all(JSON.stringify(imageIds)), ({ imageId }) => imageId);
    return new Map([...rows].map(([imageId, own]) => [imageId, own.map(({ categoryId }) => categoryId)]));
  }

  begin(datasetId: DatasetId, title: string, madeAt: string): SplitChangeId {
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO split_change (dataset_id, title, made_at) VALUES (?, ?, ?)')
      .run(datasetId, title, madeAt);
    return Number(lastInsertRowid) as SplitChangeId;
  }

  /** One slice of a change, in one transaction. */
  move(changeId: SplitChangeId, moves: readonly { imageId: ImageId; split: Split }[]): void {
    this.#database
      .transaction(() => {
        for (const { imageId, split } of moves) {
          this.#keep.run(changeId, imageId);
          this.#set.run(split, imageId);
        }
      })
      .immediate();
  }

  complete(changeId: SplitChangeId): SplitChange {
    this.#database.prepare('UPDATE split_change SET complete = 1 WHERE id = ?').run(changeId);
    return this.get(changeId);
  }

  /** Throws `not-found`. */
  get(changeId: SplitChangeId): SplitChange {
    const found = this.#select('id = ?', changeId)[0];
    if (!found) throw new FoveaError('not-found', 'This change of splits is not known any more.', { changeId });
    return found;
  }

  /** Newest first. */
  list(datasetId: DatasetId): SplitChange[] {
    return this.#select('dataset_id = ? AND complete = 1', datasetId);
  }

  /** Takes back up to `limit` images of a change; false when none are left, and the change is gone. */
  takeBackSome(changeId: SplitChangeId, limit: number): boolean {
    return this.#database
      .transaction(() => {
        const some = this.#database
          .prepare<[SplitChangeId, number], { imageId: ImageId; before: Split }>(
            'SELECT image_id AS imageId, before FROM split_change_image WHERE change_id = ? LIMIT ?',
          )
          .all(changeId, limit);
        const forget = this.#database.prepare('DELETE FROM split_change_image WHERE change_id = ? AND image_id = ?');
        for (const { imageId, before } of some) {
          this.#set.run(before, imageId);
          forget.run(changeId, imageId);
        }
        if (some.length < limit) this.#database.prepare('DELETE FROM split_change WHERE id = ?').run(changeId);
        return some.length === limit;
      })
      .immediate();
  }

  /** Changes that a crash left half-way. */
  leftovers(): SplitChangeId[] {
    return this.#database.prepare<[], SplitChangeId>('SELECT id FROM split_change WHERE complete = 0').pluck().all();
  }

  #select(where: string, id: number): SplitChange[] {
    return this.#database
      .prepare<[number], SplitChange>(
        `SELECT id AS changeId, title, made_at AS madeAt,
           (SELECT count(*) FROM split_change_image WHERE change_id = split_change.id) AS moved
         FROM split_change WHERE ${where} ORDER BY id DESC`,
      )
      .all(id);
  }
}
