/**
 * Ways to write the gradient of a convolution's weights in ONNX. With y = x ∗ w:
 *   dw[o, c, i, j] = Σ_{n, p, q} x[n, c, s·p + d·i − pad, s·q + d·j − pad] · dy[n, o, p, q]
 * No single way is fastest for all shapes; every way must agree with the others within float tolerance.
 */
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type Value } from '../graph/types.ts';
import { reorderInput, reorderOutput } from './blocked.ts';
import type { ConvGradientAttributes } from './convolution.ts';
import { isHalving } from './convolution-size.ts';
import { byPosition, byPositionOfFew, patchesInBlocks } from './convolution-weight-gradient-blocked.ts';
import type { Formulation, LoweringContext, ShapeContext } from './definition.ts';
import { imagesSideBySide, rowProducts, sumOfRowProducts } from './row-products.ts';
import { canFilterWeights, filteredWeightGradient, filteringWeightsPays } from './winograd.ts';

type Context = LoweringContext<ConvGradientAttributes>;
type Rule = ShapeContext<ConvGradientAttributes>;

const isPointwise = ({ attributes: a }: Rule): boolean =>
  a.group === 1 &&
  a.kernel_shape.every((k) => k === 1) &&
  a.strides.every((s) => s === 1) &&
  a.pads.every((p) => p === 0);
const isDepthwise = ({ inputs: [x, dy], attributes: a }: Rule): boolean =>
  a.group > 1 && a.group === x.shape[1] && a.group === dy.shape[1];

/** [begin…, end…] pads over [N, C, H, W] from spatial pads [top, left, bottom, right]. */
const spatialPads = ([top, left, bottom, right]: readonly number[]): number[] => [
  ...[0, 0, top!, left!],
  ...[0, 0, bottom!, right!],
];

/** [start, start + length) along `axis`; onnxruntime splits on all its threads, but slices on one. */
function range(g: Builder, x: Value, start: number, length: number, axis: number): Value {
  const rest = x.shape[axis]! - start - length;
  if (length === x.shape[axis]) return x;
  const pieces = [start, length, rest].filter((size) => size > 0);
  return g.split(x, pieces, axis)[start > 0 ? 1 : 0]!;
}

/** The part of x that each kernel position sees, [N, C, H'·W'] each, row-major over the kernel. */
function seenByPosition(g: Builder, x: Value, [oH, oW]: readonly [number, number], a: ConvGradientAttributes): Value[] {
  const [kH, kW] = a.kernel_shape as [number, number];
  const [sH, sW] = a.strides as [number, number];
  const [dH, dW] = a.dilations as [number, number];
  const padded = g.pad(x, spatialPads(a.pads));
  const [n, c, height] = padded.shape as [number, number, number, number];
  if (sH === 1 && sW === 1) {
    const columns = Array.from({ length: kW }, (_, j) =>
      g.reshape(range(g, padded, j * dW, oW, 3), [n, c, height * oW]),
    );
    return Array.from({ length: kH * kW }, (_, at) =>
      range(g, columns[at % kW]!, Math.floor(at / kW) * dH * oW, oH * oW, 2),
    );
  }
  return Array.from({ length: kH * kW }, (_, at) => {
    const starts = [Math.floor(at / kW) * dH, (at % kW) * dW] as const;
    const ends = [starts[0] + sH * (oH - 1) + 1, starts[1] + sW * (oW - 1) + 1];
    const seen = g.op('Slice', [padded, g.ints(starts), g.ints(ends), g.ints([2, 3]), g.ints([sH, sW])]);
    return g.reshape(seen, [n, c, oH * oW]);
  });
}

/** [N, channels, L] as [N, group, channels / group, L], or as it is where there is one group. */
function grouped(g: Builder, x: Value, group: number): Value {
  const [n, channels, length] = x.shape as [number, number, number];
  return group === 1 ? x : g.reshape(x, [n, group, channels / group, length]);
}

/** For each kernel position, what it saw of x times dy: a matrix product over all output positions. */
function taps({ g, inputs: [x, dy], attributes: a }: Context): Value[] {
  const [n, o, oH, oW] = dy.shape as [number, number, number, number];
  const c = a.shape[1]!;
  const rows = grouped(g, g.reshape(dy, [n, o, oH * oW]), a.group); // [N, (group,) O/group, L]
  const products = seenByPosition(g, x, [oH, oW], a).map((seen) =>
    g.fusedMatMul(rows, grouped(g, seen, a.group), { transB: true }),
  ); // [N, (group,) O/group, C/group]
  const size = products.length;
  const summed = g.reduceSum(g.reshape(g.concat(products, 0), [size, n, o * c]), [1]); // [k, O·C]
  return [g.reshape(g.transpose(summed, [1, 0]), a.shape)];
}

