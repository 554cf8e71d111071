/**
 * Masks and polygons in cells of several pixels, for pictures in which a pixel cannot be seen. Made from run lengths as they
 * are, without the mask's own pixels; what that takes grows with the runs and the cells, not with the image.
 */
import type { BboxXyxy } from './box.ts';
import { polygonBounds, rasterisePolygon, type PolygonPart, type Ring } from './polygon.ts';
import { decodeRle, encodeRle, rleBounds, type MaskSize, type Rle } from './rle.ts';

/** Squares of `cellPx` image pixels, from x, y on. */
export interface CellGrid {
  x: number;
  y: number;
  cellPx: number;
  columns: number;
  rows: number;
}

export interface Sketch {
  /** Top left corner, image pixels. */
  x: number;
  y: number;
  /** Image pixels that a pixel of the run lengths is wide and high. */
  cellPx: number;
  rle: Rle;
}

/** Cells on the longer side at most. */
export const sketchCells = 256;

/** The grid that begins in the box's corner and covers it, with one cell at least. */
export function gridOver([x1, y1, x2, y2]: BboxXyxy, cellPx: number): CellGrid {
  const cellsOver = (lengthPx: number): number => Math.max(1, Math.ceil(lengthPx / cellPx));
  return { x: x1, y: y1, cellPx, columns: cellsOver(x2 - x1), rows: cellsOver(y2 - y1) };
}

/**
 * Row by row, 1 where the mask covers at least half as many of a cell's pixels as the cell is wide, so that a line one
 * pixel wide is kept and a speck is not. Of a mask that is nothing but specks they are what is kept. The grid is in whole
 * pixels and holds the mask.
 */
export function reduceRle(rle: Rle, grid: CellGrid): Uint8Array {
  const covered = coveredPixels(rle, grid);
  const least = covered.some((count) => 2 * count >= grid.cellPx) ? grid.cellPx / 2 : 1;
  const cells = new Uint8Array(covered.length);
  for (let at = 0; at < cells.length; at++) if (covered[at]! >= least) cells[at] = 1;
  return cells;
}

/** The widest cell whose pixels can be counted in a byte. */
const byteCellPx = 15;

/** How many pixels of the mask are in each cell, row by row. */
function coveredPixels(
  { heightPx, counts }: Rle,
  { x: left, y: top, cellPx, columns, rows }: CellGrid,
): Uint8Array | Uint32Array {
  const covered = new (cellPx <= byteCellPx ? Uint8Array : Uint32Array)(columns * rows);
  // Where the run begins: the column's first pixel in the order of the runs, and the row in it.
  let [x, y] = [0, 0];
  for (let index = 0; index < counts.length; index++) {
    let length = counts[index]!;
    const isMask = index % 2 === 1;
    while (length > 0) {
      const end = Math.min(heightPx, y + length);
      if (isMask) {
        const column = Math.floor((x - left) / cellPx);
        for (let from = y - top, row = Math.floor(from / cellPx); from < end - top; row++) {
          const until = Math.min(end - top, (row + 1) * cellPx);
          covered[row * columns + column]! += until - from;
          from = until;
        }
      }
      length -= end - y;
      y = end;
      if (y < heightPx) continue;
      // Whole columns of one value are one step where nothing is to be counted.
      const skipped = isMask ? 0 : Math.floor(length / heightPx);
      x += 1 + skipped;
      length -= skipped * heightPx;
      y = 0;
    }
  }
  return covered;
}

/** Null for an empty mask. */
export function sketchMask(rle: Rle): Sketch | null {
  const bounds = rleBounds(rle);
  if (bounds === null) return null;
  const [x1, y1, x2, y2] = bounds;
  const grid = gridOver(bounds, Math.ceil(Math.max(x2 - x1, y2 - y1) / sketchCells));
  return sketchOf(reduceRle(rle, grid), grid);
}

/** Cells whose middle lies inside, and those that the outline goes through; null for a polygon without a size. */
export function sketchPolygon(parts: readonly PolygonPart[]): Sketch | null {
  const bounds = polygonBounds(parts);
  if (bounds === null) return null;
  const [x1, y1, x2, y2] = bounds;
  const cellPx = Math.max(x2 - x1, y2 - y1) / sketchCells;
  if (cellPx === 0) return null;
  const grid = gridOver(bounds, cellPx);
  const onGrid = (ring: Ring): number[] => ring.map((value, i) => (value - (i % 2 === 0 ? x1 : y1)) / cellPx);
  const placed = parts.map(({ outer, holes }) => ({ outer: onGrid(outer), holes: holes.map(onGrid) }));
  const cells = decodeRle(rasterisePolygon(placed, sizeOf(grid)));
  for (const { outer, holes } of placed) for (const ring of [outer, ...holes]) markOutline(cells, ring, grid);
  return sketchOf(cells, grid);
}

/** Of a ring in cells. */
function markOutline(cells: Uint8Array, ring: Ring, { columns, rows }: CellGrid): void {
  for (let at = 0; at < ring.length; at += 2) {
    const [xa, ya] = [ring[at]!, ring[at + 1]!];
    const [xb, yb] = at + 2 < ring.length ? [ring[at + 2]!, ring[at + 3]!] : [ring[0]!, ring[1]!];
    const steps = Math.max(1, Math.ceil(2 * Math.max(Math.abs(xb - xa), Math.abs(yb - ya))));
    for (let step = 0; step < steps; step++) {
      const column = Math.min(columns - 1, Math.max(0, Math.floor(xa + ((xb - xa) * step) / steps)));
      const row = Math.min(rows - 1, Math.max(0, Math.floor(ya + ((yb - ya) * step) / steps)));
      cells[row * columns + column] = 1;
    }
  }
}

const sizeOf = ({ columns, rows }: CellGrid): MaskSize => ({ widthPx: columns, heightPx: rows });

function sketchOf(cells: Uint8Array, grid: CellGrid): Sketch {
  return { x: grid.x, y: grid.y, cellPx: grid.cellPx, rle: encodeRle(cells, sizeOf(grid)) };
}
