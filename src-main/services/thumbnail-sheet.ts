/** Draws a sheet: up to 100 tiny images in one PNG, in the layout of the contract. */
import { FoveaError } from '../contract/errors.ts';
import { sheetCell, sheetCellMaxPx, sheetCellPx, sheetSize } from '../contract/model/thumbnail-sheet.ts';
import type { PackRow } from '../store/image-repository.ts';
import { imageCodec } from './image-codec.ts';
import { readPackImages } from './pack-pixels.ts';
import { RgbCanvas } from './rgb-canvas.ts';

/** `folder` is the project's. Throws FoveaError `unsupported` for an image that is too large. */
export async function renderSheet(folder: string, rows: readonly PackRow[]): Promise<Uint8Array> {
  const cellPx = sheetCellPx(rows.map(({ pack }) => pack));
  if (cellPx > sheetCellMaxPx) {
    throw new FoveaError('unsupported', `A sheet holds images of at most ${sheetCellMaxPx} px; one has ${cellPx} px.`, {
      sizePx: cellPx,
    });
  }
  const images = await readPackImages(folder, rows);
  const { widthPx, heightPx } = sheetSize(rows.length, cellPx);
  const canvas = new RgbCanvas(widthPx, heightPx);
  rows.forEach(({ pack }, index) => {
    const { x, y } = sheetCell(index, cellPx);
    canvas.putPlanes(images[index] ?? new Uint8Array(), pack, x, y);
  });
  const sharp = await imageCodec();
  return sharp(canvas.pixels, { raw: { width: widthPx, height: heightPx, channels: 3 } })
    .png({ compressionLevel: 3 })
    .toBuffer();
}
