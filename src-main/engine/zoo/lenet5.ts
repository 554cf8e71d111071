/**
 * LeNet-5 with ReLU and max pooling: 62,006 parameters on 3×32×32 images and 10 classes; with batch normalisation after
 * each pool and each hidden layer (6, 400, 120, 84 features) 63,226. Source: LeCun et al. 1998, in today's usual form.
 */
import type { LayerSpec } from '../nn/network.ts';
import type { ModelSpec } from './model-spec.ts';

type Options = {
  batchNorm: boolean;
  dropout: number;
};

function layers({ batchNorm, dropout }: Options, categoryCount: number): LayerSpec[] {
  const norm = (path: string): LayerSpec[] => (batchNorm ? [{ kind: 'batchNorm', path }] : []);
  const drop = (path: string): LayerSpec[] => (dropout > 0 ? [{ kind: 'dropout', path, probability: dropout }] : []);
  return [
    { kind: 'conv2d', path: 'conv1', outChannels: 6, kernel: 5, stride: 1, padding: 0 },
    { kind: 'relu', path: 'relu1' },
    { kind: 'maxPool2d', path: 'pool1', kernel: 2, stride: 2 },
    ...norm('norm1'),
    { kind: 'conv2d', path: 'conv2', outChannels: 16, kernel: 5, stride: 1, padding: 0 },
    { kind: 'relu', path: 'relu2' },
    { kind: 'maxPool2d', path: 'pool2', kernel: 2, stride: 2 },
    { kind: 'flatten', path: 'flatten' },
    ...norm('norm2'),
    { kind: 'linear', path: 'fc1', outFeatures: 120 },
    { kind: 'relu', path: 'relu3' },
    ...norm('norm3'),
    ...drop('dropout1'),
    { kind: 'linear', path: 'fc2', outFeatures: 84 },
    { kind: 'relu', path: 'relu4' },
    ...norm('norm4'),
    ...drop('dropout2'),
    { kind: 'linear', path: 'fc3', outFeatures: categoryCount },
  ];
}

export const lenet5: ModelSpec<Options> = {
  id: 'lenet5',
  label: 'LeNet-5',
  task: 'classification',
  description: 'Two convolutions, two pools, three linear layers. Small enough to train on any laptop in minutes.',
  source: 'LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998',
  preprocessing: { range: [0, 1], mean: 0.5, std: 0.5 },
  defaults: { batchNorm: false, dropout: 0 },
  knobs: [
    {
      option: 'batchNorm',
      label: 'Batch norm',
      explanation:
        'Normalises each feature over the batch after every pool and hidden layer. Training becomes faster and test accuracy usually rises.',
      control: { kind: 'boolean' },
    },
    {
      option: 'dropout',
      label: 'Dropout',
      explanation:
        'Probability with which each hidden unit is switched off in a training step. It works against over-fitting; 0 is off.',
      control: { kind: 'number', min: 0, max: 0.9 },
    },
  ],
  layers,
};