/**
 * As `taps`, but x is moved once for each column of the kernel and dy once for each row, with zeros where they leave x:
 *   dw[·, ·, i, j] = Σ_{h, q} dy[h − d·i + top, q] · x[h, q + d·j − left]
 * Where input and output are of one size, that is four copies for a kernel of 3×3 instead of a dozen.
 */
function shifted({ g, inputs: [x, dy], attributes: a }: Context): Value[] {
  const [n, o, oH, oW] = dy.shape as [number, number, number, number];
  const [, c, h, w] = x.shape as [number, number, number, number];
  const [kH, kW] = a.kernel_shape as [number, number];
  const [dH, dW] = a.dilations as [number, number];
  const [top, left] = a.pads as [number, number];
  const gradient = g.reshape(dy, [n, o, oH * oW]);
  const rows = Array.from({ length: kH }, (_, i) => {
    const before = (i * dH - top) * oW;
    return grouped(g, g.pad(gradient, [0, 0, before, 0, 0, (h - oH) * oW - before]), a.group);
  });
  const columns = Array.from({ length: kW }, (_, j) => {
    const before = left - j * dW;
    const moved = g.pad(x, [0, 0, 0, before, 0, 0, 0, oW - w - before]); // [N, C, H, W']
    return grouped(g, g.reshape(moved, [n, c, h * oW]), a.group);
  });
  const products = rows.flatMap((row) => columns.map((column) => g.fusedMatMul(row, column, { transB: true })));
  const size = products.length;
  const summed = g.reduceSum(g.reshape(g.concat(products, 0), [size, n, o * a.shape[1]!]), [1]); // [k, O·C/group]
  return [g.reshape(g.transpose(summed, [1, 0]), a.shape)];
}

/**
 * All kernel positions by three products. On the grid of the padded x, flattened, a step down is a step of a row's length: with
 * x shifted by each column of the kernel and dy by each row, dw[·, ·, i, j] = Σ_q dy_i[q] · x_j[q]. As much arithmetic as
 * `taps`, but less is read, which pays where they do not fit into the cache.
 */
function stacked({ g, inputs: [x, dy], attributes: a }: Context): Value[] {
  const [n, o, oH] = dy.shape as [number, number, number];
  const c = a.shape[1]!;
  const [kH, kW] = a.kernel_shape as [number, number];
  const padded = g.pad(x, spatialPads(a.pads));
  const [height, width] = [padded.shape[2]!, padded.shape[3]!];
  const length = height * width - (kW - 1);
  const image = g.reshape(padded, [n, c, height * width]);
  const columns = Array.from({ length: kW }, (_, j) => range(g, image, j, length, 2));
  const frame = g.pad(dy, [0, 0, kH - 1, 0, 0, 0, kH - 1, kW - 1]);
  const gradient = g.reshape(frame, [n, o, (oH + 2 * (kH - 1)) * width]);
  const rows = Array.from({ length: kH }, (_, i) => range(g, gradient, (kH - 1 - i) * width, length, 2));
  // Of the larger operand, one shifted copy is there at a time.
  const product = o <= c ? productsWith(g, g.concat(rows, 1), columns) : productsOf(g, rows, g.concat(columns, 1)); // [N, kH·O, kW·C]
  const summed = g.reshape(g.reduceSum(product, [0]), [kH, o, kW, c]);
  return [g.transpose(summed, [1, 3, 0, 2])];
}

const productsWith = (g: Builder, a: Value, pieces: readonly Value[]): Value =>
  g.concat(
    pieces.map((b) => g.fusedMatMul(a, b, { transB: true })),
    2,
  );
const productsOf = (g: Builder, pieces: readonly Value[], b: Value): Value =>
  g.concat(
    pieces.map((a) => g.fusedMatMul(a, b, { transB: true })),
    1,
  );

/**
 * Stride 2, 3×3, padding 1: in the four phases of x (phases.ts), the kernel's steps are of one pixel. Row 2p + i − 1 of x is
 * row p of phase 1, row p of phase 0 and row p + 1 of phase 1, for i = 0, 1, 2; columns likewise.
 */
