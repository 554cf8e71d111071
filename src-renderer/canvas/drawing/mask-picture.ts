/**
 * Masks of one view as one picture, straight from their run lengths: no mask is ever unpacked as a whole, so that hundreds
 * of them on a large image take the memory of the view. Where masks overlap, the later one is shown. Pure.
 */
import type { Rle } from '../../../src-main/contract/geometry/rle.ts';

export interface PaintedMask {
  rle: Rle;
  /** 0 to 255 each. */
  rgb: readonly [number, number, number];
}

/** A part of the image and how finely it is sampled. All in image pixels. */
export interface MaskRegion {
  x: number;
  y: number;
  /** Every n-th pixel and row; 1 for all. */
  step: number;
  /** Samples of the picture, not image pixels. */
  columns: number;
  rows: number;
}

/** Memory that is used again from picture to picture, so that views that follow each other leave no garbage of megabytes. */
export class MaskBuffers {
  #owners = new Uint16Array(0);
  #pixels = new Uint8ClampedArray(0);

  /** All 0. Holds until the next call. */
  owners(count: number): Uint16Array {
    if (this.#owners.length < count) this.#owners = new Uint16Array(count);
    return this.#owners.subarray(0, count).fill(0);
  }

  /** RGBA of so many samples, all 0. Holds until the next call. */
  pixels(count: number): Uint8ClampedArray<ArrayBuffer> {
    if (this.#pixels.length < 4 * count) this.#pixels = new Uint8ClampedArray(4 * count);
    return this.#pixels.subarray(0, 4 * count).fill(0);
  }
}

/** For each sample the 1-based place of the mask that is on top there, 0 where there is none. Row-major. */
export function maskOwners(
  masks: readonly PaintedMask[],
  region: MaskRegion,
  buffers: MaskBuffers = new MaskBuffers(),
): Uint16Array {
  const owners = buffers.owners(region.columns * region.rows);
  masks.forEach(({ rle }, index) => fillRuns(owners, rle, region, index + 1));
  return owners;
}

/** Runs go down the columns, so that whole runs of columns that are not sampled are stepped over. */
function fillRuns(owners: Uint16Array, { heightPx, counts }: Rle, region: MaskRegion, owner: number): void {
  const { x: left, y: top, step, columns, rows } = region;
  const endX = left + columns * step;
  let at = 0;
  for (let index = 0; index < counts.length; index++) {
    const from = at;
    at += counts[index] ?? 0;
    if (index % 2 === 0 || at === from) continue;
    const lastX = Math.floor((at - 1) / heightPx);
    if (lastX < left) continue;
    const firstX = Math.floor(from / heightPx);
    if (firstX >= endX) return;
    for (let column = Math.max(0, Math.ceil((firstX - left) / step)); column < columns; column++) {
      const x = left + column * step;
      if (x > lastX) break;
      const firstY = x === firstX ? from - x * heightPx : 0;
      const endY = x === lastX ? at - x * heightPx : heightPx;
      const firstRow = Math.max(0, Math.ceil((firstY - top) / step));
      const endRow = Math.min(rows, Math.ceil((endY - top) / step));
      for (let row = firstRow; row < endRow; row++) owners[row * columns + column] = owner;
    }
  }
}

/** RGBA of the masks: `opacity` inside, fully opaque along their edges. */
export function paintMasks(
  masks: readonly PaintedMask[],
  region: MaskRegion,
  opacity: number,
  buffers: MaskBuffers = new MaskBuffers(),
): Uint8ClampedArray<ArrayBuffer> {
  const owners = maskOwners(masks, region, buffers);
  const { columns, rows } = region;
  const pixels = buffers.pixels(columns * rows);
  const inside = Math.round(255 * opacity);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const owner = owners[at] ?? 0;
      if (owner === 0) continue;
      const [red, green, blue] = masks[owner - 1]?.rgb ?? [0, 0, 0];
      const isEdge =
        (column > 0 && owners[at - 1] !== owner) ||
        (column + 1 < columns && owners[at + 1] !== owner) ||
        (row > 0 && owners[at - columns] !== owner) ||
        (row + 1 < rows && owners[at + columns] !== owner);
      pixels[4 * at] = red;
      pixels[4 * at + 1] = green;
      pixels[4 * at + 2] = blue;
      pixels[4 * at + 3] = isEdge ? 255 : inside;
    }
  }
  return pixels;
}
