/** Enlarges an image by a whole factor. */
import { spatial, type LayerDefinition } from './definition.ts';

export interface UpsampleSettings {
  factor: number;
  /** 'nearest' repeats pixels; 'bilinear' interpolates, with the corners' pixels staying in the corners. */
  mode: 'nearest' | 'bilinear';
}

const resizeModes = { nearest: 'nearest', bilinear: 'linear, corners aligned' } as const;

export const upsample: LayerDefinition<UpsampleSettings> = {
  outputShape: (path, { factor }, input) => {
    const [c, h, w] = spatial(path, input);
    return [c, factor * h, factor * w];
  },
  build: ({ g }, _path, { factor, mode }, x) =>
    g.resize(x, [factor * x.shape[2]!, factor * x.shape[3]!], resizeModes[mode]),
  describe: ({ factor, mode }) => ({ settings: `×${factor}, ${mode}`, formula: null }),
};
