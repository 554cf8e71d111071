/** Activations. Each gradient is written from the output where that saves keeping the input. */
import type { Builder } from '../graph/builder.ts';
import { float, type FloatAttribute, type TensorType, type Value } from '../graph/types.ts';
import {
  constantNumbers,
  normalAxis,
  type Formulation,
  type LoweringContext,
  type NoAttributes,
  type OpDefinition,
  type ShapeContext,
} from './definition.ts';

const likeFirst = ({ inputs: [a] }: { inputs: readonly [Value, ...Value[]] }): TensorType[] => [
  { shape: a.shape, dataType: a.dataType },
];

// dx = dy where y > 0; 0 at the kink, as PyTorch has it
export const reluOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: likeFirst,
  gradient: ({ g, outputs: [y], gradOutput: dy }) => [g.op('ReluGradient', [y, dy], {}, 'fovea')],
};

/** Lifts the least normal float32 to 1; a power of two, so that it rounds nothing. */
const steep = 2 ** 126;

/** inputs: y ≥ 0, which ReLU gave, and dy; output: dy where y > 0, else 0. */
export const reluGradientOp: OpDefinition<NoAttributes> = {
  domain: 'fovea',
  attributes: {},
  inferShape: likeFirst,
  gradient: 'not-differentiable',
  formulations: {
    /** clip(steep·y, 0, 1) is the mask in one pass over memory, where a comparison and a cast are two. On processors. */
    steepSlope: {
      applies: ({ inputs: [y], channelBlock }) => y.dataType === 'float32' && !!channelBlock,
      suits: () => true,
      build: ({ g, inputs: [y, dy] }) => [g.mul(dy, g.op('HardSigmoid', [y], { alpha: float(steep), beta: float(0) }))],
    },
    compared: {
      applies: () => true,
      build: ({ g, inputs: [y, dy] }) => [g.mul(dy, g.cast(g.op('Greater', [y, g.float(0)]), 'float32'))],
    },
  },
};

// σ' = σ(1 − σ)
export const sigmoidOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: likeFirst,
  gradient: ({ g, outputs: [y], gradOutput: dy }) => [g.mul(dy, g.mul(y, g.sub(g.float(1), y)))],
};

// tanh' = 1 − tanh²
export const tanhOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: likeFirst,
  gradient: ({ g, outputs: [y], gradOutput: dy }) => [g.mul(dy, g.sub(g.float(1), g.mul(y, y)))],
};

export interface AxisAttributes {
  axis: number;
}

const alongAxis = ({ name, inputs: [a], attributes }: ShapeContext<AxisAttributes>): TensorType[] => {
  normalAxis(name, attributes.axis, a.shape.length);
  return likeFirst({ inputs: [a] });
};

/** onnxruntime's own kernel, which along any axis but the last spends most of its time turning the array around. */
const kernel = (opType: string): Formulation<AxisAttributes> => ({
  applies: () => true,
  build: ({ g, inputs: [x], attributes }) => [g.op(opType, [x], { ...attributes })],
});
const isAcross = ({ name, inputs: [x], attributes: { axis } }: ShapeContext<AxisAttributes>): boolean =>
  normalAxis(name, axis, x.shape.length) !== x.shape.length - 1;
/** x less its greatest value along the axis, which changes no result and keeps eˣ finite. */
const fromGreatest = ({ g, inputs: [x], attributes: { axis } }: LoweringContext<AxisAttributes>): Value =>
  g.sub(x, g.op('ReduceMax', [x, g.ints([axis])], { keepdims: 1 }));

// y = softmax(x)  ⇒  dx = y·(dy − Σ dy·y)
export const softmaxOp: OpDefinition<AxisAttributes> = {
  attributes: { axis: 'required' },
  inferShape: alongAxis,
  gradient: ({ g, outputs: [y], attributes: { axis }, gradOutput: dy }) => [
    g.mul(y, g.sub(dy, g.reduceSum(g.mul(dy, y), [axis], true))),
  ],
  formulations: {
    writtenOut: {
      applies: isAcross,
      build: (context) => {
        const { g, attributes } = context;
        const powers = g.op('Exp', [fromGreatest(context)]);
        return [g.div(powers, g.reduceSum(powers, [attributes.axis], true))];
      },
    },
    kernel: kernel('Softmax'),
  },
};

