/**
 * Changing labels in gestures of one transaction, which is on the disk when the call returns, and what can be undone. Undo
 * itself, and what may be about any number of labels, is BulkEditRepository's. Every change leaves its entry in the history.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Annotation, ReviewState } from '../contract/model/annotation.ts';
import type { ImageChange, UndoState, UndoStep } from '../contract/model/annotation-edit.ts';
import type { AnnotationId, CategoryId, DatasetId, ImageId } from '../contract/model/ids.ts';
import type { AnnotationRepository } from './annotation-repository.ts';
import type { CategoryRepository } from './category-repository.ts';
import type { ClassChange } from './class-change.ts';
import { decodeChanges } from './label-change.ts';
import type { GestureFacts, LabelWriter } from './label-writer.ts';
import { explainSqliteError } from './sqlite-errors.ts';

/** What labels are to become; null: they are to go. Those that are not named stay. `replaced`: see `RecordedChange`. */
export interface WantedState {
  imageId: ImageId;
  labels: readonly { annotationId: AnnotationId; after: Annotation | null; replaced?: true }[];
  review?: ReviewState;
}

/** What a gesture, or its undo, did. */
export interface Changed {
  images: ImageChange[];
  /** Images that changed too, with more labels than are told of: whoever shows one reads it again. */
  untold: ImageId[];
  /** The data set whose classes changed; null where none did. */
  classesOf: DatasetId | null;
}

export interface LabelledImage {
  datasetId: DatasetId;
  widthPx: number;
  heightPx: number;
  version: number;
  review: ReviewState;
  timeMs: number;
}

export interface GestureRow {
  id: number;
  token: string;
  label: string;
  at: string;
}
interface ChangeRow {
  imageId: ImageId;
  version: number;
  reviewBefore: ReviewState;
  reviewAfter: ReviewState;
  changes: Buffer;
}

/** Labels whose new content an answer holds; of a gesture about more, it names the images. */
const mostTold = 1000;
/** Images whose new state an answer holds; of more it is said which they are. */
const mostToldImages = 200;
/** Images that a step of undo names; it goes out with every change. */
const mostImages = 100;

/** The statements whose plans a test holds. The second look at a gesture's state lets the partial index be used. */
export const hotLabelEditQueries = {
  newestDone: `
    SELECT g.id, g.token, g.label, g.at FROM gesture g WHERE g.state = 'done' AND g.state <> 'settled' AND (EXISTS (
      SELECT 1 FROM label_change c JOIN image i ON i.id = c.image_id JOIN dataset d ON d.id = i.dataset_id
      WHERE c.gesture_id = g.id AND d.state = 'ready' AND d.trashed_at IS NULL) OR EXISTS (
      SELECT 1 FROM class_change c JOIN dataset d ON d.id = c.dataset_id
      WHERE c.gesture_id = g.id AND d.state = 'ready' AND d.trashed_at IS NULL))
    ORDER BY g.id DESC LIMIT 1`,
  oldestUndone: `
    SELECT g.id, g.token, g.label, g.at FROM gesture g WHERE g.state = 'undone' AND g.state <> 'settled' AND (EXISTS (
      SELECT 1 FROM label_change c JOIN image i ON i.id = c.image_id JOIN dataset d ON d.id = i.dataset_id
      WHERE c.gesture_id = g.id AND d.state = 'ready' AND d.trashed_at IS NULL) OR EXISTS (
      SELECT 1 FROM class_change c JOIN dataset d ON d.id = c.dataset_id
      WHERE c.gesture_id = g.id AND d.state = 'ready' AND d.trashed_at IS NULL))
    ORDER BY g.id LIMIT 1`,
  settleUndone: `UPDATE gesture SET state = 'settled' WHERE state = 'undone' AND state <> 'settled'`,
  changesOfGesture: `
    SELECT image_id AS imageId, version, review_before AS reviewBefore, review_after AS reviewAfter, changes
    FROM label_change WHERE gesture_id = ? ORDER BY image_id`,
  firstNotThere: `
    SELECT value FROM json_each(?) WHERE value NOT IN (
      SELECT i.id FROM image i JOIN dataset d ON d.id = i.dataset_id
      WHERE i.id IN (SELECT value FROM json_each(?)) AND d.state = 'ready' AND d.trashed_at IS NULL)
    LIMIT 1`,
  firstOfOtherClasses: `
    SELECT id FROM image WHERE id IN (SELECT value FROM json_each(?))
      AND dataset_id IS NOT (SELECT dataset_id FROM category WHERE id = ?)
    LIMIT 1`,
  changedSince: `SELECT annotation_ids FROM label_change WHERE image_id = ? AND version > ?`,
} as const;

