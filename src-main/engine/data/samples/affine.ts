/** Motions of the plane: (x, y) → (a·x + b·y + c, d·x + e·y + f). The first pixel's middle is at (0.5, 0.5). */
import type { BboxXyxy } from '../../../contract/geometry/box.ts';
import { invariant } from '../../../contract/errors.ts';

export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export const moved = (x: number, y: number): Affine => [1, 0, x, 0, 1, y];

/** The motion that does `motions` one after the other. */
export function inOrder(...motions: readonly Affine[]): Affine {
  return motions.reduce(([a, b, c, d, e, f], [a2, b2, c2, d2, e2, f2]) => [
    a2 * a + b2 * d,
    a2 * b + b2 * e,
    a2 * c + b2 * f + c2,
    d2 * a + e2 * d,
    d2 * b + e2 * e,
    d2 * c + e2 * f + f2,
  ]);
}

export function inverse([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d;
  invariant(determinant !== 0, 'a motion that flattens the plane');
  const [ia, ib, id, ie] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [ia, ib, -(ia * c + ib * f), id, ie, -(id * c + ie * f)];
}

/** The upright box around what a box becomes. */
export function boundsAfter([a, b, c, d, e, f]: Affine, [x1, y1, x2, y2]: BboxXyxy): BboxXyxy {
  const xs = [a * x1 + b * y1 + c, a * x2 + b * y1 + c, a * x1 + b * y2 + c, a * x2 + b * y2 + c];
  const ys = [d * x1 + e * y1 + f, d * x2 + e * y1 + f, d * x1 + e * y2 + f, d * x2 + e * y2 + f];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

export const pointAfter = ([a, b, c, d, e, f]: Affine, [x, y]: readonly [number, number]): [number, number] => [
  a * x + b * y + c,
  d * x + e * y + f,
];

/** Where left and right have changed places, however the plane is turned. */
export const isMirrored = ([a, b, , d, e]: Affine): boolean => a * e - b * d < 0;
