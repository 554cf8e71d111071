/**
 * Batch normalisation with the batch's own statistics. ONNX's BatchNormalization in training mode writes its inputs in
 * place in onnxruntime, so the statistics are spelt out. Source: Ioffe & Szegedy 2015.
 */
import { sizeOf, type FloatAttribute, type TensorType, type Value } from '../graph/types.ts';
import { invariant } from '../../contract/errors.ts';
import type { Builder } from '../graph/builder.ts';
import type { GradientContext, LoweringContext, NoAttributes, OpDefinition } from './definition.ts';

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
  const y = g.add(g.mul(centred, perChannel(g, slope, x)), perChannel(g, beta, x));
  return [y, mean, variance, centred];
}

/**
 * With x̂ = (x − μ)/σ, M elements a channel: dγ = Σ dy·x̂, dβ = Σ dy,
 * dx = γ/σ · (dy − dβ/M − x̂·dγ/M) = slope·dy + b·(x − μ) + c, all three per channel.
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
  const b = g.scale(g.mul(g.mul(slope, inverse), dGamma), -1 / count);
  const c = g.scale(g.mul(slope, dBeta), -1 / count);
  const dx = g.add(
    g.mul(dy, perChannel(g, slope, x)),
    g.add(g.mul(centred!, perChannel(g, b, x)), perChannel(g, c, x)),
  );
  return [dx, dGamma, dBeta];
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
      build: ({ g, inputs: [a, b] }) => [
        g.reduceSum(
          g.mul(a, b),
          a.shape.map((_, i) => i).filter((axis) => axis !== 1),
        ),
      ],
    },
  },
};
