/**
 * onnxruntime's blocked convolutions: channels lie in blocks of b side by side, [N, C/b, H, W, b], which its fastest CPU
 * kernels read. Values keep their logical shape [N, C, H, W]; only these three operators know what lies in them.
 */
import { ShapeError } from '../graph/errors.ts';
import type { Builder } from '../graph/builder.ts';
import { sameShape, shapeText, sizeOf, type TensorType, type Value } from '../graph/types.ts';
import { convOutputSize, type ConvAttributes } from './convolution-size.ts';
import { expectRank, inputAt, type NoAttributes, type OpDefinition } from './definition.ts';

const domain = 'com.microsoft.nchwc';

/** What a blocked convolution does to its result. */
export interface BlockedConvAttributes extends ConvAttributes {
  activation?: 'Relu';
}
/**
 * inputs: x, blocked (plain where it has fewer channels than a block); w, blocked; optional bias [O]; optional image of the
 * output's shape, blocked, that is added to the result. Output: blocked.
 */
export const blockedConvOp: OpDefinition<BlockedConvAttributes> = {
  domain,
  attributes: {
    kernel_shape: 'required',
    strides: 'required',
    pads: 'required',
    dilations: 'required',
    group: 'required',
    activation: 'optional',
  },
  inferShape: ({ name, inputs, attributes }): TensorType[] => {
    const [x, w] = inputs;
    expectRank(name, x, 4);
    const [n, c, h, width] = x.shape as [number, number, number, number];
    if (c !== w.shape[1]! * attributes.group)
      throw new ShapeError(name, `[N, ${w.shape[1]! * attributes.group}, H, W]`, x.shape);
    const shape = [n, w.shape[0]!, ...convOutputSize([h, width], attributes)];
    const added = inputAt(inputs, 3);
    if (added && !sameShape(added.shape, shape)) throw new ShapeError(name, shapeText(shape), added.shape);
    return [{ shape, dataType: x.dataType }];
  },
  gradient: 'not-differentiable',
};

/** Plain to blocked. C must be a multiple of the block. */
export const reorderInputOp: OpDefinition<NoAttributes> = {
  domain,
  attributes: {},
  inferShape: ({ inputs: [x] }) => [{ shape: x.shape, dataType: x.dataType }],
  gradient: 'not-differentiable',
};

/** Blocked to plain. */
export const reorderOutputOp: OpDefinition<{ channels: number }> = {
  domain,
  attributes: { channels: 'required' },
  inferShape: ({ inputs: [x] }) => [{ shape: x.shape, dataType: x.dataType }],
  gradient: 'not-differentiable',
};

export const reorderInput = (g: Builder, x: Value): Value => g.op('ReorderInput', [x], {}, domain);
export const reorderOutput = (g: Builder, x: Value): Value =>
  g.op('ReorderOutput', [x], { channels: x.shape[1]! }, domain);

/** Whether blocked kernels can do it: whole blocks in and out, or few channels in; one group, or one for each channel. */
export function canBeBlocked(
  [c, o]: readonly [channelsIn: number, channelsOut: number],
  group: number,
  block: number | null | undefined,
): block is number {
  if (!block || o % block !== 0) return false;
  return group === 1 ? c % block === 0 || c < block : group === c && group === o;
}

/**
 * Of each of n images, blocks of b elements in the order of `places`: [n, places, b]. A copy of 64 bytes at a time, on all threads,
 * where a Transpose that keeps blocks whole runs on one.
 */
export function takeBlocks(
  g: Builder,
  x: Value,
  [n, block]: readonly [number, number],
  places: readonly number[],
): Value {
  const table = g.constant({ dataType: 'int32', shape: [places.length], data: Int32Array.from(places) });
  return g.gather(g.reshape(x, [n, sizeOf(x.shape) / (n * block), block]), table, 1);
}

/** All combinations of indices below `sizes`, the last one fastest, as a place each. */
export function placesOf(sizes: readonly number[], place: (...index: number[]) => number): number[] {
  const index = sizes.map(() => 0);
  return Array.from({ length: sizeOf(sizes) }, () => {
    const found = place(...index);
    for (let axis = sizes.length - 1; axis >= 0 && ++index[axis]! === sizes[axis]; axis--) index[axis] = 0;
    return found;
  });
}

