/**
 * Ways to write max pooling's gradient in ONNX. A window's gradient goes to the first of its greatest elements in row-major
 * order, as in PyTorch; every way must agree on that.
 */
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type Value } from '../graph/types.ts';
import type { Formulation, LoweringContext, ShapeContext } from './definition.ts';
import type { PoolAttributes } from './pooling.ts';

type Context = LoweringContext<PoolAttributes>;

/** Windows that share no element. */
const isDisjoint = ({ attributes: { kernel_shape, strides } }: ShapeContext<PoolAttributes>): boolean =>
  kernel_shape.every((k, i) => k <= strides[i]!);

const indicesOf = (g: Builder, x: Value, attributes: PoolAttributes): Value =>
  g.ops('MaxPool', [x], { ...attributes }, 2)[1]!;

/** Each dy at its maximum's index. */
function unpool({ g, inputs: [x, , dy], attributes }: Context): Value[] {
  return [g.op('MaxUnpool', [dy, indicesOf(g, x, attributes), g.ints(x.shape)], { ...attributes })];
}

/** Each dy added in at its maximum's index. */
function scatter({ g, inputs: [x, , dy], attributes }: Context): Value[] {
  const count = sizeOf(dy.shape);
  const zeros = g.op('ConstantOfShape', [g.ints([sizeOf(x.shape)])]);
  const flat = g.op(
    'ScatterElements',
    [zeros, g.reshape(indicesOf(g, x, attributes), [count]), g.reshape(dy, [count])],
    { axis: 0, reduction: 'add' },
  );
  return [g.reshape(flat, x.shape)];
}

export const maxPoolGradientFormulations: Readonly<Record<string, Formulation<PoolAttributes>>> = {
  unpool: { applies: isDisjoint, build: unpool },
  scatter: { applies: () => true, build: scatter },
};
