/** Reductions over fixed axes. */
import { sizeOf, type Shape, type TensorType } from '../graph/types.ts';
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
  inferShape,
  gradient: (context) => [context.g.expand(withKeptAxes(context), context.inputs[0].shape)],
};

export const reduceMeanOp: OpDefinition<ReduceAttributes> = {
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

export const reduceMaxOp: OpDefinition<ReduceAttributes> = { inferShape, gradient: 'not-differentiable' };

export interface ArgMaxAttributes {
  axis: number;
  keepdims: number;
}
export const argMaxOp: OpDefinition<ArgMaxAttributes> = {
  inferShape: ({ name, inputs: [x], attributes: { axis, keepdims } }) => [
    { shape: reducedShape(x.shape, [normalAxis(name, axis, x.shape.length)], keepdims !== 0), dataType: 'int64' },
  ],
  gradient: 'not-differentiable',
};