function inPhases({ g, inputs: [x, dy], attributes: a }: Context): Value[] {
  const [n, o, oH, oW] = dy.shape as [number, number, number, number];
  const c = a.shape[1]!;
  const steps = [
    { phase: 1, offset: 0 },
    { phase: 0, offset: 0 },
    { phase: 1, offset: 1 },
  ];
  const planes = g.split(g.op('ImageToPhases', [x], {}, 'fovea'), [c, c, c, c], 1); // [N, C, H/2 + 1, W/2 + 1] each
  const rows = g.reshape(dy, [n, o, oH * oW]);
  const products = steps.flatMap((row) =>
    steps.map((column) => {
      const plane = planes[2 * row.phase + column.phase]!;
      const columns = g.reshape(range(g, plane, column.offset, oW, 3), [n, c, (oH + 1) * oW]);
      return g.fusedMatMul(rows, range(g, columns, row.offset * oW, oH * oW, 2), { transB: true });
    }),
  );
  const summed = g.reduceSum(g.reshape(g.concat(products, 0), [products.length, n, o * c]), [1]); // [k, O·C]
  return [g.reshape(g.transpose(summed, [1, 0]), a.shape)];
}

/** One matrix product over all positions of all images, of dy with the patches of x. */
function sideBySide({ g, inputs: [x, dy], attributes: a }: Context): Value[] {
  const [n, , oH, oW] = dy.shape as [number, number, number, number];
  const c = a.shape[1]!;
  const turned = g.transpose(x, [1, 0, 2, 3]);
  const seen = seenByPosition(g, turned, [oH, oW], a);
  const length = n * oH * oW;
  const patches = g.concat(
    seen.map((value) => g.reshape(value, [c, 1, length])),
    1,
  ); // [C, k, N·L]
  const rows = imagesSideBySide(g, dy); // [O, N·L]
  return [g.reshape(rowProducts(g, rows, g.reshape(patches, [c * seen.length, length])), a.shape)];
}

/** 1×1: one matrix product an image. */
function pointwise({ g, inputs: [x, dy], attributes: a }: Context): Value[] {
  const [n, o, oH, oW] = dy.shape as [number, number, number, number];
  const length = oH * oW;
  const product = sumOfRowProducts(g, g.reshape(dy, [n, o, length]), g.reshape(x, [n, a.shape[1]!, length])); // [O, C]
  return [g.reshape(product, a.shape)];
}

/** Patches of x by a convolution with one-hot kernels (group = C), then one matrix product. Cheap where C is small. */
function oneHotPatches({ g, inputs: [x, dy], attributes: a }: Context): Value[] {
  const [kH, kW] = a.kernel_shape as [number, number];
  const [n, c] = x.shape as [number, number];
  const [, o, oH, oW] = dy.shape as [number, number, number, number];
  const kernelSize = kH * kW;
  const oneHot = new Float32Array(c * kernelSize * kernelSize);
  for (let channel = 0; channel < c; channel++) {
    for (let position = 0; position < kernelSize; position++)
      oneHot[(channel * kernelSize + position) * kernelSize + position] = 1;
  }
  const kernel = g.constant({ dataType: 'float32', shape: [c * kernelSize, 1, kH, kW], data: oneHot });
  const { kernel_shape, strides, pads, dilations } = a;
  const patches = g.op('Conv', [x, kernel], { kernel_shape, strides, pads, dilations, group: c }); // [N, C·kH·kW, H', W']
  const length = oH * oW;
  const product = sumOfRowProducts(g, g.reshape(dy, [n, o, length]), g.reshape(patches, [n, c * kernelSize, length]));
  return [g.reshape(product, a.shape)];
}

/**
 * Depthwise: x, its N·C channels as those of one image, convolved with dy as the kernel. A blocked kernel of one channel
 * lies as a blocked image does, so that dy need only be reordered.
 */
function swappedRoles({ g, inputs: [x, dy], attributes: a }: Context): Value[] {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [, , oH, oW] = dy.shape as [number, number, number, number];
  const [kH, kW] = a.kernel_shape as [number, number];
  const [sH, sW] = a.strides as [number, number];
  const [top, left] = a.pads as [number, number];
  const image = reorderInput(g, g.reshape(x, [1, n * c, h, w]));
  const kernel = g.reshape(reorderInput(g, g.reshape(dy, [1, n * c, oH, oW])), [n * c, 1, oH, oW]);
  const missing = (k: number, s: number, o: number, size: number, begin: number): number =>
    Math.max(0, k + s * (o - 1) - size - begin);
  const pads = [top, left, missing(kH, sH, oH, h, top), missing(kW, sW, oW, w, left)];
  const product = reorderOutput(
    g,
    g.op(
      'Conv',
      [image, kernel],
      { kernel_shape: [oH, oW], strides: [1, 1], pads, dilations: [sH, sW], group: n * c },
      'com.microsoft.nchwc',
    ),
  ); // [1, N·C, ≥ kH, ≥ kW]
  const whole = product.shape[2] === kH && product.shape[3] === kW;
  const cropped = whole ? product : g.slice(product, [0, 0], [kH, kW], [2, 3]);
  return [g.reshape(g.reduceSum(g.reshape(cropped, [n, c * kH * kW]), [0]), a.shape)];
}

