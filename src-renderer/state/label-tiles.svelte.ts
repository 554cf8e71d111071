/**
 * Labels of a class, read some at a time and again when labels change; and which of them are chosen. An answer to a question
 * that was overtaken by another does not count.
 */
import { SvelteSet } from 'svelte/reactivity';
import type { ImageFilter } from '../../src-main/contract/model/dataset.ts';
import type { AnnotationId, CategoryId, DatasetId, ProjectId } from '../../src-main/contract/model/ids.ts';
import type { LabelCrop } from '../../src-main/contract/model/library.ts';
import type { Api } from '../api/client.svelte.ts';

const pageSize = 200;

export interface LabelTilesScope {
  projectId: ProjectId;
  datasetId: DatasetId;
  filter: ImageFilter;
}

export class LabelTileList {
  readonly #api: Api;
  readonly #scope: LabelTilesScope;
  /** Counts what was asked; only the latest question's answer is taken. */
  #asked = 0;
  #anchor: number | null = null;
  #isRefreshing = false;
  /** Something has changed since the latest refresh began. */
  #isOutdated = false;
  categoryId = $state<CategoryId | null>(null);
  tiles = $state.raw<readonly LabelCrop[]>([]);
  total = $state(0);
  error = $state.raw<unknown>(null);
  readonly chosen = new SvelteSet<AnnotationId>();

  constructor(api: Api, scope: LabelTilesScope, categoryId: CategoryId | null) {
    this.#api = api;
    this.#scope = scope;
    this.categoryId = categoryId;
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    void this.refresh();
    return this.#api.on('annotation.changed', ({ projectId }) => {
      if (projectId === this.#scope.projectId) void this.#refreshOnce();
    });
  }

  /** A change of many labels says so many times: what is being read is read to its end, and then once more. */
  async #refreshOnce(): Promise<void> {
    this.#isOutdated = true;
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    while (this.#isOutdated) {
      this.#isOutdated = false;
      await this.refresh();
    }
    this.#isRefreshing = false;
  }

  show(categoryId: CategoryId): Promise<void> {
    this.categoryId = categoryId;
    this.chosen.clear();
    this.#anchor = null;
    this.tiles = [];
    this.total = 0;
    return this.refresh();
  }

  /** Reads what is there again, as far as it was read. */
  refresh(): Promise<void> {
    return this.#read(0, Math.max(pageSize, this.tiles.length));
  }

  more(): Promise<void> {
    return this.#read(this.tiles.length, this.tiles.length + pageSize);
  }

  async #read(from: number, until: number): Promise<void> {
    const { categoryId } = this;
    if (categoryId === null) return;
    const asked = ++this.#asked;
    let read = this.tiles.slice(0, from);
    try {
      while (read.length < until) {
        const page = { offset: read.length, limit: pageSize };
        const { items, total } = await this.#api.call('label.list', { ...this.#scope, categoryId, ...page });
        if (asked !== this.#asked) return;
        read = [...read, ...items];
        this.total = total;
        if (items.length < pageSize) break;
      }
      this.#take(read);
    } catch (reason) {
      if (asked === this.#asked) this.error = reason;
    }
  }

  /** A label that is listed twice, because the list moved between two pages, is shown once; one that is gone is not chosen. */
  #take(read: readonly LabelCrop[]): void {
    this.error = null;
    const byId = new Map(read.map((tile) => [tile.annotationId, tile]));
    this.tiles = [...byId.values()];
    for (const annotationId of this.chosen) if (!byId.has(annotationId)) this.chosen.delete(annotationId);
  }

  /** `extend`: all from the one that was chosen last. */
  choose(index: number, extend: boolean): void {
    const tile = this.tiles[index];
    if (tile === undefined) return;
    if (extend && this.#anchor !== null) {
      const [first, last] = [Math.min(this.#anchor, index), Math.max(this.#anchor, index)];
      for (const { annotationId } of this.tiles.slice(first, last + 1)) this.chosen.add(annotationId);
      return;
    }
    if (!this.chosen.delete(tile.annotationId)) this.chosen.add(tile.annotationId);
    this.#anchor = index;
  }

  chooseAll(): void {
    for (const { annotationId } of this.tiles) this.chosen.add(annotationId);
  }
}