// y = log softmax(x)  ⇒  dx = dy − softmax(x)·Σ dy
export const logSoftmaxOp: OpDefinition<AxisAttributes> = {
  attributes: { axis: 'required' },
  inferShape: alongAxis,
  gradient: ({ g, outputs: [y], attributes: { axis }, gradOutput: dy }) => [
    g.sub(dy, g.mul(g.op('Exp', [y]), g.reduceSum(dy, [axis], true))),
  ],
  formulations: {
    writtenOut: {
      applies: isAcross,
      build: (context) => {
        const { g, attributes } = context;
        const x = fromGreatest(context);
        return [g.sub(x, g.op('Log', [g.reduceSum(g.op('Exp', [x]), [attributes.axis], true)]))];
      },
    },
    kernel: kernel('LogSoftmax'),
  },
};

// QuickGelu(x) = x·σ(αx); SiLU is α = 1. With s = σ(αx) and y = x·s: dx = dy·(s + α·y·(1 − s))
export const quickGeluOp: OpDefinition<{ alpha: FloatAttribute }> = {
  domain: 'com.microsoft',
  attributes: { alpha: 'required' },
  inferShape: likeFirst,
  gradient: ({ g, inputs: [x], outputs: [y], attributes: { alpha }, gradOutput: dy }) => {
    const s = g.op('Sigmoid', [g.scale(x, alpha.float)]);
    const slope = g.add(s, g.scale(g.mul(y, g.sub(g.float(1), s)), alpha.float));
    return [g.mul(dy, slope)];
  },
};

// HardSwish(x) = x·h with h = clip(x/6 + ½, 0, 1), so the slope is h, and x/6 more between −3 and 3
export const hardSwishOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: likeFirst,
  gradient: ({ g, inputs: [x], gradOutput: dy }) => {
    const h = g.op('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) });
    const inside = g.cast(g.op('Less', [g.op('Abs', [x]), g.float(3)]), 'float32');
    return [g.mul(dy, g.add(h, g.mul(inside, g.scale(x, 1 / 6))))];
  },
};

export interface HardSigmoidAttributes {
  alpha?: FloatAttribute;
  beta?: FloatAttribute;
}
// y = clip(αx + β, 0, 1): slope α where 0 < y < 1, 0 elsewhere. ONNX's defaults are α = 0.2, β = 0.5; PyTorch's α is 1/6.
export const hardSigmoidOp: OpDefinition<HardSigmoidAttributes> = {
  attributes: { alpha: 'optional', beta: 'optional' },
  inferShape: likeFirst,
  gradient: ({ g, outputs: [y], attributes, gradOutput: dy }) => {
    const inside = g.op('And', [g.op('Greater', [y, g.float(0)]), g.op('Less', [y, g.float(1)])]);
    return [g.mul(dy, g.scale(g.cast(inside, 'float32'), attributes.alpha?.float ?? 0.2))];
  },
};

/** inputs: x, optional lowest and highest value, both constants. */
export const clipOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: likeFirst,
  // dx = dy where x lies between the bounds, the bounds included (PyTorch's clamp): where y is x itself
  gradient: ({ g, name, inputs, outputs: [y], gradOutput: dy }) => {
    for (const bound of inputs.slice(1)) if (bound) constantNumbers(name, bound, 'bound');
    const inside = g.cast(g.op('Equal', [inputs[0], y]), 'float32');
    return [g.mul(dy, inside), ...inputs.slice(1).map(() => null)];
  },
};

