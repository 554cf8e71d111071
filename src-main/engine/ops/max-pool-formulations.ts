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

/**
 * Along the rows first and then down the columns, which compares kH + kW elements instead of kH·kW: the first row that holds a window's
 * maximum, and in it the first column.
 */
function indicesByAxis(g: Builder, x: Value, { kernel_shape, strides, pads }: PoolAttributes): Value {
  const [kH, kW] = kernel_shape as [number, number];
  const [sH, sW] = strides as [number, number];
  const [top, left, bottom, right] = pads as [number, number, number, number];
  const across = { kernel_shape: [1, kW], strides: [1, sW], pads: [0, left, 0, right] };
  const [greatest, columns] = g.ops('MaxPool', [x], across, 2); // [N, C, H, W']
  const rows = indicesOf(g, greatest!, { kernel_shape: [kH, 1], strides: [sH, 1], pads: [top, 0, bottom, 0] });
  return g.gather(g.reshape(columns!, [sizeOf(columns!.shape)]), rows);
}

const scatter = ({ g, inputs: [x, , dy], attributes }: Context): Value[] => [
  scattered(g, x, dy, indicesOf(g, x, attributes)),
];
const scatterByAxis = ({ g, inputs: [x, , dy], attributes }: Context): Value[] => [
  scattered(g, x, dy, indicesByAxis(g, x, attributes)),
];

/** Each dy added in at its maximum's index. */
function scattered(g: Builder, x: Value, dy: Value, indices: Value): Value {
  const count = sizeOf(dy.shape);
  const zeros = g.op('ConstantOfShape', [g.ints([sizeOf(x.shape)])]);
  const flat = g.op('ScatterElements', [zeros, g.reshape(indices, [count]), g.reshape(dy, [count])], {
    axis: 0,
    reduction: 'add',
  });
  return g.reshape(flat, x.shape);
}

/** Elements of a window from which on two passes over the image are faster than one. */
const largeWindow = 16;

export const maxPoolGradientFormulations: Readonly<Record<string, Formulation<PoolAttributes>>> = {
  unpool: { applies: isDisjoint, build: unpool },
  scatterByAxis: {
    applies: () => true,
    suits: ({ attributes: { kernel_shape } }) => sizeOf(kernel_shape) >= largeWindow,
    build: scatterByAxis,
  },
  scatter: { applies: () => true, build: scatter },
};
