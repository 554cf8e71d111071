/** What is in the project's trash, and what each thing takes on the disk, which is looked up one by one. */
import { trashKeyOf, type TrashItem, type TrashKey } from '../../src-main/contract/model/library.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import type { Api } from '../api/client.svelte.ts';
import { LatestAnswer } from './latest-answer.ts';

/** The same for a thing however often the list is read. */
export function trashKeyText(item: TrashItem): string {
  return JSON.stringify(trashKeyOf(item));
}

export class TrashList {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly #answers = new LatestAnswer();
  /** Newest first; null until the first answer. */
  items = $state.raw<readonly TrashItem[] | null>(null);
  /** Of the latest thing that failed. */
  error = $state.raw<unknown>(null);
  /** Something is being brought back or deleted. */
  busy = $state(false);
  #sizes = $state.raw<ReadonlyMap<string, number>>(new Map());

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Bytes; null while it is not known. */
  sizeOf(item: TrashItem): number | null {
    return this.#sizes.get(trashKeyText(item)) ?? null;
  }

  async read(): Promise<void> {
    await this.#answers.to(
      this.#api.call('trash.list', { projectId: this.#projectId }),
      (items) => (this.items = items),
      (error) => (this.error = error),
    );
    for (const item of this.items ?? []) await this.#measure(item);
  }

  async #measure(item: TrashItem): Promise<void> {
    const text = trashKeyText(item);
    if (this.#sizes.has(text)) return;
    try {
      const request = { projectId: this.#projectId, item: trashKeyOf(item) };
      const { sizeBytes } = await this.#api.call('trash.size', request);
      this.#sizes = new Map(this.#sizes).set(text, sizeBytes);
    } catch {
      // It has left the trash meanwhile.
    }
  }

  /** Whether it was brought back; what failed is in `error`. */
  restore(item: TrashItem): Promise<boolean> {
    return this.#change(async () => {
      await this.#api.call('trash.restore', { projectId: this.#projectId, item: trashKeyOf(item) });
    });
  }

  /** For good: one thing, or everything. Throws what the call throws. */
  async empty(item: TrashKey | null): Promise<void> {
    this.busy = true;
    try {
      await this.#api.call('trash.empty', { projectId: this.#projectId, item });
    } finally {
      this.busy = false;
      void this.read();
    }
  }

  async #change(change: () => Promise<void>): Promise<boolean> {
    this.busy = true;
    this.error = null;
    try {
      await change();
      return true;
    } catch (error) {
      this.error = error;
      return false;
    } finally {
      this.busy = false;
      void this.read();
    }
  }
}
