/**
 * A mask while it is painted: tiles of 256 × 256 pixels, made where there is something, so that a stroke costs what it
 * covers and not what the image is. Tiles are column-major like run lengths. What a stroke changes is kept as the tiles'
 * bytes before it, so that it can be taken back.
 */
import type { Rle } from '../../../src-main/contract/geometry/rle.ts';
import type { EditorImage } from './types.ts';

export const TILE_PX = 256;

export interface TilePlace {
  readonly tx: number;
  readonly ty: number;
}

/** Tiles as they were; null: there was none. */
type TileDelta = ReadonlyMap<number, Uint8Array | null>;

export class MaskTiles {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly #rows: number;
  readonly #columns: number;
  readonly #tiles = new Map<number, Uint8Array>();
  readonly #dirty = new Set<number>();
  /** While a stroke is painted. */
  #before: Map<number, Uint8Array | null> | null = null;

  constructor({ widthPx, heightPx }: EditorImage) {
    this.widthPx = widthPx;
    this.heightPx = heightPx;
    this.#rows = Math.ceil(heightPx / TILE_PX);
    this.#columns = Math.ceil(widthPx / TILE_PX);
  }

  static fromRle(rle: Rle): MaskTiles {
    const tiles = new MaskTiles(rle);
    let at = 0;
    rle.counts.forEach((count, index) => {
      if (index % 2 === 1) {
        for (let from = at; from < at + count;) {
          const x = Math.floor(from / rle.heightPx);
          const end = Math.min(at + count, (x + 1) * rle.heightPx);
          tiles.fillColumn(x, from - x * rle.heightPx, end - x * rle.heightPx, 1);
          from = end;
        }
      }
      at += count;
    });
    return tiles;
  }

  /** 65,536 bytes, 0 or 1, data[x · 256 + y]; null where the tile is empty. Not to be written to. */
  tile(tx: number, ty: number): Uint8Array | null {
    return this.#tiles.get(tx * this.#rows + ty) ?? null;
  }

  /** Tiles that there are; others are empty. */
  places(): TilePlace[] {
    return [...this.#tiles.keys()].map((key) => this.#placeOf(key));
  }

  /** Tiles that changed since the last call. */
  takeDirty(): TilePlace[] {
    const places = [...this.#dirty].map((key) => this.#placeOf(key));
    this.#dirty.clear();
    return places;
  }

  get(x: number, y: number): 0 | 1 {
    const tile = this.tile(Math.floor(x / TILE_PX), Math.floor(y / TILE_PX));
    return tile?.[(x % TILE_PX) * TILE_PX + (y % TILE_PX)] ? 1 : 0;
  }

  /** Rows [first, end) of a column; what lies outside the image is left out. */
  fillColumn(x: number, first: number, end: number, value: 0 | 1): void {
    if (x < 0 || x >= this.widthPx) return;
    const last = Math.min(end, this.heightPx);
    const tx = Math.floor(x / TILE_PX);
    const column = (x - tx * TILE_PX) * TILE_PX;
    for (let from = Math.max(0, first); from < last;) {
      const ty = Math.floor(from / TILE_PX);
      const top = ty * TILE_PX;
      const to = Math.min(last, top + TILE_PX);
      const tile = this.#writable(tx * this.#rows + ty, value);
      tile?.fill(value, column + from - top, column + to - top);
      from = to;
    }
  }

  /** From here on `bail` can take back what is painted. */
  mark(): void {
    this.#before = new Map();
  }

  /** Ends the marked stretch; returns how many tiles it touched. */
  keep(): number {
    const touched = this.#before?.size ?? 0;
    this.#before = null;
    return touched;
  }

  /** Everything as it was at `mark`. */
  bail(): void {
    const before: TileDelta = this.#before ?? new Map();
    for (const [key, tile] of before) {
      if (tile === null) this.#tiles.delete(key);
      else this.#tiles.set(key, tile);
      this.#dirty.add(key);
    }
    this.#before = null;
  }

  /** As run lengths. Costs what the tiles cover: empty ones are passed over at once. */
  toRle(): { widthPx: number; heightPx: number; counts: number[] } {
    const { widthPx, heightPx } = this;
    const counts: number[] = [];
    /** Where the run that is open began, and what it is of. */
    let [start, value] = [0, 0];
    const turn = (at: number, to: 0 | 1): void => {
      if (to === value) return;
      counts.push(at - start);
      [start, value] = [at, to];
    };
    for (let tx = 0; tx < this.#columns; tx++) {
      const tiles = Array.from({ length: this.#rows }, (_, ty) => this.tile(tx, ty));
      if (tiles.every((tile) => tile === null)) {
        turn(tx * TILE_PX * heightPx, 0);
        continue;
      }
      const lastColumn = Math.min(TILE_PX, widthPx - tx * TILE_PX);
      for (let column = 0; column < lastColumn; column++) {
        const base = (tx * TILE_PX + column) * heightPx;
        for (let ty = 0; ty < this.#rows; ty++) {
          const tile = tiles[ty] ?? null;
          const top = base + ty * TILE_PX;
          if (tile === null) {
            turn(top, 0);
            continue;
          }
          const rows = Math.min(TILE_PX, heightPx - ty * TILE_PX);
          const bytes = tile.subarray(column * TILE_PX, column * TILE_PX + rows);
          let at = 0;
          while (at < rows) {
            const now = bytes[at] === 1 ? 1 : 0;
            turn(top + at, now);
            const next = bytes.indexOf(now === 1 ? 0 : 1, at);
            at = next === -1 ? rows : next;
          }
        }
      }
    }
    counts.push(widthPx * heightPx - start);
    return { widthPx, heightPx, counts };
  }

  #placeOf(key: number): TilePlace {
    return { tx: Math.floor(key / this.#rows), ty: key % this.#rows };
  }

  /** Null where there is nothing to clear. */
  #writable(key: number, value: 0 | 1): Uint8Array | null {
    const known = this.#tiles.get(key);
    if (known === undefined && value === 0) return null;
    this.#dirty.add(key);
    if (this.#before === null || this.#before.has(key)) {
      if (known !== undefined) return known;
    } else {
      this.#before.set(key, known ?? null);
    }
    const tile = known === undefined ? new Uint8Array(TILE_PX * TILE_PX) : known.slice();
    this.#tiles.set(key, tile);
    return tile;
  }
}
