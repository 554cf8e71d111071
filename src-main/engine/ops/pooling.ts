/** Max pooling and its gradient. */
import { sizeOf, type TensorType, type Value } from '../graph/types.ts';
import { expectRank, type LoweringContext, type OpDefinition } from './definition.ts';
import { convOutputSize } from './convolution.ts';

/** pads: [top, left, bottom, right], px. */
export interface PoolAttributes {
  kernel_shape: readonly number[];
  strides: readonly number[];
  pads: readonly number[];
}

/** Outputs: the maxima, and on request the flat index into x of each. */
export const maxPoolOp: OpDefinition<PoolAttributes> = {
  inferShape: ({ name, inputs: [x], attributes }): TensorType[] => {
    expectRank(name, x, 4);
    const hw = convOutputSize(x.shape.slice(2), { ...attributes, dilations: [1, 1], group: 1 });
    const shape = [...x.shape.slice(0, 2), ...hw];
    return [
      { shape, dataType: x.dataType },
      { shape, dataType: 'int64' },
    ];
  },
  gradient: ({ g, inputs: [x], outputs: [y], attributes, gradOutput: dy }) => [
    g.op('MaxPoolGradient', [x, y, dy], { ...attributes }, 'fovea'),
  ],
};

type Context = LoweringContext<PoolAttributes>;

/** Indices of the maxima, and dy added in at each. The first of equal maxima takes the gradient. */
function scatter({ g, inputs: [x, , dy], attributes }: Context): Value[] {
  const [, indices] = g.ops('MaxPool', [x], { ...attributes }, 2);
  const count = sizeOf(dy.shape);
  const zeros = g.op('ConstantOfShape', [g.ints([sizeOf(x.shape)])]);
  const flat = g.op('ScatterElements', [zeros, g.reshape(indices!, [count]), g.reshape(dy, [count])], {
    axis: 0,
    reduction: 'add',
  });
  return [g.reshape(flat, x.shape)];
}

/** inputs: x, y = MaxPool(x), dy; output: dx in x's shape. */
export const maxPoolGradientOp: OpDefinition<PoolAttributes> = {
  domain: 'fovea',
  inferShape: ({ inputs: [x] }) => [{ shape: x.shape, dataType: x.dataType }],
  gradient: 'not-differentiable',
  formulations: {
    scatter: { applies: () => true, build: scatter },
  },
};
