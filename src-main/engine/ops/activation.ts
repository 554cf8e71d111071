/** Activations. Each gradient is written from the output where that saves keeping the input. */
import type { FloatAttribute, TensorType, Value } from '../graph/types.ts';
import { normalAxis, type OpDefinition, type ShapeContext } from './definition.ts';
import type { NoAttributes } from './elementwise.ts';

const likeFirst = ({ inputs: [a] }: { inputs: readonly [Value, ...Value[]] }): TensorType[] => [
  { shape: a.shape, dataType: a.dataType },
];

// dx = dy where y > 0; 0 at the kink, as PyTorch has it
export const reluOp: OpDefinition<NoAttributes> = {
  inferShape: likeFirst,
  gradient: ({ g, outputs: [y], gradOutput: dy }) => [g.mul(dy, g.cast(g.op('Greater', [y, g.float(0)]), 'float32'))],
};

// σ' = σ(1 − σ)
export const sigmoidOp: OpDefinition<NoAttributes> = {
  inferShape: likeFirst,
  gradient: ({ g, outputs: [y], gradOutput: dy }) => [g.mul(dy, g.mul(y, g.sub(g.float(1), y)))],
};

// tanh' = 1 − tanh²
export const tanhOp: OpDefinition<NoAttributes> = {
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

// y = softmax(x)  ⇒  dx = y·(dy − Σ dy·y)
export const softmaxOp: OpDefinition<AxisAttributes> = {
  inferShape: alongAxis,
  gradient: ({ g, name, outputs: [y], attributes, gradOutput: dy }) => {
    const axis = normalAxis(name, attributes.axis, y.shape.length);
    return [g.mul(y, g.sub(dy, g.reduceSum(g.mul(dy, y), [axis], true)))];
  },
};

// y = log softmax(x)  ⇒  dx = dy − softmax(x)·Σ dy
export const logSoftmaxOp: OpDefinition<AxisAttributes> = {
  inferShape: alongAxis,
  gradient: ({ g, name, outputs: [y], attributes, gradOutput: dy }) => {
    const axis = normalAxis(name, attributes.axis, y.shape.length);
    return [g.sub(dy, g.mul(g.op('Exp', [y]), g.reduceSum(dy, [axis], true)))];
  },
};

// QuickGelu(x) = x·σ(αx); SiLU is α = 1. With s = σ(αx) and y = x·s: dx = dy·(s + α·y·(1 − s))
export const quickGeluOp: OpDefinition<{ alpha: FloatAttribute }> = {
  domain: 'com.microsoft',
  inferShape: likeFirst,
  gradient: ({ g, inputs: [x], outputs: [y], attributes: { alpha }, gradOutput: dy }) => {
    const s = g.op('Sigmoid', [g.scale(x, alpha.float)]);
    const slope = g.add(s, g.scale(g.mul(y, g.sub(g.float(1), s)), alpha.float));
    return [g.mul(dy, slope)];
  },
};
