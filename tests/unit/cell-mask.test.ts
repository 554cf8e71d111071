/** Masks in cells: as bytes and back, their area, and what two have in common, against plain counting on the whole grid. */
import { expect, test } from 'vitest';
import {
  cellCount,
  cellMaskArea,
  cellMaskRle,
  commonCells,
  decodeCellMask,
  encodeCellMask,
  type CellMask,
} from '../../src-main/contract/geometry/cell-mask.ts';
import { decodeRle } from '../../src-main/contract/geometry/rle.ts';
import { headComparisons } from '../../src-main/engine/metrics/head-comparisons.ts';
import { seededRandom } from '../helpers/generated-data.ts';

const side = 20;

function drawn(random: () => number): { mask: CellMask; grid: number[] } {
  const upTo = (most: number): number => Math.floor(random() * most);
  const [column, row] = [upTo(side), upTo(side)];
  const [columns, rows] = [upTo(side - column + 1), upTo(side - row + 1)];
  const cells = Uint8Array.from({ length: columns * rows }, () => upTo(2));
  const grid = new Array<number>(side * side).fill(0);
  cells.forEach((cell, i) => (grid[(row + Math.floor(i / columns)) * side + column + (i % columns)] = cell));
  return {
    mask: {
      bboxXyxy: [8 * column, 4 * row, 8 * (column + columns), 4 * (row + rows)],
      column,
      row,
      columns,
      rows,
      cells,
    },
    grid,
  };
}

test('come back from their bytes, and are counted as the whole grid is', () => {
  const random = seededRandom(5);
  for (let round = 0; round < 200; round++) {
    const [a, b] = [drawn(random), drawn(random)];
    expect(decodeCellMask(encodeCellMask(a.mask))).toEqual(a.mask);
    const count = a.grid.reduce((sum, cell) => sum + cell, 0);
    expect(cellCount(a.mask)).toBe(count);
    expect(cellMaskArea(a.mask)).toBeCloseTo(32 * count, 6);
    expect(commonCells(a.mask, b.mask)).toBe(a.grid.filter((cell, i) => cell === 1 && b.grid[i] === 1).length);
  }
});

test('become the pixels of an image whose middles they cover', () => {
  const random = seededRandom(6);
  const size = { widthPx: 90, heightPx: 61 };
  for (let round = 0; round < 30; round++) {
    const { mask } = drawn(random);
    const [x1, y1] = [100 * random() - 20, 80 * random() - 20];
    const [x2, y2] = [x1 + 50 * random(), y1 + 50 * random()];
    const expected = Array.from({ length: size.widthPx * size.heightPx }, (_, i) => {
      const [x, y] = [(i % size.widthPx) + 0.5, Math.floor(i / size.widthPx) + 0.5];
      const column = Math.floor(((x - x1) / (x2 - x1)) * mask.columns);
      const row = Math.floor(((y - y1) / (y2 - y1)) * mask.rows);
      const isIn = column >= 0 && row >= 0 && column < mask.columns && row < mask.rows;
      return isIn ? mask.cells[row * mask.columns + column]! : 0;
    });
    expect([...decodeRle(cellMaskRle({ ...mask, bboxXyxy: [x1, y1, x2, y2] }, size))]).toEqual(expected);
  }
});

test('are compared by IoU, and in a crowd by their share of the detection', () => {
  const of = (column: number, columns: number): Uint8Array =>
    encodeCellMask({
      ...{ bboxXyxy: [column, 0, column + columns, 2], column, row: 0, columns, rows: 2 },
      cells: new Uint8Array(2 * columns).fill(1),
    });
  const table = (count: number) => ({
    image: new Int32Array(count),
    category: new Int32Array(count),
    bboxXywh: new Float64Array(4 * count),
    area: new Float64Array(count),
    score: new Float64Array(count),
    iscrowd: Uint8Array.from({ length: count }, (_, i) => i),
  });
  const rows = { groundTruths: [of(0, 4), of(0, 4)], detections: [of(2, 4), of(9, 3)] };
  const { similarity, detectionArea } = headComparisons.masks(table(2), table(2), rows);
  expect([similarity(0, 0), similarity(0, 1), similarity(1, 0)]).toEqual([4 / 12, 4 / 8, 0]);
  expect(detectionArea(1)).toBe(6);
});
