/** Averages over parts of an image. */
import { positive, slidingFormula, slidingSize, spatial, type LayerDefinition, type NoSettings } from './definition.ts';

export interface AveragePool2dSettings {
  kernel: number;
  stride: number;
  /** Pixels on every side, which count as zeros. 0 where absent. */
  padding?: number;
}

export const averagePool2d: LayerDefinition<AveragePool2dSettings> = {
  outputShape: (path, { kernel, stride, padding = 0 }, input) => {
    const [c, h, w] = spatial(path, input);
    const shape = [c, slidingSize(h, kernel, stride, padding), slidingSize(w, kernel, stride, padding)];
    return positive(path, shape, input);
  },
  build: ({ g }, _path, { kernel: k, stride: s, padding: p = 0 }, x) =>
    g.op('AveragePool', [x], { kernel_shape: [k, k], strides: [s, s], pads: [p, p, p, p], count_include_pad: 1 }),
  describe: ({ kernel, stride, padding = 0 }, input, output) => ({
    settings: `${kernel}×${kernel}, stride ${stride}${padding === 0 ? '' : `, padding ${padding}`}`,
    formula: slidingFormula(input[1]!, kernel, stride, padding, output[1]!),
  }),
};

/** The mean of each channel: [C, H, W] → [C, 1, 1]. */
export const globalAveragePool: LayerDefinition<NoSettings> = {
  outputShape: (path, _settings, input) => [spatial(path, input)[0], 1, 1],
  build: ({ g }, _path, _settings, x) => g.op('GlobalAveragePool', [x]),
};

export interface AdaptiveAveragePool2dSettings {
  /** Height and width of the result. */
  size: number;
}

/** Means over size × size parts, whatever the image's size. */
export const adaptiveAveragePool2d: LayerDefinition<AdaptiveAveragePool2dSettings> = {
  outputShape: (path, { size }, input) => [spatial(path, input)[0], size, size],
  build: ({ g }, _path, { size }, x) => g.op('AdaptiveAveragePool', [x], { output_size: [size, size] }, 'fovea'),
  describe: ({ size }) => ({ settings: `to ${size}×${size}`, formula: null }),
};
