/** Segmentation networks: a decoder over an encoder, and a head with one logit a category and pixel. */
import type { LayerSpec, NetworkSpec } from '../nn/network.ts';
import { lastPath } from './blocks.ts';
import { efficientnet, type EfficientnetVariant } from './efficientnet.ts';
import type { Encoder, PaddingChoice } from './encoder.ts';
import { fpnDecoder } from './fpn.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { resnet, type ResnetDepth } from './resnet.ts';
import { unetDecoder, unetPlusPlusDecoder } from './unet.ts';
import { vgg, type VggDepth } from './vgg.ts';

export interface SegmentationOptions {
  /** Probability with which the last block of an EfficientNet is left out. */
  dropConnect: number;
  /** Probability with which a channel of the FPN's result is left out. */
  dropout: number;
  /** Channels of the U-Nets' steps, the coarsest first. */
  widths: readonly number[];
  /** Of the encoder, where its family knows both ways: MobileNetV2 and EfficientNet. */
  padding: PaddingChoice;
}

interface EncoderChoice {
  label: string;
  build: (prefix: string, options: SegmentationOptions) => Encoder;
  /** Ends with a pool, so that a U-Net convolves once more before its decoder. */
  endsWithPool?: true;
}

const ofResnet = (depth: ResnetDepth): EncoderChoice => ({
  label: `ResNet-${depth}`,
  build: (prefix) => resnet(depth, prefix),
});
const ofVgg = (depth: VggDepth, batchNorm: boolean): EncoderChoice => ({
  label: `VGG-${depth}${batchNorm ? ' with batch norm' : ''}`,
  build: (prefix) => vgg(depth, prefix, { batchNorm }),
  endsWithPool: true,
});
const ofEfficientnet = (variant: EfficientnetVariant): EncoderChoice => ({
  label: `EfficientNet-${variant.toUpperCase()}`,
  build: (prefix, { dropConnect, padding }) => efficientnet(variant, prefix, { dropConnect, padding }),
});

const encoders = {
  resnet18: ofResnet(18),
  resnet34: ofResnet(34),
  resnet50: ofResnet(50),
  resnet101: ofResnet(101),
  vgg11: ofVgg(11, false),
  vgg11_bn: ofVgg(11, true),
  vgg13: ofVgg(13, false),
  vgg13_bn: ofVgg(13, true),
  vgg16: ofVgg(16, false),
  vgg16_bn: ofVgg(16, true),
  vgg19: ofVgg(19, false),
  vgg19_bn: ofVgg(19, true),
  mobilenet_v2: { label: 'MobileNetV2', build: (prefix, { padding }) => mobilenetV2(prefix, { padding }) },
  'efficientnet-b0': ofEfficientnet('b0'),
  'efficientnet-b1': ofEfficientnet('b1'),
  'efficientnet-b2': ofEfficientnet('b2'),
  'efficientnet-b3': ofEfficientnet('b3'),
  'efficientnet-b4': ofEfficientnet('b4'),
  'efficientnet-b5': ofEfficientnet('b5'),
  'efficientnet-b6': ofEfficientnet('b6'),
  'efficientnet-b7': ofEfficientnet('b7'),
} as const satisfies Record<string, EncoderChoice>;
export type EncoderId = keyof typeof encoders;
export const encoderIds = Object.keys(encoders) as EncoderId[];
export const encoderLabel = (id: EncoderId): string => encoders[id].label;

interface Decoder {
  layers: (path: string, encoder: Encoder, choice: EncoderChoice, options: SegmentationOptions) => LayerSpec[];
  head: { kernel: number; /** How much smaller than the image the decoder's result is. */ stride: number };
}

const decoders = {
  unet: {
    layers: (path, encoder, { endsWithPool = false }, { widths }) =>
      unetDecoder(path, encoder, { widths, centre: endsWithPool }),
    head: { kernel: 3, stride: 1 },
  },
  unetPlusPlus: {
    layers: (path, encoder, { endsWithPool = false }, { widths }) =>
      unetPlusPlusDecoder(path, encoder, { widths, centre: endsWithPool }),
    head: { kernel: 3, stride: 1 },
  },
  fpn: {
    layers: (path, encoder, _choice, { dropout }) => fpnDecoder(path, encoder, { dropout }),
    head: { kernel: 1, stride: 4 },
  },
} as const satisfies Record<string, Decoder>;
export type DecoderId = keyof typeof decoders;
export const decoderIds = Object.keys(decoders) as DecoderId[];

/** Takes images whose sides are multiples of 32; the output is [categories, H, W], logits. */
export function segmentationNetwork(
  decoderId: DecoderId,
  encoderId: EncoderId,
  categoryCount: number,
  {
    dropConnect = 0.2,
    dropout = 0.2,
    widths = [256, 128, 64, 32, 16],
    padding = 'usual',
  }: Partial<SegmentationOptions> = {},
): NetworkSpec {
  const options = { dropConnect, dropout, widths, padding };
  const choice: EncoderChoice = encoders[encoderId];
  const decoder: Decoder = decoders[decoderId];
  const encoder = choice.build('encoder.', options);
  const { kernel, stride } = decoder.head;
  const layers: LayerSpec[] = [
    ...encoder.layers,
    ...decoder.layers('decoder', encoder, choice, options),
    {
      kind: 'conv2d',
      path: 'segmentation_head.0',
      outChannels: categoryCount,
      kernel,
      stride: 1,
      padding: (kernel - 1) / 2,
      initialiser: 'glorotUniform',
      biasValue: 0,
    },
  ];
  if (stride > 1) layers.push({ kind: 'upsample', path: 'segmentation_head.1', factor: stride, mode: 'bilinear' });
  return { layers, outputs: [lastPath(layers)] };
}
