/**
 * The settings of a run: one knob each, with its default and a sentence that explains it. The configuration of a new
 * run is these defaults put at their paths, so the two cannot differ.
 */
import * as v from 'valibot';
import type { Dataset } from '../../contract/model/dataset.ts';
import { splits } from '../../contract/model/dataset.ts';
import type { DeviceInfo, Knob } from '../../contract/model/model-spec.ts';
import { runConfig, type RunConfig } from '../../contract/model/run.ts';
import { defaultOptions, modelKnobs } from '../../engine/zoo/registry.ts';
import { withValueAt } from './config-values.ts';

type KnobText = Pick<Knob, 'path' | 'label' | 'explanation'>;
type KnobValue = Knob['defaultValue'];

export interface RunTemplate {
  knobs: Knob[];
  config: RunConfig;
}

/** Throws FoveaError `not-found` for an unknown model. */
export function runTemplate(modelId: string, dataset: Dataset, devices: readonly DeviceInfo[]): RunTemplate {
  const knobs = [...dataKnobs(dataset), ...modelKnobs(modelId), ...planKnobs(devices), ...advancedKnobs()];
  return { knobs, config: configFrom(modelId, dataset, knobs) };
}

/** Knobs that do not depend on a data set or a machine, for naming the settings of runs that exist. */
export function settingKnobs(modelId: string): Knob[] {
  return [...modelKnobs(modelId), ...planKnobs([]), ...advancedKnobs()];
}

function configFrom(modelId: string, dataset: Dataset, knobs: readonly Knob[]): RunConfig {
  const bare = {
    version: 1,
    task: 'classification',
    model: { id: modelId, options: defaultOptions(modelId) },
    data: { datasetId: dataset.datasetId },
    loss: { kind: 'cross-entropy' },
    phases: [{ freeze: [], optimiser: {}, schedule: {} }],
  };
  const filled = knobs.reduce<unknown>(
    (config, { path, defaultValue }) => withValueAt(config, path, defaultValue),
    bare,
  );
  // The schema drops what does not belong to the chosen optimiser and schedule.
  return v.parse(runConfig, filled);
}

function dataKnobs({ splitCounts }: Dataset): Knob[] {
  const options = splits.map((split) => ({
    value: split,
    label: `${split} (${splitCounts[split].toLocaleString('en')} images)`,
  }));
  const evaluationSplit = splitCounts.test > 0 || splitCounts.val === 0 ? 'test' : 'val';
  return [
    choice(options, 'train', 'data', {
      path: 'data.trainSplit',
      label: 'Train on',
      explanation: 'The images that the network learns from.',
    }),
    choice(options, evaluationSplit, 'data', {
      path: 'data.evaluationSplit',
      label: 'Evaluate on',
      explanation: 'Images the network never learns from; after every epoch they show how well it generalises.',
    }),
  ];
}

function planKnobs(devices: readonly DeviceInfo[]): Knob[] {
  return [
    integer(20, 1, 10_000, 'plan', {
      path: 'phases.0.epochs',
      label: 'Epochs',
      explanation: 'How many times every training image is seen.',
    }),
    integer(64, 1, 65_536, 'plan', {
      path: 'batchSize',
      label: 'Batch size',
      explanation: 'Images per step: more make each step steadier, fewer give more steps in an epoch.',
    }),
    number(0.001, 1e-8, 100, 'plan', {
      path: 'phases.0.learningRate',
      label: 'Learning rate',
      explanation: 'How far each step moves the weights: too high diverges, too low learns slowly.',
    }),
    choice(
      [
        { value: 'adam', label: 'Adam' },
        { value: 'sgd', label: 'SGD' },
      ],
      'adam',
      'plan',
      {
        path: 'phases.0.optimiser.kind',
        label: 'Optimiser',
        explanation: 'Adam adapts the step of every weight and needs little tuning; SGD is plain gradient descent.',
      },
    ),
    number(0.9, 0, 0.9999, 'plan', {
      path: 'phases.0.optimiser.momentum',
      label: 'Momentum',
      explanation: 'How much of the previous step SGD carries on; 0 is none.',
    }),
    number(0, 0, 1, 'plan', {
      path: 'phases.0.optimiser.weightDecay',
      label: 'Weight decay',
      explanation: 'Pulls every weight towards zero, against overfitting; 0 is off.',
    }),
    choice(
      [
        { value: 'constant', label: 'Constant' },
        { value: 'exponential', label: 'Exponential decay' },
      ],
      'constant',
      'plan',
      {
        path: 'phases.0.schedule.kind',
        label: 'Schedule',
        explanation: 'How the learning rate changes from epoch to epoch.',
      },
    ),
    number(0.95, 0.0001, 10, 'plan', {
      path: 'phases.0.schedule.gamma',
      label: 'Decay factor',
      explanation: 'The learning rate is multiplied by this after every epoch.',
    }),
    choice(
      devices.map(({ id, label }) => ({ value: id, label })),
      'cpu',
      'plan',
      { path: 'device', label: 'Device', explanation: 'Where the network is trained.' },
    ),
  ];
}

function advancedKnobs(): Knob[] {
  return [
    integer(0, 0, 0xffffffff, 'advanced', {
      path: 'seed',
      label: 'Seed',
      explanation: 'Fixes the initial weights and the order of images: the same seed gives the same run.',
    }),
    boolean(false, 'advanced', {
      path: 'loss.softmaxBeforeLoss',
      label: 'Softmax before the loss',
      explanation:
        'Applies softmax twice, as some tutorials do by mistake, to reproduce their curves; it slows learning, so leave it off.',
    }),
    boolean(false, 'advanced', {
      path: 'phases.0.optimiser.nesterov',
      label: 'Nesterov momentum',
      explanation: 'Takes the gradient where the momentum is about to lead; needs a momentum above 0.',
    }),
    number(0.9, 0, 0.9999, 'advanced', {
      path: 'phases.0.optimiser.beta1',
      label: 'Beta 1',
      explanation: 'How long Adam remembers the direction of past gradients.',
    }),
    number(0.999, 0, 0.999_999, 'advanced', {
      path: 'phases.0.optimiser.beta2',
      label: 'Beta 2',
      explanation: 'How long Adam remembers the size of past gradients.',
    }),
    number(1e-8, 1e-12, 1, 'advanced', {
      path: 'phases.0.optimiser.epsilon',
      label: 'Epsilon',
      explanation: 'Keeps Adam from dividing by zero.',
    }),
  ];
}

const integer = (defaultValue: number, min: number, max: number, group: Knob['group'], text: KnobText): Knob =>
  knobOf({ kind: 'integer', min, max }, defaultValue, group, text);
const number = (defaultValue: number, min: number, max: number, group: Knob['group'], text: KnobText): Knob =>
  knobOf({ kind: 'number', min, max }, defaultValue, group, text);
const boolean = (defaultValue: boolean, group: Knob['group'], text: KnobText): Knob =>
  knobOf({ kind: 'boolean' }, defaultValue, group, text);
const choice = (
  options: { value: string; label: string }[],
  defaultValue: string,
  group: Knob['group'],
  text: KnobText,
): Knob => knobOf({ kind: 'choice', options }, defaultValue, group, text);

function knobOf(control: Knob['control'], defaultValue: KnobValue, group: Knob['group'], text: KnobText): Knob {
  return { ...text, group, control, defaultValue };
}
