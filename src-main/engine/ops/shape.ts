/** Operators that move elements without computing: reshape, transpose, concat, split, slice, pad, expand, gather. */
import { FoveaError } from '../../contract/errors.ts';
import { ShapeError } from '../graph/errors.ts';
import { elementTypes } from '../onnx/facts.ts';
import type { Builder } from '../graph/builder.ts';
import { dataTypes, sizeOf, tensor, type DataType, type Shape, type TensorType, type Value } from '../graph/types.ts';
import {
  broadcast,
  constantNumbers,
  inputAt,
  normalAxis,
  type LoweringContext,
  type NoAttributes,
  type OpDefinition,
  type ShapeContext,
} from './definition.ts';

const same = (shape: Shape, dataType: DataType): TensorType[] => [{ shape, dataType }];

export const reshapeOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: ({ name, inputs: [x, target] }) => {
    const wanted = constantNumbers(name, target, 'shape').map((d, i) => (d === 0 ? x.shape[i]! : d));
    const known = sizeOf(wanted.filter((d) => d !== -1));
    const shape = wanted.map((d) => (d === -1 ? sizeOf(x.shape) / known : d));
    if (sizeOf(shape) !== sizeOf(x.shape)) throw new ShapeError(name, `${sizeOf(x.shape)} elements`, shape);
    return same(shape, x.dataType);
  },
  gradient: ({ g, inputs: [x], gradOutput: dy }) => [g.reshape(dy, x.shape), null],
};

export interface TransposeAttributes {
  perm: readonly number[];
}
export const transposeOp: OpDefinition<TransposeAttributes> = {
  attributes: { perm: 'required' },
  inferShape: ({ name, inputs: [x], attributes: { perm } }) => {
    if (perm.length !== x.shape.length || new Set(perm).size !== perm.length)
      throw new ShapeError(name, `a permutation of ${x.shape.length} axes`, perm);
    return same(
      perm.map((axis) => x.shape[axis]!),
      x.dataType,
    );
  },
  gradient: ({ g, attributes: { perm }, gradOutput: dy }) => [
    g.transpose(
      dy,
      perm.map((_, i) => perm.indexOf(i)),
    ),
  ],
};

export interface ConcatAttributes {
  axis: number;
}
export const concatOp: OpDefinition<ConcatAttributes> = {
  attributes: { axis: 'required' },
  inferShape: ({ name, inputs, attributes }) => {
    const [first] = inputs;
    const axis = normalAxis(name, attributes.axis, first.shape.length);
    for (const value of inputs) {
      const fits =
        value.shape.length === first.shape.length && value.shape.every((d, i) => i === axis || d === first.shape[i]);
      if (!fits)
        throw new ShapeError(name, `shapes equal to [${first.shape.join(', ')}] but for axis ${axis}`, value.shape);
    }
    return same(
      first.shape.map((d, i) => (i === axis ? inputs.reduce((sum, v) => sum + v.shape[axis]!, 0) : d)),
      first.dataType,
    );
  },
  gradient: ({ g, name, inputs, attributes, gradOutput: dy }) => {
    const axis = normalAxis(name, attributes.axis, dy.shape.length);
    return g.split(
      dy,
      inputs.map((v) => v.shape[axis]!),
      axis,
    );
  },
};

export interface SplitAttributes {
  axis: number;
}
export const splitOp: OpDefinition<SplitAttributes> = {
  attributes: { axis: 'required' },
  inferShape: ({ name, inputs: [x, lengths], attributes }) => {
    const axis = normalAxis(name, attributes.axis, x.shape.length);
    const parts = constantNumbers(name, lengths, 'split');
    if (parts.reduce((a, b) => a + b, 0) !== x.shape[axis])
      throw new ShapeError(name, `lengths that add up to ${x.shape[axis]}`, parts);
    return parts.map((length) => ({ shape: x.shape.map((d, i) => (i === axis ? length : d)), dataType: x.dataType }));
  },
  gradient: ({ g, name, inputs: [x], outputs, attributes, gradOutputs }) => {
    const axis = normalAxis(name, attributes.axis, x.shape.length);
    return [
      g.concat(
        gradOutputs.map((dy, i) => dy ?? g.float(0, outputs[i]!.shape)),
        axis,
      ),
      null,
    ];
  },
};

