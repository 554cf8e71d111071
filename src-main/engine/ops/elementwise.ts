/** Element-wise arithmetic with NumPy broadcasting. The walker sums gradients back over broadcast axes. */
import type { Builder } from '../graph/builder.ts';
import type { TensorType, Value } from '../graph/types.ts';
import { broadcast, type GradientRule, type Inputs, type OpDefinition, type ShapeContext } from './definition.ts';

export type NoAttributes = Readonly<Record<string, never>>;

const likeFirst = ({ inputs: [a] }: { inputs: Inputs }): TensorType[] => [{ shape: a.shape, dataType: a.dataType }];
const broadcastAll = ({ name, inputs }: ShapeContext<NoAttributes>): TensorType[] => [
  { shape: inputs.map((v) => v.shape).reduce((a, b) => broadcast(name, a, b)), dataType: inputs[0].dataType },
];
const toBool = (context: ShapeContext<NoAttributes>): TensorType[] => [
  { shape: broadcastAll(context)[0]!.shape, dataType: 'bool' },
];

const unary = (gradient: GradientRule<NoAttributes> | 'not-differentiable'): OpDefinition<NoAttributes> => ({
  inferShape: likeFirst,
  gradient,
});
const binary = (gradient: GradientRule<NoAttributes> | 'not-differentiable'): OpDefinition<NoAttributes> => ({
  inferShape: broadcastAll,
  gradient,
});
const comparison: OpDefinition<NoAttributes> = { inferShape: toBool, gradient: 'not-differentiable' };

export const addOp = binary(({ gradOutput: dy }) => [dy, dy]);
export const subOp = binary(({ g, gradOutput: dy, needs }) => [dy, needs[1] ? g.neg(dy) : null]);
// y = a·b  ⇒  da = dy·b, db = dy·a
export const mulOp = binary(({ g, inputs: [a, b], gradOutput: dy, needs }) => [
  needs[0] ? g.mul(dy, b) : null,
  needs[1] ? g.mul(dy, a) : null,
]);
// y = a/b  ⇒  da = dy/b, db = −dy·y/b
export const divOp = binary(({ g, inputs: [, b], outputs: [y], gradOutput: dy, needs }) => [
  needs[0] ? g.div(dy, b) : null,
  needs[1] ? g.neg(g.div(g.mul(dy, y), b)) : null,
]);
export const sumOp: OpDefinition<NoAttributes> = {
  inferShape: broadcastAll,
  gradient: ({ inputs, gradOutput: dy }) => inputs.map(() => dy),
};
/** 1 where the condition holds, else 0: a product with it is faster than Where. */
const asFactor = (g: Builder, condition: Value): Value => g.cast(condition, 'float32');

// Where a ≥ b the first input takes the whole gradient, ties included, as a maximum that takes the first would.
export const maxOp = binary(({ g, inputs: [a, b], gradOutput: dy }) => {
  const first = g.mul(dy, asFactor(g, g.op('GreaterOrEqual', [a, b])));
  return [first, g.sub(dy, first)];
});
export const minOp = binary(({ g, inputs: [a, b], gradOutput: dy }) => {
  const first = g.mul(dy, asFactor(g, g.op('LessOrEqual', [a, b])));
  return [first, g.sub(dy, first)];
});

export const identityOp = unary(({ gradOutput: dy }) => [dy]);
export const negOp = unary(({ g, gradOutput: dy }) => [g.neg(dy)]);
// y = √x  ⇒  dx = dy / 2y
export const sqrtOp = unary(({ g, outputs: [y], gradOutput: dy }) => [g.div(dy, g.scale(y, 2))]);
// y = 1/x  ⇒  dx = −dy·y²
export const reciprocalOp = unary(({ g, outputs: [y], gradOutput: dy }) => [g.neg(g.mul(dy, g.mul(y, y)))]);
export const expOp = unary(({ g, outputs: [y], gradOutput: dy }) => [g.mul(dy, y)]);
export const logOp = unary(({ g, inputs: [x], gradOutput: dy }) => [g.div(dy, x)]);
// d|x| = sign(x)·dx, 0 at 0
export const absOp = unary(({ g, inputs: [x], gradOutput: dy }) => [g.mul(dy, g.op('Sign', [x]))]);
export const signOp = unary('not-differentiable');
export const floorOp = unary('not-differentiable');

export const equalOp = comparison;
export const greaterOp = comparison;
export const greaterOrEqualOp = comparison;
export const lessOp = comparison;
export const lessOrEqualOp = comparison;

export const whereOp: OpDefinition<NoAttributes> = {
  inferShape: ({ name, inputs: [condition, a, b] }) => [
    { shape: broadcast(name, broadcast(name, condition.shape, a.shape), b.shape), dataType: a.dataType },
  ],
  gradient: ({ g, inputs: [condition], gradOutput: dy, needs }) => [
    null,
    needs[1] ? g.where(condition, dy, g.float(0)) : null,
    needs[2] ? g.where(condition, g.float(0), dy) : null,
  ],
};

// Integer arithmetic for seeded random numbers.
export const bitwiseXorOp = binary('not-differentiable');
export const bitwiseAndOp = binary('not-differentiable');
