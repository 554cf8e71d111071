/**
 * What is in the project's trash: things, deleted labels (the newest lines first, more on demand), and what each thing takes
 * on the disk, which is looked up one by one.
 */
import {
  trashKeyOf,
  type DeletedLabelsItem,
  type TrashItem,
  type TrashKey,
} from '../../src-main/contract/model/library.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import type { Api } from '../api/client.svelte.ts';
import { LatestAnswer } from './latest-answer.ts';

/** Lines of deleted labels that are read at once. */
const LABEL_LINES = 100;
const MOST_LINES = 1000;

export type TrashLine = TrashItem | DeletedLabelsItem;

/** The same for a thing however often the list is read. */
export function trashKeyText(item: TrashLine): string {
  return JSON.stringify(trashKeyOf(item));
}

export function isOfLabels(item: TrashLine): item is DeletedLabelsItem {
  return item.kind === 'labels' || item.kind === 'image-labels';
}

export class TrashList {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly #answers = { things: new LatestAnswer(), labels: new LatestAnswer() };
  #things = $state.raw<readonly TrashItem[] | null>(null);
  #labels = $state.raw<{ total: number; items: readonly DeletedLabelsItem[] } | null>(null);
  /** Of the latest thing that failed. */
  error = $state.raw<unknown>(null);
  /** Something is being brought back or deleted. */
  busy = $state(false);
  #sizes = $state.raw<ReadonlyMap<string, number>>(new Map());

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Newest first; null until the first answer. Labels come later, see `labelsPending`. */
  readonly items: readonly TrashLine[] | null = $derived.by(() => {
    if (this.#things === null) return null;
    const all: TrashLine[] = [...this.#things, ...(this.#labels?.items ?? [])];
    return all.sort((a, b) => (a.trashedAt === b.trashedAt ? 0 : a.trashedAt < b.trashedAt ? 1 : -1));
  });

  /** Deleted labels are still being looked for. */
  get labelsPending(): boolean {
    return this.#labels === null && this.error === null;
  }

  /** Lines of labels that are not in the list. */
  get moreLabels(): number {
    return this.#labels === null ? 0 : this.#labels.total - this.#labels.items.length;
  }

  /** Bytes; null while it is not known, and for what takes none of its own. */
  sizeOf(item: TrashLine): number | null {
    return this.#sizes.get(trashKeyText(item)) ?? null;
  }

  async read(): Promise<void> {
    await this.#readAll();
    for (const item of this.#things ?? []) await this.#measure(item);
  }

  async showMoreLabels(): Promise<void> {
    const before = this.#labels?.items ?? [];
    await this.#readLabels(before.length, LABEL_LINES, before);
  }

  async #readAll(): Promise<void> {
    const { things } = this.#answers;
    await Promise.all([
      things.to(
        this.#api.call('trash.list', { projectId: this.#projectId }),
        (items) => (this.#things = items),
        (error) => (this.error = error),
      ),
      this.#readLabels(0, Math.min(MOST_LINES, Math.max(LABEL_LINES, this.#labels?.items.length ?? 0))),
    ]);
  }

  #readLabels(offset: number, limit: number, before: readonly DeletedLabelsItem[] = []): Promise<void> {
    return this.#answers.labels.to(
      this.#api.call('trash.labels', { projectId: this.#projectId, offset, limit }),
      ({ total, items }) => (this.#labels = { total, items: [...before, ...items] }),
      (error) => (this.error = error),
    );
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

  /**
   * Brings it back; null where it failed, and what failed is in `error`. `left`: what of it stays in the trash, and why. The
   * list is the new one by then.
   */
  async restore(item: TrashLine): Promise<{ left: string | null } | null> {
    this.busy = true;
    this.error = null;
    try {
      return await this.#api.call('trash.restore', { projectId: this.#projectId, item: trashKeyOf(item) });
    } catch (error) {
      this.error = error;
      return null;
    } finally {
      await this.#readAll();
      this.busy = false;
    }
  }

  /** For good: one thing, or everything. Throws what the call throws. */
  async empty(item: TrashKey | null): Promise<void> {
    this.busy = true;
    try {
      await this.#api.call('trash.empty', { projectId: this.#projectId, item });
    } finally {
      await this.#readAll();
      this.busy = false;
    }
  }
}