/** Blocks of output channels of a kernel w [O, C, kH, kW], as its own use reads them, and of input channels, as its adjoint does. */
function kernelBlocks(g: Builder, w: Value, use: KernelUse, block: number) {
  const [o, c, kH, kW] = w.shape as [number, number, number, number];
  const size = kH * kW;
  if (use === 'forward') {
    const blocks = reorderInput(g, g.reshape(w, [1, o, 1, c * size])); // [O/b, C·k, b]
    const placeOf = (outer: number, inner: number, position: number): number => (outer * c + inner) * size + position;
    return { blocks, placeOf, inner: c, outer: o / block };
  }
  const blocks = reorderInput(g, g.reshape(w, [o, c, 1, size])); // [O, C/b, k, b]
  const placeOf = (outer: number, inner: number, position: number): number =>
    (inner * (c / block) + outer) * size + position;
  return { blocks, placeOf, inner: o, outer: c / block };
}

/** Whether a kernel is convolved with the input, or its adjoint with the gradient. */
export type KernelUse = 'forward' | 'adjoint';

/**
 * A kernel w [O, C, kH, kW], blocked for its use, of which only some positions are taken, in their order:
 * [outer/b, inner/b, positions, b (in), b (out)]; [outer/b, inner, positions, b (out)] where `inner` is no whole block.
 */
function blockedPositions(g: Builder, w: Value, use: KernelUse, positions: readonly number[], block: number): Value {
  const { blocks, placeOf, inner, outer } = kernelBlocks(g, w, use, block);
  const places =
    inner % block === 0
      ? placesOf([outer, inner / block, positions.length, block], (a, b, at, c) =>
          placeOf(a!, b! * block + c!, positions[at!]!),
        )
      : placesOf([outer, inner, positions.length], (a, b, at) => placeOf(a!, b!, positions[at!]!));
  return takeBlocks(g, blocks, [1, block], places);
}

/** 0, 1, … and the other way around. */
const inOrder = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const reversed = (count: number): number[] => inOrder(count).reverse();

/** w [O, C/group, kH, kW] → the same shape with [O/b, C/b, kH, kW, b (in), b (out)] in it. */
function blockedKernel(g: Builder, w: Value, block: number): Value {
  const [o, c, kH, kW] = w.shape as [number, number, number, number];
  // Few input channels are not blocked, nor the one of a depthwise kernel.
  if (c % block !== 0) return g.reshape(reorderInput(g, g.reshape(w, [1, o, 1, c * kH * kW])), w.shape);
  return g.reshape(blockedPositions(g, w, 'forward', inOrder(kH * kW), block), w.shape);
}

/** The kernel of the convolution that is w's adjoint (in and out swapped, turned around in space), blocked. */
function blockedAdjointKernel(g: Builder, w: Value, depthwise: boolean, block: number): Value {
  const [o, c, kH, kW] = w.shape as [number, number, number, number];
  const size = kH * kW;
  if (!depthwise) return g.reshape(blockedPositions(g, w, 'adjoint', reversed(size), block), [c, o, kH, kW]);
  const blocks = reorderInput(g, g.reshape(w, [1, o, 1, size])); // [O/b, k, b]
  const places = placesOf([o / block, size], (outer, position) => outer! * size + size - 1 - position!);
  return g.reshape(takeBlocks(g, blocks, [1, block], places), w.shape);
}

/** A square kernel w [O, C, k, k] or its adjoint, blocked row by row: [k, O/b, C/b, k, b (in), b (out)], O and C those of its use. */
export function kernelByRows(g: Builder, w: Value, use: KernelUse, block: number): Value {
  const k = w.shape[2]!;
  const { blocks, placeOf, inner, outer } = kernelBlocks(g, w, use, block);
  const positions = use === 'forward' ? inOrder(k * k) : reversed(k * k);
  const places = placesOf([k, outer, inner / block, k, block], (row, a, b, column, c) =>
    placeOf(a!, b! * block + c!, positions[row! * k + column!]!),
  );
  return takeBlocks(g, blocks, [1, block], places);
}

