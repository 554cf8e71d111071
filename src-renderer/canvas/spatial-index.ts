/**
 * Which boxes meet a rectangle, without looking at all of them: a grid of square cells over the image, each with the
 * ids of the boxes that touch it. Boxes that span many cells are kept apart, so that one large mask does not cost
 * thousands of entries. Boxes may lie outside the image.
 */
import type { BboxXyxy } from '../../src-main/contract/geometry/box.ts';
import type { Size } from './viewport.ts';

/** About so many cells along the longer side: 10,000 objects spread over an image come to a few a cell. */
const cellsAlong = 64;
const mostCellsOfABox = 64;

interface CellRange {
  firstColumn: number;
  lastColumn: number;
  firstRow: number;
  lastRow: number;
}

export class SpatialIndex<Id> {
  readonly #cellPx: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #boxes = new Map<Id, BboxXyxy>();
  readonly #cells = new Map<number, Set<Id>>();
  readonly #large = new Set<Id>();

  constructor({ widthPx, heightPx }: Size) {
    this.#cellPx = Math.max(1, Math.max(widthPx, heightPx) / cellsAlong);
    this.#columns = Math.max(1, Math.ceil(widthPx / this.#cellPx));
    this.#rows = Math.max(1, Math.ceil(heightPx / this.#cellPx));
  }

  get size(): number {
    return this.#boxes.size;
  }

  /** Adds the box, or moves it where the id is known. */
  set(id: Id, box: BboxXyxy): void {
    this.delete(id);
    this.#boxes.set(id, box);
    const range = this.#rangeOf(box);
    if (countOf(range) > mostCellsOfABox) {
      this.#large.add(id);
      return;
    }
    this.#eachCell(range, (key) => {
      const cell = this.#cells.get(key);
      if (cell === undefined) this.#cells.set(key, new Set([id]));
      else cell.add(id);
    });
  }

  delete(id: Id): void {
    const box = this.#boxes.get(id);
    if (box === undefined) return;
    this.#boxes.delete(id);
    if (this.#large.delete(id)) return;
    this.#eachCell(this.#rangeOf(box), (key) => {
      const cell = this.#cells.get(key);
      cell?.delete(id);
      if (cell?.size === 0) this.#cells.delete(key);
    });
  }

  /** Ids whose box meets the rectangle, touching edges included; in no order. */
  search(rectangle: BboxXyxy): Id[] {
    const found: Id[] = [];
    this.some(rectangle, (id) => {
      found.push(id);
      return false;
    });
    return found;
  }

  /** Whether `test` holds for an id whose box meets the rectangle; asks no further once it does. */
  some(rectangle: BboxXyxy, test: (id: Id) => boolean): boolean {
    const holds = (id: Id): boolean => {
      const box = this.#boxes.get(id);
      return box !== undefined && meet(box, rectangle) && test(id);
    };
    for (const id of this.#large) if (holds(id)) return true;
    const range = this.#rangeOf(rectangle);
    if (countOf(range) >= this.#cells.size) {
      for (const id of this.#boxes.keys()) if (!this.#large.has(id) && holds(id)) return true;
      return false;
    }
    const seen = new Set<Id>();
    return this.#someCell(range, (key) => {
      for (const id of this.#cells.get(key) ?? []) {
        if (seen.has(id)) continue;
        seen.add(id);
        if (holds(id)) return true;
      }
      return false;
    });
  }

  /** Cells at the border hold what lies outside of the image too. */
  #rangeOf([x1, y1, x2, y2]: BboxXyxy): CellRange {
    const column = (x: number): number => Math.min(this.#columns - 1, Math.max(0, Math.floor(x / this.#cellPx)));
    const row = (y: number): number => Math.min(this.#rows - 1, Math.max(0, Math.floor(y / this.#cellPx)));
    return { firstColumn: column(x1), lastColumn: column(x2), firstRow: row(y1), lastRow: row(y2) };
  }

  #eachCell(range: CellRange, each: (key: number) => void): void {
    this.#someCell(range, (key) => {
      each(key);
      return false;
    });
  }

  #someCell({ firstColumn, lastColumn, firstRow, lastRow }: CellRange, test: (key: number) => boolean): boolean {
    for (let row = firstRow; row <= lastRow; row++) {
      for (let column = firstColumn; column <= lastColumn; column++)
        if (test(row * this.#columns + column)) return true;
    }
    return false;
  }
}

function countOf({ firstColumn, lastColumn, firstRow, lastRow }: CellRange): number {
  return (lastColumn - firstColumn + 1) * (lastRow - firstRow + 1);
}

function meet(a: BboxXyxy, b: BboxXyxy): boolean {
  return a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
}
