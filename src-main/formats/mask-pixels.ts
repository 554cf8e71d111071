/**
 * Mask images as values, one a pixel, and what can be made of them: one run-length mask for each class, and back. Also
 * the palette of a PNG, which decoders turn into colours. Pure; knows no files. Source: PNG specification, PLTE.
 */
import type { Rle } from '../contract/geometry/rle.ts';
import type { ImageSize } from './labels.ts';
import { rgbKey } from './mask-table.ts';

/** How many colours a mask may have; photographs have more. */
export const MOST_VALUES = 256;

/**
 * Row-major, one value a pixel. `grey`: a grey level; `palette`: the index of a palette; `colour`: 0xrrggbb.
 * `palette` holds the colour of each index.
 */
export interface MaskPixels extends ImageSize {
  kind: 'grey' | 'palette' | 'colour';
  values: Uint32Array;
  palette: readonly number[] | null;
}

/** A run-length mask for each value, in the order in which they come, column by column. All values in one pass. */
export function masksByValue({ widthPx, heightPx, values }: Omit<MaskPixels, 'kind' | 'palette'>): Map<number, Rle> {
  const counts = new Map<number, { counts: number[]; end: number }>();
  const add = (value: number, start: number, end: number): void => {
    let own = counts.get(value);
    if (own === undefined) counts.set(value, (own = { counts: [], end: 0 }));
    own.counts.push(start - own.end, end - start);
    own.end = end;
  };
  const total = widthPx * heightPx;
  let [start, current] = [0, values[0] ?? 0];
  let at = 0;
  for (let x = 0; x < widthPx; x++) {
    for (let from = x; from < total; from += widthPx) {
      const value = values[from] ?? 0;
      if (value !== current) {
        add(current, start, at);
        start = at;
        current = value;
      }
      at++;
    }
  }
  add(current, start, total);
  return new Map(
    [...counts].map(([value, own]) => {
      if (own.end < total) own.counts.push(total - own.end);
      return [value, { widthPx, heightPx, counts: own.counts }];
    }),
  );
}

/** Writes `value` into the row-major pixels wherever the mask covers. Returns how many of them held `empty` no more. */
export function paintMask(
  pixels: Uint8Array,
  { widthPx, heightPx, counts }: Rle,
  value: number,
  empty: number,
): number {
  let [at, covered] = [0, 0];
  counts.forEach((count, index) => {
    for (let pixel = at; index % 2 === 1 && pixel < at + count; pixel++) {
      const place = (pixel % heightPx) * widthPx + Math.floor(pixel / heightPx);
      if (pixels[place] !== empty) covered++;
      pixels[place] = value;
    }
    at += count;
  });
  return covered;
}

/** Adds the values to those that are known. False once there are more than `MOST_VALUES`. */
export function collectValues(values: Uint32Array, known: Set<number>): boolean {
  let last = -1;
  for (const value of values) {
    if (value === last) continue;
    last = value;
    known.add(value);
    if (known.size > MOST_VALUES) return false;
  }
  return true;
}

/** The pixels as an image turned by its EXIF orientation shows them. */
export function orientMask<Pixels extends Omit<MaskPixels, 'kind' | 'palette'>>(
  mask: Pixels,
  orientation: number,
): Pixels {
  if (orientation <= 1) return mask;
  const { widthPx, heightPx, values } = mask;
  const isTurned = orientation >= 5;
  const [width, height] = isTurned ? [heightPx, widthPx] : [widthPx, heightPx];
  const turned = new Uint32Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = isTurned ? [y, x] : [x, y];
      // Orientations 2, 3, 7 and 8 mirror the file's columns, 3, 4, 6 and 7 its rows.
      const column = [2, 3, 7, 8].includes(orientation) ? widthPx - 1 - u : u;
      const row = [3, 4, 6, 7].includes(orientation) ? heightPx - 1 - v : v;
      turned[y * width + x] = values[row * widthPx + column] ?? 0;
    }
  }
  return { ...mask, widthPx: width, heightPx: height, values: turned };
}

/** The colours of a PNG's palette, 0xrrggbb; null where it has none. `bytes` must hold the file up to its image data. */
export function pngPalette(bytes: Uint8Array): number[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPng = bytes.length > 33 && view.getUint32(0) === 0x89504e47;
  // Colour type 3 in the header: pixels are indices.
  if (!isPng || bytes[25] !== 3) return null;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === 'IDAT' || type === 'IEND') return null;
    if (type === 'PLTE') {
      const entries = bytes.subarray(at + 8, at + 8 + length);
      return Array.from({ length: Math.floor(entries.length / 3) }, (_, index) =>
        rgbKey(entries[index * 3] ?? 0, entries[index * 3 + 1] ?? 0, entries[index * 3 + 2] ?? 0),
      );
    }
    at += 12 + length;
  }
  return null;
}
