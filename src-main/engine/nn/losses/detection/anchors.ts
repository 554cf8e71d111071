/**
 * The positions at which a detector without anchor boxes predicts: the cell centres of its levels, row-major, the finest
 * level first, and boxes as distances from them. A distance is in units of its level's stride.
 */
import { invariant } from '../../../../contract/errors.ts';
import type { Builder } from '../../../graph/builder.ts';
import { tensor, type Value } from '../../../graph/types.ts';

const strides = [8, 16, 32] as const;

export interface AnchorLevel {
  stride: number;
  rows: number;
  columns: number;
}

/** The levels over an image of height × width px, both multiples of the coarsest stride. */
export function anchorLevels([height, width]: readonly [number, number]): AnchorLevel[] {
  return strides.map((stride) => {
    invariant(height % stride === 0 && width % stride === 0, `${height} × ${width} px is no multiple of ${stride}`);
    return { stride, rows: height / stride, columns: width / stride };
  });
}

/** x, y of every cell's centre in px, and its stride: each [A]. */
export function anchorPoints(levels: readonly AnchorLevel[]): { x: number[]; y: number[]; stride: number[] } {
  const cells = levels.flatMap(({ stride, rows, columns }) =>
    Array.from({ length: rows * columns }, (_, i) => ({
      x: ((i % columns) + 0.5) * stride,
      y: (Math.floor(i / columns) + 0.5) * stride,
      stride,
    })),
  );
  return { x: cells.map(({ x }) => x), y: cells.map(({ y }) => y), stride: cells.map(({ stride }) => stride) };
}

/** A box's sides; x right, y down, in px. */
export interface Sides {
  x1: Value;
  y1: Value;
  x2: Value;
  y2: Value;
}

/** distances: [N, 4, A] (left, top, right, bottom) → sides, each [N, 1, A] px. */
export function boxesOf(g: Builder, distances: Value, levels: readonly AnchorLevel[]): Sides {
  const count = distances.shape[2]!;
  const points = anchorPoints(levels);
  invariant(points.x.length === count, `${points.x.length} anchors, but distances of ${count}`);
  const row = (values: readonly number[]): Value => g.constant(tensor('float32', [1, 1, count], values));
  const [left, top, right, bottom] = g.split(g.mul(distances, row(points.stride)), [1, 1, 1, 1], 1);
  const [x, y] = [row(points.x), row(points.y)];
  return { x1: g.sub(x, left!), y1: g.sub(y, top!), x2: g.add(x, right!), y2: g.add(y, bottom!) };
}
