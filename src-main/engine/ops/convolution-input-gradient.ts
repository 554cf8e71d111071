/**
 * Ways to write the gradient of a convolution's input in ONNX: the transposed convolution of dy with w; for stride 1, a
 * convolution of dy with w turned around in space. Every way must agree with the others within float tolerance.
 */
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type Value } from '../graph/types.ts';
import { blockedAdjointConvolution, blockedDepthwiseAdjoint, blockedPieces, canBeBlocked } from './blocked.ts';
import type { ConvGradientAttributes } from './convolution.ts';
import { isHalving, type ConvAttributes } from './convolution-size.ts';
import type { Formulation, LoweringContext, ShapeContext } from './definition.ts';
import { canFilter, filteredConvolution, filteringPays } from './winograd.ts';

type Context = LoweringContext<ConvGradientAttributes>;
type Rule = ShapeContext<ConvGradientAttributes>;

/** Whether a convolution of dy is the adjoint: stride 1 and no padding beyond the kernel. */
const hasAdjoint = ({ attributes: a }: Rule): boolean =>
  a.strides.every((s) => s === 1) &&
  a.dilations.every((d) => d === 1) &&
  a.pads.every((p, i) => p <= a.kernel_shape[i % 2]! - 1);

/** Of the stride-1 convolution of dy, padded so that the sizes come out. */
function adjointAttributes({ kernel_shape, pads: [top, left, bottom, right], group }: ConvAttributes): ConvAttributes {
  const [kH, kW] = kernel_shape as [number, number];
  const pads = [kH - 1 - top!, kW - 1 - left!, kH - 1 - bottom!, kW - 1 - right!];
  return { kernel_shape, strides: [1, 1], pads, dilations: [1, 1], group };
}

/** w [O, C/group, kH, kW] → [C, O/group, kH, kW] with both kernel axes reversed; the flip is a product with a permutation. */
function flipped(g: Builder, w: Value, group: number): Value {
  const [o, c, kH, kW] = w.shape as [number, number, number, number];
  const size = kH * kW;
  const reversal = new Float32Array(size * size);
  for (let i = 0; i < size; i++) reversal[i * size + size - 1 - i] = 1;
  const permutation = g.constant({ dataType: 'float32', shape: [size, size], data: reversal });
  const turned = size === 1 ? w : g.matmul(g.reshape(w, [o * c, size]), permutation);
  const swapped = g.transpose(g.reshape(turned, [group, o / group, c, size]), [0, 2, 1, 3]); // [group, C/group, O/group, k]
  return g.reshape(swapped, [group * c, o / group, kH, kW]);
}

function flippedConvolution({ g, inputs: [w, dy], attributes: a }: Context): Value[] {
  const { kernel_shape, strides, pads, dilations, group } = adjointAttributes(a);
  return [g.op('Conv', [dy, flipped(g, w, group)], { kernel_shape, strides, pads, dilations, group })];
}

/** 1×1: a product with the transposed weights. Turned around first, which `flippedConvolution` does, they multiply faster on a CPU. */
function pointwise({ g, inputs: [w, dy], attributes: a }: Context): Value[] {
  const [n, o] = dy.shape as [number, number];
  const c = a.shape[1]!;
  const product = g.fusedMatMul(g.reshape(w, [1, o, c]), g.reshape(dy, [n, o, sizeOf(dy.shape.slice(2))]), {
    transA: true,
  });
  return [g.reshape(product, a.shape)];
}

/**
 * Stride 2, 3×3, padding 1: each of the four phases of dx (phases.ts) is a small convolution of dy. Along one axis, with
 * weights w0, w1, w2: dx[2a] = w1·dy[a] and dx[2a + 1] = w2·dy[a] + w0·dy[a + 1].
 */
function inPhases({ g, inputs: [w, dy], channelBlock }: Context): Value[] {
  const taps = [[1], [2, 0]];
  const kernels = taps.flatMap((rows) => taps.map((columns) => ({ rows, columns })));
  const phases = blockedPieces(g, w, dy, kernels, channelBlock!); // [N, 4·C, H' + 1, W' + 1]
  return [g.op('PhasesToImage', [phases], {}, 'fovea')];
}

/** Any stride: ONNX's ConvTranspose; what the forward's rounding left unread comes back as output padding. */
function transposed({ g, inputs: [w, dy], attributes: a }: Context): Value[] {
  const hw = a.shape.slice(2);
  const output_padding = hw.map((size, i) => {
    const reach = a.strides[i]! * (dy.shape[i + 2]! - 1) + a.dilations[i]! * (a.kernel_shape[i]! - 1) + 1;
    return size + a.pads[i]! + a.pads[i + 2]! - reach;
  });
  const { kernel_shape, strides, pads, dilations, group } = a;
  return [g.op('ConvTranspose', [dy, w], { kernel_shape, strides, pads, dilations, group, output_padding })];
}

export const inputGradientFormulations: Readonly<Record<string, Formulation<ConvGradientAttributes>>> = {
  winograd: {
    applies: (context) => {
      const { inputs, attributes: a, channelBlock } = context;
      return hasAdjoint(context) && canFilter([inputs[1].shape[1]!, a.shape[1]!], a, channelBlock);
    },
    suits: ({ inputs: [, dy], attributes: a, channelBlock }) =>
      filteringPays(dy.shape, a.shape[1]!, adjointAttributes(a), channelBlock),
    build: ({ g, inputs: [w, dy], attributes: a, channelBlock }) => [
      filteredConvolution(g, dy, w, 'adjoint', adjointAttributes(a), channelBlock!),
    ],
  },
  blocked: {
    applies: (context) => {
      const { inputs, attributes: a, channelBlock } = context;
      return hasAdjoint(context) && canBeBlocked([inputs[1].shape[1]!, a.shape[1]!], a.group, channelBlock);
    },
    suits: ({ attributes: a }) => a.kernel_shape.some((k) => k > 1),
    build: ({ g, inputs: [w, dy], attributes: a, channelBlock }) => [
      blockedAdjointConvolution(g, w, dy, adjointAttributes(a), channelBlock!),
    ],
  },
  pointwise: {
    applies: (context) => {
      const { attributes: a } = context;
      return hasAdjoint(context) && a.group === 1 && a.kernel_shape.every((k) => k === 1);
    },
    build: pointwise,
  },
  inPhases: {
    applies: ({ inputs: [w, dy], attributes: a, channelBlock }) =>
      isHalving(a.shape, dy.shape, a) &&
      !!channelBlock &&
      w.shape.slice(0, 2).every((size) => size % channelBlock === 0),
    suits: () => true,
    build: inPhases,
  },
  zerosBetween: {
    applies: ({ inputs: [, dy], attributes: a, channelBlock }) =>
      a.group > 1 &&
      canBeBlocked([a.shape[1]!, dy.shape[1]!], a.group, channelBlock) &&
      a.dilations.every((d) => d === 1) &&
      a.pads.every((p, i) => p <= a.kernel_shape[i % 2]! - 1),
    suits: ({ attributes: a }) => a.strides.some((s) => s > 1),
    build: ({ g, inputs: [w, dy], attributes: a, channelBlock }) => {
      const [, , height, width] = a.shape as [number, number, number, number];
      return [blockedDepthwiseAdjoint(g, w, dy, [height, width], a, channelBlock!)];
    },
  },
  flippedConvolution: { applies: hasAdjoint, suits: () => true, build: flippedConvolution },
  transposed: { applies: () => true, build: transposed },
};
