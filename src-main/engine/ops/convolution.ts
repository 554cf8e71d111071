/**
 * Convolution and its two gradients. The gradients are abstract operators: autodiff only says that one is wanted, and
 * the lowering pass picks a formulation by shape.
 */
import { ShapeError } from '../graph/errors.ts';
import { sizeOf, type FloatsAttribute, type Shape, type TensorType, type Value } from '../graph/types.ts';
import { expectRank, inputAt, type NoAttributes, type OpDefinition } from './definition.ts';
import { blockedConvolution, canBeBlocked } from './blocked.ts';
import { inputGradientFormulations } from './convolution-input-gradient.ts';
import { convOutputSize, type ConvAttributes } from './convolution-size.ts';
import { weightGradientFormulations } from './convolution-weight-gradient.ts';
import { canFilter, filteredConvolution, filteringPays } from './winograd.ts';

const convolving = {
  kernel_shape: 'required',
  strides: 'required',
  pads: 'required',
  dilations: 'required',
  group: 'required',
} as const;

/** The gradients carry the shape of what they are the gradient of. */
export interface ConvGradientAttributes extends ConvAttributes {
  shape: Shape;
}

export const convOp: OpDefinition<ConvAttributes> = {
  attributes: convolving,
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
  formulations: {
    winograd: {
      applies: ({ inputs: [x, w], attributes, channelBlock }) =>
        canFilter([x.shape[1]!, w.shape[0]!], attributes, channelBlock),
      suits: ({ inputs: [x, w], attributes, channelBlock }) =>
        filteringPays(x.shape, w.shape[0]!, attributes, channelBlock),
      build: ({ g, inputs, attributes, channelBlock }) => {
        const [x, w] = inputs;
        const y = filteredConvolution(g, x, w, 'forward', attributes, channelBlock!);
        const bias = inputAt(inputs, 2);
        return [bias ? g.add(y, g.reshape(bias, [1, w.shape[0]!, 1, 1])) : y];
      },
    },
    blocked: {
      applies: ({ inputs, attributes: { group }, channelBlock }) =>
        canBeBlocked([inputs[0].shape[1]!, inputs[1].shape[0]!], group, channelBlock),
      suits: ({ attributes }) => attributes.kernel_shape.some((k) => k > 1),
      build: ({ g, inputs, attributes, channelBlock }) => {
        const [x, w] = inputs;
        return [blockedConvolution(g, [x, w, inputAt(inputs, 2)], attributes, channelBlock!)];
      },
    },
    plain: {
      applies: () => true,
      suits: () => true,
      build: ({ g, inputs, attributes }) => [g.op('Conv', inputs, { ...attributes })],
    },
  },
};

export interface FusedConvAttributes extends ConvAttributes {
  activation?: 'Relu' | 'Clip';
  /** Of Clip: the lowest and the highest value. */
  activation_params?: FloatsAttribute;
}
/** onnxruntime's own: a convolution, plus an image, cut off at 0 or between bounds. inputs: x, w, optional bias [O], optional image like the output. */
export const fusedConvOp: OpDefinition<FusedConvAttributes> = {
  domain: 'com.microsoft',
  attributes: { ...convolving, activation: 'optional', activation_params: 'optional' },
  inferShape: convOp.inferShape,
  gradient: 'not-differentiable',
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
  attributes: { ...convolving, shape: 'required' },
  inferShape: shapeFromAttribute,
  gradient: 'not-differentiable',
  formulations: weightGradientFormulations,
};

/** inputs: w [O, C/group, kH, kW], dy [N, O, H', W']; output: dx [N, C, H, W]. */
export const convInputGradientOp: OpDefinition<ConvGradientAttributes> = {
  domain: 'fovea',
  attributes: { ...convolving, shape: 'required' },
  inferShape: shapeFromAttribute,
  gradient: 'not-differentiable',
  formulations: inputGradientFormulations,
};

/** Σ over all axes but the second: a bias's gradient. input: [N, C, …]; output: [C]. */
export const channelSumOp: OpDefinition<NoAttributes> = {
  domain: 'fovea',
  attributes: {},
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
  attributes: { ...convolving, output_padding: 'required' },
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
