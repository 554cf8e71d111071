/** Run lengths of masks, looked at and subtracted. */
import type { Rle } from '../../../src-main/contract/geometry/rle.ts';
import type { Shape } from '../../../src-main/contract/model/annotation.ts';

export type MaskShape = Extract<Shape, { kind: 'mask' }>;

/** Whether a pixel is in the mask. */
export function maskContains({ widthPx, heightPx, counts }: Rle, x: number, y: number): boolean {
  if (x < 0 || y < 0 || x >= widthPx || y >= heightPx) return false;
  const place = x * heightPx + y;
  let at = 0;
  for (let index = 0; index < counts.length; index++) {
    at += counts[index] ?? 0;
    if (place < at) return index % 2 === 1;
  }
  return false;
}

/** Pixels of `a` that are not in `b`; both of one size. */
export function subtractRle(a: Rle, b: Rle): MaskShape['rle'] {
  const counts: number[] = [];
  let [indexA, indexB] = [0, 0];
  let [leftA, leftB] = [a.counts[0] ?? 0, b.counts[0] ?? 0];
  let [value, length] = [false, 0];
  while (indexA < a.counts.length && indexB < b.counts.length) {
    const step = Math.min(leftA, leftB);
    const inside = indexA % 2 === 1 && indexB % 2 === 0;
    if (step > 0 && inside !== value) {
      counts.push(length);
      [value, length] = [inside, 0];
    }
    length += step;
    leftA -= step;
    leftB -= step;
    if (leftA === 0) leftA = a.counts[++indexA] ?? 0;
    if (leftB === 0) leftB = b.counts[++indexB] ?? 0;
  }
  counts.push(length);
  return { widthPx: a.widthPx, heightPx: a.heightPx, counts };
}
