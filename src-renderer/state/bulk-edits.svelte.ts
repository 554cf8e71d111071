/** Changes of many images at once. Each can be taken back: by the message that says what was done, or the newest first. */
import type { ReviewState } from '../../src-main/contract/model/annotation.ts';
import type { Split } from '../../src-main/contract/model/dataset.ts';
import type {
  AnnotationId,
  CategoryId,
  DatasetId,
  ImageId,
  JobId,
  ProjectId,
} from '../../src-main/contract/model/ids.ts';
import type { Api } from '../api/client.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';

interface Undo {
  what: string;
  run: () => Promise<void>;
  /** That offers it. */
  message?: number;
}

export class BulkEdits {
  readonly #api: Api;
  readonly #toasts: Toasts;
  readonly #where: { projectId: ProjectId; datasetId: DatasetId };
  /** The newest last. */
  #undos = $state.raw<readonly Undo[]>([]);
  /** What would be taken back; null where nothing can be. */
  readonly undoable: string | null = $derived.by(() => this.#undos.at(-1)?.what ?? null);
  busy = $state(false);
  /** Of a change of labels or review states; null where none is being made. */
  progress = $state.raw<{ done: number; total: number } | null>(null);
  /** Of the change of labels that is being made. */
  #stop: (() => void) | null = null;

  constructor(api: Api, toasts: Toasts, projectId: ProjectId, datasetId: DatasetId) {
    this.#api = api;
    this.#toasts = toasts;
    this.#where = { projectId, datasetId };
  }

  setSplit(imageIds: readonly ImageId[], split: Split, words: string): Promise<boolean> {
    return this.#do(async () => {
      const change = await this.#api.call('split.assign', {
        ...this.#where,
        filter: { splits: [], categoryIds: [] },
        imageIds: [...imageIds],
        plan: { kind: 'set', split },
      });
      if (change === null) return null;
      const { projectId } = this.#where;
      const { changeId } = change;
      return { what: words, run: async () => void (await this.#api.call('split.undo', { projectId, changeId })) };
    });
  }

  setReview(imageIds: readonly ImageId[], review: ReviewState, words: (count: number) => string): Promise<boolean> {
    const { projectId } = this.#where;
    return this.#inGesture(imageIds.length, words, async (gestureId) => {
      const result = await this.#api.call('image.setReview', { projectId, gestureId, imageIds: [...imageIds], review });
      return result.outcome === 'done' ? result.images.length + result.untold.length : null;
    });
  }

  /** Another class for labels; null: they go. */
  relabel(
    annotationIds: readonly AnnotationId[],
    categoryId: CategoryId | null,
    words: (count: number) => string,
  ): Promise<boolean> {
    const { projectId } = this.#where;
    return this.#inGesture(annotationIds.length, words, async (gestureId) => {
      const request = { projectId, gestureId, annotationIds: [...annotationIds], categoryId };
      const result = await this.#api.call('annotation.relabel', request);
      return result.outcome === 'done' ? result.labels : null;
    });
  }

  /** `send` says how many were changed, null where none had to be. `words`: of so many. */
  #inGesture(
    total: number,
    words: (count: number) => string,
    send: (gestureId: string) => Promise<number | null>,
  ): Promise<boolean> {
    return this.#do(async () => {
      const gestureId = crypto.randomUUID();
      const following = this.#followGesture(gestureId, total);
      try {
        const count = await send(gestureId);
        if (count === null) return null;
        const what = following.isStopped() && count < total ? `Stopped. ${words(count)}` : words(count);
        return { what, run: () => this.#takeBackGesture(gestureId) };
      } finally {
        following.end();
      }
    });
  }

  /** No more of the change of labels that is being made; what is done stays, and can be undone. */
  stop(): void {
    this.#stop?.();
  }

  /** What takes longer is a job, which says how far it is and can be stopped. */
  #followGesture(gestureId: string, total: number): { isStopped: () => boolean; end: () => void } {
    let isStopped = false;
    let stopped: JobId | null = null;
    let running: JobId | null = null;
    const stop = (): void => {
      if (!isStopped || running === null || running === stopped) return;
      stopped = running;
      this.#api.call('job.cancel', { jobId: running }).catch((error: unknown) => this.#toasts.error(error));
    };
    this.progress = { done: 0, total };
    this.#stop = () => {
      isStopped = true;
      stop();
    };
    const end = this.#api.on('job.changed', (job) => {
      if (job.gestureId !== gestureId) return;
      running = job.state === 'running' ? job.jobId : null;
      this.progress = { done: job.done, total: job.total ?? total };
      stop();
    });
    return {
      isStopped: () => isStopped,
      end: () => {
        end();
        this.progress = null;
        this.#stop = null;
      },
    };
  }

  tag(imageIds: readonly ImageId[], tag: string, on: boolean, words: string): Promise<boolean> {
    return this.#do(async () => {
      const set = (ids: ImageId[], wanted: boolean) =>
        this.#api.call('image.tag', { ...this.#where, imageIds: ids, tag, on: wanted });
      const { imageIds: changed } = await set([...imageIds], on);
      return changed.length === 0 ? null : { what: words, run: async () => void (await set(changed, !on)) };
    });
  }

  trash(imageIds: readonly ImageId[], words: string): Promise<boolean> {
    return this.#do(async () => {
      const item = await this.#api.call('image.trash', { ...this.#where, imageIds: [...imageIds] });
      if (item?.kind !== 'images') return null;
      const { projectId } = this.#where;
      const key = { kind: 'images', entryId: item.entryId } as const;
      return { what: words, run: async () => void (await this.#api.call('trash.restore', { projectId, item: key })) };
    });
  }

  /** Takes the newest change back. */
  async undo(): Promise<void> {
    const newest = this.#undos.at(-1);
    if (newest !== undefined) await this.#takeBack(newest);
  }

  /** Whether it was done; what failed is said. */
  async #do(change: () => Promise<Undo | null>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    try {
      const undo = await change();
      if (undo === null) {
        this.#toasts.say('Nothing to change: it is so already.');
        return true;
      }
      this.#undos = [...this.#undos, undo];
      undo.message = this.#toasts.done(undo.what, { label: 'Undo', run: () => void this.#takeBack(undo) });
      return true;
    } catch (error) {
      this.#toasts.error(error);
      return false;
    } finally {
      this.busy = false;
    }
  }

  async #takeBackGesture(target: string): Promise<void> {
    const request = { projectId: this.#where.projectId, gestureId: crypto.randomUUID(), target };
    const { outcome } = await this.#api.call('annotation.undo', request);
    if (outcome !== 'done') throw new Error('Labels were changed since; undo those changes first.');
  }

  async #takeBack(undo: Undo): Promise<void> {
    const place = this.#undos.indexOf(undo);
    if (place < 0) return;
    this.#undos = this.#undos.toSpliced(place, 1);
    if (undo.message !== undefined) this.#toasts.dismiss(undo.message);
    try {
      await undo.run();
      this.#toasts.say(`Taken back: ${undo.what}`);
    } catch (error) {
      // Newer changes may be in its way: when those are taken back, it can be.
      if (place < this.#undos.length) this.#undos = this.#undos.toSpliced(place, 0, undo);
      this.#toasts.error(error);
    }
  }
}
