/**
 * Changing labels: gestures, undo and redo, each one transaction that is on the disk when the call returns. Every change
 * goes through here and leaves its entry in the history, from which it can be taken back.
 */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError, invariant } from '../contract/errors.ts';
import type { Annotation, ReviewState } from '../contract/model/annotation.ts';
import type { HistoryKind, ImageChange, UndoState, UndoStep } from '../contract/model/annotation-edit.ts';
import type { AnnotationId, CategoryId, DatasetId, ImageId } from '../contract/model/ids.ts';
import type { AnnotationRepository } from './annotation-repository.ts';
import type { CategoryRepository } from './category-repository.ts';
import { inverseClassChange, type ClassChange } from './class-change.ts';
import { applyChange, changeBetween, decodeChanges, encodeChanges, type RecordedChange } from './label-change.ts';
import { explainSqliteError } from './sqlite-errors.ts';

/** Who did what, when; `token` is the gesture's id outside. */
export interface GestureFacts {
  token: string;
  kind: HistoryKind;
  label: string;
  by: string;
  at: string;
}

/** What labels are to become; null: they are to go. Those that are not named stay. */
export interface WantedState {
  imageId: ImageId;
  labels: readonly { annotationId: AnnotationId; after: Annotation | null }[];
  review?: ReviewState;
}

/** What a gesture, or its undo, did. */
export interface Changed {
  images: ImageChange[];
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

interface GestureRow {
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

/** What is about to change of an image. */
interface Plan {
  imageId: ImageId;
  image: LabelledImage;
  changes: RecordedChange[];
  labels: WantedState['labels'];
  reviewAfter: ReviewState;
}

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
  changedSince: `SELECT annotation_ids FROM label_change WHERE image_id = ? AND version > ?`,
} as const;

export class LabelEditRepository {
  readonly #database: Database;
  readonly #annotations: AnnotationRepository;
  readonly #categories: CategoryRepository;
  readonly #image: Statement<[ImageId], LabelledImage>;
  readonly #setVersion: Statement<[number, ReviewState, ImageId]>;
  readonly #gesture: Statement<[string], GestureRow>;
  readonly #next: { undo: Statement<[], GestureRow>; redo: Statement<[], GestureRow> };
  readonly #imagesOfGesture: Statement<[number], ImageId>;
  readonly #changesOfGesture: Statement<[number], ChangeRow>;
  readonly #changedSince: Statement<[ImageId, number], string>;
  readonly #insertGesture: Statement<unknown[]>;
  readonly #insertChange: Statement<unknown[]>;
  readonly #insertClassChange: Statement<[number, DatasetId, string]>;
  readonly #classChange: Statement<[number], { datasetId: DatasetId; changes: string }>;
  readonly #setState: Statement<[string, number]>;
  readonly #settleUndone: Statement<[]>;
  readonly #category: Statement<[CategoryId]>;

