/** The knobs of how a network is trained: what matters at hand, and the advanced ones. */
import type { DeviceInfo } from '../../contract/model/device.ts';
import type { Knob } from '../../contract/model/model-spec.ts';
import { halfPrecisionDevices } from '../../contract/model/run.ts';
import { usualMonitoring } from '../../contract/model/monitoring.ts';
import { choice, integer, number, optional, optionalInteger, optionalNumber, toggle } from './knob-kinds.ts';

const optimisers = [
  { value: 'adam', label: 'Adam' },
  { value: 'adamw', label: 'AdamW' },
  { value: 'sgd', label: 'SGD' },
  { value: 'rmsprop', label: 'RMSprop' },
];
const schedules = [
  { value: 'constant', label: 'Constant' },
  { value: 'cosine', label: 'Cosine' },
  { value: 'one-cycle', label: 'One cycle' },
  { value: 'linear', label: 'Linear' },
  { value: 'step', label: 'Steps' },
  { value: 'exponential', label: 'Exponential decay' },
];

const precisions = [
  { value: 'float32', label: 'Single (float32)' },
  { value: 'mixed', label: 'Mixed (float16 and float32)' },
];

const layerWatching = [
  { value: 'nothing', label: 'No' },
  { value: 'norms', label: 'Norms' },
  { value: 'histograms', label: 'Norms and histograms' },
];

/** Where it makes sense: on a machine with a device that gains from it. Without devices, for its label. */
function precisionKnobs(devices: readonly DeviceInfo[]): Knob[] {
  const gains = devices.some(({ id, available }) => available && halfPrecisionDevices.has(id));
  if (devices.length > 0 && !gains) return [];
  return [
    choice('plan', precisions, 'float32', {
      path: 'precision',
      label: 'Precision',
      explanation:
        'Mixed computes convolutions and matrix products in half precision, which many GPUs do faster; weights stay in float32.',
    }),
  ];
}

export function planKnobs(devices: readonly DeviceInfo[]): Knob[] {
  const deviceOptions = devices.map(({ id, label }) => ({ value: id, label }));
  return [
    integer('plan', [1, 20, 10_000], {
      path: 'phases.0.epochs',
      label: 'Epochs',
      explanation: 'How many times every training image is seen.',
    }),
    optionalInteger('plan', [1, 20, 10_000], {
      path: 'patience',
      label: 'Patience (early stop)',
      explanation: 'Ends the run where so many epochs were no better than the best one, which is the one that is kept.',
    }),
    integer('plan', [1, 64, 65_536], {
      path: 'batchSize',
      label: 'Batch size',
      explanation: 'Images per step: more make each step steadier, fewer give more steps in an epoch.',
    }),
    number('plan', [1e-8, 0.001, 100], {
      path: 'phases.0.learningRate',
      label: 'Learning rate',
      explanation: 'How far each step moves the weights: too high diverges, too low learns slowly.',
    }),
    choice('plan', optimisers, 'adam', {
      path: 'phases.0.optimiser.kind',
      label: 'Optimiser',
      explanation:
        'Adam, AdamW and RMSprop adapt the step of every weight; SGD is plain gradient descent and wants a higher learning rate.',
    }),
    number('plan', [0, 0.9, 0.9999], {
      path: 'phases.0.optimiser.momentum',
      label: 'Momentum',
      explanation: 'How much of the previous step is carried on; 0 is none.',
      defaultsByKind: { rmsprop: 0 },
    }),
    number('plan', [0, 0, 1], {
      path: 'phases.0.optimiser.weightDecay',
      label: 'Weight decay',
      explanation: 'Pulls the weights towards zero, against overfitting; 0 is off.',
      defaultsByKind: { adamw: 0.01 },
    }),
    choice('plan', schedules, 'constant', {
      path: 'phases.0.schedule.kind',
      label: 'Schedule',
      explanation: 'How the learning rate changes in the course of training.',
    }),
    integer('plan', [1, 10, 10_000], {
      path: 'phases.0.schedule.everyEpochs',
      label: 'Epochs per step',
      explanation: 'After this many epochs the learning rate changes by the decay factor.',
    }),
    number('plan', [0.0001, 0.95, 10], {
      path: 'phases.0.schedule.gamma',
      label: 'Decay factor (gamma)',
      explanation: 'The learning rate is multiplied by this each time it decays.',
      defaultsByKind: { step: 0.1 },
    }),
    number('plan', [0, 0.04, 1], {
      path: 'phases.0.schedule.startFactor',
      label: 'Start factor',
      explanation: 'The cycle begins with this share of the learning rate.',
    }),
    number('plan', [0.001, 0.3, 1], {
      path: 'phases.0.schedule.riseFraction',
      label: 'Rising part',
      explanation: 'The share of training in which the learning rate still rises.',
    }),
    number('plan', [0, 0.01, 1], {
      path: 'phases.0.schedule.finalFactor',
      label: 'Final factor',
      explanation: 'Training ends with this share of the learning rate.',
      defaultsByKind: { 'one-cycle': 0.0001 },
    }),
    choice('plan', deviceOptions, 'cpu', {
      path: 'device',
      label: 'Device',
      explanation: 'Where the network is trained.',
    }),
    ...precisionKnobs(devices),
  ];
}

