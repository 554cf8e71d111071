import { expect, test } from 'vitest';
import {
  cellAt,
  layoutGrid,
  moveIndex,
  scrollToRow,
  visibleRows,
  wholePixelSize,
} from '../../../src-renderer/features/datasets/grid-layout.ts';

const options = { widthPx: 978, thumbnailPx: 96, captionPx: 20, count: 60_000, imagePx: 32 };

test('tiny images are shown at a whole multiple of their size, rows are full', () => {
  const layout = layoutGrid(options);
  expect(layout).toEqual({ columns: 10, rows: 6000, columnPx: 98, rowPx: 118, picturePx: 96, heightPx: 708_000 });
});

test('a size between two multiples takes the smaller one; from five times on it is free', () => {
  expect(layoutGrid({ ...options, thumbnailPx: 110 }).picturePx).toBe(96);
  expect(layoutGrid({ ...options, widthPx: 800, thumbnailPx: 170 })).toMatchObject({ columns: 4, picturePx: 198 });
  expect(layoutGrid({ ...options, imagePx: null, thumbnailPx: 110 })).toMatchObject({ columns: 8, picturePx: 120 });
});

test('the narrowest grid has one column, an empty one no row', () => {
  expect(layoutGrid({ ...options, widthPx: 10 })).toMatchObject({ columns: 1, rows: 60_000 });
  const empty = layoutGrid({ ...options, count: 0 });
  expect(empty).toMatchObject({ rows: 0, heightPx: 0 });
  expect(visibleRows(empty, 0, 500, 2)).toEqual({ first: 0, last: -1 });
});

test('the rows in sight, with some beyond, never past the ends', () => {
  const layout = layoutGrid(options);
  expect(visibleRows(layout, 0, 600, 0)).toEqual({ first: 0, last: 5 });
  expect(visibleRows(layout, 1210, 600, 2)).toEqual({ first: 8, last: 17 });
  expect(visibleRows(layout, 707_400, 600, 2)).toEqual({ first: 5992, last: 5999 });
});

test('keys lead through the grid and stop at its edges', () => {
  const move = (key: string, index: number | null) => moveIndex(key, index, { count: 25, columns: 10, pageRows: 2 });
  expect(move('ArrowRight', 3)).toBe(4);
  expect(move('ArrowLeft', 10)).toBe(9);
  expect(move('ArrowLeft', 0)).toBe(0);
  expect(move('ArrowDown', 3)).toBe(13);
  expect(move('ArrowDown', 17)).toBe(24);
  expect(move('ArrowUp', 13)).toBe(3);
  expect(move('ArrowUp', 3)).toBe(3);
  expect(move('PageUp', 24)).toBe(4);
  expect(move('Home', 20)).toBe(0);
  expect(move('End', 2)).toBe(24);
  expect(move('ArrowDown', null)).toBe(0);
  expect(move('End', null)).toBe(24);
  expect(move('x', 3)).toBeNull();
  expect(moveIndex('ArrowDown', null, { count: 0, columns: 10, pageRows: 2 })).toBeNull();
});

test('the pointer finds the cell, but nothing in the gaps and beyond the last image', () => {
  const layout = layoutGrid({ ...options, count: 25 });
  expect(cellAt(layout, 25, 0, 0)).toBe(0);
  expect(cellAt(layout, 25, 95, 117)).toBe(0);
  expect(cellAt(layout, 25, 97, 10)).toBeNull();
  expect(cellAt(layout, 25, 410, 250)).toBe(24);
  expect(cellAt(layout, 25, 510, 250)).toBeNull();
  expect(cellAt(layout, 25, 1010, 10)).toBeNull();
  expect(cellAt(layout, 25, -1, 10)).toBeNull();
});

test('scrolling to a row moves as little as it can', () => {
  const layout = layoutGrid(options);
  expect(scrollToRow(layout, 3, 0, 600)).toBe(0);
  expect(scrollToRow(layout, 5, 0, 600)).toBe(108);
  expect(scrollToRow(layout, 1, 600, 600)).toBe(118);
});

test('the montage gives up a little room for even pixels, never much', () => {
  expect(wholePixelSize(66, 32)).toBe(64);
  expect(wholePixelSize(90, 32)).toBe(90);
  expect(wholePixelSize(90, null)).toBe(90);
});
