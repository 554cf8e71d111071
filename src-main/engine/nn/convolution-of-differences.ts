/**
 * A 3×3 convolution of an image enlarged twofold with nearest neighbours, by nine products for every pixel of the small image.
 * Along one axis, with weights w0, w1, w2, their sum s and differences d[i] = x[i − 1] − x[i] of neighbours:
 *   y[2i] = s·x[i] + w0·d[i]    y[2i + 1] = s·x[i] − w2·d[i + 1]
 * which are three products for two pixels, where the two phases by themselves take four. Along both axes, 9 instead of 16.
 */
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type Value } from '../graph/types.ts';

/** What is multiplied along an axis: differences, one more than there are pixels, or the pixels. */
interface Factor {
  /** [places][pixels]: of an axis of `size` pixels. */
  places: (size: number) => number[][];
  /** One row of three for each product, which makes its weight. */
  weights: number[][];
  /** Whether a product at a place adds to a pixel of the large image. */
  reaches: (product: number, place: number, pixel: number) => boolean;
}
const differences: Factor = {
  places: (size) =>
    Array.from({ length: size + 1 }, (_, place) =>
      Array.from({ length: size }, (_, pixel) => (pixel === place - 1 ? 1 : pixel === place ? -1 : 0)),
    ),
  weights: [
    [1, 0, 0],
    [0, 0, -1],
  ],
  reaches: (product, place, pixel) => pixel === 2 * place - product,
};
const pixels: Factor = {
  places: (size) => Array.from({ length: size }, (_, place) => Array.from({ length: size }, (_, i) => +(i === place))),
  weights: [[1, 1, 1]],
  reaches: (_, place, pixel) => Math.floor(pixel / 2) === place,
};
/** [vertical, horizontal] */
const pairs = [differences, pixels].flatMap((rows) => [differences, pixels].map((columns) => [rows, columns] as const));
const productsOf = ([rows, columns]: (typeof pairs)[number]): number => rows.weights.length * columns.weights.length;

function matrix(g: Builder, rows: readonly (readonly number[])[]): Value {
  return g.constant({
    dataType: 'float32',
    shape: [rows.length, rows[0]!.length],
    data: Float32Array.from(rows.flat()),
  });
}

/** The products of all entries of two rows, the second's entries fastest. */
const outer = (a: readonly number[], b: readonly number[]): number[] => a.flatMap((p) => b.map((q) => p * q));

/** [9, 9]: from a kernel's weights to those of the products, pair by pair. */
const weightSums = pairs.flatMap(([rows, columns]) =>
  rows.weights.flatMap((row) => columns.weights.map((column) => outer(row, column))),
);

/** [H·W, places] of a pair. */
function placeSums([rows, columns]: (typeof pairs)[number], [h, w]: readonly [number, number]): number[][] {
  const byPlace = rows.places(h).flatMap((row) => columns.places(w).map((column) => outer(row, column)));
  return byPlace[0]!.map((_, pixel) => byPlace.map((place) => place[pixel]!));
}

/** [products · places, 2H · 2W] of a pair: what each product adds to. */
function reached([rows, columns]: (typeof pairs)[number], [h, w]: readonly [number, number]): number[][] {
  const along = (factor: Factor, size: number): number[][][] =>
    factor.weights.map((_, product) =>
      factor
        .places(size)
        .map((_row, place) => Array.from({ length: 2 * size }, (_, i) => +factor.reaches(product, place, i))),
    );
  const across = along(columns, w);
  return along(rows, h).flatMap((down) =>
    across.flatMap((right) => down.flatMap((a) => right.map((b) => outer(a, b)))),
  );
}

/**
 * Whether seven products less outweigh the sums, which are products with constant matrices, for each place of the small image: it
 * is made from all `size` pixels for three pairs, and each of its nine products goes to 4 · `size` pixels.
 */
export function differencesPay(x: Value, w: Value): boolean {
  const [, , height, width] = x.shape as [number, number, number, number];
  const [o, c] = w.shape as [number, number];
  const size = height * width;
  return 7 * c * o > size * (3 * c + 36 * o);
}

/** x [N, C, H, W], w [O, C, 3, 3] → the convolution, padded by 1, of x enlarged twofold: [N, O, 2H, 2W]. */
export function convolveDifferences(g: Builder, x: Value, w: Value): Value {
  const [n, c, height, width] = x.shape as [number, number, number, number];
  const o = w.shape[0]!;
  const size = [height, width] as const;
  const flat = g.reshape(x, [n * c, height * width]);
  const weights = g.fusedMatMul(matrix(g, weightSums), g.reshape(w, [o, c, 9]), { transB: true }); // [O, 9, C]
  const kernels = g.split(weights, pairs.map(productsOf), 1);
  const products = pairs.map((pair, at) => {
    const grid = pair.map((factor, axis) => factor.places(size[axis]!).length);
    const image = pair.every((factor) => factor === pixels)
      ? x
      : g.reshape(g.matmul(flat, matrix(g, placeSums(pair, size))), [n, c, ...grid]);
    const kernel = g.reshape(kernels[at]!, [o * productsOf(pair), c, 1, 1]);
    const attributes = { kernel_shape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };
    return g.reshape(g.op('Conv', [image, kernel], attributes), [n * o, productsOf(pair) * sizeOf(grid)]);
  });
  const sums = matrix(
    g,
    pairs.flatMap((pair) => reached(pair, size)),
  );
  return g.reshape(g.matmul(g.concat(products, 1), sums), [n, o, 2 * height, 2 * width]);
}
