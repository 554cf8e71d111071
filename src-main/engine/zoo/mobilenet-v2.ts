/**
 * MobileNetV2: inverted residuals with depthwise convolutions. Names and starting values are torchvision's, so that its
 * checkpoints fit. Source: Sandler et al. 2018.
 */
import type { LayerSpec } from '../nn/network.ts';
import { convNorm, lastPath } from './blocks.ts';
import type { Encoder, PaddingChoice } from './encoder.ts';

/** Expansion, channels, repeats, first stride. */
const groups = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;
const firstHalvingGroup = 1;
const stemChannels = 32;
const headChannels = 1280;

interface ConvSettings {
  outChannels: number;
  kernel: number;
  stride?: number;
  groups?: number;
  padding?: PaddingChoice;
}

/** TensorFlow's "same" is that for images whose sides halve evenly: the odd pixel at the end. */
function padsOf({ kernel, stride = 1, padding = 'usual' }: ConvSettings): number | [number, number, number, number] {
  const both = (kernel - 1) / 2;
  return padding === 'same' && stride === 2 ? [both - 1, both - 1, both, both] : both;
}

/** A convolution at `path`.`index`, its batch norm behind it. */
function norming(path: string, index: number, settings: ConvSettings): LayerSpec[] {
  const { outChannels, kernel, stride = 1, groups: count = 1 } = settings;
  return convNorm({
    conv: {
      outChannels,
      kernel,
      stride,
      padding: padsOf(settings),
      groups: count,
      initialiser: 'heNormalFanOut',
    },
    convPath: `${path}.${index}`,
    normPath: `${path}.${index + 1}`,
  });
}

const activated = (path: string, settings: ConvSettings): LayerSpec[] => [
  ...norming(path, 0, settings),
  { kind: 'relu6', path: `${path}.2` },
];

function invertedResidual(
  path: string,
  from: string,
  inChannels: number,
  {
    expansion,
    outChannels,
    stride,
    padding,
  }: { expansion: number; outChannels: number; stride: number; padding: PaddingChoice },
): LayerSpec[] {
  const hidden = inChannels * expansion;
  const expand = expansion === 1 ? [] : activated(`${path}.conv.0`, { outChannels: hidden, kernel: 1 });
  const next = expansion === 1 ? 0 : 1;
  const layers = [
    ...expand,
    ...activated(`${path}.conv.${next}`, { outChannels: hidden, kernel: 3, stride, groups: hidden, padding }),
    ...norming(`${path}.conv`, next + 1, { outChannels, kernel: 1 }),
  ];
  if (stride !== 1 || inChannels !== outChannels) return layers;
  return [...layers, { kind: 'add', path: `${path}.add`, from: [from, lastPath(layers)] }];
}

interface BlockEnd {
  path: string;
  channels: number;
  /** How much smaller than the image. */
  stride: number;
}

interface BodyOptions {
  /** For images of 32 pixels or so the first two halvings are left out. */
  smallImages: boolean;
  padding: PaddingChoice;
}

function body(prefix: string, { smallImages, padding }: BodyOptions): { layers: LayerSpec[]; ends: BlockEnd[] } {
  const features = (index: number): string => `${prefix}features.${index}`;
  const halving = smallImages ? 1 : 2;
  const layers = activated(features(0), { outChannels: stemChannels, kernel: 3, stride: halving, padding });
  const ends: BlockEnd[] = [];
  let [index, channels, stride] = [1, stemChannels, halving];
  groups.forEach(([expansion, outChannels, repeats, groupStride], group) => {
    const firstStride = group === firstHalvingGroup ? halving : groupStride;
    for (let i = 0; i < repeats; i++) {
      const settings = { expansion, outChannels, stride: i === 0 ? firstStride : 1, padding };
      layers.push(...invertedResidual(features(index++), lastPath(layers), channels, settings));
      channels = outChannels;
      stride *= settings.stride;
      ends.push({ path: lastPath(layers), channels, stride });
    }
  });
  layers.push(...activated(features(index), { outChannels: headChannels, kernel: 1 }));
  ends.push({ path: lastPath(layers), channels: headChannels, stride });
  return { layers, ends };
}

/** `prefix` goes in front of all paths: "" or "encoder.". */
export function mobilenetV2(prefix: string, { padding }: { padding: PaddingChoice }): Encoder {
  const { layers, ends } = body(prefix, { smallImages: false, padding });
  const stages = [2, 4, 8, 16, 32].map((stride) => ends.findLast((end) => end.stride === stride)!);
  return { layers, stages: stages.map(({ path }) => path), channels: stages.map((stage) => stage.channels) };
}

export const mobilenetV2Classifier = (
  categoryCount: number,
  { dropout, smallImages, padding = 'usual' }: { dropout: number; smallImages: boolean; padding?: PaddingChoice },
): LayerSpec[] => [
  ...body('', { smallImages, padding }).layers,
  { kind: 'globalAveragePool', path: 'pool' },
  { kind: 'flatten', path: 'flatten' },
  { kind: 'dropout', path: 'classifier.0', probability: dropout },
  { kind: 'linear', path: 'classifier.1', outFeatures: categoryCount, initialiser: { std: 0.01 }, biasValue: 0 },
];
