/** Decoded images: the one in view and its neighbours, so that the next image is there when it is wanted. */
import { ImagePyramid } from './image-pyramid.ts';

/** More are kept only of small images: turning back and forth shall not decode again. */
const keptBytes = 100 * 1024 * 1024;

interface Kept {
  opening: Promise<ImagePyramid>;
  /** Null while it is being decoded. */
  opened: ImagePyramid | null;
}

export class ImageCache {
  readonly #open: (url: string) => Promise<ImagePyramid>;
  /** Those wanted last at the end. */
  readonly #kept = new Map<string, Kept>();

  constructor(open: (url: string) => Promise<ImagePyramid> = (url) => ImagePyramid.open(url)) {
    this.#open = open;
  }

  /** The image if it is decoded already. */
  ready(url: string): ImagePyramid | null {
    return this.#kept.get(url)?.opened ?? null;
  }

  /** Throws where it cannot be read; the next call tries again. */
  async get(url: string): Promise<ImagePyramid> {
    const known = this.#kept.get(url);
    const kept = known ?? this.#begin(url);
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
  prefetch(url: string): void {
    if (!this.#kept.has(url)) void this.get(url).catch(() => {});
  }

  close(): void {
    for (const { opening } of this.#kept.values())
      opening.then(
        (image) => image.close(),
        () => {},
      );
    this.#kept.clear();
  }

  #begin(url: string): Kept {
    const kept: Kept = { opening: this.#open(url), opened: null };
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
