/**
 * ResNet: blocks of convolutions with a shortcut around each. Names and starting values are torchvision's, so that its
 * checkpoints fit; as there, a bottleneck's stride is in its 3×3 convolution. Source: He et al. 2016.
 */
import type { LayerSpec } from '../nn/network.ts';
import { convNorm, lastPath, reading } from './blocks.ts';
import type { Encoder } from './encoder.ts';

export type ResnetDepth = 18 | 34 | 50 | 101;

const depths: Readonly<Record<ResnetDepth, { repeats: readonly number[]; bottleneck: boolean }>> = {
  18: { repeats: [2, 2, 2, 2], bottleneck: false },
  34: { repeats: [3, 4, 6, 3], bottleneck: false },
  50: { repeats: [3, 4, 6, 3], bottleneck: true },
  101: { repeats: [3, 4, 23, 3], bottleneck: true },
};
/** Output channels of a bottleneck ÷ its width. */
const expansion = 4;

function conv(path: string, index: number, outChannels: number, kernel: number, stride = 1): LayerSpec[] {
  return convNorm({
    conv: { outChannels, kernel, stride, padding: (kernel - 1) / 2, initialiser: 'heNormalFanOut' },
    convPath: `${path}conv${index}`,
    normPath: `${path}bn${index}`,
  });
}

interface BlockSettings {
  width: number;
  stride: number;
  bottleneck: boolean;
}

const outChannelsOf = ({ width, bottleneck }: BlockSettings): number => (bottleneck ? width * expansion : width);

function block(path: string, from: string, inChannels: number, settings: BlockSettings): LayerSpec[] {
  const { width, stride, bottleneck } = settings;
  const outChannels = outChannelsOf(settings);
  const at = `${path}.`;
  const relu = (index: number): LayerSpec => ({ kind: 'relu', path: `${at}relu${index}` });
  const main = bottleneck
    ? [...conv(at, 1, width, 1), relu(1), ...conv(at, 2, width, 3, stride), relu(2), ...conv(at, 3, outChannels, 1)]
    : [...conv(at, 1, width, 3, stride), relu(1), ...conv(at, 2, outChannels, 3)];
  const isSame = stride === 1 && inChannels === outChannels;
  const shortcut = isSame
    ? []
    : convNorm({
        conv: { outChannels, kernel: 1, stride, padding: 0, initialiser: 'heNormalFanOut' },
        convPath: `${at}downsample.0`,
        normPath: `${at}downsample.1`,
      });
  return [
    ...reading(from, main),
    ...(isSame ? [] : reading(from, shortcut)),
    { kind: 'add', path: `${at}add`, from: [lastPath(main), isSame ? from : lastPath(shortcut)] },
    { kind: 'relu', path: `${at}relu` },
  ];
}

/** A 7×7 convolution and a pool; or, for images of 32 pixels or so, a 3×3 convolution that keeps the size, as in the paper. */
function stem(prefix: string, smallImages: boolean): LayerSpec[] {
  const relu: LayerSpec = { kind: 'relu', path: `${prefix}relu` };
  return smallImages
    ? [...conv(prefix, 1, 64, 3), relu]
    : [
        ...conv(prefix, 1, 64, 7, 2),
        relu,
        { kind: 'maxPool2d', path: `${prefix}maxpool`, kernel: 3, stride: 2, padding: 1 },
      ];
}

function body(depth: ResnetDepth, prefix: string, smallImages: boolean): Encoder {
  const { repeats, bottleneck } = depths[depth];
  const layers = stem(prefix, smallImages);
  const stages = [`${prefix}relu`];
  const channels = [64];
  let inChannels = 64;
  repeats.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const settings = { width: 64 * 2 ** stage, stride: i === 0 && stage > 0 ? 2 : 1, bottleneck };
      layers.push(...block(`${prefix}layer${stage + 1}.${i}`, lastPath(layers), inChannels, settings));
      inChannels = outChannelsOf(settings);
    }
    stages.push(lastPath(layers));
    channels.push(inChannels);
  });
  return { layers, stages, channels };
}

/** `prefix` goes in front of all paths: "" or "encoder.". */
export const resnet = (depth: ResnetDepth, prefix: string): Encoder => body(depth, prefix, false);

export const resnetClassifier = (
  depth: ResnetDepth,
  categoryCount: number,
  { smallImages }: { smallImages: boolean },
): LayerSpec[] => [
  ...body(depth, '', smallImages).layers,
  { kind: 'globalAveragePool', path: 'avgpool' },
  { kind: 'flatten', path: 'flatten' },
  { kind: 'linear', path: 'fc', outFeatures: categoryCount },
];
