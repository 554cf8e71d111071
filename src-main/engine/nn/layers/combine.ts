/** Layers that join several others, or take a part of one. */
import { ShapeError } from '../../graph/errors.ts';
import { sameShape, shapeText, sizeOf, type Shape } from '../../graph/types.ts';
import { inNaturalOrder, settle } from '../feature-map.ts';
import { spatial, type LayerDefinition, type NoSettings } from './definition.ts';

const allShapes = (shapes: readonly Shape[]): string => shapes.map(shapeText).join(' and ');

/** The sum of layers of one shape: a shortcut. */
export const add: LayerDefinition<NoSettings> = {
  reads: 'several',
  outputShape: (path, _settings, input, ...others) => {
    if (others.some((other) => !sameShape(other, input)))
      throw new ShapeError(path, 'equal shapes', allShapes([input, ...others]));
    return input;
  },
  // Not by ONNX's Sum, which onnxruntime computes on one thread.
  build: ({ g }, _path, _settings, x, ...others) => others.reduce((sum, other) => g.add(sum, other), x),
};

/** The first layer times the second, which may have one value a channel: a gate. */
export const multiply: LayerDefinition<NoSettings> = {
  reads: 'several',
  outputShape: (path, _settings, input, ...others) => {
    const [gate] = others;
    const fits =
      others.length === 1 &&
      gate!.length === input.length &&
      gate!.every((d, axis) => d === input[axis] || (d === 1 && axis > 0));
    if (!fits) throw new ShapeError(path, 'a shape and one that broadcasts to it', allShapes([input, ...others]));
    return input;
  },
  build: ({ g }, _path, _settings, x, ...others) => g.mul(x, others[0]!),
};

export interface ConcatSettings {
  /** Axis of [C, H, W] along which the layers are put one after another; 0, the channels, where absent. */
  axis?: number;
}

/** Several layers one after another. */
export const concat: LayerDefinition<ConcatSettings> = {
  reads: 'several',
  outputShape: (path, { axis = 0 }, input, ...others) => {
    const all = [input, ...others];
    const rest = (shape: Shape): Shape => shape.filter((_, i) => i !== axis);
    if (others.some((other) => other.length !== input.length || !sameShape(rest(other), rest(input))))
      throw new ShapeError(path, `shapes that are equal but for axis ${axis}`, allShapes(all));
    return input.map((d, i) => (i === axis ? all.reduce((sum, shape) => sum + shape[axis]!, 0) : d));
  },
  build: ({ g }, _path, { axis = 0 }, ...inputs) => g.concat(inputs, axis + 1),
};

export interface SliceChannelsSettings {
  /** The first channel. */
  start: number;
  /** The one behind the last. */
  end: number;
}

/** Some of the channels. */
export const sliceChannels: LayerDefinition<SliceChannelsSettings> = {
  outputShape: (path, { start, end }, input) => {
    if (start < 0 || start >= end || end > input[0]!)
      throw new ShapeError(path, `at least ${end} channels, and a range with something in it`, input);
    return [end - start, ...input.slice(1)];
  },
  build: ({ g }, _path, { start, end }, x) => g.slice(x, [start], [end], [1]),
  describe: ({ start, end }) => ({ settings: `channels ${start}…${end - 1}`, formula: null }),
};

/** All features in one row, row-major. */
export const flatten: LayerDefinition<NoSettings> = {
  outputShape: (_path, _settings, input) => [sizeOf(input)],
  build: ({ g }, _path, _settings, x) => g.reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1))]),
  buildFeatureMajor: ({ g }, _path, _settings, x) => ({ ...inNaturalOrder(g, settle(g, x)), shape: [sizeOf(x.shape)] }),
};

/** The image's positions in one row: [C, H, W] → [C, H·W]. */
export const flattenSpace: LayerDefinition<NoSettings> = {
  outputShape: (path, _settings, input) => {
    const [c, h, w] = spatial(path, input);
    return [c, h * w];
  },
  build: ({ g }, _path, _settings, x) => g.reshape(x, [x.shape[0]!, x.shape[1]!, sizeOf(x.shape.slice(2))]),
};
