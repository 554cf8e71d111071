/**
 * Small pictures of the images in sight. Tiny images come a hundred at a time as a sheet, others one by one; the
 * latest wish goes first, what scrolling has overtaken is dropped, and the oldest are forgotten.
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
  /** Size of a single thumbnail, which may be smaller than its image. */
  sizeOf: (picture: P) => { widthPx: number; heightPx: number };
}

interface Part<P> {
  /** Null where it could not be loaded. */
  picture: P | null;
  images: readonly ImageSummary[];
}

const requestsAtOnce = 4;
const keptSheets = 80;
const keptSingles = 400;

export class Thumbnails<P> {
  readonly #options: ThumbnailOptions<P>;
  readonly #inSheets: boolean;
  /** Images a part. */
  readonly #partSize: number;
  /** By number of the part; those wanted last at the end. */
  readonly #parts = new Map<number, Part<P>>();
  readonly #underWay = new Set<number>();
  #wanted: number[] = [];
  /** Counts what has arrived; read it to be told of news. */
  arrivals = $state(0);

  constructor(options: ThumbnailOptions<P>) {
    this.#options = options;
    this.#inSheets = options.imagePx !== null && options.imagePx <= sheetCellMaxPx;
    this.#partSize = this.#inSheets ? sheetImagesMax : 1;
  }

  /** The picture of the image at a place in the list; null while there is none. */
  at(index: number): Thumbnail<P> | null {
    const part = this.#parts.get(Math.floor(index / this.#partSize));
    const image = part?.images[index % this.#partSize];
    if (part === undefined || part.picture === null || image === undefined) return null;
    // Where the list changed, another image is at this place now.
    if (this.#options.pages.at(index)?.imageId !== image.imageId) return null;
    if (!this.#inSheets) return { picture: part.picture, x: 0, y: 0, ...this.#options.sizeOf(part.picture) };
    const corner = sheetCell(index % this.#partSize, sheetCellPx(part.images));
    return { picture: part.picture, ...corner, widthPx: image.widthPx, heightPx: image.heightPx };
  }

  /** Asks for a range of places, both inclusive. The latest call is the only one that counts. */
  want(first: number, last: number): void {
    const from = Math.floor(first / this.#partSize);
    const to = Math.floor(last / this.#partSize);
    this.#wanted = [];
    for (let part = from; part <= to; part++) {
      const known = this.#parts.get(part);
      if (known === undefined || !this.#isCurrent(part, known)) this.#wanted.push(part);
      else this.#touch(part, known);
    }
    this.#pump();
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
    for (const part of this.#wanted) {
      if (this.#underWay.size >= requestsAtOnce) return;
      const images = this.#underWay.has(part) ? null : this.#imagesOf(part);
      if (images !== null) void this.#read(part, images);
    }
  }

  /** Null while the list itself is not read that far. */
  #imagesOf(part: number): ImageSummary[] | null {
    const { pages } = this.#options;
    const first = part * this.#partSize;
    const count = Math.min(this.#partSize, (pages.total ?? 0) - first);
    const images = Array.from({ length: Math.max(0, count) }, (_, step) => pages.at(first + step));
    return images.length > 0 && images.every((image) => image !== undefined) ? images : null;
  }

  async #read(part: number, images: readonly ImageSummary[]): Promise<void> {
    this.#underWay.add(part);
    const picture = await this.#options.load(this.#urlOf(images)).catch(() => null);
    this.#parts.set(part, { picture, images });
    this.#underWay.delete(part);
    this.#wanted = this.#wanted.filter((other) => other !== part);
    this.#forget();
    this.arrivals += 1;
    this.#pump();
  }

  #urlOf(images: readonly ImageSummary[]): string {
    const ids = images.map((image) => image.imageId);
    const [only] = ids;
    return this.#inSheets || only === undefined ? this.#options.sheetUrl(ids) : this.#options.thumbnailUrl(only);
  }

  #forget(): void {
    const kept = this.#inSheets ? keptSheets : keptSingles;
    for (const part of this.#parts.keys()) {
      if (this.#parts.size <= kept) return;
      this.#parts.delete(part);
    }
  }
}
