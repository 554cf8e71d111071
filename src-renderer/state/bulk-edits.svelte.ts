/** Changes of many images at once. Each can be taken back: by the message that says what was done, or the newest first. */
import type { ReviewState } from '../../src-main/contract/model/annotation.ts';
import type { ChangeResult } from '../../src-main/contract/model/annotation-edit.ts';
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

/** The most that a call about labels takes. */
const GESTURE_IMAGES = 1000;

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
  /** Of a change of labels; null where none is being made. */
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

  setReview(imageIds: readonly ImageId[], review: ReviewState, words: string): Promise<boolean> {
    const { projectId } = this.#where;
    return this.#inGestures(
      imageIds,
      (gestureId, some) => this.#api.call('image.setReview', { projectId, gestureId, imageIds: some, review }),
      words,
    );
  }

  /** Another class for labels; null: they go. `words`: of so many that were changed. */
  relabel(
    annotationIds: readonly AnnotationId[],
    categoryId: CategoryId | null,
    words: (count: number) => string,
  ): Promise<boolean> {
    const { projectId } = this.#where;
    return this.#do(async () => {
      const gestureId = crypto.randomUUID();
      const following = this.#followGesture(gestureId, annotationIds.length);
      try {
        const request = { projectId, gestureId, annotationIds: [...annotationIds], categoryId };
        const result = await this.#api.call('annotation.relabel', request);
        if (result.outcome !== 'done') return null;
        const { labels } = result;
        const what =
          following.isStopped() && labels < annotationIds.length ? `Stopped. ${words(labels)}` : words(labels);
        return { what, run: () => this.#takeBackGestures([gestureId]) };
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

  /** Some at a time, so that nothing else has to wait for all of them. What was done before an error can be undone too. */
  #inGestures(
    ids: readonly ImageId[],
    send: (gestureId: string, some: ImageId[]) => Promise<ChangeResult>,
    words: string,
  ): Promise<boolean> {
    const gestures: string[] = [];
    const undo = { what: words, run: () => this.#takeBackGestures(gestures.toReversed()) };
    return this.#do(async () => {
      try {
        for (let at = 0; at < ids.length; at += GESTURE_IMAGES) {
          const gestureId = crypto.randomUUID();
          const result = await send(gestureId, ids.slice(at, at + GESTURE_IMAGES));
          if (result.outcome === 'done') gestures.push(gestureId);
        }
      } catch (error) {
        if (gestures.length > 0) this.#undos = [...this.#undos, undo];
        throw error;
      }
      return gestures.length === 0 ? null : undo;
    });
  }

  /** The newest first. */
  async #takeBackGestures(gestures: readonly string[]): Promise<void> {
    const { projectId } = this.#where;
    for (const target of gestures) {
      const request = { projectId, gestureId: crypto.randomUUID(), target };
      const { outcome } = await this.#api.call('annotation.undo', request);
      if (outcome !== 'done') throw new Error('Labels were changed since; undo those changes first.');
    }
  }

  async #takeBack(undo: Undo): Promise<void> {
    if (!this.#undos.includes(undo)) return;
    this.#undos = this.#undos.filter((other) => other !== undo);
    if (undo.message !== undefined) this.#toasts.dismiss(undo.message);
    try {
      await undo.run();
      this.#toasts.say(`Taken back: ${undo.what}`);
    } catch (error) {
      this.#toasts.error(error);
    }
  }
}
