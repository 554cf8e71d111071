/**
 * Small pictures of the images in sight. Tiny images come a hundred at a time as a sheet, others some at a time where they
 * are shown small, else one by one; the latest wish goes first, what scrolling has overtaken is dropped, and the oldest are
 * forgotten.
 */
import type { ImageSummary } from '../../src-main/contract/model/dataset.ts';
import {
  sheetCell,
  sheetCellMaxPx,
  sheetCellPx,
  sheetImagesMax,
} from '../../src-main/contract/model/thumbnail-sheet.ts';
import type { ImageId } from '../../src-main/contract/model/ids.ts';
import type { ImagePages } from './image-pages.svelte.ts';

export interface Thumbnail<P> {
  picture: P;
  /** The part of the picture, in its pixels. */
  x: number;
  y: number;
  widthPx: number;
  heightPx: number;
}

export interface ThumbnailOptions<P> {
  pages: ImagePages;
  /** Longer side of the images where they share one size, else null. */
  imagePx: number | null;
  sheetUrl: (imageIds: readonly ImageId[]) => string;
  thumbnailUrl: (imageId: ImageId) => string;
  load: (url: string) => Promise<P>;
  /** Loads small pictures of a few images together; null where larger ones are wanted. */
  loadSmall: ((imageIds: readonly ImageId[]) => Promise<readonly (P | null)[]>) | null;
  /** Size of a single thumbnail, which may be smaller than its image. */
  sizeOf: (picture: P) => { widthPx: number; heightPx: number };
}

interface Part<P> {
  /** One of all images; null where it could not be loaded. */
  picture: P | null;
  images: readonly ImageSummary[];
}

interface RequestedPart {
  number: number;
  images: readonly ImageSummary[];
}

/** As many as keep the services busy; those that scrolling overtakes are waited for all the same. */
const requestsAtOnce = { sheets: 4, some: 2, singles: 10 };
/** Parts a request: few enough that the first of them do not wait long for the last. */
const partsARequest = { sheets: 1, some: 6, singles: 1 };
/** The first pictures of rows come in short requests, for which places are kept free. */
const leadersARequest = 2;
const requestsForLeaders = 2;
const keptSheets = 80;
/** More where more are wanted at once. */
const keptSingles = 400;

export class Thumbnails<P> {
  readonly #options: ThumbnailOptions<P>;
  readonly #come: keyof typeof requestsAtOnce;
  /** Images a part. */
  readonly #partSize: number;
  /** By number of the part; those wanted last at the end. */
  readonly #parts = new Map<number, Part<P>>();
  readonly #underWay = new Set<number>();
  #requests = 0;
  /** Parts that are to come, in the order in which they are wanted: first pictures of rows, and after them all others. */
  #leaders: number[] = [];
  #wanted: number[] = [];
  /** Where the latest call began, and whether the range moves on (1), back (-1), or neither. */
  #first = 0;
  #direction = 0;
  /** How many parts the latest call asked for, those included that are there. */
  #wantedInAll = 0;
  /** Counts what has arrived; read it to be told of news. */
  arrivals = $state(0);

  constructor(options: ThumbnailOptions<P>) {
    this.#options = options;
    const areTiny = options.imagePx !== null && options.imagePx <= sheetCellMaxPx;
    this.#come = areTiny ? 'sheets' : options.loadSmall === null ? 'singles' : 'some';
    this.#partSize = this.#come === 'sheets' ? sheetImagesMax : 1;
  }

