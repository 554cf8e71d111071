/**
 * Deleted labels, which the history keeps: which of them are in the trash, line by line, and how they go for good. A label is
 * in the trash while a deletion of it stands (was not undone) and it is nowhere on its image. Derived at each look, so that
 * undo, redo and the history need not know of it.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Annotation } from '../contract/model/annotation.ts';
import type { DeletedLabelsItem, DeletedLabelsKey } from '../contract/model/library.ts';
import type { AnnotationId, CategoryId, DatasetId, ImageId } from '../contract/model/ids.ts';
import { CategoryRepository } from './category-repository.ts';
import { ClassRevival } from './class-revival.ts';
import type { ClassChange } from './class-change.ts';
import { decodeChanges, encodeChanges, isDeletion, type RecordedChange } from './label-change.ts';
import { writeRelaxed } from './relaxed-write.ts';

/** Labels of one image that went in one change of the history. */
export interface DeletedLabels {
  changeId: number;
  imageId: ImageId;
  annotationIds: AnnotationId[];
}

export interface DeletedLine {
  datasetId: DatasetId;
  /** Newest first. */
  changes: DeletedLabels[];
  /** The classes that the labels had. */
  categoryIds: CategoryId[];
}

interface Row {
  changeId: number;
  imageId: ImageId;
  gestureId: number;
  token: string;
  at: string;
  datasetId: DatasetId;
  /** Every label of the row was deleted by it. */
  isPure: 0 | 1;
  /** A JSON list of those that are nowhere now. */
  missing: string;
}
interface Line {
  key: DeletedLabelsKey;
  gestureId: number;
  datasetId: DatasetId;
  at: string;
  changes: DeletedLabels[];
}
interface TouchedRow {
  id: number;
  gestureId: number;
  deleted: number;
  /** How many of the row's labels are not among those that go. */
  others: number;
  /** How many the row still knows of. */
  known: number;
}

const nothing = encodeChanges([]);
/** Classes that a line names. */
const CLASSES_NAMED = 3;
const CHANGES_A_PIECE = 500;

/** The statements whose plans a test holds. */
export const hotDeletedLabelQueries = {
  deletions: `
    SELECT c.id AS changeId, c.image_id AS imageId, c.gesture_id AS gestureId, g.token, g.at, i.dataset_id AS datasetId,
      c.deleted = c.added + c.updated + c.removed AS isPure,
      (SELECT json_group_array(value) FROM json_each(c.annotation_ids)
       WHERE NOT EXISTS (SELECT 1 FROM annotation a WHERE a.id = value)) AS missing
    FROM label_change c CROSS JOIN gesture g ON g.id = c.gesture_id CROSS JOIN image i ON i.id = c.image_id
      CROSS JOIN dataset d ON d.id = i.dataset_id
    WHERE c.deleted > 0 AND g.state = 'done' AND d.state = 'ready' AND d.trashed_at IS NULL
    ORDER BY c.gesture_id DESC, c.image_id DESC`,
  wide: `
    SELECT gesture_id FROM label_change WHERE deleted > 0 GROUP BY gesture_id HAVING count(DISTINCT image_id) > 1`,
  touching: `
    SELECT id, gesture_id AS gestureId, deleted, added + updated + removed - purged AS known,
      (SELECT count(*) FROM json_each(annotation_ids) WHERE value NOT IN (SELECT value FROM json_each(@gone))) AS others
    FROM label_change
    WHERE image_id = @imageId AND EXISTS (
      SELECT 1 FROM json_each(annotation_ids) WHERE value IN (SELECT value FROM json_each(@gone)))`,
} as const;

/** May be used on a connection that only reads, apart from `purge`. */
export class DeletedLabelRepository {
  readonly #database: Database;
  readonly #deletions: Statement<[], Row>;
  readonly #wide: Statement<[], number>;
  readonly #classGestures: Statement<[], { gestureId: number; changes: string }>;
  readonly #changes: Statement<[number], Buffer>;
  readonly #names: Statement<[ImageId], { image: string; dataset: string }>;
  readonly #categories: CategoryRepository;
  readonly #revival: ClassRevival;