export interface HardTanhAttributes {
  low: FloatAttribute;
  high: FloatAttribute;
}
/** Clip as an activation (ReLU6): no slope at the bounds, as in PyTorch, and x need not be kept for the gradient. */
export const hardTanhOp: OpDefinition<HardTanhAttributes> = {
  domain: 'fovea',
  attributes: { low: 'required', high: 'required' },
  inferShape: likeFirst,
  gradient: ({ g, outputs: [y], attributes: { low, high }, gradOutput: dy }) => {
    const inside = g.op('And', [g.op('Greater', [y, g.float(low.float)]), g.op('Less', [y, g.float(high.float)])]);
    return [g.mul(dy, g.cast(inside, 'float32'))];
  },
  formulations: {
    clip: {
      applies: () => true,
      build: ({ g, inputs: [x], attributes: { low, high } }) => [
        g.op('Clip', [x, g.float(low.float), g.float(high.float)]),
      ],
    },
  },
};

export interface SlopeAttributes {
  alpha: FloatAttribute;
}
// y = x for x > 0, else αx
export const leakyReluOp: OpDefinition<SlopeAttributes> = {
  attributes: { alpha: 'required' },
  inferShape: likeFirst,
  gradient: ({ g, inputs: [x], attributes: { alpha }, gradOutput: dy }) => [
    g.mul(dy, g.where(g.op('Greater', [x, g.float(0)]), g.float(1), g.float(alpha.float))),
  ],
};
// y = x for x > 0, else α(eˣ − 1), whose slope is y + α
export const eluOp: OpDefinition<SlopeAttributes> = {
  attributes: { alpha: 'required' },
  inferShape: likeFirst,
  gradient: ({ g, inputs: [x], outputs: [y], attributes: { alpha }, gradOutput: dy }) => [
    g.mul(dy, g.where(g.op('Greater', [x, g.float(0)]), g.float(1), g.add(y, g.float(alpha.float)))),
  ],
};

// y = log(1 + eˣ)  ⇒  dx = dy·σ(x)
export const softplusOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: likeFirst,
  gradient: ({ g, inputs: [x], gradOutput: dy }) => [g.mul(dy, g.op('Sigmoid', [x]))],
  formulations: {
    /**
     * max(x, 0) + log(1 + p) with p = e^−|x|. 1 + p is rounded to u, and p − (u − 1) is what that took away: without it
     * the result would be good to 1e-7 of 1, not of itself, where it is next to nothing.
     */
    writtenOut: {
      applies: () => true,
      build: ({ g, inputs: [x] }) => {
        const one = g.float(1);
        const p = g.op('Exp', [g.neg(g.op('Abs', [x]))]);
        const u = g.add(p, one);
        const logarithm = g.add(g.op('Log', [u]), g.sub(p, g.sub(u, one)));
        return [g.add(g.op('Relu', [x]), logarithm)];
      },
    },
    kernel: { applies: () => true, build: ({ g, inputs: [x] }) => [g.op('Softplus', [x])] },
  },
};

/** e^(−x²/s) · factor */
const bell = (g: Builder, x: Value, s: number, factor: number): Value =>
  g.scale(g.op('Exp', [g.scale(g.mul(x, x), -1 / s)]), factor);

// erf' = 2/√π · e^(−x²)
export const erfOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: likeFirst,
  gradient: ({ g, inputs: [x], gradOutput: dy }) => [g.mul(dy, bell(g, x, 1, 2 / Math.sqrt(Math.PI)))],
};

// Gelu(x) = x·Φ(x), exact: dx = dy·(Φ(x) + x·φ(x)) with the normal distribution's Φ and density φ
export const geluOp: OpDefinition<NoAttributes> = {
  domain: 'com.microsoft',
  attributes: {},
  inferShape: likeFirst,
  gradient: ({ g, inputs: [x], gradOutput: dy }) => {
    const erf = g.op('Erf', [g.scale(x, Math.SQRT1_2)]);
    const cumulative = g.scale(g.add(erf, g.float(1)), 0.5);
    const density = bell(g, x, 2, 1 / Math.sqrt(2 * Math.PI));
    return [g.mul(dy, g.add(cumulative, g.mul(x, density)))];
  },
};
