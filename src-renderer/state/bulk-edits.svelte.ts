/** Changes of many images at once. Each can be taken back: by the message that says what was done, or the newest first. */
import type { ReviewState } from '../../src-main/contract/model/annotation.ts';
import type { ChangeResult } from '../../src-main/contract/model/annotation-edit.ts';
import type { Split } from '../../src-main/contract/model/dataset.ts';
import type { AnnotationId, CategoryId, DatasetId, ImageId, ProjectId } from '../../src-main/contract/model/ids.ts';
import type { Api } from '../api/client.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';

/** The most that a call about labels takes. */
const GESTURE_IMAGES = 1000;
/** Few enough that windows are answered in between. */
const GESTURE_LABELS = 100;

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
  /** Of a change of many; null where none is being made. */
  progress = $state.raw<{ done: number; total: number } | null>(null);
  #isStopped = false;

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
      GESTURE_IMAGES,
      (gestureId, some) => this.#api.call('image.setReview', { projectId, gestureId, imageIds: some, review }),
      () => words,
    );
  }

  /** Another class for labels; null: they go. `changed` is told which, some at a time; `words`: of so many that were. */
  relabel(
    annotationIds: readonly AnnotationId[],
    categoryId: CategoryId | null,
    words: (count: number) => string,
    changed: (annotationIds: readonly AnnotationId[]) => void,
  ): Promise<boolean> {
    const { projectId } = this.#where;
    const send = async (gestureId: string, some: AnnotationId[]): Promise<ChangeResult> => {
      const request = { projectId, gestureId, annotationIds: some, categoryId };
      const result = await this.#api.call('annotation.relabel', request);
      changed(some);
      return result;
    };
    return this.#inGestures(annotationIds, GESTURE_LABELS, send, words);
  }

  /** No more of the change of labels that is being made; what is done stays, and can be undone. */
  stop(): void {
    this.#isStopped = true;
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
  #inGestures<Id>(
    ids: readonly Id[],
    atOnce: number,
    send: (gestureId: string, some: Id[]) => Promise<ChangeResult>,
    words: (count: number) => string,
  ): Promise<boolean> {
    const { projectId } = this.#where;
    const gestures: string[] = [];
    const run = async (): Promise<void> => {
      for (const target of gestures.toReversed()) {
        const request = { projectId, gestureId: crypto.randomUUID(), target };
        const { outcome } = await this.#api.call('annotation.undo', request);
        if (outcome !== 'done') throw new Error('Labels were changed since; undo those changes first.');
      }
    };
    return this.#do(async () => {
      this.#isStopped = false;
      let done = 0;
      try {
        while (done < ids.length && !this.#isStopped) {
          this.progress = { done, total: ids.length };
          const gestureId = crypto.randomUUID();
          const some = ids.slice(done, done + atOnce);
          const result = await send(gestureId, some);
          if (result.outcome === 'done') gestures.push(gestureId);
          done += some.length;
        }
      } catch (error) {
        if (gestures.length > 0) this.#undos = [...this.#undos, { what: words(done), run }];
        throw error;
      } finally {
        this.progress = null;
      }
      if (gestures.length === 0) return null;
      return { what: done < ids.length ? `Stopped. ${words(done)}` : words(done), run };
    });
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
