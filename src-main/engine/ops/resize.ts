/**
 * Resizing of images and its gradient. Sizes are static, so each axis is a constant matrix that says which input elements
 * an output element reads, with which weights. Source: ONNX Resize, opset 18.
 */
import { FoveaError } from '../../contract/errors.ts';
import { ShapeError } from '../graph/errors.ts';
import type { Shape, Tensor, TensorType, Value } from '../graph/types.ts';
import {
  constantNumbers,
  expectRank,
  inputAt,
  type LoweringContext,
  type OpDefinition,
  type ShapeContext,
} from './definition.ts';
import { applyAdjoint, matrixOf, spatialOf, type Separable } from './separable.ts';

export interface ResizeAttributes {
  mode: string;
  coordinate_transformation_mode: string;
  /** With mode "nearest" only. */
  nearest_mode?: string;
  /** With mode "cubic" only, which is not supported; other programs write it out all the same. */
  cubic_coeff_a?: { float: number };
}
export interface ResizeGradientAttributes extends ResizeAttributes {
  /** Of what was resized. */
  shape: Shape;
  /** Output ÷ input, for height and width, as the forward took them. */
  scales: readonly number[];
}

/** Place of output element o in the input, in elements, by mode and coordinates. */
const places: Record<string, (o: number, scale: number, input: number, output: number) => number> = {
  // In float32, as onnxruntime computes it: between sizes like 14 and 16 it would else read another element.
  'nearest asymmetric floor': (o, scale) => Math.floor(Math.fround(o / Math.fround(scale))),
  'linear asymmetric': (o, scale) => o / scale,
  'linear half_pixel': (o, scale) => (o + 0.5) / scale - 0.5,
  'linear pytorch_half_pixel': (o, scale, _, output) => (output > 1 ? (o + 0.5) / scale - 0.5 : 0),
  'linear align_corners': (o, _, input, output) => (output > 1 ? (o * (input - 1)) / (output - 1) : 0),
};
const methods = Object.keys(places);

function methodOf(a: ResizeAttributes): string {
  const rounding = a.mode === 'nearest' ? [a.nearest_mode ?? 'round_prefer_floor'] : [];
  return [a.mode, a.coordinate_transformation_mode, ...rounding].join(' ');
}

/** Scales of all axes and the output's shape, from whichever of the inputs `scales` and `sizes` is given. */
function target({ name, inputs }: ShapeContext<ResizeAttributes>): { scales: number[]; shape: number[] } {
  const [x] = inputs;
  const sizes = inputAt(inputs, 3);
  const given = constantNumbers(name, sizes ?? inputAt(inputs, 2), sizes ? 'sizes' : 'scales');
  if (given.length !== x.shape.length) throw new ShapeError(name, `${x.shape.length} sizes or scales`, given);
  return sizes
    ? { shape: given, scales: given.map((size, axis) => size / x.shape[axis]!) }
    : { scales: given, shape: given.map((scale, axis) => Math.floor(x.shape[axis]! * scale)) };
}

/** inputs: x [N, C, H, W], roi (left out), scales or sizes of all four axes; N and C stay as they are. */
export const resizeOp: OpDefinition<ResizeAttributes> = {
  attributes: {
    mode: 'required',
    coordinate_transformation_mode: 'required',
    nearest_mode: 'optional',
    cubic_coeff_a: 'optional',
  },
  inferShape: (context): TensorType[] => {
    const {
      name,
      inputs: [x],
      attributes,
    } = context;
    expectRank(name, x, 4);
    const method = methodOf(attributes);
    if (!methods.includes(method))
      throw new FoveaError(
        'unsupported',
        `${name}: Resize "${method}" is not supported. Supported: ${methods.join(', ')}`,
        { node: name },
      );
    const { shape } = target(context);
    if (shape[0] !== x.shape[0] || shape[1] !== x.shape[1])
      throw new ShapeError(name, `[${x.shape[0]}, ${x.shape[1]}, H, W]`, shape);
    return [{ shape, dataType: x.dataType }];
  },
  gradient: (context) => {
    const { g, inputs, attributes, gradOutput: dy } = context;
    const [x] = inputs;
    const scales = target(context).scales.slice(2);
    const dx = g.op('ResizeGradient', [dy], { ...attributes, shape: x.shape, scales }, 'fovea');
    return inputs.map((_, i) => (i === 0 ? dx : null));
  },
};

type Context = LoweringContext<ResizeGradientAttributes>;

/** The matrix of one axis, [output, input]. */
function axisMatrix(input: number, output: number, scale: number, attributes: ResizeAttributes): Tensor {
  const place = places[methodOf(attributes)]!;
  const rows = Array.from({ length: output }, (_, o): [number, number][] => {
    const clamped = Math.min(Math.max(place(o, scale, input, output), 0), input - 1);
    const before = Math.floor(clamped);
    const rest = clamped - before;
    return rest === 0
      ? [[before, 1]]
      : [
          [before, 1 - rest],
          [before + 1, rest],
        ];
  });
  return matrixOf(input, rows);
}

function matricesOf({ inputs: [dy], attributes }: ShapeContext<ResizeGradientAttributes>): Separable {
  const input = spatialOf(attributes.shape);
  const output = spatialOf(dy.shape);
  const [rows, columns] = input.map((size, i) =>
    size === output[i] ? null : axisMatrix(size, output[i]!, attributes.scales[i]!, attributes),
  );
  return { rows: rows!, columns: columns! };
}

/** Whole factors by which a nearest resize repeats each element, or null where it does something else. */
function repeats({ inputs: [dy], attributes }: ShapeContext<ResizeGradientAttributes>): [number, number] | null {
  if (attributes.mode !== 'nearest') return null;
  const factors = spatialOf(attributes.shape).map((size, i) => spatialOf(dy.shape)[i]! / size) as [number, number];
  const isWhole = factors.every((factor, i) => Number.isInteger(factor) && factor === attributes.scales[i]);
  return isWhole ? factors : null;
}

/** Each input element was copied into a block: its gradient is the block's sum, which is its mean times its size. */
function blockMeans(context: Context): Value[] {
  const {
    g,
    inputs: [dy],
  } = context;
  const [kH, kW] = repeats(context)!;
  const pool = { kernel_shape: [kH, kW], strides: [kH, kW], pads: [0, 0, 0, 0], count_include_pad: 0 };
  return [g.scale(g.op('AveragePool', [dy], pool), kH * kW)];
}

/** input: dy; output: dx in the shape of what was resized. */
export const resizeGradientOp: OpDefinition<ResizeGradientAttributes> = {
  domain: 'fovea',
  attributes: { ...resizeOp.attributes, shape: 'required', scales: 'required' },
  inferShape: ({ inputs: [dy], attributes: { shape } }) => [{ shape, dataType: dy.dataType }],
  gradient: 'not-differentiable',
  formulations: {
    blockMeans: { applies: (context) => repeats(context) !== null, build: blockMeans },
    matrices: {
      applies: () => true,
      build: (context) => [applyAdjoint(context.g, context.inputs[0], matricesOf(context))],
    },
  },
};