  constructor(database: Database) {
    this.#database = database;
    this.#deletions = database.prepare(hotDeletedLabelQueries.deletions);
    this.#wide = database.prepare<[], number>(hotDeletedLabelQueries.wide).pluck();
    this.#classGestures = database.prepare('SELECT gesture_id AS gestureId, changes FROM class_change');
    this.#changes = database.prepare<[number], Buffer>('SELECT changes FROM label_change WHERE id = ?').pluck();
    this.#names = database.prepare(
      'SELECT i.name AS image, d.name AS dataset FROM image i JOIN dataset d ON d.id = i.dataset_id WHERE i.id = ?',
    );
    this.#categories = new CategoryRepository(database);
    this.#revival = new ClassRevival(database, this.#categories);
  }

  /** Newest first. `total` lines there are. */
  lines(offset: number, limit: number): { total: number; items: DeletedLabelsItem[] } {
    const { lines, classesOf } = this.#lines();
    return {
      total: lines.length,
      items: lines.slice(offset, offset + limit).map((line) => this.#item(line, classesOf)),
    };
  }

  /** What a line stands for, or all of them with null, in pieces that are quick to hand on. */
  *line(key: DeletedLabelsKey | null): Generator<DeletedLine, void> {
    const { lines } = this.#lines();
    const wanted = key === null ? lines : lines.filter((line) => isSame(line.key, key));
    for (const { datasetId, changes } of wanted) {
      const classes = key === null ? [] : this.#labelsOf(changes).map(({ categoryId }) => categoryId);
      const categoryIds = [...new Set(classes)];
      for (let at = 0; at < changes.length; at += CHANGES_A_PIECE) {
        yield { datasetId, changes: changes.slice(at, at + CHANGES_A_PIECE), categoryIds };
      }
    }
  }

  /**
   * Takes all that the history says of labels out of it. What is left of a gesture can still be undone; one of which nothing
   * is left no longer. In one transaction.
   */
  purge(labels: readonly Pick<DeletedLabels, 'imageId' | 'annotationIds'>[]): void {
    const touching = this.#database.prepare<[{ imageId: ImageId; gone: string }], TouchedRow>(
      hotDeletedLabelQueries.touching,
    );
    const keep = this.#database.prepare<[Buffer, number, number, number]>(
      'UPDATE label_change SET changes = ?, purged = purged + ?, deleted = max(0, deleted - ?) WHERE id = ?',
    );
    const settle = this.#database.prepare<[number]>(`
      UPDATE gesture SET state = 'settled' WHERE id = ? AND state <> 'settled'
        AND NOT EXISTS (SELECT 1 FROM class_change WHERE gesture_id = gesture.id)
        AND NOT EXISTS (SELECT 1 FROM label_change WHERE gesture_id = gesture.id
          AND (purged < added + updated + removed OR review_before <> review_after))`);
    writeRelaxed(this.#database, () => {
      const gestures = new Set<number>();
      for (const { imageId, annotationIds } of labels) {
        const gone = new Set(annotationIds);
        for (const row of touching.all({ imageId, gone: JSON.stringify(annotationIds) })) {
          const rest = this.#without(row, gone);
          if (rest.lost === 0) continue;
          keep.run(rest.changes, rest.lost, rest.deletions, row.id);
          gestures.add(row.gestureId);
        }
      }
      for (const gestureId of gestures) settle.run(gestureId);
    });
  }

  /** A row of nothing else need not be read. */
  #without({ id, others, known, deleted }: TouchedRow, gone: ReadonlySet<AnnotationId>) {
    if (others === 0) return { changes: nothing, lost: known, deletions: deleted };
    const [lost, kept] = parted(decodeChanges(this.#changes.get(id) ?? nothing), gone);
    return { changes: encodeChanges(kept), lost: lost.length, deletions: lost.filter(isDeletion).length };
  }

  /** Each label is the newest deletion’s that it went in. */
  #lines(): { lines: Line[]; classesOf: Map<number, string[]> } {
    const wide = new Set(this.#wide.all());
    const classesOf = new Map<number, string[]>();
    for (const { gestureId, changes } of this.#classGestures.iterate()) {
      const { categories } = JSON.parse(changes) as Omit<ClassChange, 'datasetId'>;
      const names = categories.flatMap(({ before, after }) => (before && after === null ? [before.name] : []));
      if (names.length > 0) classesOf.set(gestureId, names);
    }
    const taken = new Set<AnnotationId>();
    const lines = new Map<string, Line>();
    for (const row of this.#deletions.iterate()) {
      const missing = JSON.parse(row.missing) as AnnotationId[];
      const annotationIds = (row.isPure ? missing : this.#deleted(row.changeId, missing)).filter(
        (id) => !taken.has(id),
      );
      if (annotationIds.length === 0) continue;
      for (const id of annotationIds) taken.add(id);
      const { changeId, imageId, gestureId, token, datasetId, at } = row;
      const isWhole = wide.has(gestureId) || classesOf.has(gestureId);
      const key: DeletedLabelsKey = isWhole
        ? { kind: 'labels', gestureId: token }
        : { kind: 'image-labels', imageId, day: dayOf(at) };
      const text = JSON.stringify(key);
      const line = lines.get(text) ?? { key, gestureId, datasetId, at, changes: [] };
      lines.set(text, line);
      line.changes.push({ changeId, imageId, annotationIds });
    }
    return { lines: [...lines.values()], classesOf };
  }

  /** Of these labels those that a change deleted, where it did other things too. */
  #deleted(changeId: number, annotationIds: readonly AnnotationId[]): AnnotationId[] {
    const asked = new Set(annotationIds);
    const deletions = decodeChanges(this.#changes.get(changeId) ?? nothing).filter(isDeletion);
    return deletions.map(({ annotationId }) => annotationId).filter((id) => asked.has(id));
  }

  #labelsOf(changes: readonly DeletedLabels[]): Annotation[] {
    return changes.flatMap(({ changeId, annotationIds }) => {
      const asked = new Set(annotationIds);
      const recorded = decodeChanges(this.#changes.get(changeId) ?? nothing);
      return recorded.flatMap((change) =>
        isDeletion(change) && asked.has(change.annotationId) ? [change.before] : [],
      );
    });
  }

  #item({ key, gestureId, datasetId, at, changes }: Line, classesOf: ReadonlyMap<number, string[]>): DeletedLabelsItem {
    const labels = this.#labelsOf(changes);
    const gone = this.#revival.names(datasetId);
    const now = new Map(this.#categories.rows(datasetId).map(({ categoryId, name }) => [categoryId, name]));
    const counts = new Map<string, number>();
    for (const { categoryId } of labels) {
      const name = now.get(categoryId) ?? gone.get(categoryId) ?? 'unknown class';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const classes = [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);
    const images = new Set(changes.map(({ imageId }) => imageId));
    const names = this.#names.get(changes[0]!.imageId) ?? { image: '', dataset: '' };
    return {
      ...key,
      datasetId,
      title: key.kind === 'image-labels' ? names.image : names.dataset,
      datasetName: names.dataset,
      deletedClasses: classesOf.get(gestureId) ?? [],
      labelCount: changes.reduce((sum, { annotationIds }) => sum + annotationIds.length, 0),
      imageCount: images.size,
      classes: classes.slice(0, CLASSES_NAMED),
      classCount: classes.length,
      trashedAt: at,
    };
  }
}

function parted(
  changes: readonly RecordedChange[],
  gone: ReadonlySet<AnnotationId>,
): [RecordedChange[], RecordedChange[]] {
  const [lost, kept]: [RecordedChange[], RecordedChange[]] = [[], []];
  for (const change of changes) (gone.has(change.annotationId) ? lost : kept).push(change);
  return [lost, kept];
}

function isSame(a: DeletedLabelsKey, b: DeletedLabelsKey): boolean {
  if (a.kind === 'labels') return b.kind === 'labels' && a.gestureId === b.gestureId;
  return b.kind === 'image-labels' && a.imageId === b.imageId && a.day === b.day;
}

/** As the clock on the wall says: "2026-11-29". */
function dayOf(at: string): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
