/**
 * Operators that pick elements by place or by rank: gather-elements, scatter-elements, top-k. Where places may repeat,
 * gradients are added up by ScatterElements, which onnxruntime does in order (its ScatterND is not reproducible).
 */
import { FoveaError } from '../../contract/errors.ts';
import { ShapeError } from '../graph/errors.ts';
import type { Builder } from '../graph/builder.ts';
import { sameShape, shapeText, type Shape, type TensorType, type Value } from '../graph/types.ts';
import { constantNumbers, normalAxis, type NoAttributes, type OpDefinition } from './definition.ts';

export interface PlaceAttributes {
  axis: number;
}

/** Zeros of `shape` with dy added in at its places along the axis. */
function addedIn(g: Builder, shape: Shape, indices: Value, dy: Value, axis: number): Value {
  const zeros = g.op('ConstantOfShape', [g.ints(shape)]);
  return g.op('ScatterElements', [zeros, indices, dy], { axis, reduction: 'add' });
}

// y[i, j] = x[index[i, j], j] for axis 0
export const gatherElementsOp: OpDefinition<PlaceAttributes> = {
  attributes: { axis: 'required' },
  inferShape: ({ name, inputs: [x, indices], attributes }) => {
    normalAxis(name, attributes.axis, x.shape.length);
    if (indices.shape.length !== x.shape.length) throw new ShapeError(name, `rank ${x.shape.length}`, indices.shape);
    return [{ shape: indices.shape, dataType: x.dataType }];
  },
  gradient: ({ g, inputs: [x, indices], attributes: { axis }, gradOutput: dy }) => [
    addedIn(g, x.shape, indices, dy, axis),
    null,
  ],
};

export interface ScatterElementsAttributes extends PlaceAttributes {
  /** 'none' replaces (then no place may come twice), 'add' adds, 'max' keeps the greatest (and has no gradient). */
  reduction: string;
}
/** inputs: x, indices, updates; output: x with the updates put in at their places along the axis. */
export const scatterElementsOp: OpDefinition<ScatterElementsAttributes> = {
  attributes: { axis: 'required', reduction: 'required' },
  inferShape: ({ name, inputs: [x, indices, updates], attributes: { axis, reduction } }) => {
    normalAxis(name, axis, x.shape.length);
    if (!['none', 'add', 'max'].includes(reduction))
      throw new FoveaError(
        'unsupported',
        `${name}: ScatterElements' reduction "${reduction}" is not supported. Supported: none, add, max`,
        { node: name },
      );
    if (!sameShape(indices.shape, updates.shape))
      throw new ShapeError(name, `updates of shape ${shapeText(indices.shape)}`, updates.shape);
    return [{ shape: x.shape, dataType: x.dataType }];
  },
  gradient: ({ g, name, inputs: [, indices], attributes: { axis, reduction }, gradOutput: dy, needs }) => {
    if (reduction === 'max')
      throw new FoveaError('unsupported', `${name}: ScatterElements with reduction "max" is not differentiable.`, {
        node: name,
      });
    const kept = (): Value =>
      reduction === 'add'
        ? dy
        : g.op('ScatterElements', [dy, indices, g.float(0, indices.shape)], { axis, reduction: 'none' });
    return [needs[0] ? kept() : null, null, needs[2] ? g.op('GatherElements', [dy, indices], { axis }) : null];
  },
};

export interface TopKAttributes extends PlaceAttributes {
  /** 1: the greatest; 0: the least. */
  largest: number;
  sorted: number;
}
/** inputs: x, k (a constant of one element); outputs: values, indices (int64). The first of equal values comes first. */
export const topKOp: OpDefinition<TopKAttributes> = {
  attributes: { axis: 'required', largest: 'required', sorted: 'required' },
  inferShape: ({ name, inputs: [x, count], attributes }): TensorType[] => {
    const axis = normalAxis(name, attributes.axis, x.shape.length);
    const [k] = constantNumbers(name, count, 'K');
    if (k! > x.shape[axis]!) throw new ShapeError(name, `at most ${x.shape[axis]} elements`, String(k));
    const shape = x.shape.map((d, i) => (i === axis ? k! : d));
    return [
      { shape, dataType: x.dataType },
      { shape, dataType: 'int64' },
    ];
  },
  gradient: ({ g, inputs, outputs, attributes, gradOutput: dy }) => {
    const [x, k] = inputs;
    const indices = outputs[1] ?? g.ops('TopK', [x, k], { ...attributes }, 2)[1]!;
    return [addedIn(g, x.shape, indices, dy, attributes.axis), null];
  },
};

/** inputs: indices, depth (a constant), [off, on] values; output: a new axis of `depth` that is on at the index. */
export const oneHotOp: OpDefinition<PlaceAttributes> = {
  attributes: { axis: 'required' },
  inferShape: ({ name, inputs: [indices, depth, values], attributes }) => {
    const axis = normalAxis(name, attributes.axis, indices.shape.length + 1);
    const [size] = constantNumbers(name, depth, 'depth');
    return [{ shape: indices.shape.toSpliced(axis, 0, size!), dataType: values.dataType }];
  },
  gradient: 'not-differentiable',
};

/** float32 zeros. */
export const constantOfShapeOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: ({ name, inputs: [shape] }) => [{ shape: constantNumbers(name, shape, 'shape'), dataType: 'float32' }],
  gradient: 'not-differentiable',
};