  /** The picture of the image at a place in the list; null while there is none. */
  at(index: number): Thumbnail<P> | null {
    const part = this.#parts.get(Math.floor(index / this.#partSize));
    const place = index % this.#partSize;
    const image = part?.images[place];
    const picture = part?.picture ?? null;
    if (part === undefined || picture === null || image === undefined) return null;
    // Where the list changed, another image is at this place now.
    if (this.#options.pages.at(index)?.imageId !== image.imageId) return null;
    if (this.#come !== 'sheets') return { picture, x: 0, y: 0, ...this.#options.sizeOf(picture) };
    const corner = sheetCell(place, sheetCellPx(part.images));
    return { picture, ...corner, widthPx: image.widthPx, heightPx: image.heightPx };
  }

  /**
   * Asks for a range of places, both inclusive, and after it for `ahead` more on both sides, the nearest first. Where the
   * range is rows of `columns` places, each row gets a picture before any gets its second, those included that scrolling
   * brings next, so that none is empty for long. The latest call is the only one that counts.
   */
  want(first: number, last: number, { ahead = 0, columns = Infinity } = {}): void {
    const movedBy = first - this.#first;
    // Beyond all that was in sight it is a jump, which says nothing about what comes next.
    if (movedBy !== 0) this.#direction = Math.abs(movedBy) > last - first ? 0 : Math.sign(movedBy);
    this.#first = first;
    const leaders = this.#partSize > 1 ? [] : this.#leadersOf(first, last, ahead, columns);
    const leading = new Set(leaders);
    const others = this.#partsAround(first, last, ahead, columns).filter((part) => !leading.has(part));
    // Those that are wanted first are forgotten last.
    this.#wanted = this.#missing(others);
    this.#leaders = this.#missing(leaders);
    this.#wantedInAll = leaders.length + others.length;
    this.#pump();
  }

  /** Of parts in their order, those that are not there. */
  #missing(parts: readonly number[]): number[] {
    const missing: number[] = [];
    for (const part of parts.toReversed()) {
      const known = this.#parts.get(part);
      if (known === undefined || !this.#isCurrent(part, known)) missing.unshift(part);
      else this.#touch(part, known);
    }
    return missing;
  }

  /** The first place of each row, those in sight before those that scrolling brings next. */
  #leadersOf(first: number, last: number, ahead: number, columns: number): number[] {
    const leaders: number[] = [];
    if (columns === Infinity) return leaders;
    const end = Math.min(last, (this.#options.pages.total ?? 0) - 1);
    for (let place = first; place <= end; place += columns) leaders.push(place);
    if (this.#direction < 0) leaders.reverse();
    for (let step = columns; step <= ahead && this.#direction !== 0; step += columns) {
      const place = this.#direction > 0 ? last + 1 - columns + step : first - step;
      if (place >= 0 && place < (this.#options.pages.total ?? 0)) leaders.push(place);
    }
    return leaders;
  }

  #partsAround(first: number, last: number, ahead: number, columns: number): number[] {
    const partOf = (index: number): number => Math.floor(index / this.#partSize);
    const end = partOf(Math.max(0, (this.#options.pages.total ?? 0) - 1));
    const [from, to] = [Math.max(0, partOf(first)), Math.min(end, partOf(last))];
    const [lowest, highest] = [Math.max(0, partOf(first - ahead)), Math.min(end, partOf(last + ahead))];
    const inSight = Array.from({ length: Math.max(0, to - from + 1) }, (_, step) => from + step);
    const columnOf = (part: number): number => (part - from) % columns;
    const parts = this.#partSize > 1 ? inSight : inSight.sort((a, b) => columnOf(a) - columnOf(b) || a - b);
    for (let step = 1; from - step >= lowest || to + step <= highest; step++) {
      if (to + step <= highest) parts.push(to + step);
      if (from - step >= lowest) parts.push(from - step);
    }
    return parts;
  }

  #isCurrent(number: number, { images }: Part<P>): boolean {
    const now = this.#imagesOf(number);
    return (
      now === null || (now.length === images.length && now.every(({ imageId }, i) => imageId === images[i]?.imageId))
    );
  }

  #touch(number: number, part: Part<P>): void {
    this.#parts.delete(number);
    this.#parts.set(number, part);
  }

  #pump(): void {
    const atOnce = requestsAtOnce[this.#come];
    const most = partsARequest[this.#come];
    this.#ask(this.#leaders, Math.min(most, leadersARequest), atOnce + requestsForLeaders);
    this.#ask(this.#wanted, most, atOnce);
  }

  /** In requests of `most` parts, while fewer than `atOnce` are under way. */
  #ask(numbers: readonly number[], most: number, atOnce: number): void {
    let next: RequestedPart[] = [];
    for (const number of numbers) {
      if (this.#requests >= atOnce) return;
      const images = this.#underWay.has(number) ? null : this.#imagesOf(number);
      if (images !== null) next.push({ number, images });
      if (next.length < most) continue;
      void this.#read(next);
      next = [];
    }
    if (next.length > 0 && this.#requests < atOnce) void this.#read(next);
  }

  /** Null while the list itself is not read that far. */
  #imagesOf(part: number): ImageSummary[] | null {
    const { pages } = this.#options;
    const first = part * this.#partSize;
    const count = Math.min(this.#partSize, (pages.total ?? 0) - first);
    const images = Array.from({ length: Math.max(0, count) }, (_, step) => pages.at(first + step));
    return images.length > 0 && images.every((image) => image !== undefined) ? images : null;
  }

  async #read(parts: readonly RequestedPart[]): Promise<void> {
    this.#requests += 1;
    for (const { number } of parts) this.#underWay.add(number);
    const pictures = await this.#load(parts.flatMap(({ images }) => images.map(({ imageId }) => imageId))).catch(
      () => [],
    );
    this.#requests -= 1;
    const numbers = new Set(parts.map(({ number }) => number));
    parts.forEach(({ number, images }, place) => {
      this.#parts.set(number, { picture: pictures[place] ?? null, images });
      this.#underWay.delete(number);
    });
    this.#leaders = this.#leaders.filter((other) => !numbers.has(other));
    this.#wanted = this.#wanted.filter((other) => !numbers.has(other));
    this.#forget();
    this.arrivals += 1;
    this.#pump();
  }

  /** A picture for each part. */
  async #load(ids: readonly ImageId[]): Promise<readonly (P | null)[]> {
    const { load, loadSmall, sheetUrl, thumbnailUrl } = this.#options;
    if (this.#come === 'some' && loadSmall !== null) return loadSmall(ids);
    const [only] = ids;
    return [await load(this.#come === 'sheets' || only === undefined ? sheetUrl(ids) : thumbnailUrl(only))];
  }

  #forget(): void {
    const kept = Math.max(this.#come === 'sheets' ? keptSheets : keptSingles, 2 * this.#wantedInAll);
    for (const part of this.#parts.keys()) {
      if (this.#parts.size <= kept) return;
      this.#parts.delete(part);
    }
  }
}
