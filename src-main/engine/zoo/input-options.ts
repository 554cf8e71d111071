/**
 * How a network that has published weights in several styles takes its images: what the weights were trained with counts,
 * so it is a choice beside them.
 */
import type { InputScaling } from '../../contract/model/weights.ts';
import { preprocessings, type Preprocessing } from '../nn/preprocessing.ts';
import { paddingChoices } from './encoder.ts';
import type { ModelSpec } from './model-spec.ts';

export type InputOptions = { padding: string; scaling: string };

export const inputDefaults = { padding: 'usual', scaling: 'imagenet' } as const;
export const usualPreprocessing: Preprocessing = preprocessings[inputDefaults.scaling];
export const preprocessingFor = ({ scaling }: InputOptions): Preprocessing => preprocessings[scaling as InputScaling];

const paddingLabels: Readonly<Record<(typeof paddingChoices)[number], string>> = {
  usual: 'As the usual weights have it',
  same: 'TensorFlow’s “same”',
  symmetric: 'Alike on both sides',
};

const scalings: readonly { value: InputScaling; label: string }[] = [
  { value: 'imagenet', label: 'ImageNet’s means and deviations' },
  { value: 'minus-one-to-one', label: '−1 to 1' },
  { value: 'zero-to-one', label: '0 to 1' },
];

export const inputKnobs: ModelSpec<InputOptions>['knobs'] = [
  {
    option: 'padding',
    label: 'Padding',
    explanation:
      'Where convolutions that halve the image put the odd pixel. Weights want what they were trained with: EfficientNet’s usual ones TensorFlow’s “same”, torchvision’s and all others both sides alike.',
    control: { kind: 'choice', options: paddingChoices.map((value) => ({ value, label: paddingLabels[value] })) },
    advanced: true,
  },
  {
    option: 'scaling',
    label: 'Pixel scaling',
    explanation: 'What the network is fed in place of bytes. Weights want what they were trained with.',
    control: { kind: 'choice', options: [...scalings] },
    advanced: true,
  },
];
