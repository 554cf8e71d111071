/**
 * An image that is too large to be decoded as a whole: in small at once, and the tiles of what is in sight as they come.
 * Owns its bitmaps: whoever opened it closes it.
 */
import { levelSize, tileLevels, tilePx } from '../../../src-main/contract/model/tiles.ts';
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import type { PixelSource } from '../editor/types.ts';
import { needsSmoothing, onScreen, shownPart, type Size } from '../viewport.ts';
import { decodePicture, type Picture, type PictureSource, type PixelsInSight, type Seen } from './picture.ts';

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

  draw(context: CanvasRenderingContext2D, { viewport, view, ratio }: Seen, onnews: () => void): void {
    const deviceScale = viewport.scale * ratio;
    const { widthPx, heightPx } = this.size;
    const whole = onScreen(viewport, [0, 0, widthPx, heightPx]);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = 'low';
    context.drawImage(this.#preview, whole[0], whole[1], whole[2] - whole[0], whole[3] - whole[1]);
    const level = this.#levelFor(deviceScale);
    if (level === null) return;
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

  readPixels(): Promise<PixelsInSight> {
    return Promise.resolve((seen) => this.#readInSight(seen));
  }

  /** As finely as it is shown. */
  #readInSight({ viewport, view, ratio }: Seen): PixelSource | null {
    const level = this.#levelFor(viewport.scale * ratio);
    if (level === null) {
      const { width, height } = this.#preview;
      const whole: BboxXyxy = [0, 0, this.size.widthPx, this.size.heightPx];
      return samples(width, height, whole, (context) => context.drawImage(this.#preview, 0, 0));
    }
    const step = 2 ** level;
    const { widthPx, heightPx } = levelSize(this.size, level);
    const shown = shownPart(viewport, view).map((px) => px / step) as [number, number, number, number];
    const [x1, y1] = [Math.max(0, Math.floor(shown[0])), Math.max(0, Math.floor(shown[1]))];
    const [x2, y2] = [Math.min(widthPx, Math.ceil(shown[2])), Math.min(heightPx, Math.ceil(shown[3]))];
    if (x2 <= x1 || y2 <= y1) return null;
    const part: BboxXyxy = [x1 * step, y1 * step, x2 * step, y2 * step];
    const tiles = tilesOf(this.size, level, part).map((tile) => ({ ...tile, bitmap: this.#tiles.get(keyOf(tile)) }));
    if (tiles.some(({ bitmap }) => !bitmap)) return null;
    return samples(x2 - x1, y2 - y1, part, (context) => {
      for (const { bitmap, column, row } of tiles)
        if (bitmap) context.drawImage(bitmap, column * tilePx - x1, row * tilePx - y1);
    });
  }

  /** Of the tiles that a scale needs; null where the small picture is enough. */
  #levelFor(deviceScale: number): number | null {
    if (deviceScale * this.size.widthPx <= this.#preview.width) return null;
    return Math.min(tileLevels(this.size) - 1, Math.floor(Math.log2(1 / Math.min(1, deviceScale)) + 1e-6));
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

/** `draw`: in samples, from the part's upper left corner. */
function samples(
  widthPx: number,
  heightPx: number,
  part: BboxXyxy,
  draw: (context: OffscreenCanvasRenderingContext2D) => void,
): PixelSource {
  const context = new OffscreenCanvas(widthPx, heightPx).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('internal: no canvas to read pixels with');
  draw(context);
  return { widthPx, heightPx, rgba: context.getImageData(0, 0, widthPx, heightPx).data, part };
}
