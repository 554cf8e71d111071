/**
 * EfficientNet B0–B7: inverted residuals with squeeze-and-excite, scaled in width, depth and image size. Names are those
 * of the field's PyTorch port (and so of the segmentation checkpoints made with it). Source: Tan & Le 2019.
 * NOTE (differs from TensorFlow's "same" padding): pads are those for the variant's nominal image size, whatever the
 * images' own size is, because the port has it so and its weights were used that way. torchvision's and some of timm's
 * weights want the same padding on both sides, which is a choice.
 */
import type { LayerSpec } from '../nn/network.ts';
import { convNorm, lastPath } from './blocks.ts';
import type { Encoder, PaddingChoice } from './encoder.ts';

type Pads = number | readonly [top: number, left: number, bottom: number, right: number];

export type EfficientnetVariant = 'b0' | 'b1' | 'b2' | 'b3' | 'b4' | 'b5' | 'b6' | 'b7';

interface Scaling {
  width: number;
  depth: number;
  imageSide: number;
  dropout: number;
  /** Blocks up to the end of the stage at stride 16, where that is not the last block of that stride. */
  blocksToStride16?: number;
}
const variants: Readonly<Record<EfficientnetVariant, Scaling>> = {
  // The field's decoders read B0 two blocks early.
  b0: { width: 1, depth: 1, imageSide: 224, dropout: 0.2, blocksToStride16: 9 },
  b1: { width: 1, depth: 1.1, imageSide: 240, dropout: 0.2 },
  b2: { width: 1.1, depth: 1.2, imageSide: 260, dropout: 0.3 },
  b3: { width: 1.2, depth: 1.4, imageSide: 300, dropout: 0.3 },
  b4: { width: 1.4, depth: 1.8, imageSide: 380, dropout: 0.4 },
  b5: { width: 1.6, depth: 2.2, imageSide: 456, dropout: 0.4 },
  b6: { width: 1.8, depth: 2.6, imageSide: 528, dropout: 0.5 },
  b7: { width: 2, depth: 3.1, imageSide: 600, dropout: 0.5 },
};

/** Repeats, kernel, first stride, expansion, channels; of B0. */
const groups = [
  [1, 3, 1, 1, 16],
  [2, 3, 2, 6, 24],
  [2, 5, 2, 6, 40],
  [3, 3, 2, 6, 80],
  [3, 5, 1, 6, 112],
  [4, 5, 2, 6, 192],
  [1, 3, 1, 6, 320],
] as const;
const firstHalvingGroup = 1;
const stemChannels = 32;
const headChannels = 1280;
/** Channels of the squeeze ÷ the block's input channels. */
const squeeze = 0.25;
const norm = { epsilon: 1e-3, momentum: 0.01 };

/** To the nearest multiple of 8, but never more than a tenth below. */
function scaledChannels(channels: number, width: number): number {
  const wanted = channels * width;
  const rounded = Math.max(8, 8 * Math.floor((wanted + 4) / 8));
  return rounded < 0.9 * wanted ? rounded + 8 : rounded;
}

interface Window {
  /** Nominal side of the image. */
  side: number;
  kernel: number;
  stride: number;
}

/** Pads with which a stride divides the side, rounded up: [top, left, bottom, right], the odd pixel at the end. */
function padsOf({ side, kernel, stride }: Window, padding: PaddingChoice): Pads {
  if (padding === 'symmetric') return (kernel - 1) / 2;
  const total = Math.max((Math.ceil(side / stride) - 1) * stride + kernel - side, 0);
  const before = Math.floor(total / 2);
  return [before, before, total - before, total - before];
}

interface BlockSettings {
  inChannels: number;
  outChannels: number;
  kernel: number;
  stride: number;
  expansion: number;
  /** Nominal side of the block's input. */
  side: number;
  dropConnect: number;
  padding: PaddingChoice;
}

function block(path: string, from: string, settings: BlockSettings): LayerSpec[] {
  const { inChannels, outChannels, kernel, stride, expansion, dropConnect, padding } = settings;
  const hidden = inChannels * expansion;
  const at = (name: string): string => `${path}.${name}`;
  const pointwise = (name: string, normName: string, channels: number): LayerSpec[] =>
    convNorm({
      conv: { outChannels: channels, kernel: 1, stride: 1, padding: 0 },
      convPath: at(name),
      normPath: at(normName),
      norm,
    });
  const gateConv = (name: string, channels: number): LayerSpec => ({
    kind: 'conv2d',
    path: at(name),
    outChannels: channels,
    kernel: 1,
    stride: 1,
    padding: 0,
  });
  const layers: LayerSpec[] = [
    ...(expansion === 1
      ? []
      : [...pointwise('_expand_conv', '_bn0', hidden), { kind: 'silu', path: at('swish0') } as const]),
    ...convNorm({
      conv: { outChannels: hidden, kernel, stride, padding: padsOf(settings, padding), groups: hidden },
      convPath: at('_depthwise_conv'),
      normPath: at('_bn1'),
      norm,
    }),
    { kind: 'silu', path: at('swish1') },
    { kind: 'globalAveragePool', path: at('squeeze') },
    gateConv('_se_reduce', Math.max(1, Math.floor(inChannels * squeeze))),
    { kind: 'silu', path: at('swish2') },
    gateConv('_se_expand', hidden),
    { kind: 'sigmoid', path: at('gate') },
    { kind: 'multiply', path: at('excite'), from: [at('swish1'), at('gate')] },
    ...pointwise('_project_conv', '_bn2', outChannels),
  ];
  if (stride !== 1 || inChannels !== outChannels) return layers;
  if (dropConnect > 0) layers.push({ kind: 'dropConnect', path: at('drop'), probability: dropConnect });
  return [...layers, { kind: 'add', path: at('add'), from: [lastPath(layers), from] }];
}