/** A convolution of plain images by blocked kernels. */
function throughBlocks(
  g: Builder,
  x: Value,
  kernel: Value,
  bias: Value | null,
  attributes: ConvAttributes,
  block: number,
): Value {
  const operand = x.shape[1]! % block === 0 ? reorderInput(g, x) : x;
  const { kernel_shape, strides, pads, dilations, group } = attributes;
  const operands = bias ? [operand, kernel, bias] : [operand, kernel];
  return reorderOutput(g, g.op('Conv', operands, { kernel_shape, strides, pads, dilations, group }, domain));
}

export function blockedConvolution(
  g: Builder,
  [x, w, bias]: readonly [Value, Value, Value | null],
  attributes: ConvAttributes,
  block: number,
): Value {
  return throughBlocks(g, x, blockedKernel(g, w, block), bias, attributes, block);
}

/** The convolution of dy [N, O, H', W'] with w's adjoint; `attributes` are that convolution's. */
export function blockedAdjointConvolution(
  g: Builder,
  w: Value,
  dy: Value,
  attributes: ConvAttributes,
  block: number,
): Value {
  const depthwise = attributes.group > 1;
  return throughBlocks(g, dy, blockedAdjointKernel(g, w, depthwise, block), null, attributes, block);
}

/**
 * The gradient [N, C, H, W] of a strided convolution in which each channel is a group: w's adjoint over dy with zeros between its
 * pixels, which are put there a block of channels at a time.
 */
export function blockedDepthwiseAdjoint(
  g: Builder,
  w: Value,
  dy: Value,
  [height, width]: readonly [number, number],
  { kernel_shape, strides, pads, dilations, group }: ConvAttributes,
  block: number,
): Value {
  const [n, c, oH, oW] = dy.shape as [number, number, number, number];
  const [kH, kW] = kernel_shape as [number, number];
  const [sH, sW] = strides as [number, number];
  const [top, left] = pads as [number, number];
  const [spreadH, spreadW] = [(oH - 1) * sH + 1, (oW - 1) * sW + 1];
  const zeros = (c / block) * oH * oW;
  const rows = g.concat([g.reshape(reorderInput(g, dy), [n, zeros, block]), g.float(0, [n, 1, block])], 1);
  const places = placesOf([c / block, spreadH, spreadW], (outer, row, column) =>
    row! % sH === 0 && column! % sW === 0 ? (outer! * oH + row! / sH) * oW + column! / sW : zeros,
  );
  const spread = g.reshape(takeBlocks(g, rows, [n, block], places), [n, c, spreadH, spreadW]);
  const around = [kH - 1 - top, kW - 1 - left, height - spreadH + top, width - spreadW + left];
  const attributes = { kernel_shape, strides: [1, 1], pads: around, dilations, group };
  return reorderOutput(g, g.op('Conv', [spread, blockedAdjointKernel(g, w, true, block)], attributes, domain));
}

/**
 * Convolutions of dy [N, O, H', W'] with pieces of w's adjoint, one behind the other along the channels: [N, pieces·C, H' + 1,
 * W' + 1]. A piece takes one or two rows and columns of w, in the order in which they meet dy's; a single one meets the
 * pixel itself, of two the first meets the pixel before it.
 */
export function blockedPieces(
  g: Builder,
  w: Value,
  dy: Value,
  pieces: readonly { rows: readonly number[]; columns: readonly number[] }[],
  block: number,
): Value {
  const [o, c, , kW] = w.shape as [number, number, number, number];
  const operand = reorderInput(g, dy);
  const results = pieces.map(({ rows, columns }) => {
    const positions = rows.flatMap((row) => columns.map((column) => row * kW + column));
    const kernel = blockedPositions(g, w, 'adjoint', positions, block);
    const kernel_shape = [rows.length, columns.length];
    return g.op(
      'Conv',
      [operand, g.reshape(kernel, [c, o, ...kernel_shape])],
      {
        kernel_shape,
        strides: [1, 1],
        pads: [rows.length - 1, columns.length - 1, 1, 1],
        dilations: [1, 1],
        group: 1,
      },
      domain,
    );
  });
  return reorderOutput(g, g.concat(results, 1));
}
