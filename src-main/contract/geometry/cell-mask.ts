/**
 * An object's mask as a detector says it: a grid of cells of a few pixels each, cut to the object's window, a bit a cell. As
 * bytes, little-endian: float32 x1, y1, x2, y2 of the window in px of the upright image; uint16 column and row of its first cell
 * in the image's grid, its columns and its rows; its cells row by row, eight to a byte, the first in the lowest bit.
 */
import { invariant } from '../errors.ts';
import type { BboxXyxy } from './box.ts';
import { rleFromColumns, type MaskSize, type Rle } from './rle.ts';

export interface CellMask {
  /** What the window covers of the image. */
  bboxXyxy: BboxXyxy;
  column: number;
  row: number;
  columns: number;
  rows: number;
  /** 1 where the object is, row by row. */
  cells: Uint8Array;
}

const headBytes = 24;

export function encodeCellMask({ bboxXyxy, column, row, columns, rows, cells }: CellMask): Uint8Array {
  const bytes = new Uint8Array(headBytes + Math.ceil(cells.length / 8));
  const view = new DataView(bytes.buffer);
  bboxXyxy.forEach((side, i) => view.setFloat32(4 * i, side, true));
  [column, row, columns, rows].forEach((value, i) => view.setUint16(16 + 2 * i, value, true));
  cells.forEach((cell, i) => (bytes[headBytes + (i >> 3)]! |= cell << (i & 7)));
  return bytes;
}

export function decodeCellMask(bytes: Uint8Array): CellMask {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const side = (i: number): number => view.getFloat32(4 * i, true);
  const [column, row, columns, rows] = [0, 1, 2, 3].map((i) => view.getUint16(16 + 2 * i, true)) as [
    number,
    number,
    number,
    number,
  ];
  invariant(bytes.length === headBytes + Math.ceil((columns * rows) / 8), 'a mask of another length than it says');
  const cells = Uint8Array.from({ length: columns * rows }, (_, i) => (bytes[headBytes + (i >> 3)]! >> (i & 7)) & 1);
  return { bboxXyxy: [side(0), side(1), side(2), side(3)], column, row, columns, rows, cells };
}

export const cellCount = ({ cells }: Pick<CellMask, 'cells'>): number => cells.reduce((sum, cell) => sum + cell, 0);

/** px² of the image. */
export function cellMaskArea(mask: CellMask): number {
  const [x1, y1, x2, y2] = mask.bboxXyxy;
  const all = mask.columns * mask.rows;
  return all === 0 ? 0 : (cellCount(mask) * (x2 - x1) * (y2 - y1)) / all;
}

/** In pixels of an image of this size: those whose middle lies in a cell of the mask. */
export function cellMaskRle({ bboxXyxy, columns, rows, cells }: CellMask, size: MaskSize): Rle {
  const [x1, y1, x2, y2] = bboxXyxy;
  const [width, height] = [(x2 - x1) / columns, (y2 - y1) / rows];
  const firstBehind = (y: number): number => Math.min(size.heightPx, Math.max(0, Math.ceil(y - 0.5)));
  return rleFromColumns(size, (x) => {
    const column = Math.floor((x + 0.5 - x1) / width);
    if (!(column >= 0 && column < columns)) return [];
    return Array.from({ length: rows }, (_, row) => row)
      .filter((row) => cells[row * columns + column] === 1)
      .map((row) => [firstBehind(y1 + row * height), firstBehind(y1 + (row + 1) * height)] as const)
      .filter(([first, end]) => end > first);
  });
}

/** Cells that both have; the masks are of one grid. */
export function commonCells(a: CellMask, b: CellMask): number {
  const [left, right] = [Math.max(a.column, b.column), Math.min(a.column + a.columns, b.column + b.columns)];
  const [top, bottom] = [Math.max(a.row, b.row), Math.min(a.row + a.rows, b.row + b.rows)];
  let common = 0;
  for (let y = top; y < bottom; y++) {
    const [ofA, ofB] = [(y - a.row) * a.columns - a.column, (y - b.row) * b.columns - b.column];
    for (let x = left; x < right; x++) common += a.cells[ofA + x]! & b.cells[ofB + x]!;
  }
  return common;
}
