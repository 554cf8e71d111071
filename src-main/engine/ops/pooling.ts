/** Pools over images [N, C, H, W] and their gradients. The gradients of windows that overlap are abstract operators. */
import { sizeOf, type Shape, type TensorType, type Value } from '../graph/types.ts';
import {
  constantNumbers,
  expectRank,
  type LoweringContext,
  type NoAttributes,
  type OpDefinition,
  type ShapeContext,
} from './definition.ts';
import { convOutputSize } from './convolution-size.ts';
import { maxPoolGradientFormulations } from './max-pool-formulations.ts';
import { applyAdjoint, applySeparable, averagingMatrix, spatialOf, type Separable } from './separable.ts';

/** pads: [top, left, bottom, right], px. */
export interface PoolAttributes {
  kernel_shape: readonly number[];
  strides: readonly number[];
  pads: readonly number[];
}

const sliding = { kernel_shape: 'required', strides: 'required', pads: 'required' } as const;

function pooledShape({ name, inputs: [x], attributes }: ShapeContext<PoolAttributes>): Shape {
  expectRank(name, x, 4);
  const hw = convOutputSize(spatialOf(x.shape), { ...attributes, dilations: [1, 1], group: 1 });
  return [...x.shape.slice(0, 2), ...hw];
}

/** Outputs: the maxima, and on request the flat index into x of each. */
export const maxPoolOp: OpDefinition<PoolAttributes> = {
  attributes: sliding,
  inferShape: (context): TensorType[] => {
    const shape = pooledShape(context);
    return [
      { shape, dataType: context.inputs[0].dataType },
      { shape, dataType: 'int64' },
    ];
  },
  gradient: ({ g, inputs: [x], outputs: [y], attributes, gradOutput: dy }) => [
    g.op('MaxPoolGradient', [x, y, dy], { ...attributes }, 'fovea'),
  ],
};

/** inputs: x, y = MaxPool(x), dy; output: dx in x's shape. The first of equal maxima takes the gradient. */
export const maxPoolGradientOp: OpDefinition<PoolAttributes> = {
  domain: 'fovea',
  attributes: sliding,
  inferShape: ({ inputs: [x] }) => [{ shape: x.shape, dataType: x.dataType }],
  gradient: 'not-differentiable',
  formulations: maxPoolGradientFormulations,
};

/** inputs: x, indices as MaxPool gives them; output: each x at its index, the rest 0. No index may come twice. */
export const maxUnpoolOp: OpDefinition<PoolAttributes> = {
  attributes: sliding,
  inferShape: ({ inputs: [x, , shape], name }) => [
    { shape: constantNumbers(name, shape, 'output_shape'), dataType: x.dataType },
  ],
  gradient: 'not-differentiable',
};

export interface AveragePoolAttributes extends PoolAttributes {
  /** 1: the divisor is the window's size; 0: the number of its elements that lie in the image. */
  count_include_pad: number;
}
export interface AveragePoolGradientAttributes extends AveragePoolAttributes {
  /** Of what was pooled. */
  shape: Shape;
}
const averaging = { ...sliding, count_include_pad: 'required' } as const;

export const averagePoolOp: OpDefinition<AveragePoolAttributes> = {
  attributes: averaging,
  inferShape: (context) => [{ shape: pooledShape(context), dataType: context.inputs[0].dataType }],
  gradient: ({ g, inputs: [x], attributes, gradOutput: dy }) => [
    g.op('AveragePoolGradient', [dy], { ...attributes, shape: x.shape }, 'fovea'),
  ],
};

type GradientRule = ShapeContext<AveragePoolGradientAttributes>;
type GradientContext = LoweringContext<AveragePoolGradientAttributes>;

/** A window's divisor is the product of what its two axes count, so the pool is one matrix an axis. */
function averagingMatrices({ inputs: [dy], attributes: a }: GradientRule): Separable {
  const [rows, columns] = spatialOf(a.shape).map((size, i) => {
    const [kernel, stride, pad] = [a.kernel_shape[i]!, a.strides[i]!, a.pads[i]!];
    const windows = Array.from({ length: dy.shape[i + 2]! }, (_, o) => {
      const start = o * stride - pad;
      const end = start + kernel;
      const inside = Math.min(end, size) - Math.max(start, 0);
      return { start, end, divisor: a.count_include_pad === 1 ? kernel : inside };
    });
    return averagingMatrix(size, windows);
  });
  return { rows: rows!, columns: columns! };
}

/** Windows side by side that cover the image. */
const isTiling = ({ inputs: [dy], attributes: a }: GradientRule): boolean =>
  a.pads.every((p) => p === 0) &&
  a.kernel_shape.every((k, i) => k === a.strides[i] && k * dy.shape[i + 2]! === a.shape[i + 2]);

