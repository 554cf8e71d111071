/**
 * onnxruntime's blocked convolutions: channels lie in blocks of b side by side, [N, C/b, H, W, b], which its fastest CPU
 * kernels read. Values keep their logical shape [N, C, H, W]; only these three operators know what lies in them.
 */
import { ShapeError } from '../graph/errors.ts';
import type { Builder } from '../graph/builder.ts';
import { sameShape, shapeText, type TensorType, type Value } from '../graph/types.ts';
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

/** [blocks, rows, b] with the rows in another order. */
function takeRows(g: Builder, x: Value, [blocks, block]: readonly [number, number], order: readonly number[]): Value {
  if (order.every((row, i) => row === i)) return x;
  return g.gather(g.reshape(x, [blocks, order.length, block]), g.ints(order), 1);
}

/** Rows of one block: channels [0, c) × kernel positions; in blocks of channels, position by position where `split`. */
function rowOrder(
  c: number,
  size: number,
  block: number,
  rowOf: (channel: number, position: number) => number,
): number[] {
  return Array.from({ length: c * size }, (_, i) => {
    const [outer, position, inner] = [Math.floor(i / (size * block)), Math.floor(i / block) % size, i % block];
    return rowOf(outer * block + inner, position);
  });
}

/** w [O, C/group, kH, kW] → the same shape with [O/b, C/b, kH, kW, b (in), b (out)] in it. */
function blockedKernel(g: Builder, w: Value, block: number): Value {
  const [o, c, kH, kW] = w.shape as [number, number, number, number];
  const size = kH * kW;
  const rows = reorderInput(g, g.reshape(w, [1, o, 1, c * size])); // [O/b, C·k, b]
  if (c % block !== 0) return g.reshape(rows, w.shape);
  const order = rowOrder(c, size, block, (channel, position) => channel * size + position);
  return g.reshape(takeRows(g, rows, [o / block, block], order), w.shape);
}

/** The kernel of the convolution that is w's adjoint (in and out swapped, turned around in space), blocked. */
function blockedAdjointKernel(g: Builder, w: Value, depthwise: boolean, block: number): Value {
  const [o, c, kH, kW] = w.shape as [number, number, number, number];
  const size = kH * kW;
  if (depthwise) {
    const rows = reorderInput(g, g.reshape(w, [1, o, 1, size])); // [O/b, k, b]
    const order = Array.from({ length: size }, (_, position) => size - 1 - position);
    return g.reshape(takeRows(g, rows, [o / block, block], order), w.shape);
  }
  const turned = g.transpose(g.reshape(w, [o, c * size]), [1, 0]); // [C·k, O]
  const rows = reorderInput(g, g.reshape(turned, [1, c, 1, size * o])); // [C/b, k·O, b]
  const order =
    o % block === 0
      ? rowOrder(o, size, block, (channel, position) => (size - 1 - position) * o + channel)
      : Array.from({ length: o * size }, (_, i) => (size - 1 - (i % size)) * o + Math.floor(i / size));
  return g.reshape(takeRows(g, rows, [c / block, block], order), [c, o, kH, kW]);
}

/** Whether a kernel is convolved with the input, or its adjoint with the gradient. */
export type KernelUse = 'forward' | 'adjoint';

/** A square kernel w [O, C, k, k] or its adjoint, blocked row by row: [k, O/b, C/b, k, b (in), b (out)], O and C those of its use. */
export function kernelByRows(g: Builder, w: Value, use: KernelUse, block: number): Value {
  const [inner, outer, k] = (use === 'forward' ? [1, 0, 2] : [0, 1, 2]).map((axis) => w.shape[axis]!) as [
    number,
    number,
    number,
  ];
  const size = k * k;
  const plain = use === 'forward' ? w : g.transpose(g.reshape(w, [inner, outer * size]), [1, 0]); // [O, C·k²] | [O·k², C]
  const rows = reorderInput(g, g.reshape(plain, [1, outer, 1, inner * size])); // [O/b, C·k² | k²·C, b]
  const rowOf = (channel: number, position: number): number =>
    use === 'forward' ? channel * size + position : (size - 1 - position) * inner + channel;
  const order = Array.from({ length: k }, (_, row) =>
    rowOrder(inner, k, block, (channel, column) => rowOf(channel, row * k + column)),
  ).flat();
  const taken = g.gather(g.reshape(rows, [outer / block, inner * size, block]), g.ints(order), 1);
  return g.transpose(g.reshape(taken, [outer / block, k, inner * k * block]), [1, 0, 2]);
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
  const [o, c, kH, kW] = w.shape as [number, number, number, number];
  const turned = g.transpose(g.reshape(w, [o, c * kH * kW]), [1, 0]); // [C·k, O]
  const rowsOfKernel = reorderInput(g, g.reshape(turned, [1, c, 1, kH * kW * o])); // [C/b, k·O, b]
  const operand = reorderInput(g, dy);
  const results = pieces.map(({ rows, columns }) => {
    const positions = rows.flatMap((row) => columns.map((column) => row * kW + column));
    const order = rowOrder(o, positions.length, block, (channel, at) => positions[at]! * o + channel);
    const taken = g.gather(g.reshape(rowsOfKernel, [c / block, kH * kW * o, block]), g.ints(order), 1);
    const kernel_shape = [rows.length, columns.length];
    return g.op(
      'Conv',
      [operand, g.reshape(taken, [c, o, ...kernel_shape])],
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