export const advancedKnobs: readonly Knob[] = [
  integer('advanced', [0, 0, 0xffffffff], {
    path: 'seed',
    label: 'Seed',
    explanation: 'Fixes the initial weights and the order of images: the same seed gives the same run.',
  }),
  number('advanced', [0, 0, 1000], {
    path: 'phases.0.warmup.epochs',
    label: 'Warm-up epochs',
    explanation: 'The learning rate grows to its value over this many epochs, which may be a fraction; 0 is off.',
  }),
  number('advanced', [0, 0.1, 1], {
    path: 'phases.0.warmup.startFactor',
    label: 'Warm-up start',
    explanation: 'A warm-up begins with this share of the learning rate.',
  }),
  optionalNumber('advanced', [1e-6, 1, 1e6], {
    path: 'phases.0.clipNorm',
    label: 'Gradient clipping',
    explanation: 'Shortens a gradient that is longer than this, so that no single step can throw training off.',
  }),
  integer('advanced', [1, 1, 4096], {
    path: 'accumulation',
    label: 'Gradient accumulation',
    explanation:
      'Averages the gradients of this many steps for one change of the weights, like a batch that much larger.',
  }),
  optional(
    'advanced',
    { decay: 0.999, warmupSteps: 2000 },
    {
      path: 'ema',
      label: 'EMA of the weights',
      explanation: 'Keeps a moving average of the weights, which often generalises better; it is what is evaluated.',
    },
  ),
  number('advanced', [0, 0.999, 0.999_999], {
    path: 'ema.decay',
    label: 'EMA decay',
    explanation: 'How much of the average each update keeps: 0.999 looks back about a thousand updates.',
  }),
  integer('advanced', [0, 2000, 10_000_000], {
    path: 'ema.warmupSteps',
    label: 'EMA warm-up',
    explanation: 'Over about this many updates the decay grows from nothing to its value; 0 is none.',
  }),
  integer('advanced', [0, usualMonitoring.historyMegabytes, 1_000_000], {
    path: 'monitoring.historyMegabytes',
    label: 'Past epochs, MB',
    explanation:
      'Room on the disk for the predictions and kernels of past epochs, to look back at; beyond it they are thinned out. 0 keeps none.',
  }),
  choice('advanced', layerWatching, usualMonitoring.layers, {
    path: 'monitoring.layers',
    label: 'Watch the layers',
    explanation:
      'Once an epoch: how long the weights and gradients of each layer are, and with histograms how their values spread.',
  }),
  toggle('advanced', {
    path: 'phases.0.decayAll',
    label: 'Decay biases and norms',
    explanation: 'Weight decay also pulls biases and the weights of norms, which seldom helps.',
  }),
  toggle('advanced', {
    path: 'phases.0.optimiser.nesterov',
    label: 'Nesterov momentum',
    explanation: 'Takes the gradient where the momentum is about to lead; needs a momentum above 0.',
  }),
  number('advanced', [0, 0.9, 0.9999], {
    path: 'phases.0.optimiser.beta1',
    label: 'Beta 1',
    explanation: 'How long past gradients are remembered in their direction.',
  }),
  number('advanced', [0, 0.999, 0.999_999], {
    path: 'phases.0.optimiser.beta2',
    label: 'Beta 2',
    explanation: 'How long past gradients are remembered in their size.',
  }),
  number('advanced', [0, 0.99, 0.999_999], {
    path: 'phases.0.optimiser.alpha',
    label: 'Alpha',
    explanation: 'How long past gradients are remembered in their size.',
  }),
  toggle('advanced', {
    path: 'phases.0.optimiser.centered',
    label: 'Centred',
    explanation: 'Divides by how much a gradient varies instead of how large it is.',
  }),
  number('advanced', [1e-12, 1e-8, 1], {
    path: 'phases.0.optimiser.epsilon',
    label: 'Epsilon',
    explanation: 'Keeps the optimiser from dividing by zero.',
  }),
];
