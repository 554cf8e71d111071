/** The segmentation networks that a person can train, with their knobs. */
import type { PaddingChoice } from './encoder.ts';
import { inputDefaults, inputKnobs, preprocessingFor, usualPreprocessing, type InputOptions } from './input-options.ts';
import type { ModelSpec } from './model-spec.ts';
import { encoderIds, encoderLabel, segmentationNetwork, type DecoderId, type EncoderId } from './segmentation.ts';

type EncoderOptions = { encoder: string; dropConnect: number } & InputOptions;

const encoderKnobs: ModelSpec<EncoderOptions>['knobs'] = [
  {
    option: 'encoder',
    label: 'Encoder',
    explanation:
      'The network that looks at the image. Larger ones see more and take longer; MobileNetV2 is the smallest.',
    control: { kind: 'choice', options: encoderIds.map((id) => ({ value: id, label: encoderLabel(id) })) },
  },
  {
    option: 'dropConnect',
    label: 'Drop-connect',
    explanation:
      'Probability with which the last block of an EfficientNet is passed by in a training step; earlier blocks less often. Other encoders have none.',
    control: { kind: 'number', min: 0, max: 0.9 },
  },
  ...inputKnobs,
];

const encoderDefaults = { encoder: 'mobilenet_v2', dropConnect: 0.2, ...inputDefaults } as const;
const encoderOf = ({ encoder }: EncoderOptions): EncoderId => encoder as EncoderId;

interface Description {
  id: string;
  label: string;
  description: string;
  source: string;
}

type UnetOptions = EncoderOptions & { decoderWidth: number };

function unetSpec(decoder: DecoderId, description: Description): ModelSpec<UnetOptions> {
  return {
    ...description,
    task: 'segmentation',
    preprocessing: usualPreprocessing,
    preprocessingFor,
    sideMultiple: 32,
    defaults: { ...encoderDefaults, decoderWidth: 256 },
    knobs: [
      ...encoderKnobs,
      {
        option: 'decoderWidth',
        label: 'Decoder width',
        explanation:
          'Channels of the decoder’s first and coarsest step; each of the four after it has half as many. Fewer are faster.',
        control: { kind: 'integer', min: 16, max: 1024 },
      },
    ],
    layers: (options, categoryCount) => {
      const { dropConnect, decoderWidth } = options;
      const padding = options.padding as PaddingChoice;
      const widths = [1, 2, 4, 8, 16].map((part) => Math.max(1, Math.floor(decoderWidth / part)));
      return [
        ...segmentationNetwork(decoder, encoderOf(options), categoryCount, { dropConnect, widths, padding }).layers,
      ];
    },
  };
}

export const unet = unetSpec('unet', {
  id: 'unet',
  label: 'U-Net',
  description:
    'An encoder, and a decoder that enlarges its result step by step beside what the encoder saw at that size.',
  source: 'Ronneberger, Fischer, Brox: U-Net, convolutional networks for biomedical image segmentation, 2015',
});

export const unetPlusPlus = unetSpec('unetPlusPlus', {
  id: 'unetPlusPlus',
  label: 'U-Net++',
  description:
    'A U-Net whose paths between encoder and decoder are networks themselves; finer, and several times slower.',
  source: 'Zhou, Siddiquee, Tajbakhsh, Liang: UNet++, a nested U-Net architecture, 2018',
});

export const fpn: ModelSpec<EncoderOptions & { dropout: number }> = {
  id: 'fpn',
  label: 'FPN',
  task: 'segmentation',
  description: 'A pyramid of the encoder’s results at four sizes, added up at a quarter of the image’s size. Light.',
  source: 'Kirillov, Girshick, He, Dollár: Panoptic feature pyramid networks, 2019',
  preprocessing: usualPreprocessing,
  preprocessingFor,
  sideMultiple: 32,
  defaults: { ...encoderDefaults, dropout: 0.2 },
  knobs: [
    ...encoderKnobs,
    {
      option: 'dropout',
      label: 'Dropout',
      explanation:
        'Probability with which each channel before the last layer is switched off in a training step. It works against over-fitting; 0 is off.',
      control: { kind: 'number', min: 0, max: 0.9 },
    },
  ],
  layers: (options, categoryCount) => {
    const { dropConnect, dropout } = options;
    const padding = options.padding as PaddingChoice;
    return [...segmentationNetwork('fpn', encoderOf(options), categoryCount, { dropConnect, dropout, padding }).layers];
  },
};
