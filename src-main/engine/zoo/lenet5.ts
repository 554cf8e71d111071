/**
 * LeNet-5 with ReLU and max pooling: 62,006 parameters on 3×32×32 images and 10 classes; with batch normalisation after
 * each pool and each hidden layer (6, 400, 120, 84 features) 63,226. Source: LeCun et al. 1998, in today's usual form.
 */
import type { LayerSpec } from '../nn/network.ts';
import type { ModelSpec } from './model-spec.ts';

type Options = {
  batchNorm: boolean;
  dropout: number;
  /** Edge lengths of both convolutions' kernels, and of both pools' windows, which is their stride too. */
  kernel: number;
  pool: number;
  /** Of the first hidden layer; the second one keeps its share of 84 to 120. */
  units: number;
};

function layers({ batchNorm, dropout, kernel, pool, units }: Options, categoryCount: number): LayerSpec[] {
  const norm = (path: string): LayerSpec[] => (batchNorm ? [{ kind: 'batchNorm', path }] : []);
  const drop = (path: string): LayerSpec[] => (dropout > 0 ? [{ kind: 'dropout', path, probability: dropout }] : []);
  return [
    { kind: 'conv2d', path: 'conv1', outChannels: 6, kernel, stride: 1, padding: 0 },
    { kind: 'relu', path: 'relu1' },
    { kind: 'maxPool2d', path: 'pool1', kernel: pool, stride: pool },
    ...norm('norm1'),
    { kind: 'conv2d', path: 'conv2', outChannels: 16, kernel, stride: 1, padding: 0 },
    { kind: 'relu', path: 'relu2' },
    { kind: 'maxPool2d', path: 'pool2', kernel: pool, stride: pool },
    { kind: 'flatten', path: 'flatten' },
    ...norm('norm2'),
    { kind: 'linear', path: 'fc1', outFeatures: units },
    { kind: 'relu', path: 'relu3' },
    ...norm('norm3'),
    ...drop('dropout1'),
    { kind: 'linear', path: 'fc2', outFeatures: Math.max(1, Math.round(0.7 * units)) },
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
  defaults: { batchNorm: false, dropout: 0, kernel: 5, pool: 2, units: 120 },
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
    {
      option: 'kernel',
      label: 'Kernel size',
      explanation:
        'Edge length of the kernels of both convolutions: larger ones see more at once and have more weights.',
      control: { kind: 'integer', min: 1, max: 15 },
      advanced: true,
    },
    {
      option: 'pool',
      label: 'Pool size',
      explanation: 'Edge length of both pools: larger ones keep less of where things are, and leave fewer features.',
      control: { kind: 'integer', min: 1, max: 8 },
      advanced: true,
    },
    {
      option: 'units',
      label: 'Units',
      explanation: 'Of the first hidden layer; the second has 0.7 times as many. Fewer can remember less.',
      control: { kind: 'integer', min: 1, max: 4096 },
      advanced: true,
    },
  ],
  layers,
};