/** Start, end (clamped) and step per axis of x; steps are positive here. */
function sliceRanges({ name, inputs }: ShapeContext<NoAttributes>): { start: number; end: number; step: number }[] {
  const [x, startsInput, endsInput] = inputs;
  const starts = constantNumbers(name, startsInput, 'starts');
  const ends = constantNumbers(name, endsInput, 'ends');
  const axesInput = inputAt(inputs, 3);
  const stepsInput = inputAt(inputs, 4);
  const axes = axesInput ? constantNumbers(name, axesInput, 'axes') : starts.map((_, i) => i);
  const steps = stepsInput ? constantNumbers(name, stepsInput, 'steps') : starts.map(() => 1);
  const ranges = x.shape.map((d) => ({ start: 0, end: d, step: 1 }));
  axes.forEach((rawAxis, i) => {
    const axis = normalAxis(name, rawAxis, x.shape.length);
    const size = x.shape[axis]!;
    const clamp = (position: number) => Math.min(Math.max(position < 0 ? position + size : position, 0), size);
    if (steps[i]! < 1) throw new ShapeError(name, 'positive steps', steps);
    ranges[axis] = { start: clamp(starts[i]!), end: clamp(ends[i]!), step: steps[i]! };
  });
  return ranges;
}

export const sliceOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: (context) =>
    same(
      sliceRanges(context).map(({ start, end, step }) => Math.max(0, Math.ceil((end - start) / step))),
      context.inputs[0].dataType,
    ),
  // Puts dy back where it was cut out: zeros before and after, and between the elements of a strided slice.
  gradient: (context) => {
    const {
      g,
      inputs: [x],
    } = context;
    const ranges = sliceRanges(context);
    let dx = context.gradOutput;
    ranges.forEach(({ step }, axis) => {
      if (step === 1) return;
      const count = dx.shape[axis]!;
      const rest = dx.shape.slice(axis + 1);
      const before = dx.shape.slice(0, axis);
      const spread = g.pad(
        g.reshape(dx, [...before, count, 1, ...rest]),
        padsFor(dx.shape.length + 1, axis + 1, 0, step - 1),
      );
      dx = g.slice(g.reshape(spread, [...before, count * step, ...rest]), [0], [(count - 1) * step + 1], [axis]);
    });
    const begins = ranges.map(({ start }) => start);
    const ends = ranges.map(({ start }, axis) => x.shape[axis]! - start - dx.shape[axis]!);
    return [g.pad(dx, [...begins, ...ends]), null, null, null, null];
  },
};

function padsFor(rank: number, axis: number, begin: number, end: number): number[] {
  const pads = new Array<number>(2 * rank).fill(0);
  pads[axis] = begin;
  pads[axis + rank] = end;
  return pads;
}

const padModes = ['constant', 'edge', 'reflect'] as const;
export interface PadAttributes {
  mode?: string;
}
/** For modes that copy: which element of x each element of an axis is. */
function paddedIndices(mode: string, size: number, before: number, after: number): number[] {
  return Array.from({ length: before + size + after }, (_, i) => {
    const place = i - before;
    if (mode === 'edge') return Math.min(Math.max(place, 0), size - 1);
    const turned = Math.abs(place);
    return turned < size ? turned : 2 * (size - 1) - turned;
  });
}

export const padOp: OpDefinition<PadAttributes> = {
  attributes: { mode: 'optional' },
  inferShape: ({ name, inputs: [x, padsInput], attributes: { mode = 'constant' } }) => {
    if (!padModes.some((known) => known === mode))
      throw new FoveaError(
        'unsupported',
        `${name}: Pad's mode "${mode}" is not supported. Supported: ${padModes.join(', ')}`,
        { node: name },
      );
    const pads = constantNumbers(name, padsInput, 'pads');
    const rank = x.shape.length;
    if (pads.length !== 2 * rank) throw new ShapeError(name, `${2 * rank} pads`, pads);
    return same(
      x.shape.map((d, i) => d + pads[i]! + pads[i + rank]!),
      x.dataType,
    );
  },
  // Negative pads cut, so padding with the opposite sign is the inverse; the other modes gather along each axis.
  gradient: ({ g, name, inputs, attributes: { mode = 'constant' }, gradOutput: dy }) => {
    const [x, padsInput] = inputs;
    const pads = constantNumbers(name, padsInput, 'pads');
    if (mode === 'constant')
      return [
        g.pad(
          dy,
          pads.map((p) => -p),
        ),
        ...inputs.slice(1).map(() => null),
      ];
    let dx = dy;
    x.shape.forEach((size, axis) => {
      const [before, after] = [pads[axis]!, pads[axis + x.shape.length]!];
      if (before === 0 && after === 0) return;
      const indices = paddedIndices(mode, size, before, after);
      const shape = dx.shape.map((d, i) => (i === axis ? size : d));
      const gathered = g.constant(tensor('int64', [indices.length], indices));
      dx = g.op('GatherGradient', [dx, gathered], { axis, shape }, 'fovea');
    });
    return [dx, ...inputs.slice(1).map(() => null)];
  },
};