/** Few positions and a large kernel: there the sum over images costs more than laying them side by side. */
function hasFewPositions({ inputs: [, dy], attributes: a }: Rule): boolean {
  const [o, c] = a.shape as [number, number];
  const length = sizeOf(dy.shape.slice(2));
  return 2 * o * c > length * (o + c) && dy.shape[0]! * length <= 1600;
}

const isDense = ({ attributes: a }: Rule): boolean =>
  a.group === 1 && a.strides.every((s) => s === 1) && a.dilations.every((d) => d === 1);
/** Whether columns of x, and `channels`, come in whole blocks for kernels that take columns as channels. */
function hasBlocksOfColumns(context: Rule, channels: number): boolean {
  const { inputs, channelBlock: block } = context;
  const divides = (size: number): boolean => size % block! === 0;
  return !!block && isDense(context) && !isPointwise(context) && divides(inputs[0].shape[3]!) && divides(channels);
}
/** Blocks of AVX-512, whose products are so fast that what is moved around them decides. */
const fastBlock = 16;
const hasFastBlocks = ({ channelBlock }: Rule): boolean => !!channelBlock && channelBlock >= fastBlock;
/** Elements of x that a core's caches do not hold: 4 MB. */
const manyElements = 2 ** 20;

export const weightGradientFormulations: Readonly<Record<string, Formulation<ConvGradientAttributes>>> = {
  oneHotPatches: {
    applies: ({ attributes: a }) => a.group === 1 && a.shape[1]! <= 4 && a.kernel_shape.some((k) => k > 1),
    suits: () => true,
    build: oneHotPatches,
  },
  swappedRoles: {
    applies: (context) => {
      const { inputs, attributes: a, channelBlock } = context;
      const [n, c] = inputs[0].shape as [number, number];
      return (
        isDepthwise(context) && !!channelBlock && (n * c) % channelBlock === 0 && a.dilations.every((d) => d === 1)
      );
    },
    suits: () => true,
    build: swappedRoles,
  },
  winograd: {
    applies: ({ attributes }) => canFilterWeights(attributes),
    suits: (context) => {
      const { inputs, channelBlock } = context;
      const isMovedByBlocks = hasFastBlocks(context) && hasBlocksOfColumns(context, context.attributes.shape[0]!);
      return !!channelBlock && filteringWeightsPays(inputs[0], inputs[1], isMovedByBlocks);
    },
    build: ({ g, inputs: [x, dy], attributes }) => [filteredWeightGradient(g, x, dy, attributes)],
  },
  patchesInBlocks: {
    applies: ({ inputs: [x, dy], attributes: a, channelBlock }) => {
      const pixels = dy.shape[0]! * sizeOf(dy.shape.slice(2));
      return a.group === 1 && !!channelBlock && [x.shape[1]!, pixels].every((size) => size % channelBlock === 0);
    },
    suits: (context) => hasFastBlocks(context) && context.attributes.strides.some((s) => s > 1),
    build: patchesInBlocks,
  },
  sideBySide: { applies: ({ attributes: a }) => a.group === 1, suits: hasFewPositions, build: sideBySide },
  pointwise: { applies: isPointwise, suits: () => true, build: pointwise },
  byPosition: {
    applies: (context) => hasBlocksOfColumns(context, context.attributes.shape[0]!),
    suits: (context) => hasFastBlocks(context) || sizeOf(context.inputs[0].shape) >= manyElements,
    build: byPosition,
  },
  byPositionOfFew: {
    applies: (context) => hasBlocksOfColumns(context, context.attributes.shape[1]!),
    suits: ({ inputs: [x], attributes: a, channelBlock }) =>
      a.shape[0]! < channelBlock! && sizeOf(x.shape) >= manyElements,
    build: byPositionOfFew,
  },
  stacked: {
    applies: (context) => isDense(context) && !isPointwise(context),
    suits: ({ inputs: [x] }) => sizeOf(x.shape) >= manyElements,
    build: stacked,
  },
  inPhases: {
    applies: ({ inputs: [x, dy], attributes }) => isHalving(x.shape, dy.shape, attributes),
    suits: ({ inputs: [x], channelBlock }) => !!channelBlock && x.shape[1]! % channelBlock === 0,
    build: inPhases,
  },
  shifted: {
    applies: ({ attributes: a }) => a.strides.every((s) => s === 1),
    suits: ({ channelBlock }) => !!channelBlock,
    build: shifted,
  },
  taps: { applies: () => true, suits: () => true, build: taps },
};
