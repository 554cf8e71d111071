/**
 * Which images of a list are selected, by id, so that thousands that were never read can be and a list that is read anew
 * loses none. Ranges go from an anchor to a place, as in every file manager. Knows no element and no key.
 */
import type { ImageId } from '../../src-main/contract/model/ids.ts';
import { LatestAnswer } from './latest-answer.ts';

/** Ids of the images at places `first` … `first + count - 1`; fewer at the end of the list. */
export type ReadIds = (first: number, count: number) => Promise<readonly ImageId[]>;

export class ImageSelection {
  readonly #readIds: ReadIds;
  ids = $state.raw<ReadonlySet<ImageId>>(new Set());
  readonly count: number = $derived.by(() => this.ids.size);
  /** Where a range begins. */
  #anchor = 0;
  /** What was selected before the range that is being drawn. */
  #base: ReadonlySet<ImageId> = new Set();
  /** Answers that a later wish has overtaken are dropped. */
  readonly #wish = new LatestAnswer();

  constructor(readIds: ReadIds) {
    this.#readIds = readIds;
  }

  has(imageId: ImageId): boolean {
    return this.ids.has(imageId);
  }

  clear(): void {
    this.#wish.drop();
    if (this.ids.size > 0) this.ids = new Set();
  }

  /** The person is at this place without selecting: the next range begins here. */
  anchorAt(place: number): void {
    this.#anchor = place;
    this.#base = this.ids;
  }

  /** Only these. */
  only(imageIds: readonly ImageId[]): void {
    this.#wish.drop();
    this.ids = new Set(imageIds);
  }

  toggle(imageId: ImageId, place: number): void {
    this.#wish.drop();
    const ids = new Set(this.ids);
    if (!ids.delete(imageId)) ids.add(imageId);
    this.ids = ids;
    this.anchorAt(place);
  }

  /** From the anchor to the place, in addition to what was selected before the range or instead of it. */
  async rangeTo(place: number, adding: boolean): Promise<void> {
    const first = Math.min(this.#anchor, place);
    await this.#select(first, Math.abs(this.#anchor - place) + 1, adding ? this.#base : new Set(), () => true);
  }

  /** Those of the places `first` … `last` that lie in a frame which the person draws. */
  async frame(first: number, last: number, holds: (place: number) => boolean, adding: boolean): Promise<void> {
    await this.#select(first, last - first + 1, adding ? this.#base : new Set(), holds);
  }

  async all(total: number): Promise<void> {
    await this.#select(0, total, new Set(), () => true);
  }

  async #select(
    first: number,
    count: number,
    base: ReadonlySet<ImageId>,
    holds: (place: number) => boolean,
  ): Promise<void> {
    await this.#wish.to(
      count > 0 ? this.#readIds(first, count) : Promise.resolve([]),
      (found) => (this.ids = new Set([...base, ...found.filter((_, step) => holds(first + step))])),
    );
  }
}
