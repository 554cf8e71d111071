/**
 * VGG: 3×3 convolutions between pools. Names and starting values are torchvision's, so that its checkpoints fit.
 * Source: Simonyan & Zisserman 2015.
 */
import type { LayerSpec } from '../nn/network.ts';
import type { Encoder } from './encoder.ts';

export type VggDepth = 11 | 13 | 16 | 19;

/** Convolutions before each pool. */
const depths: Readonly<Record<VggDepth, readonly number[]>> = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
};
const widths = [64, 128, 256, 512, 512] as const;

interface VggOptions {
  batchNorm: boolean;
}

/** `prefix` goes in front of all paths: "" or "encoder.". A stage ends before the next pool, the last one behind it. */
export function vgg(depth: VggDepth, prefix: string, { batchNorm }: VggOptions): Encoder {
  const layers: LayerSpec[] = [];
  const ends: string[] = [];
  const next = (): string => `${prefix}features.${layers.length}`;
  widths.forEach((outChannels, group) => {
    for (let i = 0; i < depths[depth][group]!; i++) {
      const conv = { outChannels, kernel: 3, stride: 1, padding: 1, biasValue: 0 } as const;
      layers.push({ kind: 'conv2d', path: next(), ...conv, initialiser: 'heNormalFanOut' });
      if (batchNorm) layers.push({ kind: 'batchNorm', path: next() });
      layers.push({ kind: 'relu', path: next() });
    }
    ends.push(layers.at(-1)!.path);
    layers.push({ kind: 'maxPool2d', path: next(), kernel: 2, stride: 2 });
  });
  // The first convolutions work at full size, before stride 2.
  return { layers, stages: [...ends.slice(1), layers.at(-1)!.path], channels: [...widths.slice(1), widths.at(-1)!] };
}

export function vggClassifier(depth: VggDepth, categoryCount: number, options: VggOptions): LayerSpec[] {
  const linear = (path: string, outFeatures: number): LayerSpec => ({
    kind: 'linear',
    path: `classifier.${path}`,
    outFeatures,
    initialiser: { std: 0.01 },
    biasValue: 0,
  });
  const hidden = (index: number): LayerSpec[] => [
    linear(`${index}`, 4096),
    { kind: 'relu', path: `classifier.${index + 1}` },
    { kind: 'dropout', path: `classifier.${index + 2}`, probability: 0.5 },
  ];
  return [
    ...vgg(depth, '', options).layers,
    { kind: 'adaptiveAveragePool2d', path: 'avgpool', size: 7 },
    { kind: 'flatten', path: 'flatten' },
    ...hidden(0),
    ...hidden(3),
    linear('6', categoryCount),
  ];
}
