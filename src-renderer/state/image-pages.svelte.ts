/**
 * The images of one data set under one filter (or another long list), read page by page as they come into sight, with
 * the oldest pages forgotten. Keeps at most two requests under way, one where only what is around is missing, and forgets
 * wishes that scrolling has overtaken.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { ImageSummary } from '../../src-main/contract/model/dataset.ts';

export interface ImagePage<T = ImageSummary> {
  /** Images that pass the filter, in all. */
  total: number;
  items: readonly T[];
}
export type LoadPage<T = ImageSummary> = (offset: number, limit: number) => Promise<ImagePage<T>>;

const pageSize = 200;
const keptPages = 60;
const requestsAtOnce = 2;

export class ImagePages<T = ImageSummary> {
  readonly #load: LoadPage<T>;
  readonly #pages = new SvelteMap<number, readonly T[]>();
  /** Page numbers, those wanted last at the end. */
  #recency: number[] = [];
  /** Those in sight that are to be read, and those around them. */
  #wanted: number[] = [];
  #around: number[] = [];
  readonly #underWay = new Set<number>();
  /** Pages of the list as it was; shown until they are read again. */
  readonly #stale = new Set<number>();
  #lastWish: [first: number, last: number, ahead: number] = [0, 0, 0];
  /** Answers from before the list changed are dropped. */
  #reading = 0;
  /** Null until the first answer. */
  total = $state<number | null>(null);
  error = $state.raw<unknown>(null);

  constructor(load: LoadPage<T>) {
    this.#load = load;
  }

  /** The image at a place in the filtered list; undefined while it is not read. Reactive. */
  at(index: number): T | undefined {
    return this.#pages.get(Math.floor(index / pageSize))?.[index % pageSize];
  }

  /** Asks for a range of places, both inclusive, and then for `ahead` more on both sides. The latest call is the only one that counts. */
  want(first: number, last: number, ahead = 0): void {
    this.#lastWish = [first, last, ahead];
    const inSight = this.#pagesOf(first, last);
    const around = this.#pagesOf(first - ahead, last + ahead).filter((page) => !inSight.includes(page));
    // Those in sight are forgotten last.
    const range = [...around, ...inSight];
    this.#recency = [...this.#recency.filter((page) => !range.includes(page)), ...range];
    const isMissing = (page: number): boolean => !this.#pages.has(page) || this.#stale.has(page);
    this.#wanted = inSight.filter(isMissing);
    this.#around = around.filter(isMissing);
    this.#pump();
  }

  #pagesOf(first: number, last: number): number[] {
    const end = this.total === null ? 0 : Math.floor(Math.max(0, this.total - 1) / pageSize);
    const from = Math.min(end, Math.floor(Math.max(0, first) / pageSize));
    const to = Math.min(end, Math.floor(Math.max(0, last) / pageSize));
    return Array.from({ length: to - from + 1 }, (_, step) => from + step);
  }

  /** The list changed: reads what is in sight again, and the rest when it comes into sight. */
  refresh(): void {
    this.#reading++;
    for (const page of this.#pages.keys()) this.#stale.add(page);
    this.error = null;
    this.want(...this.#lastWish);
  }

  /** After an error: tries the pages that are still wanted again. */
  retry(): void {
    this.error = null;
    this.#pump();
  }

  #pump(): void {
    if (this.error !== null) return;
    for (const page of this.#wanted) {
      if (this.#underWay.size >= requestsAtOnce) return;
      if (!this.#underWay.has(page)) void this.#read(page);
    }
    // What is around shall not keep back the pictures of what is in sight.
    const [next] = this.#around;
    if (next !== undefined && this.#underWay.size === 0) void this.#read(next);
  }

  async #read(page: number): Promise<void> {
    this.#underWay.add(page);
    const reading = this.#reading;
    try {
      const { total, items } = await this.#load(page * pageSize, pageSize);
      if (reading !== this.#reading) return;
      this.#pages.set(page, items);
      this.#stale.delete(page);
      this.total = total;
      this.#wanted = this.#wanted.filter((other) => other !== page);
      this.#around = this.#around.filter((other) => other !== page);
      this.#forget();
    } catch (error) {
      if (reading === this.#reading) this.error = error;
    } finally {
      this.#underWay.delete(page);
      this.#pump();
    }
  }

  #forget(): void {
    const excess = this.#recency.length - keptPages;
    for (const page of this.#recency.splice(0, Math.max(0, excess))) this.#pages.delete(page);
  }
}
