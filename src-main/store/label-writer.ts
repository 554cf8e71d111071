/**
 * What every change of labels is made of, inside a transaction that the caller has begun: labels' rows, their image's
 * version, and the entry in the history. Knows neither undo nor who asked.
 */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError, invariant } from '../contract/errors.ts';
import type { Annotation, ReviewState } from '../contract/model/annotation.ts';
import type { HistoryKind, ImageChange } from '../contract/model/annotation-edit.ts';
import type { AnnotationId, CategoryId, ImageId } from '../contract/model/ids.ts';
import type { AnnotationRepository } from './annotation-repository.ts';
import {
  changeBetween,
  encodeChanges,
  isDeletion,
  type ClassAndTime,
  type ClassMove,
  type RecordedChange,
} from './label-change.ts';
import type { LabelledImage, WantedState } from './label-edit-repository.ts';

/** Who did what, when; `token` is the gesture's id outside. */
export interface GestureFacts {
  token: string;
  kind: HistoryKind;
  label: string;
  by: string;
  at: string;
}

/** What is about to change of an image. */
export interface Plan {
  imageId: ImageId;
  image: LabelledImage;
  changes: RecordedChange[];
  labels: WantedState['labels'];
  reviewAfter: ReviewState;
}

interface PlacedClass extends ClassAndTime {
  annotationId: AnnotationId;
  imageId: ImageId;
}

interface Relabelling {
  /** Where some get a class, those that go are replaced by them. Which labels get a class; null where none does. */
  move: { annotationIds: readonly AnnotationId[]; categoryId: CategoryId } | null;
  remove: readonly AnnotationId[];
  at: string;
}

export class LabelWriter {
  readonly #annotations: AnnotationRepository;
  readonly #image: Statement<[ImageId], LabelledImage>;
  readonly #setVersion: Statement<[number, ReviewState, ImageId]>;
  readonly #insertGesture: Statement<unknown[]>;
  readonly #insertChange: Statement<unknown[]>;
  readonly #classes: Statement<[string], PlacedClass>;
  readonly #move: Statement<[CategoryId, string | null, string]>;
  readonly #removeAll: Statement<[string]>;

