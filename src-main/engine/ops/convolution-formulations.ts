/**
 * Ways to write a convolution's gradients in ONNX. With y = x ∗ w:
 *   dw[o, c, i, j] = Σ_{n, p, q} x[n, c, s·p + d·i − pad, s·q + d·j − pad] · dy[n, o, p, q]
 *   dx = the transposed convolution of dy with w; for stride 1, a convolution of dy with w flipped in space.
 * No single way is fastest for all shapes; every way must agree with the others within float tolerance.
 */
import type { Builder } from '../graph/builder.ts';
import type { Value } from '../graph/types.ts';
import type { Formulation, LoweringContext, ShapeContext } from './definition.ts';
import type { ConvGradientAttributes } from './convolution.ts';

type Context = LoweringContext<ConvGradientAttributes>;
type Rule = ShapeContext<ConvGradientAttributes>;

const always = (): boolean => true;
const isPlain = ({ attributes: a }: Rule): boolean =>
  a.strides.every((s) => s === 1) && a.dilations.every((d) => d === 1);

/** [begin…, end…] pads over [N, C, H, W] from spatial pads [top, left, bottom, right]. */
const spatialPads = ([top, left, bottom, right]: readonly number[]): number[] => [
  0,
  0,
  top!,
  left!,
  0,
  0,
  bottom!,
  right!,
];

/** [N, channels, L] as [N, group, channels / group, L], or [N, channels, L] where there is one group. */
function grouped(g: Builder, x: Value, group: number, length: number): Value {
  const [n, channels] = x.shape as [number, number];
  return g.reshape(x, group === 1 ? [n, channels, length] : [n, group, channels / group, length]);
}

/**
 * Shifted taps: for each kernel position, the slice of x that it saw, times dy, as one matrix product over all output
 * positions. Handles strides, dilations and groups.
 */
function taps({ g, inputs: [x, dy], attributes: a }: Context): Value[] {
  const [kH, kW] = a.kernel_shape as [number, number];
  const [, o, oH, oW] = dy.shape as [number, number, number, number];
  const [sH, sW] = a.strides as [number, number];
  const [dH, dW] = a.dilations as [number, number];
  const length = oH * oW;
  const padded = g.pad(x, spatialPads(a.pads));
  const rows = grouped(g, dy, a.group, length); // [N, (group,) O/group, L]
  const products: Value[] = [];
  for (let i = 0; i < kH; i++) {
    for (let j = 0; j < kW; j++) {
      const starts = [i * dH, j * dW] as const;
      const ends = [starts[0] + sH * (oH - 1) + 1, starts[1] + sW * (oW - 1) + 1];
      const seen = g.op('Slice', [padded, g.ints(starts), g.ints(ends), g.ints([2, 3]), g.ints([sH, sW])]);
      const product = g.fusedMatMul(rows, grouped(g, seen, a.group, length), { transB: true }); // [N, (group,) O/group, C/group]
      products.push(g.reshape(g.reduceSum(product, [0]), [o, a.shape[1]!, 1]));
    }
  }
  return [g.reshape(g.concat(products, 2), a.shape)];
}

/**
 * Patches of x by a convolution with one-hot kernels (group = C), then one matrix product. Cheap where C is small.
 */
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
  const product = g.fusedMatMul(g.reshape(dy, [n, o, oH * oW]), g.reshape(patches, [n, c * kernelSize, oH * oW]), {
    transB: true,
  });
  return [g.reshape(g.reduceSum(product, [0]), a.shape)];
}

export const weightGradientFormulations: Readonly<Record<string, Formulation<ConvGradientAttributes>>> = {
  oneHotPatches: {
    applies: ({ attributes: a }) => a.group === 1 && a.shape[1]! <= 4 && a.kernel_shape.some((k) => k > 1),
    build: oneHotPatches,
  },
  taps: { applies: always, build: taps },
};

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

/** Stride 1: dx = dy ∗ flipped w, padded so that the sizes come out. */
function flippedConvolution({ g, inputs: [w, dy], attributes: a }: Context): Value[] {
  const [kH, kW] = a.kernel_shape as [number, number];
  const [top, left, bottom, right] = a.pads as [number, number, number, number];
  const pads = [kH - 1 - top, kW - 1 - left, kH - 1 - bottom, kW - 1 - right];
  const kernel = flipped(g, w, a.group);
  return [
    g.op('Conv', [dy, kernel], { kernel_shape: [kH, kW], strides: [1, 1], pads, dilations: [1, 1], group: a.group }),
  ];
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
  flippedConvolution: {
    applies: (context) =>
      isPlain(context) && context.attributes.pads.every((p, i) => p <= context.attributes.kernel_shape[i % 2]! - 1),
    build: flippedConvolution,
  },
  transposed: { applies: always, build: transposed },
};
