/**
 * Convolutions of 3×3 with half the products: along one axis, four neighbouring outputs of three weights follow from six products
 * instead of twelve, of sums of the inputs with sums of the weights (Winograd 1980; Lavin & Gray 2016, here along one axis only:
 * along both, rounding errors grow too much). Sums that run along an axis are products with a constant matrix.
 */
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type Value } from '../graph/types.ts';
import { kernelByRows, placesOf, reorderInput, reorderOutput, takeBlocks, type KernelUse } from './blocked.ts';
import type { ConvGradientAttributes } from './convolution.ts';
import { convOutputSize, type ConvAttributes } from './convolution-size.ts';

/** y = output · ((kernel · w) ⊙ (input · x)) for `tile` outputs y[j] = Σ_i w[i]·x[i + j]; `products` rows of sums each. */
interface Filter {
  tile: number;
  products: number;
  /** [tile, products] */
  output: number[][];
  /** [products, 3] */
  kernel: number[][];
  /** [products, products] */
  input: number[][];
}

const taps = 3;
/** Where polynomials are evaluated, beside infinity; of all that were tried these make the least rounding errors. */
const pointsOfFour = [0, 1, -1, 0.5, -2];

/** Toom and Cook's construction, from as many finite points as there are products but one. */
function filterOf(points: readonly number[]): Filter {
  const products = points.length + 1;
  const tile = products - taps + 1;
  const powers = (count: number, divisors: readonly number[]): number[][] => [
    ...points.map((p, k) => Array.from({ length: count }, (_, j) => p ** j / divisors[k]!)),
    Array.from({ length: count }, (_, j) => (j === count - 1 ? 1 : 0)),
  ];
  const others = (k: number): number[] => points.filter((_, i) => i !== k);
  const outputTurned = powers(
    tile,
    points.map(() => 1),
  );
  return {
    tile,
    products,
    output: Array.from({ length: tile }, (_, j) => outputTurned.map((row) => row[j]!)),
    kernel: powers(
      taps,
      points.map((p, k) => others(k).reduce((product, q) => product * (p - q), 1)),
    ),
    input: Array.from({ length: products }, (_, k) => {
      const coefficients = withRoots(k < points.length ? others(k) : points);
      return Array.from({ length: products }, (_, j) => coefficients[j] ?? 0);
    }),
  };
}

/** Coefficients of Π (z − root), the constant one first. */
const withRoots = (roots: readonly number[]): number[] =>
  roots.reduce((known, root) => [...known, 0].map((_, i) => (known[i - 1] ?? 0) - root * (known[i] ?? 0)), [1]);

const four = filterOf(pointsOfFour);
const two = filterOf(pointsOfFour.slice(0, 3));

/** Sums of an axis of `size` inputs that begin `before` pixels before it, for every tile of `count` outputs: (row, column) ↦ factor. */
interface Sums {
  tiles: number;
  /** [products · tiles][input] */
  input: Entries;
  /** [products · tiles][output] */
  output: Entries;
}
/** [product, tile, place, factor] */
type Entries = [product: number, tile: number, place: number, factor: number][];

function sumsAlong(filter: Filter, size: number, count: number, before: number): Sums {
  const { tile, products } = filter;
  const tiles = Math.ceil(count / tile);
  const input: Entries = [];
  const output: Entries = [];
  for (let k = 0; k < products; k++) {
    for (let at = 0; at < tiles; at++) {
      filter.input[k]!.forEach((factor, i) => {
        const place = at * tile + i - before;
        if (place >= 0 && place < size) input.push([k, at, place, factor]);
      });
      for (let j = 0; j < tile; j++) {
        const place = at * tile + j;
        if (place < count) output.push([k, at, place, filter.output[j]![k]!]);
      }
    }
  }
  return { tiles, input, output };
}

function matrix(
  g: Builder,
  shape: readonly number[],
  entries: Entries,
  placeOf: (...entry: [product: number, tile: number, place: number]) => number,
): Value {
  const data = new Float32Array(sizeOf(shape));
  for (const [product, tile, place, factor] of entries) data[placeOf(product, tile, place)] = factor;
  return g.constant({ dataType: 'float32', shape, data });
}

/** Multiplications of a convolution in the time of one move, for each channel of a block: they are faster in wider blocks. */
const movingPerChannel = 5;
/** What one element costs that is moved through the sums, and what one weight costs, in multiplications. */
const moving = (block: number): number => movingPerChannel * block;
const weighing = 1500;
/** For the sums of a weight gradient: the other formulations move pixels too, but for the one that moves whole blocks. */
const movingBesidePixels = 60;
const movingBesideBlocks = 240;