export class LabelEditRepository {
  readonly #database: Database;
  readonly #annotations: AnnotationRepository;
  readonly #categories: CategoryRepository;
  readonly #writer: LabelWriter;
  readonly #gesture: Statement<[string], GestureRow>;
  readonly #next: { undo: Statement<[], GestureRow>; redo: Statement<[], GestureRow> };
  readonly #imagesOfGesture: Statement<[number, number], ImageId>;
  readonly #labelsOfGesture: Statement<[number], number>;
  readonly #changesOfGesture: Statement<[number], ChangeRow>;
  readonly #changedSince: Statement<[ImageId, number], string>;
  readonly #insertClassChange: Statement<[number, DatasetId, string]>;
  readonly #classChange: Statement<[number], { datasetId: DatasetId; changes: string }>;
  readonly #settleUndone: Statement<[]>;
  readonly #firstNotThere: Statement<[string, string], ImageId>;
  readonly #firstOfOtherClasses: Statement<[string, CategoryId], ImageId>;

  constructor(
    database: Database,
    annotations: AnnotationRepository,
    { writer, categories }: { writer: LabelWriter; categories: CategoryRepository },
  ) {
    this.#database = database;
    this.#annotations = annotations;
    this.#categories = categories;
    this.#writer = writer;
    this.#gesture = database.prepare('SELECT id, token, label, at FROM gesture WHERE token = ?');
    this.#next = {
      undo: database.prepare(hotLabelEditQueries.newestDone),
      redo: database.prepare(hotLabelEditQueries.oldestUndone),
    };
    this.#imagesOfGesture = database
      .prepare<[number, number], ImageId>(
        'SELECT DISTINCT image_id FROM label_change WHERE gesture_id = ? ORDER BY image_id LIMIT ?',
      )
      .pluck();
    this.#labelsOfGesture = database
      .prepare<[number], number>(
        'SELECT coalesce(sum(added + updated + removed), 0) FROM label_change WHERE gesture_id = ?',
      )
      .pluck();
    this.#changesOfGesture = database.prepare(hotLabelEditQueries.changesOfGesture);
    this.#changedSince = database.prepare<[ImageId, number], string>(hotLabelEditQueries.changedSince).pluck();
    this.#insertClassChange = database.prepare(
      'INSERT INTO class_change (gesture_id, dataset_id, changes) VALUES (?, ?, ?)',
    );
    this.#classChange = database.prepare(
      'SELECT dataset_id AS datasetId, changes FROM class_change WHERE gesture_id = ?',
    );
    this.#settleUndone = database.prepare(hotLabelEditQueries.settleUndone);
    this.#firstNotThere = database.prepare<[string, string], ImageId>(hotLabelEditQueries.firstNotThere).pluck();
    this.#firstOfOtherClasses = database
      .prepare<[string, CategoryId], ImageId>(hotLabelEditQueries.firstOfOtherClasses)
      .pluck();
  }

  /** Throws `not-found` where there is no such image, or it cannot be seen. */
  image(imageId: ImageId): LabelledImage {
    return this.#writer.image(imageId);
  }

  /** The first of these for which `image` throws; null where there is none. */
  firstNotThere(imageIds: readonly ImageId[]): ImageId | null {
    const ids = JSON.stringify(imageIds);
    return this.#firstNotThere.get(ids, ids) ?? null;
  }

  /** The first of these images of whose data set the class is not; null where there is none. */
  firstOfOtherClasses(imageIds: readonly ImageId[], categoryId: CategoryId): ImageId | null {
    return this.#firstOfOtherClasses.get(JSON.stringify(imageIds), categoryId) ?? null;
  }

  /** The first of `count` consecutive ids that no label has or will get otherwise. */
  reserveIds(count: number): AnnotationId {
    return this.#write(() => {
      const sequence = this.#database
        .prepare<[], number>(`SELECT seq FROM sqlite_sequence WHERE name = 'annotation'`)
        .pluck()
        .get();
      const last = Math.max(sequence ?? 0, this.#annotations.highestId());
      this.#database
        .prepare(
          sequence === undefined
            ? `INSERT INTO sqlite_sequence (seq, name) VALUES (?, 'annotation')`
            : `UPDATE sqlite_sequence SET seq = ? WHERE name = 'annotation'`,
        )
        .run(last + count);
      return (last + 1) as AnnotationId;
    });
  }

  /** The highest id that was reserved or used. */
  highestReservedId(): number {
    const sequence = this.#database.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'annotation'`).pluck().get();
    return typeof sequence === 'number' ? sequence : 0;
  }

  /** What a gesture that was saved before did; null where it was not. */
  saved(token: string): ({ at: string; label: string; labels: number } & Changed) | null {
    const gesture = this.#gesture.get(token);
    if (!gesture) return null;
    const { at, label } = gesture;
    const classesOf = this.classChange(gesture.id)?.datasetId ?? null;
    const labels = this.#labelsOfGesture.get(gesture.id) ?? 0;
    const isLong =
      labels > mostTold || this.#imagesOfGesture.all(gesture.id, mostToldImages + 1).length > mostToldImages;
    if (isLong) return { at, label, labels, images: [], untold: this.#imagesOfGesture.all(gesture.id, -1), classesOf };
    const images = this.#changesOfGesture.all(gesture.id).map(({ imageId, version, reviewAfter, changes }) => ({
      imageId,
      version,
      review: reviewAfter,
      changes: this.#labelsNow(
        imageId,
        decodeChanges(changes).map(({ annotationId }) => annotationId),
      ),
    }));
    return { at, label, labels, images, untold: [], classesOf };
  }

  /**
   * Makes the labels what is wanted, in one transaction. Images where nothing differs are left out of the answer; where no
   * image is left and no class changes no gesture is kept. What was undone before can no longer be redone.
   */
  change(gesture: GestureFacts, wanted: readonly WantedState[], classes: ClassChange | null = null): ImageChange[] {
    return this.#write(() => {
      if (classes !== null) this.#categories.applyRows(classes);
      const planned = wanted.flatMap((state) => this.#writer.plan(state) ?? []);
      if (planned.length === 0 && classes === null) return [];
      this.settleUndone();
      const id = this.#writer.keepGesture(gesture, 'done', null);
      const images = planned.map((plan) => this.#writer.perform(id, plan));
      if (classes !== null) this.finishClasses(id, classes);
      return images;
    });
  }

  /** The gesture that would be taken back, or done again, next. */
  nextGesture(direction: 'undo' | 'redo'): GestureRow | null {
    return this.#next[direction].get() ?? null;
  }

  /** What was undone before can no longer be redone. */
  settleUndone(): void {
    this.#settleUndone.run();
  }

  /** What a gesture changed of a data set's classes; null where it changed none. */
  classChange(gestureId: number): ClassChange | null {
    const kept = this.#classChange.get(gestureId);
    if (kept === undefined) return null;
    return { datasetId: kept.datasetId, ...(JSON.parse(kept.changes) as Omit<ClassChange, 'datasetId'>) };
  }

  /** The classes that go, once no label has them, and the entry in the history. */
  finishClasses(gestureId: number, classes: ClassChange): void {
    this.#categories.removeRows(classes);
    const { datasetId, ...changes } = classes;
    this.#insertClassChange.run(gestureId, datasetId, JSON.stringify(changes));
  }

  /** Forgets the history of images and data sets that are gone for good. */
  sweep(): void {
    const forgetClasses = this.#database.prepare(
      'DELETE FROM class_change WHERE dataset_id NOT IN (SELECT id FROM dataset)',
    );
    this.#write(() => forgetClasses.run());
    const orphans = this.#database
      .prepare<[], ImageId>(
        `SELECT DISTINCT image_id FROM label_change
         WHERE image_id NOT IN (SELECT id FROM image) AND image_id NOT IN (SELECT image_id FROM trashed_image)`,
      )
      .pluck()
      .all();
    const forget = this.#database.prepare('DELETE FROM label_change WHERE image_id = ?');
    for (const imageId of orphans) this.#write(() => forget.run(imageId));
  }

  undoState(): UndoState {
    return { undo: this.#step(this.#next.undo.get()), redo: this.#step(this.#next.redo.get()) };
  }

  /** Labels that changed since a version of the image, as they are now. */
  changedSince(imageId: ImageId, version: number): ImageChange {
    const { version: now, review } = this.image(imageId);
    const ids = this.#changedSince.all(imageId, version).flatMap((list) => JSON.parse(list) as AnnotationId[]);
    return { imageId, version: now, review, changes: this.#labelsNow(imageId, [...new Set(ids)]) };
  }

  #step(row: GestureRow | undefined): UndoStep | null {
    if (!row) return null;
    return { gestureId: row.token, label: row.label, imageIds: this.#imagesOfGesture.all(row.id, mostImages) };
  }

  #labelsNow(imageId: ImageId, annotationIds: readonly AnnotationId[]): ImageChange['changes'] {
    const now = this.#writer.ofImage(imageId, annotationIds);
    return annotationIds.map((annotationId) => ({ annotationId, after: now.get(annotationId) ?? null }));
  }

  /** One transaction. Throws what `write` throws; an error of SQLite (disk full …) as FoveaError. */
  #write<T>(write: () => T): T {
    try {
      return this.#database.transaction(write).immediate();
    } catch (error) {
      throw explainSqliteError(this.#database.name, error);
    }
  }
}
