/**
 * U-Net and U-Net++ decoders: from the coarsest stage up, each step joins the encoder's stage of that size. Paths are
 * those of the segmentation checkpoints in the field. Sources: Ronneberger et al. 2015; Zhou et al. 2018.
 */
import type { LayerSpec } from '../nn/network.ts';
import { convNorm, lastPath, reading } from './blocks.ts';
import type { Encoder } from './encoder.ts';

export interface UnetOptions {
  /** Channels of each step, the coarsest first. */
  widths: readonly number[];
  /** Two convolutions between encoder and decoder: for encoders that end with a pool. */
  centre: boolean;
}

/** A 3×3 convolution, batch norm, ReLU. */
const conv = (path: string, outChannels: number): LayerSpec[] => [
  ...convNorm({
    conv: { outChannels, kernel: 3, stride: 1, padding: 1, initialiser: 'heUniformFanIn' },
    convPath: `${path}.0`,
    normPath: `${path}.1`,
  }),
  { kind: 'relu', path: `${path}.2` },
];

/** Enlarges `from`, joins `skips`, and convolves twice. */
function step(path: string, from: string, skips: readonly string[], outChannels: number): LayerSpec[] {
  const enlarged: LayerSpec = { kind: 'upsample', path: `${path}.up`, from, factor: 2, mode: 'nearest' };
  const joined: LayerSpec = { kind: 'concat', path: `${path}.join`, from: [enlarged.path, ...skips] };
  return [
    enlarged,
    ...(skips.length === 0 ? [] : [joined]),
    ...conv(`${path}.conv1`, outChannels),
    ...conv(`${path}.conv2`, outChannels),
  ];
}

function centreOf(path: string, { channels, stages }: Encoder): LayerSpec[] {
  const deepest = channels.at(-1)!;
  return [...reading(stages.at(-1)!, conv(`${path}.0`, deepest)), ...conv(`${path}.1`, deepest)];
}

export function unetDecoder(path: string, encoder: Encoder, { widths, centre }: UnetOptions): LayerSpec[] {
  const centreLayers = centre ? centreOf(`${path}.center`, encoder) : [];
  const skips = encoder.stages.slice(0, -1).reverse();
  const layers = [...centreLayers];
  let from = centre ? lastPath(centreLayers) : encoder.stages.at(-1)!;
  widths.forEach((outChannels, i) => {
    layers.push(...step(`${path}.blocks.${i}`, from, skips.slice(i, i + 1), outChannels));
    from = lastPath(layers);
  });
  return layers;
}

/**
 * Node (depth, level) enlarges node (depth, level − 1) and joins all nodes of its own size before it and the encoder's
 * stage of that size. Level 0 reads the encoder's stages.
 */
export function unetPlusPlusDecoder(path: string, encoder: Encoder, { widths, centre }: UnetOptions): LayerSpec[] {
  const centreLayers = centre ? centreOf(`${path}.center`, encoder) : [];
  const stages = [...encoder.stages].reverse();
  if (centre) stages[0] = lastPath(centreLayers);
  const stageChannels = [...encoder.channels].reverse();
  const last = widths.length - 1;
  const layers = [...centreLayers];
  const pathOf = (depth: number, level: number): string => `${path}.blocks.x_${depth}_${level}`;
  const resultOf = (depth: number, level: number): string => `${pathOf(depth, level)}.conv2.2`;
  for (let distance = 0; distance < last; distance++) {
    for (let depth = 0; depth + distance < last; depth++) {
      const level = depth + distance;
      const from = distance === 0 ? stages[depth]! : resultOf(depth, level - 1);
      const dense = Array.from({ length: distance }, (_, i) => resultOf(depth + 1 + i, level));
      const outChannels = depth === 0 ? widths[level]! : stageChannels[level + 1]!;
      layers.push(...step(pathOf(depth, level), from, [...dense, stages[level + 1]!], outChannels));
    }
  }
  layers.push(...step(pathOf(0, last), resultOf(0, last - 1), [], widths[last]!));
  return layers;
}
