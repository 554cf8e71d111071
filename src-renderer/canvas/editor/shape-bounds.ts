/** Boxes around shapes, worked out once: shapes are never changed in place, and a mask's box takes a walk over its runs. */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import { shapeBounds, type Shape } from '../../../src-main/contract/model/annotation.ts';

const known = new WeakMap<Shape, BboxXyxy | null>();

/** Null for a class of the whole image and for what covers nothing. */
export function boundsOf(shape: Shape): BboxXyxy | null {
  const before = known.get(shape);
  if (before !== undefined) return before;
  const bounds = shapeBounds(shape);
  known.set(shape, bounds);
  return bounds;
}

/** Around all of them; null where none has a place. */
export function boundsOfAll(shapes: Iterable<Shape>): BboxXyxy | null {
  let all: BboxXyxy | null = null;
  for (const shape of shapes) {
    const box = boundsOf(shape);
    if (box === null) continue;
    all =
      all === null
        ? box
        : [Math.min(all[0], box[0]), Math.min(all[1], box[1]), Math.max(all[2], box[2]), Math.max(all[3], box[3])];
  }
  return all;
}

export function boxesMeet(a: BboxXyxy, b: BboxXyxy): boolean {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