  constructor(database: Database, annotations: AnnotationRepository, categories: CategoryRepository) {
    this.#database = database;
    this.#annotations = annotations;
    this.#categories = categories;
    this.#image = database.prepare(`
      SELECT i.dataset_id AS datasetId, i.width AS widthPx, i.height AS heightPx, i.label_version AS version, i.review,
        i.labelled_ms AS timeMs
      FROM image i JOIN dataset d ON d.id = i.dataset_id WHERE i.id = ? AND d.state = 'ready' AND d.trashed_at IS NULL`);
    this.#setVersion = database.prepare('UPDATE image SET label_version = ?, review = ? WHERE id = ?');
    this.#gesture = database.prepare('SELECT id, token, label, at FROM gesture WHERE token = ?');
    this.#next = {
      undo: database.prepare(hotLabelEditQueries.newestDone),
      redo: database.prepare(hotLabelEditQueries.oldestUndone),
    };
    this.#imagesOfGesture = database
      .prepare<[number], ImageId>('SELECT image_id FROM label_change WHERE gesture_id = ? ORDER BY image_id')
      .pluck();
    this.#changesOfGesture = database.prepare(hotLabelEditQueries.changesOfGesture);
    this.#changedSince = database.prepare<[ImageId, number], string>(hotLabelEditQueries.changedSince).pluck();
    this.#insertGesture = database.prepare(
      'INSERT INTO gesture (token, kind, label, by, at, state, target_id) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#insertChange = database.prepare(`
      INSERT INTO label_change (gesture_id, image_id, version, added, updated, removed, annotation_ids, review_before,
        review_after, changes)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#insertClassChange = database.prepare(
      'INSERT INTO class_change (gesture_id, dataset_id, changes) VALUES (?, ?, ?)',
    );
    this.#classChange = database.prepare(
      'SELECT dataset_id AS datasetId, changes FROM class_change WHERE gesture_id = ?',
    );
    this.#setState = database.prepare('UPDATE gesture SET state = ? WHERE id = ?');
    this.#settleUndone = database.prepare(hotLabelEditQueries.settleUndone);
    this.#category = database.prepare('SELECT 1 FROM category WHERE id = ?');
  }

  /** Throws `not-found` where there is no such image, or it cannot be seen. */
  image(imageId: ImageId): LabelledImage {
    const image = this.#image.get(imageId);
    if (!image) throw new FoveaError('not-found', `There is no image ${imageId} in this project.`, { imageId });
    return image;
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
  saved(token: string): ({ at: string; label: string } & Changed) | null {
    const gesture = this.#gesture.get(token);
    if (!gesture) return null;
    const images = this.#changesOfGesture.all(gesture.id).map(({ imageId, version, reviewAfter, changes }) => ({
      imageId,
      version,
      review: reviewAfter,
      changes: this.#labelsNow(
        imageId,
        decodeChanges(changes).map(({ annotationId }) => annotationId),
      ),
    }));
    const classesOf = this.#classChange.get(gesture.id)?.datasetId ?? null;
    return { at: gesture.at, label: gesture.label, images, classesOf };
  }

  /**
   * Makes the labels what is wanted, in one transaction. Images where nothing differs are left out of the answer; where no
   * image is left and no class changes no gesture is kept. What was undone before can no longer be redone.
   */
  change(gesture: GestureFacts, wanted: readonly WantedState[], classes: ClassChange | null = null): ImageChange[] {
    return this.#write(() => {
      if (classes !== null) this.#categories.applyRows(classes);
      const planned = wanted.flatMap((state) => this.#plan(state) ?? []);
      if (planned.length === 0 && classes === null) return [];
      this.#settleUndone.run();
      const id = this.#keepGesture(gesture, 'done', null);
      return this.#performAll(id, planned, classes);
    });
  }

  /** Takes the next gesture back, or does it again. Null where there is none, 'stale' where it is not `target`. */
  travel(
    direction: 'undo' | 'redo',
    gesture: Omit<GestureFacts, 'kind' | 'label'>,
    target: string | null,
  ): ({ label: string } & Changed) | 'stale' | null {
    return this.#write(() => {
      const next = this.#next[direction].get();
      if (!next) return null;
      if (target !== null && next.token !== target) return 'stale';
      const kept = this.#classChange.get(next.id);
      const done = kept && {
        datasetId: kept.datasetId,
        ...(JSON.parse(kept.changes) as Omit<ClassChange, 'datasetId'>),
      };
      const classes = done === undefined ? null : direction === 'undo' ? inverseClassChange(done) : done;
      if (classes !== null) this.#categories.applyRows(classes);
      const plans = this.#changesOfGesture
        .all(next.id)
        .filter(({ imageId }) => this.#image.get(imageId) !== undefined)
        .flatMap((row) => this.#plan(this.#wantedBy(row, direction)) ?? []);
      this.#setState.run(direction === 'undo' ? 'undone' : 'done', next.id);
      const id = this.#keepGesture({ ...gesture, kind: direction, label: next.label }, 'settled', next.id);
      return { label: next.label, images: this.#performAll(id, plans, classes), classesOf: kept?.datasetId ?? null };
    });
  }

  /** Labels between the classes that come and those that go. */
  #performAll(gestureId: number, plans: readonly Plan[], classes: ClassChange | null): ImageChange[] {
    const images = plans.map((plan) => this.#perform(gestureId, plan));
    if (classes !== null) {
      this.#categories.removeRows(classes);
      const { datasetId, ...changes } = classes;
      this.#insertClassChange.run(gestureId, datasetId, JSON.stringify(changes));
    }
    return images;
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
    return { gestureId: row.token, label: row.label, imageIds: this.#imagesOfGesture.all(row.id) };
  }

  /** Of these labels those that the image has; an image may have thousands, and a gesture touches few. */
  #ofImage(imageId: ImageId, annotationIds: readonly AnnotationId[]): Map<AnnotationId, Annotation> {
    const found = this.#annotations.byIds(annotationIds);
    return new Map(
      [...found].flatMap(([annotationId, there]) => (there.imageId === imageId ? [[annotationId, there.label]] : [])),
    );
  }

  #labelsNow(imageId: ImageId, annotationIds: readonly AnnotationId[]): ImageChange['changes'] {
    const now = this.#ofImage(imageId, annotationIds);
    return annotationIds.map((annotationId) => ({ annotationId, after: now.get(annotationId) ?? null }));
  }

  /** What a recorded change makes of the labels as they are now, which something else may have changed since. */
  #wantedBy({ imageId, reviewBefore, reviewAfter, changes }: ChangeRow, direction: 'undo' | 'redo'): WantedState {
    const recorded = decodeChanges(changes);
    const ids = recorded.map(({ annotationId }) => annotationId);
    const now = this.#ofImage(imageId, ids);
    const labels = recorded.flatMap((change) => {
      const before = now.get(change.annotationId) ?? null;
      const after = applyChange(before, change, direction);
      // A class that was deleted meanwhile cannot have its labels back, which must not hold up the rest of the undo.
      const possible = after === null || after.categoryId === before?.categoryId || this.#hasCategory(after.categoryId);
      return possible ? [{ annotationId: change.annotationId, after }] : [];
    });
    if (reviewBefore === reviewAfter) return { imageId, labels };
    return { imageId, labels, review: direction === 'undo' ? reviewBefore : reviewAfter };
  }

  #hasCategory(categoryId: CategoryId): boolean {
    return this.#category.get(categoryId) !== undefined;
  }

  /** Null where nothing would change. */
  #plan({ imageId, labels, review }: WantedState): Plan | null {
    const image = this.image(imageId);
    const ids = labels.map(({ annotationId }) => annotationId);
    const now = this.#ofImage(imageId, ids);
    const changes = labels.flatMap(
      ({ annotationId, after }) => changeBetween(now.get(annotationId) ?? null, after) ?? [],
    );
    const reviewAfter = review ?? image.review;
    if (changes.length === 0 && reviewAfter === image.review) return null;
    return { imageId, image, changes, labels, reviewAfter };
  }

  #perform(gestureId: number, { imageId, image, changes, labels, reviewAfter }: Plan): ImageChange {
    const after = new Map(labels.map((label) => [label.annotationId, label.after]));
    const counts = { add: 0, update: 0, remove: 0 };
    for (const change of changes) {
      counts[change.kind]++;
      const label = after.get(change.annotationId) ?? null;
      if (change.kind === 'remove') {
        this.#annotations.remove(change.annotationId);
      } else {
        invariant(label !== null, 'a label that stays has no content', { annotationId: change.annotationId });
        if (change.kind === 'add') this.#annotations.insert(imageId, label);
        else this.#annotations.update(label);
      }
    }
    const version = image.version + 1;
    const ids = changes.map(({ annotationId }) => annotationId);
    this.#setVersion.run(version, reviewAfter, imageId);
    this.#insertChange.run(
      ...[gestureId, imageId, version, counts.add, counts.update, counts.remove],
      ...[JSON.stringify(ids), image.review, reviewAfter, encodeChanges(changes)],
    );
    return {
      imageId,
      version,
      review: reviewAfter,
      changes: ids.map((annotationId) => ({ annotationId, after: after.get(annotationId) ?? null })),
    };
  }

  #keepGesture({ token, kind, label, by, at }: GestureFacts, state: 'done' | 'settled', target: number | null): number {
    return Number(this.#insertGesture.run(token, kind, label, by, at, state, target).lastInsertRowid);
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
