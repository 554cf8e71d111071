/** Changes of many images at once. Each can be taken back: by the message that says what was done, or the newest first. */
import type { ReviewState } from '../../src-main/contract/model/annotation.ts';
import type { Split } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, ImageId, ProjectId } from '../../src-main/contract/model/ids.ts';
import type { Api } from '../api/client.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';

/** The most that a call about labels takes. */
const GESTURE_IMAGES = 1000;

interface Undo {
  what: string;
  run: () => Promise<void>;
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
    return this.#do(async () => {
      const { projectId } = this.#where;
      const gestures: string[] = [];
      for (let at = 0; at < imageIds.length; at += GESTURE_IMAGES) {
        const gestureId = crypto.randomUUID();
        const some = imageIds.slice(at, at + GESTURE_IMAGES);
        const result = await this.#api.call('image.setReview', { projectId, gestureId, imageIds: some, review });
        if (result.outcome === 'done') gestures.push(gestureId);
      }
      if (gestures.length === 0) return null;
      return {
        what: words,
        run: async () => {
          for (const target of gestures.toReversed()) {
            const request = { projectId, gestureId: crypto.randomUUID(), target };
            const { outcome } = await this.#api.call('annotation.undo', request);
            if (outcome !== 'done') throw new Error('Labels were changed since; undo those changes first.');
          }
        },
      };
    });
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
        this.#toasts.say('Nothing to change: these images are so already.');
        return true;
      }
      this.#undos = [...this.#undos, undo];
      this.#toasts.done(undo.what, { label: 'Undo', run: () => void this.#takeBack(undo) });
      return true;
    } catch (error) {
      this.#toasts.error(error);
      return false;
    } finally {
      this.busy = false;
    }
  }

  async #takeBack(undo: Undo): Promise<void> {
    if (!this.#undos.includes(undo)) return;
    this.#undos = this.#undos.filter((other) => other !== undo);
    try {
      await undo.run();
      this.#toasts.say(`Taken back: ${undo.what}`);
    } catch (error) {
      this.#toasts.error(error);
    }
  }
}
