/** Decoded images: the one in view and its neighbours, so that the next image is there when it is wanted. */
import { ImagePyramid } from './image-pyramid.ts';
import type { Picture, PictureSource } from './picture.ts';
import { TiledPicture } from './tiled-picture.ts';

/** More are kept only of small images: turning back and forth shall not decode again. */
const keptBytes = 100 * 1024 * 1024;

interface Kept {
  opening: Promise<Picture>;
  /** Null while it is being decoded. */
  opened: Picture | null;
}

function openPicture({ url, tiles }: PictureSource): Promise<Picture> {
  return tiles === null ? ImagePyramid.open(url) : TiledPicture.open(tiles);
}

export class ImageCache {
  readonly #open: (source: PictureSource) => Promise<Picture>;
  /** Those wanted last at the end. */
  readonly #kept = new Map<string, Kept>();

  constructor(open: (source: PictureSource) => Promise<Picture> = openPicture) {
    this.#open = open;
  }

  /** The image if it is decoded already. */
  ready({ url }: PictureSource): Picture | null {
    return this.#kept.get(url)?.opened ?? null;
  }

  /** Throws where it cannot be read; the next call tries again. */
  async get(source: PictureSource): Promise<Picture> {
    const { url } = source;
    const known = this.#kept.get(url);
    const kept = known ?? this.#begin(source);
    this.#kept.delete(url);
    this.#kept.set(url, kept);
    try {
      const image = await kept.opening;
      this.#forget();
      return image;
    } catch (error) {
      if (this.#kept.get(url) === kept) this.#kept.delete(url);
      throw error;
    }
  }

  /** Decodes it for later; an error shows when the image is wanted itself. */
  prefetch(source: PictureSource): void {
    if (!this.#kept.has(source.url)) void this.get(source).catch(() => {});
  }

  close(): void {
    for (const { opening } of this.#kept.values())
      opening.then(
        (image) => image.close(),
        () => {},
      );
    this.#kept.clear();
  }

  #begin(source: PictureSource): Kept {
    const kept: Kept = { opening: this.#open(source), opened: null };
    kept.opening.then(
      (image) => (kept.opened = image),
      () => {},
    );
    return kept;
  }

  /** The latest three stay whatever their size. */
  #forget(): void {
    let bytes = 0;
    for (const [place, [url, kept]] of [...this.#kept].toReversed().entries()) {
      bytes += kept.opened?.sizeBytes ?? 0;
      if (place < 3 || bytes <= keptBytes || kept.opened === null) continue;
      kept.opened.close();
      this.#kept.delete(url);
    }
  }
}
