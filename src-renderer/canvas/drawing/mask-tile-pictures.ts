/**
 * A mask that is being painted, as pictures of its tiles: a stroke makes only those anew that it touched. At rest masks
 * are drawn by mask-picture.ts.
 */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import { TILE_PX, type MaskTiles } from '../editor/mask-tiles.ts';
import { onScreen, shownPart, type Size, type Viewport } from '../viewport.ts';

interface TilePicture {
  tx: number;
  ty: number;
  canvas: OffscreenCanvas;
}

export class MaskTilePictures {
  readonly #tiles: MaskTiles;
  readonly #pixel: number;
  readonly #pictures = new Map<string, TilePicture>();
  /** Used again for each tile: a stroke paints hundreds of them, which would all wait for the garbage collector. */
  readonly #scratch = new ImageData(TILE_PX, TILE_PX);

  /** `rgb`: 0 to 255 each. */
  constructor(tiles: MaskTiles, rgb: readonly [number, number, number]) {
    this.#tiles = tiles;
    // RGBA in memory, read as one little-endian number.
    this.#pixel = (255 << 24) | (rgb[2] << 16) | (rgb[1] << 8) | rgb[0];
    for (const { tx, ty } of tiles.places()) this.#paint(tx, ty);
  }

  isOf(tiles: MaskTiles): boolean {
    return this.#tiles === tiles;
  }

  /** Frees its memory at once; the garbage collector would be late. */
  close(): void {
    for (const key of [...this.#pictures.keys()]) this.#drop(key);
  }

  /** The context takes CSS pixels of the view; `ratio`: device pixels a CSS pixel. */
  draw(context: CanvasRenderingContext2D, viewport: Viewport, view: Size, ratio: number, opacity: number): void {
    for (const { tx, ty } of this.#tiles.takeDirty()) this.#paint(tx, ty);
    const shown = shownPart(viewport, view);
    context.save();
    context.globalAlpha = opacity;
    context.imageSmoothingEnabled = false;
    for (const { tx, ty, canvas } of this.#pictures.values()) {
      const box: BboxXyxy = [tx * TILE_PX, ty * TILE_PX, (tx + 1) * TILE_PX, (ty + 1) * TILE_PX];
      if (box[2] < shown[0] || box[0] > shown[2] || box[3] < shown[1] || box[1] > shown[3]) continue;
      // On whole device pixels, so that no seam shows between tiles.
      const [x1, y1, x2, y2] = onScreen(viewport, box).map((value) => Math.round(value * ratio) / ratio) as [
        number,
        number,
        number,
        number,
      ];
      context.drawImage(canvas, x1, y1, x2 - x1, y2 - y1);
    }
    context.restore();
  }

  #drop(key: string): void {
    const picture = this.#pictures.get(key);
    if (picture !== undefined) picture.canvas.width = 0;
    this.#pictures.delete(key);
  }

  #paint(tx: number, ty: number): void {
    const key = `${tx} ${ty}`;
    const tile = this.#tiles.tile(tx, ty);
    if (tile === null) {
      this.#drop(key);
      return;
    }
    const canvas = this.#pictures.get(key)?.canvas ?? new OffscreenCanvas(TILE_PX, TILE_PX);
    const context = canvas.getContext('2d');
    if (context === null) return;
    const pixels = new Uint32Array(this.#scratch.data.buffer);
    // The tile's columns are the picture's rows.
    for (let x = 0, at = 0; x < TILE_PX; x++) {
      for (let y = 0; y < TILE_PX; y++, at++) pixels[y * TILE_PX + x] = tile[at] === 1 ? this.#pixel : 0;
    }
    context.putImageData(this.#scratch, 0, 0);
    this.#pictures.set(key, { tx, ty, canvas });
  }
}
