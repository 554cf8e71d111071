/** The classifiers of the zoo that a person can train, with their knobs. */
import { yolov8Preprocessing, yolov8SizeKnob, yolov8Source } from './detectors.ts';
import { efficientnetClassifier, publishedDropout } from './efficientnet.ts';
import type { PaddingChoice } from './encoder.ts';
import { inputDefaults, inputKnobs, preprocessingFor, usualPreprocessing, type InputOptions } from './input-options.ts';
import { mobilenetV2Classifier } from './mobilenet-v2.ts';
import type { ModelSpec } from './model-spec.ts';
import { resnetClassifier, type ResnetDepth } from './resnet.ts';
import { yolov8Classifier, type Yolov8Size } from './yolov8.ts';

type Knobs<O extends Record<string, string | number | boolean>> = ModelSpec<O>['knobs'];

const preprocessing = usualPreprocessing;

const smallImagesKnob: Knobs<{ smallImages: boolean }>[number] = {
  option: 'smallImages',
  label: 'Small images',
  explanation:
    'Leaves out the first two halvings of the image, so that images of 32 pixels or so keep their detail. Turn it off for photographs of 128 pixels and more, which would take sixteen times as long.',
  control: { kind: 'boolean' },
};

const dropoutKnob: Knobs<{ dropout: number }>[number] = {
  option: 'dropout',
  label: 'Dropout',
  explanation:
    'Probability with which each feature before the last layer is switched off in a training step. It works against over-fitting; 0 is off.',
  control: { kind: 'number', min: 0, max: 0.9 },
};

function resnetSpec(depth: ResnetDepth, description: string): ModelSpec<{ smallImages: boolean }> {
  return {
    id: `resnet${depth}`,
    label: `ResNet-${depth}`,
    task: 'classification',
    description,
    source: 'He, Zhang, Ren, Sun: Deep residual learning for image recognition, 2016',
    preprocessing,
    defaults: { smallImages: true },
    knobs: [smallImagesKnob],
    layers: ({ smallImages }, categoryCount) => resnetClassifier(depth, categoryCount, { smallImages }),
  };
}

export const resnet18 = resnetSpec(18, 'Seventeen convolutions with shortcuts. Accurate; needs patience on a CPU.');
export const resnet34 = resnetSpec(34, 'Twice as deep as ResNet-18, for data sets that ResNet-18 cannot tell apart.');

export const mobilenetV2: ModelSpec<{ dropout: number; smallImages: boolean } & InputOptions> = {
  id: 'mobilenet_v2',
  label: 'MobileNetV2',
  task: 'classification',
  description: 'Depthwise convolutions: a fifth of the weights of ResNet-18 and much less arithmetic.',
  source: 'Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2, 2018',
  preprocessing,
  preprocessingFor,
  defaults: { dropout: 0.2, smallImages: true, ...inputDefaults },
  knobs: [smallImagesKnob, dropoutKnob, ...inputKnobs],
  layers: (options, categoryCount) =>
    mobilenetV2Classifier(categoryCount, { ...options, padding: options.padding as PaddingChoice }),
};

export const efficientnetB0: ModelSpec<{ dropConnect: number; dropout: number; smallImages: boolean } & InputOptions> =
  {
    id: 'efficientnet-b0',
    label: 'EfficientNet-B0',
    task: 'classification',
    description: 'Depthwise convolutions that weigh their channels by what is in the image (squeeze-and-excite).',
    source: 'Tan, Le: EfficientNet, rethinking model scaling for convolutional neural networks, 2019',
    preprocessing,
    preprocessingFor,
    defaults: { dropConnect: 0.2, dropout: publishedDropout('b0'), smallImages: true, ...inputDefaults },
    knobs: [
      smallImagesKnob,
      dropoutKnob,
      {
        option: 'dropConnect',
        label: 'Drop-connect',
        explanation:
          'Probability with which the last block is passed by for an image in a training step; earlier blocks less often. It works against over-fitting; 0 is off.',
        control: { kind: 'number', min: 0, max: 0.9 },
      },
      ...inputKnobs,
    ],
    layers: (options, categoryCount) =>
      efficientnetClassifier('b0', categoryCount, { ...options, padding: options.padding as PaddingChoice }),
  };

export const yolov8Classification: ModelSpec<{ size: string; dropout: number }> = {
  id: 'yolov8-cls',
  label: 'YOLOv8 classifier',
  task: 'classification',
  description:
    'The detector’s backbone with one linear layer on top, for photographs. Weights of a detector fit its backbone.',
  source: yolov8Source,
  preprocessing: yolov8Preprocessing,
  defaults: { size: 'n', dropout: 0 },
  knobs: [yolov8SizeKnob([2.7, 6.4, 17, 37, 57]), dropoutKnob],
  layers: ({ size, dropout }, categoryCount) => yolov8Classifier(size as Yolov8Size, categoryCount, { dropout }),
};
