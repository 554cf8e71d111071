/**
 * How a large image is cut into tiles: level 0 is the full size, each further one half of it, down to one that is a single
 * tile. Both sides count by it. Pure.
 */

/** Larger images are shown as tiles; others as a whole. Pixels. */
const tiledFromPixels = 32_000_000;
export const tilePx = 512;
/** The longer side of the picture that is shown until the tiles are there. */
export const previewPx = 2048;

interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

export function isTiled({ widthPx, heightPx }: Size): boolean {
  return widthPx * heightPx >= tiledFromPixels;
}

export function tileLevels({ widthPx, heightPx }: Size): number {
  return 1 + Math.max(0, Math.ceil(Math.log2(Math.max(widthPx, heightPx) / tilePx)));
}

/** Of the whole level, rounded up. */
export function levelSize({ widthPx, heightPx }: Size, level: number): Size {
  return { widthPx: Math.ceil(widthPx / 2 ** level), heightPx: Math.ceil(heightPx / 2 ** level) };
}
