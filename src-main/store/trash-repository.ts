/**
 * The trash. Data sets, runs and sweeps in it are rows that nobody sees; deleted images are taken out of their tables and
 * kept, with their labels and tags, as JSON, so that no other query has to know of them. They come back with their old ids.
 */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import type { CategoryId, DatasetId, ImageId, RunId, SweepId, TrashEntryId } from '../contract/model/ids.ts';
import type { TrashItem } from '../contract/model/library.ts';
import type { CategoryRepository } from './category-repository.ts';
import type { ClassRevival } from './class-revival.ts';
import { TagRepository } from './tag-repository.ts';

type Row = Record<string, string | number | null>;

export class TrashRepository {
  #database: Database;
  #image: Statement<[ImageId], Row>;
  #labels: Statement<[ImageId], Row>;
  #tags: TagRepository;
  #keep: Statement<[TrashEntryId, ImageId, string, string, string]>;
  #drop: Statement<[ImageId]>;
  #categories: CategoryRepository;
  #revival: ClassRevival;

  constructor(database: Database, categories: CategoryRepository, revival: ClassRevival) {
    this.#database = database;
    this.#categories = categories;
    this.#revival = revival;
    this.#image = database.prepare('SELECT * FROM image WHERE id = ?');
    this.#labels = database.prepare('SELECT * FROM annotation WHERE image_id = ? ORDER BY id');
    this.#tags = new TagRepository(database);
    this.#keep = database.prepare(
      'INSERT INTO trashed_image (entry_id, image_id, image, labels, tags) VALUES (?, ?, ?, ?, ?)',
    );
    this.#drop = database.prepare('DELETE FROM image WHERE id = ?');
  }

  /** Newest first. */
  list(): TrashItem[] {
    const datasets = this.#database
      .prepare<[], Extract<TrashItem, { kind: 'dataset' }>>(
        `SELECT 'dataset' AS kind, id AS datasetId, name AS title, trashed_at AS trashedAt,
           (SELECT count(*) FROM image WHERE dataset_id = dataset.id) AS imageCount
         FROM dataset WHERE state = 'ready' AND trashed_at IS NOT NULL ORDER BY id DESC`,
      )
      .all();
    const images = this.#database
      .prepare<[], Extract<TrashItem, { kind: 'images' }>>(
        `SELECT 'images' AS kind, e.id AS entryId, e.dataset_id AS datasetId, e.title, e.trashed_at AS trashedAt,
           (SELECT count(*) FROM trashed_image WHERE entry_id = e.id) AS imageCount
         FROM trash_entry e JOIN dataset d ON d.id = e.dataset_id WHERE d.trashed_at IS NULL AND d.state = 'ready'
         ORDER BY e.id DESC`,
      )
      .all();
    const runs = this.#database
      .prepare<[], Extract<TrashItem, { kind: 'run' }>>(
        `SELECT 'run' AS kind, id AS runId, name AS title, epochs_done AS epochsDone, trashed_at AS trashedAt
         FROM run WHERE trashed_at IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM sweep s WHERE s.id = run.sweep_id AND s.trashed_at = run.trashed_at)
         ORDER BY id DESC`,
      )
      .all();
    const sweeps = this.#database
      .prepare<[], Extract<TrashItem, { kind: 'sweep' }>>(
        `SELECT 'sweep' AS kind, id AS sweepId, name AS title, trashed_at AS trashedAt,
           (SELECT count(*) FROM run WHERE sweep_id = sweep.id AND trashed_at = sweep.trashed_at) AS runCount
         FROM sweep WHERE trashed_at IS NOT NULL ORDER BY id DESC`,
      )
      .all();
    const all = [...datasets, ...images, ...sweeps, ...runs];
    return all.sort((a, b) => (a.trashedAt === b.trashedAt ? 0 : a.trashedAt < b.trashedAt ? 1 : -1));
  }

  /** Throws `not-found` for a run that is not in the trash. */
  requireRun(runId: RunId): void {
    if (this.#database.prepare('SELECT 1 FROM run WHERE id = ? AND trashed_at IS NOT NULL').get(runId) === undefined)
      throw notInTrash();
  }

  /** The runs that went into the trash with their sweep. Throws `not-found` where it is not in the trash. */
  runsOfSweep(sweepId: SweepId): RunId[] {
    const at = this.#database
      .prepare<[SweepId], string>('SELECT trashed_at FROM sweep WHERE id = ? AND trashed_at IS NOT NULL')
      .pluck()
      .get(sweepId);
    if (at === undefined) throw notInTrash();
    return this.#database
      .prepare<[SweepId, string], RunId>('SELECT id FROM run WHERE sweep_id = ? AND trashed_at = ? ORDER BY id')
      .pluck()
      .all(sweepId, at);
  }

  /** Throws `not-found` for a data set that is not in the trash. */
  requireDataset(datasetId: DatasetId): void {
    const row = this.#database
      .prepare(`SELECT 1 FROM dataset WHERE id = ? AND state = 'ready' AND trashed_at IS NOT NULL`)
      .get(datasetId);
    if (row === undefined) throw notInTrash();
  }

  /** Throws `not-found` where there is no visible data set of this id. */
  putDataset(datasetId: DatasetId, at: string): void {
    const { changes } = this.#database
      .prepare(`UPDATE dataset SET trashed_at = ? WHERE id = ? AND state = 'ready' AND trashed_at IS NULL`)
      .run(at, datasetId);
    if (changes === 0)
      throw new FoveaError('not-found', `There is no data set ${datasetId} in this project.`, { datasetId });
  }

  /** Under another name where its own is taken. Throws `not-found`. */
  restoreDataset(datasetId: DatasetId): void {
    this.#database
      .transaction(() => {
        const name = this.#database
          .prepare<[DatasetId], string>('SELECT name FROM dataset WHERE id = ? AND trashed_at IS NOT NULL')
          .pluck()
          .get(datasetId);
        if (name === undefined) throw notInTrash();
        const isTaken = this.#database.prepare(
          `SELECT 1 FROM dataset WHERE name = ? AND state <> 'deleting' AND trashed_at IS NULL`,
        );
        let free = name;
        for (let number = 2; isTaken.get(free) !== undefined; number++) free = `${name} (${number})`;
        this.#database.prepare('UPDATE dataset SET trashed_at = NULL, name = ? WHERE id = ?').run(free, datasetId);
      })
      .immediate();
  }

  beginEntry(datasetId: DatasetId, title: string, at: string): TrashEntryId {
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO trash_entry (dataset_id, title, trashed_at) VALUES (?, ?, ?)')
      .run(datasetId, title, at);
    return Number(lastInsertRowid) as TrashEntryId;
  }

  /** Takes images with their labels out of the data set, in one transaction; ids that are not there are passed over. */
  putImages(entryId: TrashEntryId, imageIds: readonly ImageId[]): void {
    this.#database
      .transaction(() => {
        for (const imageId of imageIds) {
          const image = this.#image.get(imageId);
          if (image === undefined) continue;
          const labels = this.#labels.all(imageId);
          const tags = this.#tags.ofImages([imageId]).get(imageId) ?? [];
          this.#keep.run(entryId, imageId, JSON.stringify(image), JSON.stringify(labels), JSON.stringify(tags));
          this.#drop.run(imageId);
        }
      })
      .immediate();
  }

  /**
   * Brings back up to `limit` images, with the classes of their labels; false when none are left, and the entry is gone.
   * Throws `not-found`.
   */
  restoreSome(entryId: TrashEntryId, limit: number): boolean {
    return this.#database
      .transaction(() => {
        const datasetId = this.#database
          .prepare<[TrashEntryId], DatasetId>('SELECT dataset_id FROM trash_entry WHERE id = ?')
          .pluck()
          .get(entryId);
        if (datasetId === undefined) throw notInTrash();
        const some = this.#database
          .prepare<[TrashEntryId, number], { imageId: ImageId; image: string; labels: string; tags: string }>(
            'SELECT image_id AS imageId, image, labels, tags FROM trashed_image WHERE entry_id = ? LIMIT ?',
          )
          .all(entryId, limit);
        const forget = this.#database.prepare('DELETE FROM trashed_image WHERE entry_id = ? AND image_id = ?');
        const labelsOf = some.map(({ labels }) => JSON.parse(labels) as Row[]);
        const own = this.#reviveClasses(datasetId, labelsOf.flat());
        for (const [index, { imageId, image, tags }] of some.entries()) {
          const known = withClasses(labelsOf[index] ?? [], own);
          // The trigger counts all labels but those that came with the data set.
          const uncounted = known.filter((label) => label['created_at'] === null).length;
          this.#insert('image', { ...(JSON.parse(image) as Row), label_count: uncounted, label_facts: null });
          for (const label of known) this.#insert('annotation', label);
          for (const tag of JSON.parse(tags) as string[]) this.#tags.set([imageId], tag, true);
          forget.run(entryId, imageId);
        }
        if (some.length < limit) this.#database.prepare('DELETE FROM trash_entry WHERE id = ?').run(entryId);
        return some.length === limit;
      })
      .immediate();
  }

  /**
   * Where the files of up to `limit` images of the entry are: `paths` below `root`, which is the data set's (null where it
   * has none), in the order in which `forgetSome` forgets them. Throws `not-found`.
   */
  filesOfEntry(entryId: TrashEntryId, limit = -1): { datasetId: DatasetId; root: string | null; paths: string[] } {
    const entry = this.#database
      .prepare<[TrashEntryId], { datasetId: DatasetId; root: string | null }>(
        `SELECT d.id AS datasetId, d.image_root AS root FROM trash_entry e JOIN dataset d ON d.id = e.dataset_id
         WHERE e.id = ?`,
      )
      .get(entryId);
    if (entry === undefined) throw notInTrash();
    const paths = this.#database
      .prepare<[TrashEntryId, number], string | null>(
        `SELECT image ->> 'path' FROM trashed_image WHERE entry_id = ? ORDER BY image_id LIMIT ?`,
      )
      .pluck()
      .all(entryId, limit);
    return { ...entry, paths: paths.filter((path) => path !== null) };
  }

  /** Forgets up to `limit` images for good; false when none are left, and the entry is gone. */
  forgetSome(entryId: TrashEntryId, limit: number): boolean {
    return this.#database
      .transaction(() => {
        const { changes } = this.#database
          .prepare(
            `DELETE FROM trashed_image WHERE entry_id = @entryId
               AND image_id IN (SELECT image_id FROM trashed_image WHERE entry_id = @entryId
                 ORDER BY image_id LIMIT @limit)`,
          )
          .run({ entryId, limit });
        if (changes < limit) this.#database.prepare('DELETE FROM trash_entry WHERE id = ?').run(entryId);
        return changes === limit;
      })
      .immediate();
  }

  /** The class of each label by the one that it had. */
  #reviveClasses(datasetId: DatasetId, labels: readonly Row[]): Map<CategoryId, CategoryId> {
    const wanted = new Set(labels.map((label) => label['category_id'] as CategoryId));
    const { into, classes } = this.#revival.plan(datasetId, wanted);
    if (classes !== null) this.#categories.applyRows(classes);
    const there = this.#categories.rows(datasetId).map(({ categoryId }) => [categoryId, categoryId] as const);
    return new Map([...there, ...into]);
  }

  #insert(table: 'image' | 'annotation', row: Row): void {
    const columns = Object.keys(row);
    const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})`;
    this.#database.prepare(sql).run(row);
  }
}

/** An image is not said twice to be of one class as a whole. */
function withClasses(labels: readonly Row[], own: ReadonlyMap<CategoryId, CategoryId>): Row[] {
  const tagged = new Set<CategoryId>();
  return labels.flatMap((label) => {
    const categoryId = own.get(label['category_id'] as CategoryId);
    if (categoryId === undefined) return [];
    if (label['kind'] === 'classification') {
      if (tagged.has(categoryId)) return [];
      tagged.add(categoryId);
    }
    return [{ ...label, category_id: categoryId }];
  });
}

function notInTrash(): FoveaError {
  return new FoveaError('not-found', 'This is not in the trash any more.');
}