/** Every element of a window gets the same share. */
function repeated({ g, inputs: [dy], attributes: { kernel_shape, shape } }: GradientContext): Value[] {
  return [g.resize(g.scale(dy, 1 / sizeOf(kernel_shape)), spatialOf(shape), 'nearest')];
}

/** With stride 1 and a constant divisor the pool is a box filter, whose adjoint is the same filter padded to fit. */
function boxFilter({ g, inputs: [dy], attributes: a }: GradientContext): Value[] {
  const pads = a.pads.map((p, i) => a.kernel_shape[i % 2]! - 1 - p);
  const { kernel_shape, strides } = a;
  return [g.op('AveragePool', [dy], { kernel_shape, strides, pads, count_include_pad: 1 })];
}

/** input: dy; output: dx. */
export const averagePoolGradientOp: OpDefinition<AveragePoolGradientAttributes> = {
  domain: 'fovea',
  attributes: { ...averaging, shape: 'required' },
  inferShape: ({ inputs: [dy], attributes: { shape } }) => [{ shape, dataType: dy.dataType }],
  gradient: 'not-differentiable',
  formulations: {
    repeated: { applies: isTiling, build: repeated },
    boxFilter: {
      applies: ({ attributes: a }) =>
        a.strides.every((s) => s === 1) &&
        (a.count_include_pad === 1 || a.pads.every((p) => p === 0)) &&
        a.pads.every((p, i) => p < a.kernel_shape[i % 2]!),
      build: boxFilter,
    },
    matrices: {
      applies: () => true,
      build: (context) => [applyAdjoint(context.g, context.inputs[0], averagingMatrices(context))],
    },
  },
};

/** [N, C, H, W] → [N, C, 1, 1]. onnxruntime's ReduceMean takes a third of its GlobalAveragePool's time. */
export const globalAveragePoolOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: ({ name, inputs: [x] }) => {
    expectRank(name, x, 4);
    return [{ shape: [...x.shape.slice(0, 2), 1, 1], dataType: x.dataType }];
  },
  gradient: ({ g, inputs: [x], gradOutput: dy }) => [g.expand(g.scale(dy, 1 / sizeOf(spatialOf(x.shape))), x.shape)],
  formulations: {
    reduceMean: { applies: () => true, build: ({ g, inputs: [x] }) => [g.reduceMean(x, [2, 3], true)] },
    kernel: { applies: () => true, build: ({ g, inputs: [x] }) => [g.op('GlobalAveragePool', [x])] },
  },
};

export interface AdaptiveAveragePoolAttributes {
  /** [H', W'] */
  output_size: readonly number[];
}
/** Kernel and stride of the plain pool that does the same, where every window has one size. */
function plainPool({
  inputs: [x],
  attributes,
}: ShapeContext<AdaptiveAveragePoolAttributes>): AveragePoolAttributes | null {
  const kernel = spatialOf(x.shape).map((size, i) => size / attributes.output_size[i]!);
  if (!kernel.every(Number.isInteger)) return null;
  return { kernel_shape: kernel, strides: kernel, pads: [0, 0, 0, 0], count_include_pad: 0 };
}
/** Window o of O over I elements is [⌊o·I/O⌋, ⌈(o + 1)·I/O⌉), as PyTorch has it. */
function adaptiveMatrices({ inputs: [x], attributes }: ShapeContext<AdaptiveAveragePoolAttributes>): Separable {
  const [rows, columns] = spatialOf(x.shape).map((size, i) => {
    const count = attributes.output_size[i]!;
    const windows = Array.from({ length: count }, (_, o) => {
      const [start, end] = [Math.floor((o * size) / count), Math.ceil(((o + 1) * size) / count)];
      return { start, end, divisor: end - start };
    });
    return averagingMatrix(size, windows);
  });
  return { rows: rows!, columns: columns! };
}

/** Means over a fixed number of windows, whatever the image's size. */
export const adaptiveAveragePoolOp: OpDefinition<AdaptiveAveragePoolAttributes> = {
  domain: 'fovea',
  attributes: { output_size: 'required' },
  inferShape: ({ name, inputs: [x], attributes: { output_size } }) => {
    expectRank(name, x, 4);
    return [{ shape: [...x.shape.slice(0, 2), ...output_size], dataType: x.dataType }];
  },
  gradient: (context) => {
    const {
      g,
      inputs: [x],
      gradOutput: dy,
    } = context;
    const pool = plainPool(context);
    return [
      pool
        ? g.op('AveragePoolGradient', [dy], { ...pool, shape: x.shape }, 'fovea')
        : applyAdjoint(g, dy, adaptiveMatrices(context)),
    ];
  },
  formulations: {
    averagePool: {
      applies: (context) => plainPool(context) !== null,
      build: (context) => [context.g.op('AveragePool', [context.inputs[0]], { ...plainPool(context) })],
    },
    matrices: {
      applies: () => true,
      build: (context) => [applySeparable(context.g, context.inputs[0], adaptiveMatrices(context))],
    },
  },
};