export const expandOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: ({ name, inputs: [x, target] }) =>
    same(broadcast(name, x.shape, constantNumbers(name, target, 'shape')), x.dataType),
  gradient: ({ gradOutput: dy }) => [dy, null],
};

/** inputs: x, repeats (a constant, one number an axis). */
export const tileOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: ({ name, inputs: [x, repeats] }) => {
    const counts = constantNumbers(name, repeats, 'repeats');
    if (counts.length !== x.shape.length) throw new ShapeError(name, `${x.shape.length} repeats`, counts);
    return same(
      x.shape.map((d, i) => d * counts[i]!),
      x.dataType,
    );
  },
  // Each element's gradient is the sum over its copies.
  gradient: ({ g, name, inputs: [x, repeats], gradOutput: dy }) => {
    const counts = constantNumbers(name, repeats, 'repeats');
    const copies = g.reshape(
      dy,
      x.shape.flatMap((d, i) => [counts[i]!, d]),
    );
    return [
      g.reduceSum(
        copies,
        x.shape.map((_, i) => 2 * i),
      ),
      null,
    ];
  },
};

/** How many elements x has, an int64 scalar. */
export const sizeOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: () => same([], 'int64'),
  gradient: 'not-differentiable',
};

/** inputs: x, axes of size 1 to drop (constants); all of them where left out. */
export const squeezeOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: ({ name, inputs }) => {
    const [x] = inputs;
    const given = inputAt(inputs, 1);
    const axes = given ? constantNumbers(name, given, 'axes').map((a) => normalAxis(name, a, x.shape.length)) : null;
    const kept = x.shape.filter((d, i) => (axes ? !axes.includes(i) : d !== 1));
    if (sizeOf(kept) !== sizeOf(x.shape)) throw new ShapeError(name, `size 1 along axes ${axes?.join(', ')}`, x.shape);
    return same(kept, x.dataType);
  },
  gradient: ({ g, inputs, gradOutput: dy }) => [g.reshape(dy, inputs[0].shape), ...inputs.slice(1).map(() => null)],
};

/** inputs: x, axes of the result that are new and of size 1 (constants). */
export const unsqueezeOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: ({ name, inputs: [x, axesInput] }) => {
    const given = constantNumbers(name, axesInput, 'axes');
    const rank = x.shape.length + given.length;
    const axes = given.map((axis) => normalAxis(name, axis, rank));
    const old = x.shape.values();
    return same(
      Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : old.next().value!)),
      x.dataType,
    );
  },
  gradient: ({ g, inputs: [x], gradOutput: dy }) => [g.reshape(dy, x.shape), null],
};

export interface GatherAttributes {
  axis: number;
}
export const gatherOp: OpDefinition<GatherAttributes> = {
  attributes: { axis: 'required' },
  inferShape: ({ name, inputs: [x, indices], attributes }) => {
    const axis = normalAxis(name, attributes.axis, x.shape.length);
    return same([...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], x.dataType);
  },
  gradient: ({ g, name, inputs: [x, indices], attributes, gradOutput: dy }) => {
    const axis = normalAxis(name, attributes.axis, x.shape.length);
    return [g.op('GatherGradient', [dy, indices], { axis, shape: x.shape }, 'fovea'), null];
  },
};

export interface GatherGradientAttributes {
  /** Counted from the front. */
  axis: number;
  /** Of what was gathered from. */
  shape: Shape;
}
type GatherContext = LoweringContext<GatherGradientAttributes>;

