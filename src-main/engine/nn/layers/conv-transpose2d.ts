/** Two-dimensional transposed convolution: the adjoint of a convolution, which enlarges an image by its stride. */
import { positive, spatial, weightAndBias, type LayerDefinition, type WeightSettings } from './definition.ts';

export interface ConvTranspose2dSettings extends WeightSettings {
  outChannels: number;
  kernel: number;
  stride: number;
  /** Pixels taken off on every side. */
  padding: number;
}

/** O = (I − 1)·s − 2p + k */
const enlargedSize = (size: number, { kernel, stride, padding }: ConvTranspose2dSettings): number =>
  (size - 1) * stride - 2 * padding + kernel;

export const convTranspose2d: LayerDefinition<ConvTranspose2dSettings> = {
  outputShape: (path, settings, input) => {
    const [, h, w] = spatial(path, input);
    return positive(path, [settings.outChannels, enlargedSize(h, settings), enlargedSize(w, settings)], input);
  },
  // PyTorch keeps this weight as [in, out, k, k], and takes the fan-in from it as it lies.
  parameters: (path, settings, input) => {
    const { outChannels, kernel } = settings;
    const [weight, ...bias] = weightAndBias(path, [spatial(path, input)[0], outChannels, kernel, kernel], settings);
    return [weight!, ...bias.map((spec) => ({ ...spec, shape: [outChannels] }))];
  },
  build: ({ g, tensor }, path, { kernel: k, stride: s, padding: p, bias = true }, x) =>
    g.op('ConvTranspose', [x, tensor(`${path}.weight`), ...(bias ? [tensor(`${path}.bias`)] : [])], {
      kernel_shape: [k, k],
      strides: [s, s],
      pads: [p, p, p, p],
      dilations: [1, 1],
      group: 1,
      output_padding: [0, 0],
    }),
  describe: ({ kernel, stride, padding }, input, output) => ({
    settings: `${kernel}×${kernel}, stride ${stride}, padding ${padding}`,
    formula: `(${input[1]} − 1)·${stride} − 2·${padding} + ${kernel} = ${output[1]}`,
  }),
};