  constructor(database: Database, annotations: AnnotationRepository) {
    this.#annotations = annotations;
    this.#image = database.prepare(`
      SELECT i.dataset_id AS datasetId, i.width AS widthPx, i.height AS heightPx, i.label_version AS version, i.review,
        i.labelled_ms AS timeMs
      FROM image i JOIN dataset d ON d.id = i.dataset_id WHERE i.id = ? AND d.state = 'ready' AND d.trashed_at IS NULL`);
    this.#setVersion = database.prepare('UPDATE image SET label_version = ?, review = ? WHERE id = ?');
    this.#insertGesture = database.prepare(
      'INSERT INTO gesture (token, kind, label, by, at, state, target_id) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#insertChange = database.prepare(`
      INSERT INTO label_change (gesture_id, image_id, version, added, updated, removed, annotation_ids, review_before,
        review_after, changes, deleted)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, iif((SELECT kind FROM gesture WHERE id = ?) IN ('edit', 'classify'), ?, 0))`);
    this.#classes = database.prepare(`
      SELECT id AS annotationId, image_id AS imageId, category_id AS categoryId, updated_at AS updatedAt
      FROM annotation WHERE id IN (SELECT value FROM json_each(?)) ORDER BY image_id, id`);
    this.#move = database.prepare(
      'UPDATE annotation SET category_id = ?, updated_at = ? WHERE id IN (SELECT value FROM json_each(?))',
    );
    this.#removeAll = database.prepare('DELETE FROM annotation WHERE id IN (SELECT value FROM json_each(?))');
  }

  /** Null where there is no such image, or it cannot be seen. */
  findImage(imageId: ImageId): LabelledImage | null {
    return this.#image.get(imageId) ?? null;
  }

  /** Throws `not-found` where there is no such image, or it cannot be seen. */
  image(imageId: ImageId): LabelledImage {
    const image = this.findImage(imageId);
    if (!image) throw imageNotFound(imageId);
    return image;
  }

  /** Of these labels those that the image has; an image may have thousands, and a gesture touches few. */
  ofImage(imageId: ImageId, annotationIds: readonly AnnotationId[]): Map<AnnotationId, Annotation> {
    if (annotationIds.length === 0) return new Map();
    const found = this.#annotations.byIds(annotationIds);
    return new Map(
      [...found].flatMap(([annotationId, there]) => (there.imageId === imageId ? [[annotationId, there.label]] : [])),
    );
  }

  /** Null where nothing would change. */
  plan({ imageId, labels, review }: WantedState): Plan | null {
    const image = this.image(imageId);
    const ids = labels.map(({ annotationId }) => annotationId);
    const now = this.ofImage(imageId, ids);
    const changes = labels.flatMap(({ annotationId, after, replaced }): RecordedChange[] => {
      const change = changeBetween(now.get(annotationId) ?? null, after);
      if (change === null) return [];
      return [change.kind === 'remove' && replaced ? { ...change, replaced } : change];
    });
    const reviewAfter = review ?? image.review;
    if (changes.length === 0 && reviewAfter === image.review) return null;
    return { imageId, image, changes, labels, reviewAfter };
  }

  perform(gestureId: number, { imageId, image, changes, labels, reviewAfter }: Plan): ImageChange {
    const after = new Map(labels.map((label) => [label.annotationId, label.after]));
    for (const change of changes) {
      const label = after.get(change.annotationId) ?? null;
      if (change.kind === 'remove') {
        this.#annotations.remove(change.annotationId);
      } else {
        invariant(label !== null, 'a label that stays has no content', { annotationId: change.annotationId });
        if (change.kind === 'add') this.#annotations.insert(imageId, label);
        else this.#annotations.update(label);
      }
    }
    const version = this.#record(gestureId, imageId, image, { changes, reviewAfter });
    return {
      imageId,
      version,
      review: reviewAfter,
      changes: changes.map(({ annotationId }) => ({ annotationId, after: after.get(annotationId) ?? null })),
    };
  }

  /**
   * Some labels get a class and others go, without the shapes of those that stay being read. Answers with the images on which
   * something changed; images that cannot be seen are passed over, and labels that have the class already or are gone.
   */
  relabel(gestureId: number, { move, remove, at }: Relabelling): ImageId[] {
    const after = move && { categoryId: move.categoryId, updatedAt: at };
    const moved = this.#moves(move?.annotationIds ?? [], (now) =>
      now.categoryId === after?.categoryId ? null : after,
    );
    const removed = [...this.#annotations.byIds(remove).values()].map(({ imageId, label }) => {
      const removal: RecordedChange = { kind: 'remove', annotationId: label.annotationId, before: label };
      const change: RecordedChange = move === null ? removal : { ...removal, replaced: true };
      return { imageId, change };
    });
    const images: ImageId[] = [];
    const [movedIds, removedIds]: AnnotationId[][] = [[], []];
    for (const [imageId, own] of Map.groupBy([...moved, ...removed], (there) => there.imageId)) {
      const image = this.findImage(imageId);
      if (image === null) continue;
      const changes = own.map(({ change }) => change);
      for (const { kind, annotationId } of changes) (kind === 'remove' ? removedIds : movedIds)!.push(annotationId);
      this.#record(gestureId, imageId, image, { changes, reviewAfter: image.review });
      images.push(imageId);
    }
    if (move !== null && movedIds!.length > 0) this.#move.run(move.categoryId, at, JSON.stringify(movedIds));
    if (removedIds!.length > 0) this.#removeAll.run(JSON.stringify(removedIds));
    return images;
  }

  /** The same for labels of one image whose classes an undo or redo brings back. False where nothing changes. */
  moveBack(gestureId: number, imageId: ImageId, wanted: ReadonlyMap<AnnotationId, ClassAndTime>): boolean {
    const image = this.findImage(imageId);
    const moves = this.#moves([...wanted.keys()], (now) => {
      const after = wanted.get(now.annotationId);
      const isSame = after === undefined || (after.categoryId === now.categoryId && after.updatedAt === now.updatedAt);
      return isSame || now.imageId !== imageId ? null : after;
    });
    if (image === null || moves.length === 0) return false;
    const changes = moves.map(({ change }) => change);
    this.#record(gestureId, imageId, image, { changes, reviewAfter: image.review });
    for (const [key, alike] of Map.groupBy(changes, ({ after }) => JSON.stringify(after))) {
      const { categoryId, updatedAt } = JSON.parse(key) as ClassAndTime;
      this.#move.run(categoryId, updatedAt, JSON.stringify(alike.map(({ annotationId }) => annotationId)));
    }
    return true;
  }

  /** What the history says of labels that get other classes; `wanted` is null for one that stays as it is. */
  #moves(
    annotationIds: readonly AnnotationId[],
    wanted: (now: PlacedClass) => ClassAndTime | null,
  ): { imageId: ImageId; change: ClassMove }[] {
    if (annotationIds.length === 0) return [];
    return this.#classes.all(JSON.stringify(annotationIds)).flatMap((now) => {
      const after = wanted(now);
      if (after === null) return [];
      const { annotationId, imageId, ...before } = now;
      return [{ imageId, change: { kind: 'update', annotationId, before, after } }];
    });
  }

  #record(
    gestureId: number,
    imageId: ImageId,
    image: LabelledImage,
    { changes, reviewAfter }: Pick<Plan, 'changes' | 'reviewAfter'>,
  ): number {
    const counts = { add: 0, update: 0, remove: 0 };
    for (const { kind } of changes) counts[kind]++;
    const version = image.version + 1;
    this.#setVersion.run(version, reviewAfter, imageId);
    this.#insertChange.run(
      ...[gestureId, imageId, version, counts.add, counts.update, counts.remove],
      ...[JSON.stringify(changes.map(({ annotationId }) => annotationId))],
      ...[image.review, reviewAfter, encodeChanges(changes)],
      ...[gestureId, changes.filter(isDeletion).length],
    );
    return version;
  }

  keepGesture({ token, kind, label, by, at }: GestureFacts, state: 'done' | 'settled', target: number | null): number {
    return Number(this.#insertGesture.run(token, kind, label, by, at, state, target).lastInsertRowid);
  }
}

export function imageNotFound(imageId: ImageId): FoveaError {
  return new FoveaError('not-found', `There is no image ${imageId} in this project.`, { imageId });
}