/** [0, 1, …, length − 1] as an int64 column [length, 1]. */
function arange(g: Builder, length: number): Value {
  return g.constant(
    tensor(
      'int64',
      [length, 1],
      Array.from({ length }, (_, i) => i),
    ),
  );
}

/** one-hot(indices)ᵀ · dy, with the gathered axis in front. Negative indices count from the end. */
function byOneHot({ g, inputs: [dy, indices], attributes: { axis, shape } }: GatherContext): Value[] {
  const count = sizeOf(indices.shape);
  const size = shape[axis]!;
  const places = g.reshape(g.cast(indices, 'int64'), [1, count]);
  const fromFront = g.where(g.op('Less', [places, g.int(0)]), g.add(places, g.int(size)), places);
  const oneHot = g.cast(g.op('Equal', [fromFront, arange(g, size)]), 'float32'); // [size, count]
  const rows = g.reshape(dy, [sizeOf(shape.slice(0, axis)), count, sizeOf(shape.slice(axis + 1))]);
  return [g.reshape(g.matmul(oneHot, rows), shape)];
}

/** For known indices: for each row of x, the rows of dy that came from it. */
function contributions(name: string, indices: Value, size: number): number[][] {
  const lists = Array.from({ length: size }, (): number[] => []);
  constantNumbers(name, indices, 'indices').forEach((index, place) =>
    lists[index < 0 ? index + size : index]!.push(place),
  );
  return lists;
}

/**
 * Known indices on axis 0: gathers the contributions to each row, as many as the row with most has, the missing ones
 * from a row of zeros, and adds them up by a product with ones. (onnxruntime's ScatterND with reduction "add" is not
 * reproducible on several threads.)
 */
function byContributions({ g, name, inputs: [dy, indices], attributes: { shape } }: GatherContext): Value[] {
  const size = shape[0]!;
  const count = sizeOf(indices.shape);
  const width = sizeOf(shape.slice(1));
  const lists = contributions(name, indices, size);
  const most = Math.max(...lists.map((list) => list.length));
  const rows = g.reshape(dy, [count, width]);
  const isComplete = lists.every((list) => list.length === most);
  const source = isComplete ? rows : g.concat([rows, g.float(0, [1, width])], 0);
  const places = Array.from({ length: most }, (_, slot) => lists.map((list) => list[slot] ?? count)).flat();
  const gathered = g.gather(source, g.constant(tensor('int32', [most * size], places))); // [most · size, width]
  if (most === 1) return [g.reshape(gathered, shape)];
  return [g.reshape(g.matmul(g.float(1, [1, most]), g.reshape(gathered, [most, size * width])), shape)];
}

/** inputs: dy, indices; output: the gradient of what was gathered from. */
export const gatherGradientOp: OpDefinition<GatherGradientAttributes> = {
  domain: 'fovea',
  attributes: { axis: 'required', shape: 'required' },
  inferShape: ({ inputs: [dy], attributes: { shape } }) => same(shape, dy.dataType),
  gradient: 'not-differentiable',
  formulations: {
    contributions: {
      applies: ({ name, inputs: [, indices], attributes: { axis, shape } }) => {
        if (axis !== 0 || !indices.constant) return false;
        const most = Math.max(...contributions(name, indices, shape[0]!).map((list) => list.length));
        return most > 0 && most * shape[0]! <= 4 * sizeOf(indices.shape);
      },
      build: byContributions,
    },
    oneHot: { applies: () => true, build: byOneHot },
  },
};

export interface CastAttributes {
  /** ONNX element-type number. */
  to: number;
}
export const castOp: OpDefinition<CastAttributes> = {
  attributes: { to: 'required' },
  inferShape: ({ name, inputs: [x], attributes }) => {
    const target = dataTypes.find((dataType) => elementTypes[dataType] === attributes.to);
    if (!target) throw new ShapeError(name, `an element type among ${dataTypes.join(', ')}`, String(attributes.to));
    return same(x.shape, target);
  },
  // Whole numbers and truth values have no slope: nothing flows through them.
  gradient: ({ g, inputs: [x], outputs: [y], gradOutput: dy }) => [
    isFloating(x.dataType) && isFloating(y.dataType) ? g.cast(dy, x.dataType) : null,
  ],
};

const isFloating = (dataType: DataType): boolean => dataType.startsWith('float');
