/**
 * Linear maps of images that treat rows and columns alike and apart: interpolation and averaging. Each is a small constant
 * matrix an axis, [output, input], and its adjoint is the same two products with the matrices transposed.
 */
import type { Builder } from '../graph/builder.ts';
import { tensor, type Shape, type Tensor, type Value } from '../graph/types.ts';

/** Row o of a matrix: the elements of the input that output o reads, with their weights. */
type Row = readonly (readonly [index: number, weight: number])[];

/** Rows and columns as [output, input] matrices; null where an axis stays as it is. */
export interface Separable {
  rows: Tensor | null;
  columns: Tensor | null;
}

/** [output, input]; weights of one element that come twice add up. */
export function matrixOf(input: number, rows: readonly Row[]): Tensor {
  const data = new Float32Array(rows.length * input);
  rows.forEach((row, o) => row.forEach(([index, weight]) => (data[o * input + index]! += weight)));
  return { dataType: 'float32', shape: [rows.length, input], data };
}

function transposed({ shape, data }: Tensor): Tensor {
  const [rows, columns] = shape as [number, number];
  const turned = Array.from({ length: rows * columns }, (_, i) =>
    Number(data[(i % rows) * columns + Math.floor(i / rows)]),
  );
  return tensor('float32', [columns, rows], turned);
}

/** x [N, C, H, W] → [N, C, H', W'] */
export function applySeparable(g: Builder, x: Value, { rows, columns }: Separable): Value {
  const across = columns ? g.matmul(x, g.constant(transposed(columns))) : x; // [N, C, H, W']
  return rows ? g.matmul(g.constant(rows), across) : across;
}

/** dy [N, C, H', W'] → dx [N, C, H, W] */
export const applyAdjoint = (g: Builder, dy: Value, { rows, columns }: Separable): Value =>
  applySeparable(g, dy, { rows: rows && transposed(rows), columns: columns && transposed(columns) });

/** Means of windows: `windows[o]` is the half-open range [start, end) that output o reads; `divisor` its divisor. */
export function averagingMatrix(
  input: number,
  windows: readonly { start: number; end: number; divisor: number }[],
): Tensor {
  const rows = windows.map(({ start, end, divisor }) => {
    const first = Math.max(start, 0);
    const count = Math.max(0, Math.min(end, input) - first);
    return Array.from({ length: count }, (_, i): [number, number] => [first + i, 1 / divisor]);
  });
  return matrixOf(input, rows);
}

/** Height and width of [N, C, H, W]. */
export const spatialOf = (shape: Shape): [h: number, w: number] => [shape[2]!, shape[3]!];