/**
 * Whether fewer products outweigh the sums. `count`: pixels along the axis of the sums; `perMove`: what an element costs that is moved
 * through them; `summed`: how many a sum runs over, most of them times 0; `weights`: whether the kernel's sums count, against so many pixels in all images.
 */
function pays(
  [channelsIn, channelsOut]: readonly [number, number],
  filter: Filter,
  count: number,
  perMove: number,
  summed: number,
  weights: { pixels: number } | null,
): boolean {
  const tiles = Math.ceil(count / filter.tile);
  const saved = 1 - (tiles * filter.products) / (taps * count);
  const perElement = perMove + 1.5 * summed;
  const sums = perElement * (1 / channelsIn + 1 / channelsOut) + (weights ? weighing / weights.pixels : 0);
  return taps * taps * saved > sums;
}

/** Whether a convolution is one that the filters know. */
const isSmallKernel = (a: ConvAttributes): boolean =>
  a.group === 1 &&
  a.kernel_shape.every((k) => k === taps) &&
  a.strides.every((s) => s === 1) &&
  a.dilations.every((d) => d === 1);

export function canFilter(
  [channelsIn, channelsOut]: readonly [number, number],
  a: ConvAttributes,
  block: number | null | undefined,
): block is number {
  return !!block && isSmallKernel(a) && channelsIn % block === 0 && channelsOut % block === 0;
}

/** Tiles from which on sums are made strip by strip, which are shorter, but rows are taken twice; and the least of a strip. */
const manyTiles = 16;
const leastTiles = 4;
function tilesOfStrip(count: number): number {
  const tiles = Math.ceil(count / four.tile);
  if (count % four.tile !== 0 || tiles < manyTiles) return tiles;
  return Array.from({ length: tiles }, (_, i) => i + 1).find((size) => size >= leastTiles && tiles % size === 0)!;
}

/** Rows of x that a strip reads, at least. */
const rowsOfStrip = (count: number): number => tilesOfStrip(count) * four.tile;

/** x: [N, C, H, W]; o: channels of the result. */
export function filteringPays(
  [n, c, h, w]: readonly number[],
  o: number,
  a: ConvAttributes,
  block: number | null | undefined,
): boolean {
  const [oH, oW] = convOutputSize([h!, w!], a) as [number, number];
  return !!block && pays([c!, o], four, oH, moving(block), rowsOfStrip(oH), { pixels: n! * oH * oW });
}

/**
 * The sums run down the columns, where in blocks each is of whole rows, strip by strip; what is left of the kernel, three weights of
 * a row, is a blocked convolution in which each product is a group. `use`: whether w or its adjoint is convolved with x.
 */
export function filteredConvolution(
  g: Builder,
  x: Value,
  w: Value,
  use: KernelUse,
  a: ConvAttributes,
  block: number,
): Value {
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const o = use === 'forward' ? w.shape[0]! : w.shape[1]!;
  const [top, left, , right] = a.pads as [number, number, number, number];
  const [oH, oW] = convOutputSize([h, width], a) as [number, number];
  const { products } = four;
  const strip = tilesOfStrip(oH);
  const { input, output, tiles } = sumsAlong(four, h, oH, top);
  const strips = tiles / strip;
  const [rowsIn, rowsOut] = strips === 1 ? [h, oH] : [strip * four.tile + taps - 1, strip * four.tile];
  /** The first row of x that a strip reads; outside of x, others stand for it, times 0. */
  const firstOf = (at: number): number => (strips === 1 ? 0 : at * rowsOut - top);
  const intoSums = matrix(g, [strips, products * strip, rowsIn], input, (product, tile, place) => {
    const at = Math.floor(tile / strip);
    return ((at * products + product) * strip + (tile % strip)) * rowsIn + place - firstOf(at);
  });
  const inFirst = output.filter(([, tile]) => tile < strip);
  const outOfSums = matrix(g, [rowsOut, products * strip], inFirst, (product, tile, place) => {
    return place * products * strip + product * strip + tile;
  });
  const kernelSums = g.constant({
    dataType: 'float32',
    shape: [products, taps],
    data: Float32Array.from(four.kernel.flat()),
  });
  const kernel = g.matmul(kernelSums, g.reshape(kernelByRows(g, w, use, block), [taps, o * c * taps]));

  const blocks = g.reshape(reorderInput(g, x), [n * (c / block), h, width * block]);
  const places = placesOf([strips, rowsIn], (at, row) => Math.min(h - 1, Math.max(0, firstOf(at!) + row!)));
  const seen = strips === 1 ? blocks : takeBlocks(g, blocks, [n * (c / block), width * block], places);
  const sums = g.matmul(intoSums, g.reshape(seen, [n * (c / block), strips, rowsIn, width * block]));
  const byProduct = g.transpose(
    g.reshape(sums, [n, c / block, strips, products, strip * width * block]),
    [0, 3, 1, 2, 4],
  );
  const result = g.op(
    'Conv',
    [g.reshape(byProduct, [n, products * c, tiles, width]), g.reshape(kernel, [products * o, c, 1, taps])],
    { kernel_shape: [1, taps], strides: [1, 1], pads: [0, left, 0, right], dilations: [1, 1], group: products },
    'com.microsoft.nchwc',
  ); // [N, products·O, tiles, W']
  const byStrip = g.transpose(g.reshape(result, [n, products, o / block, strips, strip * oW * block]), [0, 2, 3, 1, 4]);
  const y = g.matmul(outOfSums, g.reshape(byStrip, [n * (o / block), strips, products * strip, oW * block]));
  return reorderOutput(g, g.reshape(y, [n, o, oH, oW]));
}

