/** Connected areas, row by row: what the magic wand takes of a picture, and what a fill takes of a mask. */
import type { PixelSource } from './types.ts';

interface Area {
  /** Row-major, 1 in the area. */
  readonly pixels: Uint8Array;
  readonly touchesEdge: boolean;
}

/** Pixels that are connected to (x, y) over shared sides and of which `belongs` holds; that it holds of (x, y) is given. */
export function floodFill(
  { widthPx, heightPx }: { widthPx: number; heightPx: number },
  x: number,
  y: number,
  belongs: (place: number) => boolean,
): Area {
  const pixels = new Uint8Array(widthPx * heightPx);
  const open = [y * widthPx + x];
  let touchesEdge = false;
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (pixels[place]) continue;
    const row = Math.floor(place / widthPx);
    const rowStart = row * widthPx;
    let first = place;
    while (first > rowStart && !pixels[first - 1] && belongs(first - 1)) first--;
    let last = place;
    while (last < rowStart + widthPx - 1 && !pixels[last + 1] && belongs(last + 1)) last++;
    pixels.fill(1, first, last + 1);
    touchesEdge ||= row === 0 || row === heightPx - 1 || first === rowStart || last === rowStart + widthPx - 1;
    for (const other of [row - 1, row + 1]) {
      if (other < 0 || other >= heightPx) continue;
      const shift = (other - row) * widthPx;
      let inRun = false;
      for (let at = first + shift; at <= last + shift; at++) {
        const joins = !pixels[at] && belongs(at);
        if (joins && !inRun) open.push(at);
        inRun = joins;
      }
    }
  }
  return { pixels, touchesEdge };
}

/** Pixels like the one at (x, y): no channel differs by more than `tolerance`. */
export function similarPixels(
  source: PixelSource,
  x: number,
  y: number,
  { tolerance, contiguous }: { tolerance: number; contiguous: boolean },
): Uint8Array {
  const { rgba, widthPx, heightPx } = source;
  const seed = (y * widthPx + x) * 4;
  const [red, green, blue] = [rgba[seed] ?? 0, rgba[seed + 1] ?? 0, rgba[seed + 2] ?? 0];
  const belongs = (place: number): boolean => {
    const at = place * 4;
    return (
      Math.abs((rgba[at] ?? 0) - red) <= tolerance &&
      Math.abs((rgba[at + 1] ?? 0) - green) <= tolerance &&
      Math.abs((rgba[at + 2] ?? 0) - blue) <= tolerance
    );
  };
  if (contiguous) return floodFill(source, x, y, belongs).pixels;
  const pixels = new Uint8Array(widthPx * heightPx);
  for (let place = 0; place < pixels.length; place++) pixels[place] = belongs(place) ? 1 : 0;
  return pixels;
}
