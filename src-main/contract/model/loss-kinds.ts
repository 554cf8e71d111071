/** The losses that a segmentation can be made of, as data: what each is good for, and its settings with their defaults. */
import type { Knob } from './model-spec.ts';
import type { PixelLoss } from './loss.ts';

type Kind = PixelLoss['kind'];
type SettingsOf<K extends Kind> = Extract<PixelLoss, { kind: K }>;

export interface LossSetting {
  field: string;
  label: string;
  explanation: string;
  control: Extract<Knob['control'], { kind: 'number' | 'optional-number' }>;
}

export interface LossKind<K extends Kind = Kind> {
  kind: K;
  label: string;
  explanation: string;
  formula: string;
  /** Class weights are no setting of this list: they are a factor for each class. */
  settings: readonly LossSetting[];
  initial: SettingsOf<K>;
}

const number = (min: number, max: number): LossSetting['control'] => ({ kind: 'number', min, max });
const smooth: LossSetting = {
  field: 'smooth',
  label: 'Smoothing',
  explanation: 'Added above and below the fraction bar, so that a class without pixels does no harm.',
  control: number(0, 1000),
};

export const lossKinds: { readonly [K in Kind]: LossKind<K> } = {
  'cross-entropy': {
    kind: 'cross-entropy',
    label: 'Cross-entropy',
    explanation: 'Every pixel counts the same. The steadiest start; rare classes may drown without class weights.',
    formula: '−log p(true class), mean over pixels',
    settings: [],
    initial: { kind: 'cross-entropy', classWeights: null },
  },
  dice: {
    kind: 'dice',
    label: 'Dice',
    explanation: 'Looks at the overlap of whole regions, so a small class weighs as much as a large one.',
    formula: '1 − (2·Σpy + s) / (Σp + Σy + s), mean over classes',
    settings: [smooth],
    initial: { kind: 'dice', smooth: 1 },
  },
  jaccard: {
    kind: 'jaccard',
    label: 'Jaccard',
    explanation: 'As Dice, but of the intersection over the union, the measure that is reported.',
    formula: '1 − (Σpy + s) / (Σp + Σy − Σpy + s), mean over classes',
    settings: [smooth],
    initial: { kind: 'jaccard', smooth: 1 },
  },
  tversky: {
    kind: 'tversky',
    label: 'Tversky',
    explanation: 'As Dice, with a weight of its own for what is called wrongly and for what is missed.',
    formula: '(1 − (TP + s) / (TP + α·FP + β·FN + s))^γ',
    settings: [
      { field: 'alpha', label: 'Alpha', explanation: 'Weight of false positives.', control: number(0, 10) },
      { field: 'beta', label: 'Beta', explanation: 'Weight of false negatives.', control: number(0, 10) },
      {
        field: 'gamma',
        label: 'Gamma',
        explanation: 'Above 1 it looks at what is still badly segmented.',
        control: number(0.1, 10),
      },
      smooth,
    ],
    initial: { kind: 'tversky', alpha: 0.3, beta: 0.7, gamma: 1, smooth: 1 },
  },
  focal: {
    kind: 'focal',
    label: 'Focal',
    explanation: 'Cross-entropy that counts a pixel less the surer the network already is of it.',
    formula: '−α·(1 − p)^γ·log p',
    settings: [
      {
        field: 'gamma',
        label: 'Gamma',
        explanation: 'How much less sure pixels count; 0 is cross-entropy.',
        control: number(0, 10),
      },
      {
        field: 'alpha',
        label: 'Alpha',
        explanation: 'Weight of pixels that show the class, against 1 − alpha of the others.',
        control: { kind: 'optional-number', min: 0, max: 1, whenOn: 0.25 },
      },
    ],
    initial: { kind: 'focal', gamma: 2, alpha: null },
  },
  lovasz: {
    kind: 'lovasz',
    label: 'Lovász',
    explanation: 'A smooth surface through the IoU itself. Best to finish with, after cross-entropy.',
    formula: 'Lovász extension of 1 − IoU, mean over classes',
    settings: [],
    initial: { kind: 'lovasz' },
  },
};
