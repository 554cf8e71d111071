/**
 * Convolution and its two gradients. The gradients are abstract operators: autodiff only says that one is wanted, and
 * the lowering pass picks a formulation from convolution-formulations.ts by shape.
 */
import { ShapeError } from '../graph/errors.ts';
import { sizeOf, type Shape, type TensorType, type Value } from '../graph/types.ts';
import { expectRank, inputAt, type OpDefinition } from './definition.ts';
import { inputGradientFormulations, weightGradientFormulations } from './convolution-formulations.ts';

/** pads: [top, left, bottom, right], px. */
export interface ConvAttributes {
  kernel_shape: readonly number[];
  strides: readonly number[];
  pads: readonly number[];
  dilations: readonly number[];
  group: number;
}
/** The gradients carry the shape of what they are the gradient of. */
export interface ConvGradientAttributes extends ConvAttributes {
  shape: Shape;
}

/** O = ⌊(I + begin + end − dilation·(k − 1) − 1) / stride⌋ + 1, for each spatial axis. */
export function convOutputSize(inputHw: readonly number[], a: ConvAttributes): number[] {
  return inputHw.map((size, i) => {
    const reach = a.dilations[i]! * (a.kernel_shape[i]! - 1) + 1;
    return Math.floor((size + a.pads[i]! + a.pads[i + 2]! - reach) / a.strides[i]!) + 1;
  });
}

export const convOp: OpDefinition<ConvAttributes> = {
  inferShape: ({ name, inputs: [x, w], attributes }): TensorType[] => {
    expectRank(name, x, 4);
    expectRank(name, w, 4);
    const [n, c, h, width] = x.shape as [number, number, number, number];
    if (c !== w.shape[1]! * attributes.group)
      throw new ShapeError(name, `[N, ${w.shape[1]! * attributes.group}, H, W]`, x.shape);
    return [{ shape: [n, w.shape[0]!, ...convOutputSize([h, width], attributes)], dataType: x.dataType }];
  },
  gradient: ({ g, inputs, attributes, gradOutput: dy, needs }) => {
    const [x, w] = inputs;
    const gradient = (opType: string, operands: Value[], shape: Shape): Value =>
      g.op(opType, operands, { ...attributes, shape }, 'fovea');
    return [
      needs[0] ? gradient('ConvInputGradient', [w, dy], x.shape) : null,
      needs[1] ? gradient('ConvWeightGradient', [x, dy], w.shape) : null,
      inputAt(inputs, 2) && needs[2] ? g.op('ChannelSum', [dy], {}, 'fovea') : null,
    ];
  },
};

const shapeFromAttribute = ({
  inputs,
  attributes,
}: {
  inputs: readonly Value[];
  attributes: ConvGradientAttributes;
}): TensorType[] => [{ shape: attributes.shape, dataType: inputs[0]!.dataType }];

/** inputs: x [N, C, H, W], dy [N, O, H', W']; output: dw [O, C/group, kH, kW]. */
export const convWeightGradientOp: OpDefinition<ConvGradientAttributes> = {
  domain: 'fovea',
  inferShape: shapeFromAttribute,
  gradient: 'not-differentiable',
  formulations: weightGradientFormulations,
};

/** inputs: w [O, C/group, kH, kW], dy [N, O, H', W']; output: dx [N, C, H, W]. */
export const convInputGradientOp: OpDefinition<ConvGradientAttributes> = {
  domain: 'fovea',
  inferShape: shapeFromAttribute,
  gradient: 'not-differentiable',
  formulations: inputGradientFormulations,
};

/** Σ over all axes but the second: a bias's gradient. input: [N, C, …]; output: [C]. */
export const channelSumOp: OpDefinition<Readonly<Record<string, never>>> = {
  domain: 'fovea',
  inferShape: ({ inputs: [x] }) => [{ shape: [x.shape[1]!], dataType: x.dataType }],
  gradient: ({ g, inputs: [x], gradOutput: dy }) => [
    g.expand(g.reshape(dy, [1, x.shape[1]!, ...x.shape.slice(2).map(() => 1)]), x.shape),
  ],
  formulations: {
    reduceSum: {
      applies: () => true,
      build: ({ g, inputs: [x] }) => [
        g.reduceSum(
          x,
          x.shape.map((_, i) => i).filter((axis) => axis !== 1),
        ),
      ],
    },
    /** Two small reductions: the long inner axis first, which onnxruntime vectorises. */
    innerFirst: {
      applies: ({ inputs: [x] }) => x.shape.length > 2,
      build: ({ g, inputs: [x] }) => {
        const [n, c] = x.shape as [number, number];
        return [g.reduceSum(g.reduceSum(g.reshape(x, [n, c, sizeOf(x.shape.slice(2))]), [2]), [0])];
      },
    },
  },
};

export interface ConvTransposeAttributes extends ConvAttributes {
  output_padding: readonly number[];
}
/** inputs: x [N, C, H, W], w [C, O/group, kH, kW], optional bias [O]. */
export const convTransposeOp: OpDefinition<ConvTransposeAttributes> = {
  inferShape: ({ name, inputs: [x, w], attributes: a }) => {
    expectRank(name, x, 4);
    if (x.shape[1] !== w.shape[0]) throw new ShapeError(name, `[N, ${w.shape[0]}, H, W]`, x.shape);
    const hw = x.shape.slice(2).map((size, i) => {
      const reach = a.strides[i]! * (size - 1) + a.dilations[i]! * (a.kernel_shape[i]! - 1) + 1;
      return reach + a.output_padding[i]! - a.pads[i]! - a.pads[i + 2]!;
    });
    return [{ shape: [x.shape[0]!, w.shape[1]! * a.group, ...hw], dataType: x.dataType }];
  },
  // The adjoint of a transposed convolution is the convolution; its kernel's gradient has the roles of x and dy swapped.
  gradient: ({ g, inputs, attributes, gradOutput: dy, needs }) => {
    const [x, w] = inputs;
    const { kernel_shape, strides, pads, dilations, group } = attributes;
    const conv = { kernel_shape, strides, pads, dilations, group };
    return [
      needs[0] ? g.op('Conv', [dy, w], conv) : null,
      needs[1] ? g.op('ConvWeightGradient', [dy, x], { ...conv, shape: w.shape }, 'fovea') : null,
      inputAt(inputs, 2) && needs[2] ? g.op('ChannelSum', [dy], {}, 'fovea') : null,
    ];
  },
};
