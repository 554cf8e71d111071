/**
 * A decoded image in halved sizes, so that drawing it small neither flickers nor touches every pixel. Of a large image
 * the full size is decoded only once the view comes near enough to show it: a neighbour that waits to be turned to takes a
 * quarter of the memory. Owns its bitmaps: whoever opened it closes it.
 */
import type { PixelSource } from '../editor/types.ts';
import { needsSmoothing, onScreen, shownPart, type Size } from '../viewport.ts';
import { decodePicture, type Picture, type PixelsInSight, type Seen } from './picture.ts';

/** Smaller levels would save nothing. */
const leastLevelPx = 512;
/** Up to here the full size is kept from the beginning. */
const smallPixels = 4_000_000;

export class ImagePyramid implements Picture {
  readonly size: Size;
  readonly #url: string;
  /** At full size; null while nothing needs it. */
  #full: ImageBitmap | null;
  #loading: Promise<ImageBitmap> | null = null;
  /** Half the size, a quarter … ; empty for small images. */
  readonly #levels: readonly ImageBitmap[];
  #isClosed = false;

  private constructor(url: string, full: ImageBitmap, levels: readonly ImageBitmap[]) {
    this.#url = url;
    this.size = { widthPx: full.width, heightPx: full.height };
    this.#levels = levels;
    this.#full = full;
    this.rest();
  }

  /** Decodes beside the page's own thread. Throws where the picture cannot be read. */
  static async open(url: string): Promise<ImagePyramid> {
    const full = await decodePicture(url);
    const levels: ImageBitmap[] = [];
    for (let level = full; Math.max(level.width, level.height) > 2 * leastLevelPx;) {
      const half = { resizeWidth: Math.ceil(level.width / 2), resizeHeight: Math.ceil(level.height / 2) };
      level = await createImageBitmap(level, { ...half, resizeQuality: 'medium' });
      levels.push(level);
    }
    return new ImagePyramid(url, full, levels);
  }

  /** Memory of its pixels now. */
  get sizeBytes(): number {
    return [this.#full, ...this.#levels].reduce(
      (sum, level) => sum + 4 * (level?.width ?? 0) * (level?.height ?? 0),
      0,
    );
  }

  /** Frees the full size of a large image until it is needed again. */
  rest(): void {
    if (this.#levels.length === 0 || this.size.widthPx * this.size.heightPx <= smallPixels) return;
    this.#full?.close();
    this.#full = null;
  }

  /**
   * Draws the part that is in sight; the context takes CSS pixels of the view. Without smoothing where single pixels are seen. `onnews`:
   * draw again, a sharper picture is there.
   */
  draw(context: CanvasRenderingContext2D, { viewport, view, ratio }: Seen, onnews: () => void): void {
    const deviceScale = viewport.scale * ratio;
    const wanted = Math.floor(Math.log2(1 / Math.min(1, deviceScale)) + 1e-6);
    if (wanted === 0 && this.#full === null) void this.#load().then(onnews, () => {});
    const level = this.#level(wanted);
    if (level === undefined) return;
    const [scaleX, scaleY] = [level.width / this.size.widthPx, level.height / this.size.heightPx];
    const shown = shownPart(viewport, view);
    // Whole pixels of the level, so that no edge moves while the view does.
    const x1 = Math.max(0, Math.floor(shown[0] * scaleX));
    const y1 = Math.max(0, Math.floor(shown[1] * scaleY));
    const x2 = Math.min(level.width, Math.ceil(shown[2] * scaleX));
    const y2 = Math.min(level.height, Math.ceil(shown[3] * scaleY));
    if (x2 <= x1 || y2 <= y1) return;
    const place = onScreen(viewport, [x1 / scaleX, y1 / scaleY, x2 / scaleX, y2 / scaleY]);
    context.imageSmoothingEnabled = level !== this.#full || needsSmoothing(deviceScale);
    context.imageSmoothingQuality = 'low';
    context.drawImage(level, x1, y1, x2 - x1, y2 - y1, place[0], place[1], place[2] - place[0], place[3] - place[1]);
  }

  async readPixels(): Promise<PixelsInSight> {
    const full = this.#full ?? (await this.#load());
    const scratch = new OffscreenCanvas(full.width, full.height);
    const context = scratch.getContext('2d', { willReadFrequently: true });
    if (context === null) throw new Error('internal: no canvas to read pixels with');
    context.drawImage(full, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, scratch.width, scratch.height);
    const pixels: PixelSource = { widthPx: width, heightPx: height, rgba: data, part: [0, 0, width, height] };
    return () => pixels;
  }

  close(): void {
    this.#isClosed = true;
    this.#full?.close();
    for (const level of this.#levels) level.close();
  }

  /** 0 is the full size; the nearest one that is there. */
  #level(wanted: number): ImageBitmap | undefined {
    if (wanted === 0 && this.#full !== null) return this.#full;
    const last = this.#levels.length - 1;
    return this.#levels[Math.min(last, Math.max(0, wanted - 1))] ?? this.#full ?? undefined;
  }

  #load(): Promise<ImageBitmap> {
    this.#loading ??= decodePicture(this.#url)
      .then((full) => {
        if (this.#isClosed) full.close();
        else this.#full = full;
        return full;
      })
      .finally(() => (this.#loading = null));
    return this.#loading;
  }
}
