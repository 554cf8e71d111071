/**
 * Batch normalisation with the batch's own statistics. ONNX's BatchNormalization in training mode writes its inputs in
 * place in onnxruntime, so the statistics are spelt out. Source: Ioffe & Szegedy 2015.
 */
import { ShapeError } from '../graph/errors.ts';
import { sameShape, shapeText, sizeOf, type FloatAttribute, type TensorType, type Value } from '../graph/types.ts';
import { invariant } from '../../contract/errors.ts';
import type { Builder } from '../graph/builder.ts';
import {
  inputAt,
  type GradientContext,
  type LoweringContext,
  type NoAttributes,
  type OpDefinition,
} from './definition.ts';

export interface BatchNormAttributes {
  epsilon: FloatAttribute;
}

/** [C] as [1, C, 1, …], to broadcast against x. */
function perChannel(g: Builder, vector: Value, x: Value): Value {
  return g.reshape(
    vector,
    x.shape.map((_, axis) => (axis === 1 ? vector.shape[0]! : 1)),
  );
}

const elementsPerChannel = (x: Value): number => sizeOf(x.shape) / x.shape[1]!;

/** 1 / √(variance + ε) */
function inverseDeviation(g: Builder, variance: Value, epsilon: number): Value {
  return g.reciprocal(g.sqrt(g.add(variance, g.float(epsilon))));
}

/** Centred, because E[x²] − μ² loses every digit where |μ| ≫ σ. */
function buildForward({ g, inputs: [x, gamma, beta], attributes }: LoweringContext<BatchNormAttributes>): Value[] {
  const count = elementsPerChannel(x);
  const mean = g.scale(g.op('ChannelSum', [x], {}, 'fovea'), 1 / count);
  const centred = g.sub(x, perChannel(g, mean, x));
  const variance = g.scale(g.op('ChannelDot', [centred, centred], {}, 'fovea'), 1 / count);
  const slope = g.mul(gamma, inverseDeviation(g, variance, attributes.epsilon.float));
  const y = g.op('ChannelAffine', [centred, slope, beta], {}, 'fovea');
  return [y, mean, variance, centred];
}

/**
 * With x̂ = (x − μ)/σ, M elements a channel: dγ = Σ dy·x̂, dβ = Σ dy,
 * dx = γ/σ · (dy − dβ/M − x̂·dγ/M) = slope · (b·(x − μ) + c + dy), all three per channel.
 */
function gradient(context: GradientContext<BatchNormAttributes>): (Value | null)[] {
  const {
    g,
    name,
    inputs: [x, gamma],
    outputs,
    attributes,
    gradOutput: dy,
    gradOutputs,
    needs,
  } = context;
  invariant(
    gradOutputs.slice(1).every((other) => other === null),
    `${name}: of BatchNorm's outputs only y may lead to the loss`,
  );
  const [, , variance, centred] = outputs as readonly Value[];
  const count = elementsPerChannel(x);
  const inverse = inverseDeviation(g, variance!, attributes.epsilon.float);
  const dBeta = g.op('ChannelSum', [dy], {}, 'fovea');
  const dGamma = g.mul(g.op('ChannelDot', [dy, centred!], {}, 'fovea'), inverse);
  if (!needs[0]) return [null, dGamma, dBeta];
  const slope = g.mul(gamma, inverse);
  const b = g.scale(g.mul(inverse, dGamma), -1 / count);
  const c = g.scale(dBeta, -1 / count);
  const unscaled = g.op('ChannelAffine', [centred!, b, c, dy], {}, 'fovea');
  return [g.op('ChannelScale', [unscaled, slope], {}, 'fovea'), dGamma, dBeta];
}

/** inputs: x [N, C, …], gamma [C], beta [C]; outputs: y, mean [C], variance [C] (biased), x − mean. */
export const batchNormOp: OpDefinition<BatchNormAttributes> = {
  domain: 'fovea',
  attributes: { epsilon: 'required' },
  inferShape: ({ inputs: [x, gamma] }): TensorType[] => {
    const like = (shape: readonly number[]): TensorType => ({ shape, dataType: x.dataType });
    return [like(x.shape), like(gamma.shape), like(gamma.shape), like(x.shape)];
  },
  gradient,
  formulations: { centred: { applies: () => true, build: buildForward } },
};

/** Pixels of a channel from which on one node pays for all three: it writes the result once. */
const manyPixels = 1024;

