/**
 * Changes that may be about any number of labels or images: another class for labels, their removal and return, what a class
 * that is merged or deleted takes along, classes and review states of whole images, undo and redo. They are done some labels
 * at a time, in short transactions; what remains to be done is in the database, so that it is done whatever happens meanwhile.
 * What is small is one transaction from its beginning to its end.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Annotation, ReviewState } from '../contract/model/annotation.ts';
import type { AnnotationId, CategoryId, ImageId } from '../contract/model/ids.ts';
import type { CategoryRepository } from './category-repository.ts';
import { inverseClassChange, type ClassChange } from './class-change.ts';
import { applyChange, asClassMoves, decodeChanges, isDeletion, type RecordedChange } from './label-change.ts';
import type { LabelEditRepository, WantedState } from './label-edit-repository.ts';
import type { GestureFacts, LabelWriter } from './label-writer.ts';
import { writeRelaxed } from './relaxed-write.ts';
import { explainSqliteError } from './sqlite-errors.ts';

/** Which labels get a class; `into` null: they go. Or what whole images get. */
export type BulkChange =
  | { kind: 'labels'; annotationIds: readonly AnnotationId[]; into: CategoryId | null }
  /** All labels that have one of these classes, those too that come while it is done. */
  | { kind: 'classes'; from: readonly CategoryId[]; into: CategoryId | null }
  | ImagesChange
  | Revival;

export interface ImagesChange {
  kind: 'images';
  /** Each once. */
  imageIds: readonly ImageId[];
  /** Null: as it is. */
  review: ReviewState | null;
  /** A class of the image as a whole; `only`: instead of all others. */
  tag: { categoryId: CategoryId; mode: 'only' | 'add' | 'remove' } | null;
}

/** Deleted labels come back. */
export interface Revival {
  kind: 'revival';
  /** Of each change of the history the labels that it deleted. */
  changes: readonly (readonly [changeId: number, annotationIds: readonly AnnotationId[]])[];
  /** Classes that are gone, and the one that labels of theirs get instead. */
  into: readonly (readonly [gone: CategoryId, now: CategoryId])[];
}

type Travel = { kind: 'travel'; direction: 'undo' | 'redo'; of: number };

/** What is kept of a gesture that is not complete. */
interface BulkWork {
  what: BulkChange | Travel;
  classes: ClassChange | null;
  /** When it began: the time that changed labels bear. */
  at: string;
}

/** How far it is. `total` may have been an estimate. */
export interface BulkProgress {
  gestureId: number;
  /** The images on which this step changed something. */
  imageIds: ImageId[];
  done: number;
  total: number;
  isFinished: boolean;
}

interface Slice {
  imageIds: ImageId[];
  /** Where the next one begins. */
  place: number;
  count: number;
  /** Nothing is left. */
  isLast: boolean;
  /** What is left cannot be changed: its data set went to the trash meanwhile. */
  isStuck?: boolean;
}

interface Place {
  place: number;
  done: number;
}
interface BulkRow extends Place {
  work: string;
  total: number;
}
interface OpenWork {
  gestureId: number;
  work: BulkWork;
  start: Place & { total: number };
}

interface ChangeRow {
  id: number;
  imageId: ImageId;
  reviewBefore: ReviewState;
  reviewAfter: ReviewState;
  /** How many it changed; one where only the review state did. */
  labels: number;
  changes: Buffer;
}

type WantedLabels = WantedState['labels'];

/** A class of an image as a whole. */
interface ImageTag {
  annotationId: AnnotationId;
  imageId: ImageId;
  categoryId: CategoryId;
}

