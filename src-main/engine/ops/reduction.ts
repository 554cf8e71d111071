/** Reductions over fixed axes, and running sums. */
import { sizeOf, type Shape, type TensorType, type Value } from '../graph/types.ts';
import {
  constantNumbers,
  inputAt,
  normalAxis,
  type GradientContext,
  type OpDefinition,
  type ShapeContext,
} from './definition.ts';

export interface ReduceAttributes {
  keepdims: number;
}

const keepdims = { keepdims: 'required' } as const;

/** Reduced axes, counted from the front; all axes where the input is left out or empty. */
function axesOf({ name, inputs }: ShapeContext<ReduceAttributes>): number[] {
  const rank = inputs[0].shape.length;
  const axes = inputAt(inputs, 1);
  const listed = axes ? constantNumbers(name, axes, 'axes') : [];
  if (listed.length === 0) return Array.from({ length: rank }, (_, i) => i);
  return listed.map((axis) => normalAxis(name, axis, rank));
}

function reducedShape(shape: Shape, axes: readonly number[], keepdims: boolean): Shape {
  return keepdims ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
}

const inferShape = (context: ShapeContext<ReduceAttributes>): TensorType[] => [
  {
    shape: reducedShape(context.inputs[0].shape, axesOf(context), context.attributes.keepdims !== 0),
    dataType: context.inputs[0].dataType,
  },
];

/** dy with the reduced axes as 1s, ready to broadcast against the input. */
const withKeptAxes = (context: GradientContext<ReduceAttributes>) =>
  context.g.reshape(context.gradOutput, reducedShape(context.inputs[0].shape, axesOf(context), true));

export const reduceSumOp: OpDefinition<ReduceAttributes> = {
  attributes: keepdims,
  inferShape,
  gradient: (context) => [context.g.expand(withKeptAxes(context), context.inputs[0].shape)],
};

export const reduceMeanOp: OpDefinition<ReduceAttributes> = {
  attributes: keepdims,
  inferShape,
  gradient: (context) => {
    const {
      g,
      inputs: [x],
    } = context;
    const count = sizeOf(axesOf(context).map((axis) => x.shape[axis]!));
    return [g.expand(g.scale(withKeptAxes(context), 1 / count), x.shape)];
  },
};

/** y with the reduced axes as 1s. */
const keptOutput = (context: GradientContext<ReduceAttributes>): Value =>
  context.g.reshape(context.outputs[0], reducedShape(context.inputs[0].shape, axesOf(context), true));

/** Elements equal to the extreme share its gradient evenly, as PyTorch's amax and amin have it. */
const extreme: OpDefinition<ReduceAttributes> = {
  attributes: keepdims,
  inferShape,
  gradient: (context) => {
    const {
      g,
      inputs: [x],
    } = context;
    const hits = g.cast(g.op('Equal', [x, keptOutput(context)]), 'float32');
    return [g.mul(hits, g.div(withKeptAxes(context), g.reduceSum(hits, axesOf(context), true)))];
  },
};
export const reduceMaxOp = extreme;
export const reduceMinOp = extreme;

// dx = dy · the product of the others: P/x, with P the product of what is not 0 and x = 1 instead of 0, unless another
// element is 0.
export const reduceProdOp: OpDefinition<ReduceAttributes> = {
  attributes: keepdims,
  inferShape,
  gradient: (context) => {
    const {
      g,
      inputs: [x],
    } = context;
    const axes = axesOf(context);
    const zero = g.float(0);
    const isZero = g.op('Equal', [x, zero]);
    const nonZero = g.where(isZero, g.float(1), x);
    const product = g.op('ReduceProd', [nonZero, g.ints(axes)], { keepdims: 1 });
    const zeros = g.cast(isZero, 'float32');
    const otherZeros = g.sub(g.reduceSum(zeros, axes, true), zeros);
    const slope = g.where(g.op('Equal', [otherZeros, zero]), g.div(product, nonZero), zero);
    return [g.mul(withKeptAxes(context), slope)];
  },
};

export interface ArgExtremeAttributes {
  axis: number;
  keepdims: number;
}
/** The first of equal values. */
const argExtreme: OpDefinition<ArgExtremeAttributes> = {
  attributes: { axis: 'required', keepdims: 'required' },
  inferShape: ({ name, inputs: [x], attributes: { axis, keepdims } }) => [
    { shape: reducedShape(x.shape, [normalAxis(name, axis, x.shape.length)], keepdims !== 0), dataType: 'int64' },
  ],
  gradient: 'not-differentiable',
};
export const argMaxOp = argExtreme;
export const argMinOp = argExtreme;

export interface CumSumAttributes {
  /** 1: an element's own value does not count. */
  exclusive?: number;
  /** 1: sums from the end. */
  reverse?: number;
}
/** inputs: x, axis (a constant). dx sums dy from the other side. */
export const cumSumOp: OpDefinition<CumSumAttributes> = {
  attributes: { exclusive: 'optional', reverse: 'optional' },
  inferShape: ({ name, inputs: [x, axis] }) => {
    normalAxis(name, constantNumbers(name, axis, 'axis')[0]!, x.shape.length);
    return [{ shape: x.shape, dataType: x.dataType }];
  },
  gradient: ({ g, inputs: [, axis], attributes: { exclusive = 0, reverse = 0 }, gradOutput: dy }) => [
    g.op('CumSum', [dy, axis], { exclusive, reverse: 1 - reverse }),
    null,
  ],
};