/** Short rows are not a multiple of four, and what a tile has beyond them is done for nothing. */
const filterForRows = (width: number): Filter => (width < 16 ? two : four);

export const canFilterWeights = isSmallKernel;

/** x: [N, C, H, W], dy: [N, O, H', W']; `isMovedByBlocks`: whether a formulation without sums has only whole blocks to move. */
export function filteringWeightsPays(x: Value, dy: Value, isMovedByBlocks: boolean): boolean {
  const width = dy.shape[3]!;
  const perMove = isMovedByBlocks ? movingBesideBlocks : movingBesidePixels;
  return pays([x.shape[1]!, dy.shape[1]!], filterForRows(width), width, perMove, width, null);
}

/**
 * The gradient of the weights is the filter's adjoint: sums of x and of dy along their rows are multiplied, over all images and for
 * each row of the kernel, and summed to three weights of that row. Either x or dy is moved by whole rows, with zeros behind.
 */
export function filteredWeightGradient(g: Builder, x: Value, dy: Value, a: ConvGradientAttributes): Value {
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const [, o, oH, oW] = dy.shape as [number, number, number, number];
  const [top, left] = a.pads as [number, number];
  const filter = filterForRows(oW);
  const { products } = filter;
  const { tiles, input, output } = sumsAlong(filter, width, oW, left);
  /** [N, channels, rows, length] → [products, channels, N, rows · tiles] */
  const sumsOf = (image: Value, entries: Entries): Value => {
    const [, channels, rows, length] = image.shape as [number, number, number, number];
    const sums = matrix(
      g,
      [products, length, tiles],
      entries,
      (product, tile, place) => (product * length + place) * tiles + tile,
    );
    const turned = g.transpose(g.reshape(image, [n, channels, rows * length]), [1, 0, 2]);
    const summed = g.matmul(g.reshape(turned, [1, channels * n * rows, length]), sums);
    return g.reshape(summed, [products, channels, n, rows * tiles]);
  };
  const [seen, gradient] = [sumsOf(x, input), sumsOf(dy, output)];
  /** Moved by rows, and cut to so many. */
  const moved = (sums: Value, by: number, rows: number): Value => {
    const [, channels, , length] = sums.shape as [number, number, number, number];
    const pads = [0, 0, 0, by * tiles, 0, 0, 0, rows * tiles - length - by * tiles];
    return g.reshape(g.pad(sums, pads), [products, channels, n * rows * tiles]);
  };
  // dw[row] = Σ_h dy[h] · x[h + row − top]
  const byRow = Array.from({ length: taps }, (_, row) => {
    const ofGradient = o <= c ? moved(gradient, row - top, h) : moved(gradient, 0, oH);
    const ofSeen = o <= c ? moved(seen, 0, h) : moved(seen, top - row, oH);
    return g.reshape(g.fusedMatMul(ofGradient, ofSeen, { transB: true }), [1, products, o * c]);
  });
  const kernelSums = Float32Array.from({ length: taps * products }, (_, i) => {
    return filter.kernel[i % products]![Math.floor(i / products)]!;
  });
  const weights = g.matmul(
    g.constant({ dataType: 'float32', shape: [taps, products], data: kernelSums }),
    g.concat(byRow, 0),
  ); // [row, column, O·C]
  return g.reshape(g.transpose(g.reshape(weights, [taps * taps, o * c]), [1, 0]), a.shape);
}
