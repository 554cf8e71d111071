/**
 * Feature pyramid decoder: the four coarsest stages brought to one width, added from the top down, each enlarged to
 * stride 4 and added up. Paths are those of the segmentation checkpoints in the field. Source: Kirillov et al. 2019,
 * Panoptic Feature Pyramid Networks.
 */
import type { LayerSpec } from '../nn/network.ts';
import { lastPath } from './blocks.ts';
import type { Encoder } from './encoder.ts';

export interface FpnOptions {
  /** Probability with which a channel of the result is left out. */
  dropout: number;
}

const pyramidChannels = 256;
const segmentationChannels = 128;
const normGroups = 32;
const initialiser = 'heUniformFanIn';

const lateral = (path: string, from: string): LayerSpec => ({
  kind: 'conv2d',
  path,
  from,
  outChannels: pyramidChannels,
  kernel: 1,
  stride: 1,
  padding: 0,
  initialiser,
  biasValue: 0,
});

/** A 3×3 convolution, group norm, ReLU, and twice the size where `enlarge`. */
const refine = (path: string, from: string, enlarge: boolean): LayerSpec[] => [
  {
    kind: 'conv2d',
    path: `${path}.block.0`,
    from,
    outChannels: segmentationChannels,
    kernel: 3,
    stride: 1,
    padding: 1,
    bias: false,
    initialiser,
  },
  { kind: 'groupNorm', path: `${path}.block.1`, groups: normGroups },
  { kind: 'relu', path: `${path}.block.2` },
  ...(enlarge ? [{ kind: 'upsample', path: `${path}.up`, factor: 2, mode: 'bilinear' } as const] : []),
];

export function fpnDecoder(path: string, { stages }: Encoder, { dropout }: FpnOptions): LayerSpec[] {
  const [deepest, ...others] = stages.slice(-4).reverse() as [string, ...string[]];
  const layers = [lateral(`${path}.p5`, deepest)];
  const pyramid = [lastPath(layers)];
  others.forEach((stage, i) => {
    const level = `${path}.p${4 - i}`;
    const enlarged = `${level}.up`;
    layers.push(
      { kind: 'upsample', path: enlarged, from: pyramid.at(-1)!, factor: 2, mode: 'nearest' },
      lateral(`${level}.skip_conv`, stage),
      { kind: 'add', path: `${level}.add`, from: [enlarged, `${level}.skip_conv`] },
    );
    pyramid.push(lastPath(layers));
  });
  const segments = pyramid.map((from, i) => {
    const enlargements = pyramid.length - 1 - i;
    let last = from;
    for (let k = 0; k < Math.max(1, enlargements); k++) {
      layers.push(...refine(`${path}.seg_blocks.${i}.block.${k}`, last, enlargements > 0));
      last = lastPath(layers);
    }
    return last;
  });
  return [
    ...layers,
    { kind: 'add', path: `${path}.merge`, from: segments },
    { kind: 'channelDropout', path: `${path}.dropout`, probability: dropout },
  ];
}
