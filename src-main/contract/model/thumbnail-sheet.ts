/**
 * Many tiny images in one picture, so that a grid of thousands needs tens of requests, not thousands. Both sides work
 * out the same layout: images in the order of the request, row by row, each at the top left of its square cell.
 */

const sheetColumns = 10;
export const sheetImagesMax = 100;
/** Images with a longer side do not go into sheets. */
export const sheetCellMaxPx = 64;

export interface SheetCell {
  x: number;
  y: number;
}

/** Side of the cells that hold these images. */
export function sheetCellPx(images: readonly { widthPx: number; heightPx: number }[]): number {
  return images.reduce((longest, image) => Math.max(longest, image.widthPx, image.heightPx), 1);
}

/** Top left corner of the n-th image, in pixels of the sheet. */
export function sheetCell(index: number, cellPx: number): SheetCell {
  return { x: (index % sheetColumns) * cellPx, y: Math.floor(index / sheetColumns) * cellPx };
}

export function sheetSize(count: number, cellPx: number): { widthPx: number; heightPx: number } {
  return { widthPx: Math.min(count, sheetColumns) * cellPx, heightPx: Math.ceil(count / sheetColumns) * cellPx };
}
