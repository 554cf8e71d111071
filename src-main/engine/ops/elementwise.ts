/** Element-wise arithmetic with NumPy broadcasting. The walker sums gradients back over broadcast axes. */
import type { Builder } from '../graph/builder.ts';
import type { TensorType, Value } from '../graph/types.ts';
import {
  broadcast,
  type GradientRule,
  type Inputs,
  type NoAttributes,
  type OpDefinition,
  type ShapeContext,
} from './definition.ts';

const likeFirst = ({ inputs: [a] }: { inputs: Inputs }): TensorType[] => [{ shape: a.shape, dataType: a.dataType }];
const broadcastAll = ({ name, inputs }: ShapeContext<NoAttributes>): TensorType[] => [
  { shape: inputs.map((v) => v.shape).reduce((a, b) => broadcast(name, a, b)), dataType: inputs[0].dataType },
];
const toBool = (context: ShapeContext<NoAttributes>): TensorType[] => [
  { shape: broadcastAll(context)[0]!.shape, dataType: 'bool' },
];

const unary = (gradient: GradientRule<NoAttributes> | 'not-differentiable'): OpDefinition<NoAttributes> => ({
  attributes: {},
  inferShape: likeFirst,
  gradient,
});
const binary = (gradient: GradientRule<NoAttributes> | 'not-differentiable'): OpDefinition<NoAttributes> => ({
  attributes: {},
  inferShape: broadcastAll,
  gradient,
});
const comparison: OpDefinition<NoAttributes> = { attributes: {}, inferShape: toBool, gradient: 'not-differentiable' };

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
  attributes: {},
  inferShape: broadcastAll,
  gradient: ({ inputs, gradOutput: dy }) => inputs.map(() => dy),
};
/** 1 where the condition holds, else 0: a product with it is faster than Where. */
const asFactor = (g: Builder, condition: Value): Value => g.cast(condition, 'float32');

/** The greater (or lesser) of two takes the gradient; equal ones get half of it each, as in PyTorch. */
const extreme = (strictly: string, orEqual: string): OpDefinition<NoAttributes> =>
  binary(({ g, inputs: [a, b], gradOutput: dy }) => {
    const share = g.add(asFactor(g, g.op(strictly, [a, b])), asFactor(g, g.op(orEqual, [a, b])));
    const first = g.mul(dy, g.scale(share, 0.5));
    return [first, g.sub(dy, first)];
  });
export const maxOp = extreme('Greater', 'GreaterOrEqual');
export const minOp = extreme('Less', 'LessOrEqual');

/** The maximum of two where equal ones leave the whole gradient to the first: pools are made of it. */
export const firstMaxOp: OpDefinition<NoAttributes> = {
  domain: 'fovea',
  ...binary(({ g, inputs: [a, b], gradOutput: dy }) => {
    const first = g.mul(dy, asFactor(g, g.op('GreaterOrEqual', [a, b])));
    return [first, g.sub(dy, first)];
  }),
  formulations: { max: { applies: () => true, build: ({ g, inputs: [a, b] }) => [g.op('Max', [a, b])] } },
};

/** x as a constant: what is computed from it is given, not trained (targets, weights of a loss). */
export const stopGradientOp: OpDefinition<NoAttributes> = {
  domain: 'fovea',
  attributes: {},
  inferShape: likeFirst,
  gradient: 'stops',
  formulations: { itself: { applies: () => true, build: ({ inputs: [x] }) => [x] } },
};

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
// d sin = cos·dx, d cos = −sin·dx, d atan = dx / (1 + x²)
export const sinOp = unary(({ g, inputs: [x], gradOutput: dy }) => [g.mul(dy, g.op('Cos', [x]))]);
export const cosOp = unary(({ g, inputs: [x], gradOutput: dy }) => [g.neg(g.mul(dy, g.op('Sin', [x])))]);
export const atanOp = unary(({ g, inputs: [x], gradOutput: dy }) => [g.div(dy, g.add(g.mul(x, x), g.float(1)))]);
// y = aᵇ  ⇒  da = dy·b·aᵇ⁻¹, db = dy·y·log a, where 0ᵇ has no slope by b
export const powOp = binary(({ g, inputs: [a, b], outputs: [y], gradOutput: dy, needs }) => {
  const db = (): Value => {
    const zero = g.float(0);
    return g.where(g.op('Equal', [a, zero]), zero, g.mul(dy, g.mul(y, g.op('Log', [a]))));
  };
  return [needs[0] ? g.mul(dy, g.mul(b, g.op('Pow', [a, g.sub(b, g.float(1))]))) : null, needs[1] ? db() : null];
});
export const signOp = unary('not-differentiable');
export const floorOp = unary('not-differentiable');
export const ceilOp = unary('not-differentiable');
/** Halves go to the even neighbour. */
export const roundOp = unary('not-differentiable');

export const equalOp = comparison;
export const greaterOp = comparison;
export const greaterOrEqualOp = comparison;
export const lessOp = comparison;
export const lessOrEqualOp = comparison;

export const andOp = comparison;
export const orOp = comparison;
export const notOp = unary('not-differentiable');

export interface ModAttributes {
  /** 0: the sign of the divisor (whole numbers only); 1: the sign of the dividend. */
  fmod?: number;
}
export const modOp: OpDefinition<ModAttributes> = {
  attributes: { fmod: 'optional' },
  inferShape: ({ name, inputs: [a, b] }) => [{ shape: broadcast(name, a.shape, b.shape), dataType: a.dataType }],
  gradient: 'not-differentiable',
};

export const whereOp: OpDefinition<NoAttributes> = {
  attributes: {},
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
