/** Two-dimensional max pooling. */
import type { Builder } from '../../graph/builder.ts';
import { takePieces, withRowOrder, type FeatureMap } from '../feature-map.ts';
import { positive, slidingFormula, slidingSize, spatial, type LayerDefinition } from './definition.ts';

export interface MaxPool2dSettings {
  kernel: number;
  stride: number;
  /** Pixels on every side, of which none is ever the maximum. 0 where absent. */
  padding?: number;
}

export const maxPool2d: LayerDefinition<MaxPool2dSettings> = {
  outputShape: (path, { kernel, stride, padding = 0 }, input) => {
    const [c, h, w] = spatial(path, input);
    const shape = [c, slidingSize(h, kernel, stride, padding), slidingSize(w, kernel, stride, padding)];
    return positive(path, shape, input);
  },
  build: ({ g }, _path, { kernel: k, stride: s, padding: p = 0 }, x) =>
    g.op('MaxPool', [x], { kernel_shape: [k, k], strides: [s, s], pads: [p, p, p, p] }),
  suitsFeatureMajor: ({ padding = 0 }) => padding === 0,
  // A channel's bias moves past the maximum: max(x + b) = max(x) + b.
  buildFeatureMajor: ({ g }, _path, settings, x) => maxAlong(g, maxAlong(g, x, 2, settings), 1, settings),
  describe: ({ kernel, stride, padding = 0 }, input, output) => ({
    settings: `${kernel}×${kernel}, stride ${stride}${padding === 0 ? '' : `, padding ${padding}`}`,
    formula: slidingFormula(input[1]!, kernel, stride, padding, output[1]!),
  }),
};

/**
 * The maximum over windows along one axis (1: rows, 2: columns). Columns first, then rows, gives a tie to the first
 * element in row-major order, as PyTorch does.
 */
function maxAlong(g: Builder, x: FeatureMap, axis: 1 | 2, { kernel, stride }: MaxPool2dSettings): FeatureMap {
  const [c, h, w] = x.shape as [number, number, number];
  const shape = x.shape.map((size, i) => (i === axis ? slidingSize(size, kernel, stride, 0) : size)) as [
    number,
    number,
    number,
  ];
  const rowAt = (feature: number, offset: number): number => {
    const [channel, y, z] = [
      Math.floor(feature / shape[2] / shape[1]),
      Math.floor(feature / shape[2]) % shape[1],
      feature % shape[2],
    ];
    const [sourceY, sourceZ] = axis === 1 ? [y * stride + offset, z] : [y, z * stride + offset];
    return x.rowOf[(channel * h + sourceY) * w + sourceZ]!;
  };
  // Rows of the result keep the order of the windows' first elements, so that a tiled layout stays tiled.
  const features = Array.from({ length: c * shape[1] * shape[2] }, (_, i) => i).sort(
    (a, b) => rowAt(a, 0) - rowAt(b, 0),
  );
  const operands = takePieces(
    g,
    x.rows,
    Array.from({ length: kernel }, (_, offset) => features.map((feature) => rowAt(feature, offset))),
  );
  return withRowOrder(
    operands.reduce((a, b) => g.op('FirstMax', [a, b], {}, 'fovea')),
    shape,
    features,
    x.bias,
  );
}