/** inputs: x [N, C, …], slope [C], offset [C], optionally z of x's shape; output: slope·x + offset + z. */
export const channelAffineOp: OpDefinition<NoAttributes> = {
  domain: 'fovea',
  attributes: {},
  inferShape: ({ name, inputs }) => {
    const [x] = inputs;
    const added = inputAt(inputs, 3);
    if (added && !sameShape(added.shape, x.shape)) throw new ShapeError(name, shapeText(x.shape), added.shape);
    return [{ shape: x.shape, dataType: x.dataType }];
  },
  gradient: ({ g, inputs: [x, slope], gradOutput: dy, needs }) => [
    needs[0] ? g.mul(dy, perChannel(g, slope, x)) : null,
    needs[1] ? g.op('ChannelDot', [dy, x], {}, 'fovea') : null,
    needs[2] ? g.op('ChannelSum', [dy], {}, 'fovea') : null,
    dy,
  ],
  formulations: {
    /** A convolution of 1×1 in which each channel is a group, on processors. */
    fusedConv: {
      applies: ({ inputs: [x], channelBlock }) => x.shape.length === 4 && x.dataType === 'float32' && !!channelBlock,
      suits: ({ inputs: [x] }) => sizeOf(x.shape.slice(2)) >= manyPixels,
      build: ({ g, inputs }) => {
        const [x, slope, offset] = inputs;
        const c = x.shape[1]!;
        const operands = [x, g.reshape(slope, [c, 1, 1, 1]), offset, inputAt(inputs, 3)];
        const attributes = { kernel_shape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: c };
        return [g.op('FusedConv', operands, attributes, 'com.microsoft')];
      },
    },
    writtenOut: {
      applies: () => true,
      suits: () => true,
      build: ({ g, inputs }) => {
        const [x, slope, offset] = inputs;
        const [scaled, added] = [g.mul(x, perChannel(g, slope, x)), inputAt(inputs, 3)];
        const moved = g.add(scaled, perChannel(g, offset, x));
        return [added ? g.add(moved, added) : moved];
      },
    },
  },
};

/** inputs: x [N, C, …], slope [C]; output: slope·x. An operator of its own for passes/scale-kernels.ts. */
export const channelScaleOp: OpDefinition<NoAttributes> = {
  domain: 'fovea',
  attributes: {},
  inferShape: ({ inputs: [x] }) => [{ shape: x.shape, dataType: x.dataType }],
  gradient: ({ g, inputs: [x, slope], gradOutput: dy, needs }) => [
    needs[0] ? g.op('ChannelScale', [dy, slope], {}, 'fovea') : null,
    needs[1] ? g.op('ChannelDot', [dy, x], {}, 'fovea') : null,
  ],
  formulations: {
    product: { applies: () => true, build: ({ g, inputs: [x, slope] }) => [g.mul(x, perChannel(g, slope, x))] },
  },
};

/** Pixels of a channel up to which a product of its own costs more than it saves. */
const fewPixels = 400;

/** Σ a·b over all axes but the second. inputs: [N, C, …] twice; output: [C]. */
export const channelDotOp: OpDefinition<NoAttributes> = {
  domain: 'fovea',
  attributes: {},
  inferShape: ({ inputs: [a] }) => [{ shape: [a.shape[1]!], dataType: a.dataType }],
  gradient: ({ g, inputs: [a, b], gradOutput: dy, needs }) => {
    const d = perChannel(g, dy, a);
    return [needs[0] ? g.mul(b, d) : null, needs[1] ? g.mul(a, d) : null];
  },
  formulations: {
    /** One dot product a channel and image: onnxruntime's matrix product beats multiply-then-sum. */
    fusedMatMul: {
      applies: ({ inputs: [a] }) => a.shape.length > 2,
      suits: ({ inputs: [a] }) => sizeOf(a.shape.slice(2)) > fewPixels,
      build: ({ g, inputs: [a, b] }) => {
        const [n, c] = a.shape as [number, number];
        const length = sizeOf(a.shape.slice(2));
        const products = g.fusedMatMul(g.reshape(a, [n, c, 1, length]), g.reshape(b, [n, c, 1, length]), {
          transB: true,
        }); // [N, C, 1, 1]
        return [g.reduceSum(g.reshape(products, [n, c]), [0])];
      },
    },
    multiplyAndSum: {
      applies: () => true,
      suits: () => true,
      build: ({ g, inputs: [a, b] }) => [
        g.reduceSum(
          g.mul(a, b),
          a.shape.map((_, i) => i).filter((axis) => axis !== 1),
        ),
      ],
    },
  },
};
