/** Looking at the history of labels, at review states and the time that was spent. Changing labels is LabelEditRepository's. */
import type { Database, Statement } from 'better-sqlite3';
import type { Annotation, ReviewState } from '../contract/model/annotation.ts';
import type { HistoryEntry } from '../contract/model/annotation-edit.ts';
import type { AnnotationId, DatasetId, ImageId } from '../contract/model/ids.ts';
import type { AnnotationRepository } from './annotation-repository.ts';
import { applyChange, decodeChanges } from './label-change.ts';
import { explainSqliteError } from './sqlite-errors.ts';

type HistoryRow = Omit<HistoryEntry, 'annotationIds' | 'undone'> & { annotationIds: string; state: string };

/** The statements whose plans a test holds. */
export const hotHistoryQueries = {
  entries: `
    SELECT c.version, g.token AS gestureId, g.kind, g.label, g.by, g.at, c.added, c.updated, c.removed,
      c.annotation_ids AS annotationIds, g.state, c.purged
    FROM label_change c JOIN gesture g ON g.id = c.gesture_id
    WHERE c.image_id = ? ORDER BY c.version DESC LIMIT ? OFFSET ?`,
  changesAfter: 'SELECT changes FROM label_change WHERE image_id = ? AND version > ? ORDER BY version DESC',
  reviewCounts: 'SELECT review, count(*) AS count FROM image WHERE dataset_id = ? GROUP BY review',
  next: `
    SELECT id FROM image WHERE dataset_id = @datasetId AND review = @review AND id > @from ORDER BY id LIMIT @limit`,
  previous: `
    SELECT id FROM image WHERE dataset_id = @datasetId AND review = @review AND id < @from ORDER BY id DESC LIMIT @limit`,
} as const;

/** Then there is nothing to undo, so that it is settled though nobody took it back. */
function isWhollyPurged({
  added,
  updated,
  removed,
  purged,
}: Pick<HistoryRow, 'added' | 'updated' | 'removed' | 'purged'>): boolean {
  return purged > 0 && purged === added + updated + removed;
}

interface QueueParameters {
  datasetId: DatasetId;
  review: ReviewState;
  from: number;
  limit: number;
}

export class LabelHistoryRepository {
  readonly #database: Database;
  readonly #annotations: AnnotationRepository;
  readonly #entries: Statement<[ImageId, number, number], HistoryRow>;
  readonly #count: Statement<[ImageId], number>;
  readonly #changesAfter: Statement<[ImageId, number], Buffer>;
  readonly #reviewCounts: Statement<[DatasetId], { review: ReviewState; count: number }>;
  readonly #queue: Record<'next' | 'previous', Statement<[QueueParameters], ImageId>>;

  constructor(database: Database, annotations: AnnotationRepository) {
    this.#database = database;
    this.#annotations = annotations;
    this.#entries = database.prepare(hotHistoryQueries.entries);
    this.#count = database.prepare<[ImageId], number>('SELECT count(*) FROM label_change WHERE image_id = ?').pluck();
    this.#changesAfter = database.prepare<[ImageId, number], Buffer>(hotHistoryQueries.changesAfter).pluck();
    this.#reviewCounts = database.prepare(hotHistoryQueries.reviewCounts);
    this.#queue = {
      next: database.prepare<[QueueParameters], ImageId>(hotHistoryQueries.next).pluck(),
      previous: database.prepare<[QueueParameters], ImageId>(hotHistoryQueries.previous).pluck(),
    };
  }

  /** Newest first. */
  entries(imageId: ImageId, offset: number, limit: number): { total: number; items: HistoryEntry[] } {
    const items = this.#entries.all(imageId, limit, offset).map(({ state, annotationIds, ...entry }) => ({
      ...entry,
      annotationIds: JSON.parse(annotationIds) as AnnotationId[],
      // Undo and redo are settled from the start; anything else only once it was undone and something else done.
      undone:
        state === 'undone' ||
        (state === 'settled' && entry.kind !== 'undo' && entry.kind !== 'redo' && !isWhollyPurged(entry)),
    }));
    return { total: this.#count.get(imageId) ?? 0, items };
  }

  /** Labels as they were at a version, oldest first: from what they are now, back through the history. */
  stateAt(imageId: ImageId, version: number): Annotation[] {
    const labels = new Map(this.#annotations.ofImage(imageId).map((label) => [label.annotationId, label]));
    for (const blob of this.#changesAfter.iterate(imageId, version)) {
      for (const change of decodeChanges(blob).reverse()) {
        const before = applyChange(labels.get(change.annotationId) ?? null, change, 'undo');
        if (before === null) labels.delete(change.annotationId);
        else labels.set(change.annotationId, before);
      }
    }
    return [...labels.values()].sort((a, b) => a.annotationId - b.annotationId);
  }

  reviewCounts(datasetId: DatasetId): Record<ReviewState, number> {
    const counts: Record<ReviewState, number> = { 'to-do': 0, 'needs-review': 0, done: 0, rejected: 0 };
    for (const { review, count } of this.#reviewCounts.all(datasetId)) counts[review] = count;
    return counts;
  }

  /** Ids of images in any of the states beyond `from` (null: all of them), the nearest first. */
  queue(
    datasetId: DatasetId,
    states: readonly ReviewState[],
    { from, direction, limit }: { from: ImageId | null; direction: 'next' | 'previous'; limit: number },
  ): ImageId[] {
    const start = from ?? (direction === 'next' ? 0 : Number.MAX_SAFE_INTEGER);
    return states
      .flatMap((review) => this.#queue[direction].all({ datasetId, review, from: start, limit }))
      .sort((a, b) => (direction === 'next' ? a - b : b - a))
      .slice(0, limit);
  }

  /** Adds to the time that was spent on an image; returns the sum. */
  addTime(imageId: ImageId, durationMs: number): number {
    const add = this.#database
      .prepare<[number, ImageId], number>(
        'UPDATE image SET labelled_ms = labelled_ms + ? WHERE id = ? RETURNING labelled_ms',
      )
      .pluck();
    try {
      return add.get(durationMs, imageId) ?? 0;
    } catch (error) {
      throw explainSqliteError(this.#database.name, error);
    }
  }
}
