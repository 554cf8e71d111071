/**
 * Deleted labels as a part of the trash. They are in the history; what of it is in the trash is looked up in a worker, and
 * they come back, or go for good, a little at a time.
 */
import { randomUUID } from 'node:crypto';
import type { Emit } from '../../contract/ipc.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { ImageId } from '../../contract/model/ids.ts';
import type { DeletedLabelsItem, DeletedLabelsKey } from '../../contract/model/library.ts';
import type { DeletedLabels, DeletedLine } from '../../store/deleted-labels.ts';
import { accountName } from '../account-name.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import { askLibrary } from '../library/ask-library.ts';
import type { OpenProject } from '../open-projects.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { Pace, type BulkGestures } from './bulk-gestures.ts';

export class LabelTrash {
  readonly #workers: WorkerPool;
  readonly #gestures: BulkGestures;
  readonly #emit: Emit;

  constructor(workers: WorkerPool, gestures: BulkGestures, emit: Emit) {
    this.#workers = workers;
    this.#gestures = gestures;
    this.#emit = emit;
  }

  list(opened: OpenProject, offset: number, limit: number): Promise<{ total: number; items: DeletedLabelsItem[] }> {
    return askLibrary(opened, this.#workers, 'deleted-labels', { offset, limit });
  }

  /** A step of undo. Answers with what stays in the trash, and why; null where nothing does. Throws `not-found`. */
  async restore(opened: OpenProject, key: DeletedLabelsKey): Promise<string | null> {
    const { store } = opened;
    const lines = await this.#lines(opened, key);
    const [line] = lines;
    if (line === undefined) throw new FoveaError('not-found', 'These labels are not in the trash any more.');
    const found = lines.flatMap(({ changes }) => changes);
    const count = countOf(found);
    const label = count === 1 ? 'bring back a label' : `bring back ${count.toLocaleString('en')} labels`;
    const token = `trash:${randomUUID()}`;
    const result = await this.#gestures.run(opened, token, () => {
      const { into, classes } = store.classRevival.plan(line.datasetId, line.categoryIds);
      const changes = found.map(({ changeId, annotationIds }) => [changeId, annotationIds] as const);
      const gesture = { token, kind: 'restore', label, by: accountName(), at: new Date().toISOString() } as const;
      return {
        title: 'Bringing back labels',
        canStop: true,
        classesOf: classes?.datasetId ?? null,
        begin: (limit) => store.bulkEdits.begin(gesture, { kind: 'revival', changes, into: [...into] }, classes, limit),
      };
    });
    const left = count - (result.outcome === 'done' ? result.labels : 0);
    return left === 0 ? null : leftWords(left);
  }

  /** For good; null: all that are in the trash once changes that are under way are through. */
  async forget(opened: OpenProject, key: DeletedLabelsKey | null): Promise<void> {
    await this.#gestures.alone(opened, async () => {
      const lines = await this.#lines(opened, key);
      if (lines.length === 0 && key !== null)
        throw new FoveaError('not-found', 'These labels are not in the trash any more.');
      const imageIds = new Set<ImageId>();
      const pace = new Pace();
      const labels = lines.flatMap(({ changes }) => changes);
      try {
        for (let at = 0; at < labels.length;) {
          at += pace.measure((limit) => {
            const some = upTo(labels.slice(at), limit);
            opened.store.deletedLabels.purge(some);
            for (const { imageId } of some) imageIds.add(imageId);
            return some.length;
          });
          await yieldToEventLoop();
        }
      } finally {
        this.#tell(opened, [...imageIds]);
      }
    });
  }

  async #lines(opened: OpenProject, key: DeletedLabelsKey | null): Promise<DeletedLine[]> {
    const lines: DeletedLine[] = [];
    await askLibrary(opened, this.#workers, 'deleted-line', { key }, { take: (line) => void lines.push(line) });
    await yieldToEventLoop();
    return lines;
  }

  /** An open editor's own undo must not bring back what is gone. */
  #tell({ project: { projectId }, store }: OpenProject, untold: ImageId[]): void {
    if (untold.length === 0) return;
    const undoState = store.labelEdits.undoState();
    this.#emit('annotation.changed', { projectId, gestureId: `trash:${randomUUID()}`, images: [], untold, undoState });
  }
}

function countOf(changes: readonly DeletedLabels[]): number {
  return changes.reduce((sum, { annotationIds }) => sum + annotationIds.length, 0);
}

/** The first of them, with no more labels than that where there is more than one. */
function upTo(changes: readonly DeletedLabels[], labels: number): DeletedLabels[] {
  let count = 0;
  const end = changes.findIndex(({ annotationIds }, index) => (count += annotationIds.length) > labels && index > 0);
  return changes.slice(0, end < 0 ? undefined : end);
}

function leftWords(count: number): string {
  const [labels, they] =
    count === 1 ? ['1 label stays', 'its image'] : [`${count.toLocaleString('en')} labels stay`, 'their images'];
  return `${labels} in the trash: ${they} went too, or had the same class for the whole image again.`;
}