/** The statements whose plans a test holds. */
export const hotBulkEditQueries = {
  ofClass: 'SELECT id FROM annotation WHERE category_id = ? ORDER BY image_id LIMIT ?',
  tags: `SELECT id, image_id AS imageId FROM annotation
    WHERE id IN (SELECT value FROM json_each(?)) AND kind = 'classification' ORDER BY image_id, id`,
  ofImages: `SELECT id AS annotationId, image_id AS imageId, category_id AS categoryId FROM annotation
    WHERE image_id IN (SELECT value FROM json_each(?)) AND kind = 'classification' ORDER BY image_id, id`,
  /** The first image that is not as it is to be. */
  unlike: `SELECT 1 FROM image i WHERE i.id IN (SELECT value FROM json_each(@imageIds)) AND (
      i.review <> @review
      OR (@mode = 'remove') = EXISTS (SELECT 1 FROM annotation a
        WHERE a.image_id = i.id AND a.category_id = @categoryId AND a.kind = 'classification')
      OR (@mode = 'only' AND EXISTS (SELECT 1 FROM annotation a
        WHERE a.image_id = i.id AND a.category_id <> @categoryId AND a.kind = 'classification')))
    LIMIT 1`,
  tagged: `SELECT DISTINCT image_id FROM annotation
    WHERE image_id IN (SELECT value FROM json_each(?)) AND category_id = ? AND kind = 'classification'`,
  undo: `SELECT id, image_id AS imageId, review_before AS reviewBefore, review_after AS reviewAfter,
      max(1, added + updated + removed) AS labels, changes
    FROM label_change WHERE gesture_id = ? AND id < ? ORDER BY id DESC`,
  redo: `SELECT id, image_id AS imageId, review_before AS reviewBefore, review_after AS reviewAfter,
      max(1, added + updated + removed) AS labels, changes
    FROM label_change WHERE gesture_id = ? AND id > ? ORDER BY id`,
} as const;

export class BulkEditRepository {
  readonly #database: Database;
  readonly #writer: LabelWriter;
  readonly #edits: LabelEditRepository;
  readonly #categories: CategoryRepository;
  readonly #row: Statement<[number], BulkRow>;
  readonly #insertRow: Statement<[BulkRow & { gestureId: number }]>;
  readonly #place: Statement<[number], Place>;
  readonly #setPlace: Statement<[number, number, number]>;
  readonly #deleteRow: Statement<[number]>;
  readonly #setState: Statement<[string, number]>;
  readonly #ofClass: Statement<[CategoryId, number], AnnotationId>;
  readonly #tags: Statement<[string], { id: AnnotationId; imageId: ImageId }>;
  readonly #tagged: Statement<[string, CategoryId], ImageId>;
  readonly #tagsOfImages: Statement<[string], ImageTag>;
  readonly #unlike: Statement<[Record<string, string | number | null>]>;
  readonly #changes: { undo: Statement<[number, number], ChangeRow>; redo: Statement<[number, number], ChangeRow> };
  readonly #category: Statement<[CategoryId]>;
  readonly #change: Statement<[number], { imageId: ImageId; changes: Buffer }>;
  /** The gesture that was gone on with last. */
  #openedWork: OpenWork | null = null;
  /** Of the history's change that labels come back from now: an image may have more of them than a step takes. */
  #opened: { changeId: number; imageId: ImageId; deleted: Map<AnnotationId, Annotation> } | null = null;

