/**
 * The levers against over-fitting as axes of a sweep over the plan: each has the plan's own value first, and the one that
 * the lever means. Only those that the network of the plan has. Pure.
 */
import type { RunConfig } from '../../../src-main/contract/model/run.ts';
import type { SettingChange } from '../../../src-main/contract/model/sweep.ts';
import { sourceText } from '../../../src-main/contract/model/weights.ts';
import type { KnobValue } from '../../state/config-path.ts';
import type { DraftAxis } from '../../state/sweep-axes.ts';

export interface Lever {
  id: string;
  label: string;
  /** What it does, in a sentence. */
  explanation: string;
  /** What the plan has, and what the lever makes of it, in words. */
  from: string;
  to: string;
  changes: readonly SettingChange[];
  /** Why it cannot be moved in this plan; null where it can. */
  blockedBecause: string | null;
}

/** Of the plan: `modules` are its outermost ones, in the order of the network. */
export interface LeverFacts {
  config: RunConfig;
  value(path: string): KnobValue | undefined;
  modules: readonly string[];
}

interface NumberLever {
  path: string;
  label: string;
  explanation: string;
  to: (now: number) => number;
}

const numberLevers: readonly NumberLever[] = [
  {
    path: 'model.options.kernel',
    label: 'Kernel size',
    explanation: 'Smaller kernels have fewer weights and see less at once.',
    to: (now) => (now > 3 ? now - 2 : now + 2),
  },
  {
    path: 'model.options.pool',
    label: 'Pool size',
    explanation: 'Larger pools leave fewer features for the layers behind them.',
    to: (now) => now + 1,
  },
  {
    path: 'model.options.units',
    label: 'Units',
    explanation: 'A smaller hidden layer can remember less of the training images.',
    to: (now) => Math.max(1, Math.round(now / 2)),
  },
  {
    path: 'phases.0.optimiser.weightDecay',
    label: 'L2 (weight decay)',
    explanation: 'Pulls the weights towards zero, so that none of them grows for a few images.',
    to: (now) => (now > 0 ? 0 : 0.001),
  },
  {
    path: 'model.options.dropout',
    label: 'Dropout',
    explanation: 'Switches off units by chance, so that none of them relies on another.',
    to: (now) => (now > 0 ? 0 : 0.5),
  },
];

const augmented: readonly [keyof RunConfig['augmentation'], number][] = [
  ['flipHorizontal', 0.5],
  ['translate', 0.1],
  ['scale', 0.1],
];

export function leversOf(facts: LeverFacts): Lever[] {
  const { config, value } = facts;
  const levers: Lever[] = numberLevers.flatMap(({ path, label, explanation, to }) => {
    const now = value(path);
    if (typeof now !== 'number') return [];
    const next = to(now);
    const changes = config.phases.map((_, phase) => ({
      path: path.replace('phases.0.', `phases.${phase}.`),
      value: next,
    }));
    const own = path.startsWith('phases.') ? changes : [{ path, value: next }];
    return [{ id: path, label, explanation, from: String(now), to: String(next), changes: own, blockedBecause: null }];
  });
  const norm = value('model.options.batchNorm');
  if (typeof norm === 'boolean') levers.push(normLever(norm));
  return [...levers, augmentationLever(config), freezingLever(facts), pretrainedLever(config)];
}

function normLever(now: boolean): Lever {
  return {
    id: 'batchNorm',
    label: 'Batch norm',
    explanation: 'Normalises features over the batch, whose chance also works against over-fitting.',
    from: now ? 'on' : 'off',
    to: now ? 'off' : 'on',
    changes: [{ path: 'model.options.batchNorm', value: !now }],
    blockedBecause: null,
  };
}

function augmentationLever({ augmentation }: RunConfig): Lever {
  const isOn = augmented.some(([name]) => augmentation[name] !== 0);
  return {
    id: 'augmentation',
    label: 'Augmentation',
    explanation: 'Mirrors, moves and scales training images by chance, so that none is seen twice alike.',
    from: isOn ? 'on' : 'off',
    to: isOn ? 'off' : 'on',
    changes: augmented.map(([name, on]) => ({ path: `augmentation.${name}`, value: isOn ? 0 : on })),
    blockedBecause: null,
  };
}

/** All but the last module; what has learned nothing yet is worth little frozen. */
function freezingLever({ config, modules }: LeverFacts): Lever {
  const frozen = config.phases.some(({ freeze }) => freeze.length > 0);
  const early = modules.slice(0, -1);
  return {
    id: 'freezing',
    label: 'Freezing',
    explanation:
      'Keeps the weights that it starts from in all layers but the last, so that only that one can over-fit.',
    from: frozen ? 'as planned' : 'nothing',
    to: frozen ? 'nothing' : 'all but the last layer',
    changes: config.phases.map((_, phase) => ({ path: `phases.${phase}.freeze`, value: frozen ? [] : early })),
    blockedBecause:
      config.weights === null && !frozen ? 'Needs weights to start from: choose them on the Train screen.' : null,
  };
}

function pretrainedLever({ weights }: RunConfig): Lever {
  return {
    id: 'pretrained',
    label: 'Pretrained',
    explanation: 'Starts from weights that were learned on more images than there are here.',
    from: sourceText(weights),
    to: weights === null ? '–' : 'from scratch',
    changes: [{ path: 'weights', value: null }],
    blockedBecause: weights === null ? 'Needs weights to start from: choose them on the Train screen.' : null,
  };
}

/** An axis of two values: as planned, and with the lever moved. */
export function axisOf({ id, label, from, to, changes }: Lever): DraftAxis {
  return {
    kind: 'options',
    id,
    label,
    options: [
      { id: 'plan', label: from, changes: [] },
      { id: 'moved', label: to, changes },
    ],
    chosen: ['plan', 'moved'],
  };
}