interface BodyOptions {
  /** Probability with which the last block's branch is left out; it grows from 0 at the first block. */
  dropConnect: number;
  /** For images of 32 pixels or so the first two halvings are left out. */
  smallImages: boolean;
  /** As TensorFlow's "same" where absent. */
  padding?: PaddingChoice;
}

interface BlockEnd {
  path: string;
  channels: number;
  /** How much smaller than the image. */
  stride: number;
}

/** All layers but the classifier's; where the stem and each block end. The last three layers lie behind the last block. */
function body(
  variant: EfficientnetVariant,
  prefix: string,
  { dropConnect, smallImages, padding = 'usual' }: BodyOptions,
): { layers: LayerSpec[]; ends: BlockEnd[] } {
  const { width, depth, imageSide } = variants[variant];
  const halving = smallImages ? 1 : 2;
  const firstChannels = scaledChannels(stemChannels, width);
  const layers: LayerSpec[] = [
    ...convNorm({
      conv: {
        outChannels: firstChannels,
        kernel: 3,
        stride: halving,
        padding: padsOf({ side: imageSide, kernel: 3, stride: halving }, padding),
      },
      convPath: `${prefix}_conv_stem`,
      normPath: `${prefix}_bn0`,
      norm,
    }),
    { kind: 'silu', path: `${prefix}_swish` },
  ];
  const blocks = groups.flatMap(([repeats, kernel, groupStride, expansion, channels], group) =>
    Array.from({ length: Math.ceil(repeats * depth) }, (_, i) => ({
      kernel,
      expansion,
      stride: i > 0 ? 1 : group === firstHalvingGroup ? halving : groupStride,
      outChannels: scaledChannels(channels, width),
    })),
  );
  const ends: BlockEnd[] = [{ path: lastPath(layers), channels: firstChannels, stride: halving }];
  blocks.forEach((settings, i) => {
    const before = ends.at(-1)!;
    const side = Math.ceil(imageSide / before.stride);
    const rest = { inChannels: before.channels, side, dropConnect: (dropConnect * i) / blocks.length, padding };
    layers.push(...block(`${prefix}_blocks.${i}`, before.path, { ...settings, ...rest }));
    ends.push({ path: lastPath(layers), channels: settings.outChannels, stride: before.stride * settings.stride });
  });
  layers.push(
    ...convNorm({
      conv: { outChannels: scaledChannels(headChannels, width), kernel: 1, stride: 1, padding: 0 },
      convPath: `${prefix}_conv_head`,
      normPath: `${prefix}_bn1`,
      norm,
    }),
    { kind: 'silu', path: `${prefix}_swish_head` },
  );
  return { layers, ends };
}

/** `prefix` goes in front of all paths: "" or "encoder.". */
export function efficientnet(
  variant: EfficientnetVariant,
  prefix: string,
  options: { dropConnect: number; padding?: PaddingChoice },
): Encoder {
  const { layers, ends } = body(variant, prefix, { ...options, smallImages: false });
  const { blocksToStride16 } = variants[variant];
  const endOf = (stride: number): BlockEnd => ends.findLast((end) => end.stride === stride)!;
  const stages = [ends[0]!, endOf(4), endOf(8), blocksToStride16 ? ends[blocksToStride16]! : endOf(16), endOf(32)];
  return { layers, stages: stages.map(({ path }) => path), channels: stages.map((stage) => stage.channels) };
}

/** The dropout that was published with the variant. */
export const publishedDropout = (variant: EfficientnetVariant): number => variants[variant].dropout;

export const efficientnetClassifier = (
  variant: EfficientnetVariant,
  categoryCount: number,
  { dropout, ...options }: BodyOptions & { dropout: number },
): LayerSpec[] => [
  ...body(variant, '', options).layers,
  { kind: 'globalAveragePool', path: '_avg_pooling' },
  { kind: 'flatten', path: 'flatten' },
  { kind: 'dropout', path: '_dropout', probability: dropout },
  { kind: 'linear', path: '_fc', outFeatures: categoryCount },
];