  constructor(
    database: Database,
    parts: { writer: LabelWriter; edits: LabelEditRepository; categories: CategoryRepository },
  ) {
    this.#database = database;
    this.#writer = parts.writer;
    this.#edits = parts.edits;
    this.#categories = parts.categories;
    this.#row = database.prepare('SELECT work, place, done, total FROM bulk_edit WHERE gesture_id = ?');
    this.#insertRow = database.prepare(
      'INSERT INTO bulk_edit (gesture_id, work, place, done, total) VALUES (@gestureId, @work, @place, @done, @total)',
    );
    this.#place = database.prepare('SELECT place, done FROM bulk_place WHERE gesture_id = ?');
    this.#setPlace = database.prepare('INSERT OR REPLACE INTO bulk_place (gesture_id, place, done) VALUES (?, ?, ?)');
    this.#deleteRow = database.prepare('DELETE FROM bulk_edit WHERE gesture_id = ?');
    this.#setState = database.prepare('UPDATE gesture SET state = ? WHERE id = ?');
    this.#ofClass = database.prepare<[CategoryId, number], AnnotationId>(hotBulkEditQueries.ofClass).pluck();
    this.#tags = database.prepare(hotBulkEditQueries.tags);
    this.#tagged = database.prepare<[string, CategoryId], ImageId>(hotBulkEditQueries.tagged).pluck();
    this.#tagsOfImages = database.prepare(hotBulkEditQueries.ofImages);
    this.#unlike = database.prepare(hotBulkEditQueries.unlike);
    this.#changes = {
      undo: database.prepare(hotBulkEditQueries.undo),
      redo: database.prepare(hotBulkEditQueries.redo),
    };
    this.#category = database.prepare('SELECT 1 FROM category WHERE id = ?');
    this.#change = database.prepare('SELECT image_id AS imageId, changes FROM label_change WHERE id = ?');
  }

  /**
   * Begins with up to `limit` labels or images; null where no label would change, and then no gesture is kept: of images
   * `changesImages` tells. What was undone before can no longer be redone.
   */
  begin(gesture: GestureFacts, what: BulkChange, classes: ClassChange | null, limit: number): BulkProgress | null {
    return this.#write(() => {
      if (classes === null && !this.#changesAny(what)) return null;
      this.#edits.settleUndone();
      const id = this.#writer.keepGesture(gesture, 'done', null);
      return this.#start(id, { what, classes, at: gesture.at }, limit);
    });
  }

  /** Begins to take the next gesture back, or to do it again. Null where there is none, 'stale' where it is not `target`. */
  beginTravel(
    direction: 'undo' | 'redo',
    gesture: Omit<GestureFacts, 'kind' | 'label'>,
    target: string | null,
    limit: number,
  ): BulkProgress | 'stale' | null {
    return this.#write(() => {
      const next = this.#edits.nextGesture(direction);
      if (next === null) return null;
      if (target !== null && next.token !== target) return 'stale';
      const done = this.#edits.classChange(next.id);
      const classes = done !== null && direction === 'undo' ? inverseClassChange(done) : done;
      this.#setState.run(direction === 'undo' ? 'undone' : 'done', next.id);
      const id = this.#writer.keepGesture({ ...gesture, kind: direction, label: next.label }, 'settled', next.id);
      return this.#start(id, { what: { kind: 'travel', direction, of: next.id }, classes, at: gesture.at }, limit);
    });
  }

  /** Goes on with up to `limit` labels. The last step is on the disk when this returns, and all others with it. */
  go(gestureId: number, limit: number): BulkProgress {
    const opened = this.#openWork(gestureId);
    if (opened === null) return { gestureId, imageIds: [], done: 0, total: 0, isFinished: true };
    const { work, start } = opened;
    const { total } = start;
    const from = this.#place.get(gestureId) ?? start;
    const isEnd = from.done >= total;
    const step = (): BulkProgress => {
      const slice = this.#slice(gestureId, work, from.place, limit);
      if (slice.isStuck === true) {
        this.#deleteRow.run(gestureId);
        return { gestureId, imageIds: [], done: total, total, isFinished: true };
      }
      const isFinished = slice.isLast && isEnd;
      const done = slice.isLast ? total : Math.min(total, from.done + slice.count);
      if (isFinished) {
        this.#deleteRow.run(gestureId);
        this.#finish(gestureId, work);
      } else {
        this.#setPlace.run(gestureId, slice.place, done);
      }
      return { gestureId, imageIds: slice.imageIds, done, total, isFinished };
    };
    return isEnd ? this.#write(step) : writeRelaxed(this.#database, step);
  }

  /** What is to be done may be long, and is read once. */
  #openWork(gestureId: number): OpenWork | null {
    if (!this.#isPending(gestureId)) this.#openedWork = null;
    else if (this.#openedWork?.gestureId !== gestureId) {
      const { work, ...start } = this.#row.get(gestureId)!;
      this.#openedWork = { gestureId, work: JSON.parse(work) as BulkWork, start };
    }
    return this.#openedWork;
  }

  #isPending(gestureId: number): boolean {
    return this.#database.prepare('SELECT 1 FROM bulk_edit WHERE gesture_id = ?').get(gestureId) !== undefined;
  }

  /** No more of it: what is done stays, and can be undone; classes that were to go stay. */
  stop(gestureId: number): void {
    this.#write(() => this.#deleteRow.run(gestureId));
  }

  /** Gestures of which a part is done, the oldest first. */
  pending(): number[] {
    return this.#database.prepare<[], number>('SELECT gesture_id FROM bulk_edit ORDER BY gesture_id').pluck().all();
  }

  #start(gestureId: number, work: BulkWork, limit: number): BulkProgress {
    if (bringsClasses(work.classes)) this.#categories.applyRows(work.classes);
    const { imageIds, place, count, isLast } = this.#slice(gestureId, work, startOf(work), limit);
    if (isLast) {
      this.#finish(gestureId, work);
      return { gestureId, imageIds, done: count, total: count, isFinished: true };
    }
    const total = Math.max(count, this.#total(work, count));
    this.#insertRow.run({ gestureId, work: JSON.stringify(work), place, done: count, total });
    return { gestureId, imageIds, done: count, total, isFinished: false };
  }

  #finish(gestureId: number, { classes }: BulkWork): void {
    if (classes === null) return;
    if (!bringsClasses(classes)) this.#categories.applyRows(classes);
    this.#edits.finishClasses(gestureId, classes);
  }

  #changesAny(what: BulkChange): boolean {
    switch (what.kind) {
      case 'classes':
        return what.from.some((categoryId) => this.#ofClass.get(categoryId, 1) !== undefined);
      case 'labels': {
        const find = this.#database.prepare<[string, CategoryId | null]>(
          'SELECT 1 FROM annotation WHERE id IN (SELECT value FROM json_each(?)) AND category_id IS NOT ? LIMIT 1',
        );
        return find.get(JSON.stringify(what.annotationIds), what.into) !== undefined;
      }
      case 'revival':
        return what.changes.length > 0;
      case 'images':
        return true;
    }
  }

  /** Whether one of these images is not as it is to be. */
  changesImages(imageIds: readonly ImageId[], { review, tag }: Pick<ImagesChange, 'review' | 'tag'>): boolean {
    const { categoryId = null, mode = null } = tag ?? {};
    return this.#unlike.get({ imageIds: JSON.stringify(imageIds), review, categoryId, mode }) !== undefined;
  }

  /** `done`: how many are done already. */
  #total({ what }: BulkWork, done: number): number {
    const count = (sql: string, id: number): number =>
      this.#database.prepare<[number], number>(sql).pluck().get(id) ?? 0;
    switch (what.kind) {
      case 'labels':
        return what.annotationIds.length;
      case 'images':
        return what.imageIds.length;
      case 'classes':
        return what.from.reduce(
          (sum, id) => sum + count('SELECT count(*) FROM annotation WHERE category_id = ?', id),
          done,
        );
      case 'revival':
        return what.changes.reduce((sum, [, annotationIds]) => sum + annotationIds.length, 0);
      case 'travel':
        return count('SELECT sum(max(1, added + updated + removed)) FROM label_change WHERE gesture_id = ?', what.of);
    }
  }

  #slice(gestureId: number, { what, at }: BulkWork, place: number, limit: number): Slice {
    switch (what.kind) {
      case 'labels': {
        const ids = what.annotationIds.slice(place, place + limit);
        const end = place + ids.length;
        const imageIds = this.#relabel(gestureId, ids, what.into, at);
        return { imageIds, place: end, count: ids.length, isLast: end >= what.annotationIds.length };
      }
      case 'images': {
        const ids = what.imageIds.slice(place, place + limit);
        const end = place + ids.length;
        const imageIds = this.#changeImages(gestureId, ids, what, at);
        return { imageIds, place: end, count: ids.length, isLast: end >= what.imageIds.length };
      }
      case 'classes': {
        const ids: AnnotationId[] = [];
        for (const categoryId of what.from) {
          if (ids.length < limit) ids.push(...this.#ofClass.all(categoryId, limit - ids.length));
        }
        const imageIds = this.#relabel(gestureId, ids, what.into, at);
        const isStuck = ids.length > 0 && imageIds.length === 0;
        return { imageIds, place: 0, count: ids.length, isLast: ids.length < limit, isStuck };
      }
      case 'revival':
        return this.#revive(gestureId, what, place, limit);
      case 'travel':
        return this.#travelSome(gestureId, what, place, limit);
    }
  }

  /** An image is not said twice to be of one class as a whole: the second such label goes. */
  #relabel(gestureId: number, ids: readonly AnnotationId[], into: CategoryId | null, at: string): ImageId[] {
    if (into === null) return this.#writer.relabel(gestureId, { move: null, remove: ids, at });
    const tags = this.#tags.all(JSON.stringify(ids));
    const tagged = new Set(this.#tagged.all(JSON.stringify(tags.map(({ imageId }) => imageId)), into));
    const second = new Set<AnnotationId>();
    for (const { id, imageId } of tags) {
      if (tagged.has(imageId)) second.add(id);
      tagged.add(imageId);
    }
    const annotationIds = second.size === 0 ? ids : ids.filter((id) => !second.has(id));
    const move = { annotationIds, categoryId: into };
    return this.#writer.relabel(gestureId, { move, remove: [...second], at });
  }

  /** Images that are gone, or cannot be seen, are passed over. */
  #changeImages(
    gestureId: number,
    ids: readonly ImageId[],
    { review, tag }: Pick<ImagesChange, 'review' | 'tag'>,
    at: string,
  ): ImageId[] {
    const there = ids.filter((imageId) => this.#writer.findImage(imageId) !== null);
    const wanted = tag === null ? new Map<ImageId, WantedLabels>() : this.#wantedTags(there, tag, at);
    return there.flatMap((imageId) => {
      const labels = wanted.get(imageId) ?? [];
      const plan = this.#writer.plan(review === null ? { imageId, labels } : { imageId, labels, review });
      if (plan === null) return [];
      this.#writer.perform(gestureId, plan);
      return [imageId];
    });
  }

  #wantedTags(
    imageIds: readonly ImageId[],
    { categoryId, mode }: NonNullable<ImagesChange['tag']>,
    at: string,
  ): Map<ImageId, WantedLabels> {
    const tags = Map.groupBy(this.#tagsOfImages.all(JSON.stringify(imageIds)), ({ imageId }) => imageId);
    const isTagged = (imageId: ImageId): boolean =>
      tags.get(imageId)?.some((tag) => tag.categoryId === categoryId) === true;
    const missing = mode === 'remove' ? [] : imageIds.filter((imageId) => !isTagged(imageId));
    const firstId = missing.length === 0 ? 0 : this.#edits.reserveIds(missing.length);
    const added = new Map(missing.map((imageId, index) => [imageId, (firstId + index) as AnnotationId]));
    return new Map(
      imageIds.map((imageId) => {
        const going = (tags.get(imageId) ?? []).filter((tag) =>
          mode === 'remove' ? tag.categoryId === categoryId : mode === 'only' && tag.categoryId !== categoryId,
        );
        const id = added.get(imageId);
        const coming = id === undefined ? [] : [{ annotationId: id, after: newTag(id, categoryId, at) }];
        const replaced = mode === 'only' && { replaced: true as const };
        return [imageId, [...going.map(({ annotationId }) => ({ annotationId, after: null, ...replaced })), ...coming]];
      }),
    );
  }

  /** `place` counts labels. */
  #revive(gestureId: number, { changes, into }: Revival, place: number, limit: number): Slice {
    const classes = new Map(into);
    const imageIds: ImageId[] = [];
    const end = place + limit;
    let before = 0;
    for (const [changeId, annotationIds] of changes) {
      if (before >= end) return { imageIds, place: end, count: limit, isLast: false };
      const some = annotationIds.slice(Math.max(0, place - before), end - before);
      before += annotationIds.length;
      const imageId = some.length === 0 ? null : this.#reviveSome(gestureId, changeId, some, classes);
      if (imageId !== null) imageIds.push(imageId);
    }
    const isLast = before <= end;
    if (isLast) this.#opened = null;
    const reached = Math.min(end, before);
    return { imageIds, place: reached, count: reached - place, isLast };
  }

  /** Null where none of them can come back: their image went too, or they are there. */
  #reviveSome(
    gestureId: number,
    changeId: number,
    annotationIds: readonly AnnotationId[],
    classes: ReadonlyMap<CategoryId, CategoryId>,
  ): ImageId | null {
    const opened = this.#open(changeId);
    if (opened === null || this.#writer.findImage(opened.imageId) === null) return null;
    const { imageId, deleted } = opened;
    const isThere = this.#writer.ofImage(imageId, annotationIds);
    // An image is not said twice to be of one class as a whole.
    const tagged = new Set<CategoryId>();
    const isTagged = (categoryId: CategoryId): boolean =>
      tagged.has(categoryId) || this.#tagged.get(JSON.stringify([imageId]), categoryId) !== undefined;
    const labels = annotationIds.flatMap((annotationId) => {
      const label = deleted.get(annotationId);
      if (label === undefined || isThere.has(annotationId)) return [];
      const categoryId = classes.get(label.categoryId) ?? label.categoryId;
      const isTag = label.shape.kind === 'classification';
      if (!this.#hasCategory(categoryId) || (isTag && isTagged(categoryId))) return [];
      if (isTag) tagged.add(categoryId);
      return [{ annotationId, after: { ...label, categoryId } }];
    });
    const plan = this.#writer.plan({ imageId, labels });
    if (plan !== null) this.#writer.perform(gestureId, plan);
    return plan && imageId;
  }

  #open(changeId: number) {
    if (this.#opened?.changeId === changeId) return this.#opened;
    const row = this.#change.get(changeId);
    if (row === undefined) return null;
    const deletions = decodeChanges(row.changes).filter(isDeletion);
    const deleted = new Map(deletions.map(({ annotationId, before }) => [annotationId, before]));
    this.#opened = { changeId, imageId: row.imageId, deleted };
    return this.#opened;
  }

  #travelSome(gestureId: number, { direction, of }: Travel, place: number, limit: number): Slice {
    const rows: ChangeRow[] = [];
    let count = 0;
    let isLast = true;
    for (const row of this.#changes[direction].iterate(of, place)) {
      isLast = rows.length === 0 || count + row.labels <= limit;
      if (!isLast) break;
      rows.push(row);
      count += row.labels;
    }
    const imageIds = rows.flatMap((row) => (this.#travelRow(gestureId, row, direction) ? [row.imageId] : []));
    return { imageIds, place: rows.at(-1)?.id ?? place, count, isLast };
  }

  /** What a recorded change makes of the labels as they are now, which something else may have changed since. */
  #travelRow(gestureId: number, row: ChangeRow, direction: 'undo' | 'redo'): boolean {
    const { imageId, reviewBefore, reviewAfter } = row;
    if (this.#writer.findImage(imageId) === null) return false;
    const recorded = decodeChanges(row.changes);
    const moves = reviewBefore === reviewAfter ? asClassMoves(recorded) : null;
    if (moves !== null) {
      const wanted = moves.map(({ annotationId, before, after }) => {
        return [annotationId, direction === 'undo' ? before : after] as const;
      });
      return this.#writer.moveBack(
        gestureId,
        imageId,
        new Map(wanted.filter(([, { categoryId }]) => this.#hasCategory(categoryId))),
      );
    }
    const review = reviewBefore === reviewAfter ? undefined : direction === 'undo' ? reviewBefore : reviewAfter;
    const labels = this.#wanted(imageId, recorded, direction);
    const plan = this.#writer.plan(review === undefined ? { imageId, labels } : { imageId, labels, review });
    if (plan !== null) this.#writer.perform(gestureId, plan);
    return plan !== null;
  }

  #wanted(imageId: ImageId, recorded: readonly RecordedChange[], direction: 'undo' | 'redo') {
    const ids = recorded.map(({ annotationId }) => annotationId);
    const now = this.#writer.ofImage(imageId, ids);
    return recorded.flatMap((change) => {
      const before = now.get(change.annotationId) ?? null;
      const after = applyChange(before, change, direction);
      // A class that was deleted meanwhile cannot have its labels back, which must not hold up the rest of the undo.
      const possible = after === null || after.categoryId === before?.categoryId || this.#hasCategory(after.categoryId);
      return possible ? [{ annotationId: change.annotationId, after }] : [];
    });
  }

  #hasCategory(categoryId: CategoryId): boolean {
    return this.#category.get(categoryId) !== undefined;
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

/** Classes that come are there before their labels, those that go until their last label is gone. */
function bringsClasses(classes: ClassChange | null): classes is ClassChange {
  return classes?.categories.some(({ before }) => before === null) === true;
}

function startOf({ what }: BulkWork): number {
  return what.kind === 'travel' && what.direction === 'undo' ? Number.MAX_SAFE_INTEGER : 0;
}

function newTag(annotationId: AnnotationId, categoryId: CategoryId, at: string): Annotation {
  return {
    annotationId,
    categoryId,
    shape: { kind: 'classification' },
    flags: [],
    attributes: {},
    note: '',
    z: 0,
    provenance: { by: 'person' },
    createdAt: at,
    updatedAt: null,
  };
}
