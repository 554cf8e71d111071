/**
 * An image that is too large to be decoded as a whole: in small at once, and the tiles of what is in sight as they come.
 * Owns its bitmaps: whoever opened it closes it.
 */
import { levelSize, tileLevels, tilePx } from '../../../src-main/contract/model/tiles.ts';
import { needsSmoothing, onScreen, shownPart, type Size, type Viewport } from '../viewport.ts';
import { decodePicture, type Picture, type PictureSource } from './picture.ts';

const requestsAtOnce = 6;
/** A view of 4K holds about forty; the others are for panning back. */
const keptTiles = 160;

interface Tile {
  level: number;
  column: number;
  row: number;
}

const keyOf = ({ level, column, row }: Tile): string => `${level} ${column} ${row}`;

/** The tiles of a level that a part of the image touches, row by row. `part`: image pixels x1, y1, x2, y2. */
export function tilesOf(size: Size, level: number, part: readonly [number, number, number, number]): Tile[] {
  const { widthPx, heightPx } = levelSize(size, level);
  const step = tilePx * 2 ** level;
  const last = (px: number): number => Math.ceil(px / tilePx) - 1;
  const tiles: Tile[] = [];
  for (let row = Math.max(0, Math.floor(part[1] / step)); row <= last(heightPx) && row * step < part[3]; row++) {
    for (let column = Math.max(0, Math.floor(part[0] / step)); column <= last(widthPx); column++) {
      if (column * step >= part[2]) break;
      tiles.push({ level, column, row });
    }
  }
  return tiles;
}

export class TiledPicture implements Picture {
  readonly size: Size;
  readonly #tileUrl: NonNullable<PictureSource['tiles']>['tileUrl'];
  readonly #decode: (url: string) => Promise<ImageBitmap>;
  readonly #preview: ImageBitmap;
  /** By key; those drawn last at the end. Null where it could not be read. */
  readonly #tiles = new Map<string, ImageBitmap | null>();
  readonly #underWay = new Set<string>();
  #wanted: Tile[] = [];
  #onnews: () => void = () => {};
  #isClosed = false;

  private constructor(
    { size, tileUrl }: NonNullable<PictureSource['tiles']>,
    preview: ImageBitmap,
    decode: (url: string) => Promise<ImageBitmap>,
  ) {
    this.size = size;
    this.#tileUrl = tileUrl;
    this.#preview = preview;
    this.#decode = decode;
  }

  /** Throws where the picture cannot be read. */
  static async open(
    tiles: NonNullable<PictureSource['tiles']>,
    decode: (url: string) => Promise<ImageBitmap> = decodePicture,
  ): Promise<TiledPicture> {
    return new TiledPicture(tiles, await decode(tiles.previewUrl), decode);
  }

  get sizeBytes(): number {
    const bitmaps = [this.#preview, ...this.#tiles.values()];
    return bitmaps.reduce((sum, bitmap) => sum + 4 * (bitmap?.width ?? 0) * (bitmap?.height ?? 0), 0);
  }

  rest(): void {
    this.#wanted = [];
    for (const tile of this.#tiles.values()) tile?.close();
    this.#tiles.clear();
  }

  draw(
    context: CanvasRenderingContext2D,
    { viewport, view, ratio }: { viewport: Viewport; view: Size; ratio: number },
    onnews: () => void,
  ): void {
    const deviceScale = viewport.scale * ratio;
    const { widthPx, heightPx } = this.size;
    const whole = onScreen(viewport, [0, 0, widthPx, heightPx]);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = 'low';
    context.drawImage(this.#preview, whole[0], whole[1], whole[2] - whole[0], whole[3] - whole[1]);
    if (deviceScale * widthPx <= this.#preview.width) return;
    const level = Math.min(tileLevels(this.size) - 1, Math.floor(Math.log2(1 / Math.min(1, deviceScale)) + 1e-6));
    const inSight = tilesOf(this.size, level, shownPart(viewport, view));
    context.imageSmoothingEnabled = needsSmoothing(deviceScale);
    // Neighbours meet at whole pixels of the screen, so that no line shows between them.
    const snap = (px: number): number => Math.round(px * ratio) / ratio;
    const step = tilePx * 2 ** level;
    for (const tile of inSight) {
      const bitmap = this.#tiles.get(keyOf(tile));
      if (!bitmap) continue;
      this.#touch(keyOf(tile), bitmap);
      const [x, y] = [tile.column * step, tile.row * step];
      const place = onScreen(viewport, [x, y, Math.min(x + step, widthPx), Math.min(y + step, heightPx)]);
      const [left, top] = [snap(place[0]), snap(place[1])];
      context.drawImage(bitmap, left, top, snap(place[2]) - left, snap(place[3]) - top);
    }
    this.#onnews = onnews;
    this.#wanted = inSight.filter((tile) => !this.#tiles.has(keyOf(tile)));
    this.#pump();
  }

  readPixels(): Promise<Uint8ClampedArray> {
    const { widthPx, heightPx } = this.size;
    const megapixels = Math.round((widthPx * heightPx) / 1e6);
    return Promise.reject(
      new Error(`This image has ${megapixels} megapixels: too many to look at all of them at once.`),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.rest();
    this.#preview.close();
  }

  #pump(): void {
    for (const tile of this.#wanted) {
      if (this.#underWay.size >= requestsAtOnce) return;
      if (!this.#underWay.has(keyOf(tile)) && !this.#tiles.has(keyOf(tile))) void this.#read(tile);
    }
  }

  async #read(tile: Tile): Promise<void> {
    const key = keyOf(tile);
    this.#underWay.add(key);
    const bitmap = await this.#decode(this.#tileUrl(tile.level, tile.column, tile.row)).catch(() => null);
    this.#underWay.delete(key);
    if (this.#isClosed) return bitmap?.close();
    this.#touch(key, bitmap);
    for (const [oldest, old] of this.#tiles) {
      if (this.#tiles.size <= keptTiles) break;
      old?.close();
      this.#tiles.delete(oldest);
    }
    this.#pump();
    this.#onnews();
  }

  #touch(key: string, bitmap: ImageBitmap | null): void {
    this.#tiles.delete(key);
    this.#tiles.set(key, bitmap);
  }
}
