/** Where the cells of the thumbnail grid lie, and where the keys lead. Pure arithmetic; knows no element. */

export interface GridOptions {
  /** Room inside the scroller. */
  widthPx: number;
  /** The size that the person asked for; cells grow a little so that each row is full. */
  thumbnailPx: number;
  /** Height of the caption below each picture, 0 without. */
  captionPx: number;
  count: number;
  /** Longer side of the images where they share one size, else null. */
  imagePx: number | null;
}

export interface GridLayout {
  columns: number;
  rows: number;
  /** Distance from one cell to the next. */
  columnPx: number;
  rowPx: number;
  /** Side of the square that holds the picture. */
  picturePx: number;
  heightPx: number;
}

const gapPx = 2;
/** Below this magnification an uneven one shows: single pixels of different widths. */
const unevenShowsBelow = 5;
/** Of the size that would fit. */
const worthwhileShare = 0.85;

export function layoutGrid(options: GridOptions): GridLayout {
  const wanted = snapToWholePixels(options.thumbnailPx, options.imagePx);
  const columns = Math.max(1, Math.floor((options.widthPx + gapPx) / (wanted + gapPx)));
  const columnPx = Math.floor((options.widthPx + gapPx) / columns);
  const picturePx = snapToWholePixels(columnPx - gapPx, options.imagePx);
  const rowPx = picturePx + options.captionPx + gapPx;
  const rows = Math.ceil(options.count / columns);
  return { columns, rows, columnPx, rowPx, picturePx, heightPx: rows * rowPx };
}

/** A small whole multiple of a tiny image's size, so that its pixels are all of one size on screen. */
function snapToWholePixels(sizePx: number, imagePx: number | null): number {
  if (imagePx === null || sizePx < imagePx) return sizePx;
  const factor = Math.floor(sizePx / imagePx);
  return factor >= unevenShowsBelow ? sizePx : factor * imagePx;
}

/** Like the snapping of the grid, for a fixed number of pictures: gives up little room for even pixels, never much. */
export function wholePixelSize(sizePx: number, imagePx: number | null): number {
  const snapped = snapToWholePixels(sizePx, imagePx);
  return snapped >= sizePx * worthwhileShare ? snapped : sizePx;
}

/** Rows in sight and `overscan` more on both sides; both inclusive, `last` is -1 for an empty grid. */
export function visibleRows(
  layout: GridLayout,
  scrollTopPx: number,
  viewHeightPx: number,
  overscan: number,
): { first: number; last: number } {
  const first = Math.floor(scrollTopPx / layout.rowPx) - overscan;
  const last = Math.ceil((scrollTopPx + viewHeightPx) / layout.rowPx) - 1 + overscan;
  return { first: Math.max(0, Math.min(first, layout.rows - 1)), last: Math.min(last, layout.rows - 1) };
}

export interface GridMove {
  count: number;
  columns: number;
  /** Rows that a page key jumps over. */
  pageRows: number;
}

/** The index that a key leads to from `index`, or null for a key that does not move. From nothing, any move starts at 0. */
export function moveIndex(key: string, index: number | null, { count, columns, pageRows }: GridMove): number | null {
  if (count === 0) return null;
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -columns * pageRows,
    PageDown: columns * pageRows,
    Home: -Infinity,
    End: Infinity,
  };
  const step = steps[key];
  if (step === undefined) return null;
  if (index === null) return key === 'End' ? count - 1 : 0;
  const target = index + step;
  if (step === -columns && target < 0) return index;
  return Math.min(count - 1, Math.max(0, target));
}

/** The scroll position, nearest to the present one, that shows a whole row. */
export function scrollToRow(layout: GridLayout, row: number, scrollTopPx: number, viewHeightPx: number): number {
  const top = row * layout.rowPx;
  const bottom = top + layout.rowPx;
  if (top < scrollTopPx) return top;
  if (bottom > scrollTopPx + viewHeightPx) return bottom - viewHeightPx;
  return scrollTopPx;
}

/** The cell under a point of the grid (not of the view), or null between and beyond cells. */
export function cellAt(layout: GridLayout, count: number, x: number, y: number): number | null {
  const column = Math.floor(x / layout.columnPx);
  const row = Math.floor(y / layout.rowPx);
  const inside = x >= 0 && y >= 0 && x - column * layout.columnPx < layout.picturePx;
  const index = row * layout.columns + column;
  return inside && column < layout.columns && index < count ? index : null;
}

/** A frame on the grid (not on the view), in CSS pixels. */
export interface GridFrame {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The places between which the cells lie that a frame touches, and which of them it touches; null for none. */
export function cellsInFrame(
  layout: GridLayout,
  count: number,
  { left, top, right, bottom }: GridFrame,
): { first: number; last: number; holds: (place: number) => boolean } | null {
  const { columns, columnPx, rowPx, picturePx } = layout;
  // Gaps and captions are no part of a cell.
  const firstColumn = Math.max(0, Math.ceil((left - picturePx) / columnPx));
  const lastColumn = Math.min(columns - 1, Math.floor(right / columnPx));
  const firstRow = Math.max(0, Math.ceil((top - picturePx) / rowPx));
  const lastRow = Math.min(layout.rows - 1, Math.floor(bottom / rowPx));
  const first = firstRow * columns + firstColumn;
  const last = Math.min(count - 1, lastRow * columns + lastColumn);
  if (firstColumn > lastColumn || firstRow > lastRow || first > last) return null;
  return { first, last, holds: (place) => place % columns >= firstColumn && place % columns <= lastColumn };
}
