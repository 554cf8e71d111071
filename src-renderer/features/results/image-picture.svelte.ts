/** The picture of the image that is asked for last, decoded; null until it is there. */
import { loadPicture } from '../datasets/load-picture.ts';

export class ImagePicture {
  current = $state.raw<HTMLImageElement | null>(null);
  error = $state.raw<unknown>(null);
  #wanted = '';
  readonly sizePx = $derived(
    this.current === null ? null : { widthPx: this.current.naturalWidth, heightPx: this.current.naturalHeight },
  );

  show(url: string | null): void {
    if (url === this.#wanted) return;
    this.#wanted = url ?? '';
    if (url === null) {
      this.current = null;
      return;
    }
    loadPicture(url).then(
      (picture) => {
        if (url !== this.#wanted) return;
        this.current = picture;
        this.error = null;
      },
      (error: unknown) => {
        if (url === this.#wanted) this.error = error;
      },
    );
  }
}
