/** How a network of each task is trained unless the person says otherwise: its loss, and defaults of knobs by their paths. */
import type { LossConfig } from '../../contract/model/loss.ts';
import type { Dataset } from '../../contract/model/dataset.ts';
import type { Knob } from '../../contract/model/model-spec.ts';
import type { Task } from '../../contract/model/run.ts';
import type { PoseLayout } from '../../engine/data/training-data.ts';
import { number, toggle } from './knob-kinds.ts';

export interface TaskPlan {
  /** Without what its knobs say. */
  loss: LossConfig;
  lossKnobs: readonly Knob[];
  /** Where they differ from the knobs' own. */
  defaults: Defaults;
  /** What the data decide. */
  automatic?(facts: PlanFacts): readonly AutomaticChoice[];
}

interface PlanFacts {
  trainImages: number;
  categoryCount: number;
  /** Null where the labels have no points, or where the network does not say any. */
  pose: PoseLayout | null;
}

interface AutomaticChoice {
  defaults: Defaults;
  /** Why, in a sentence that ends the explanation of the knob `saidAt`. */
  saidAt: string;
  reason: string;
}

type Defaults = Readonly<Record<string, Knob['defaultValue']>>;

const detectorGains = { boxGain: 7.5, categoryGain: 0.5, distributionGain: 1.5 };
const detectorKnobs: readonly Knob[] = [
  number('advanced', [0, 7.5, 1000], {
    path: 'loss.boxGain',
    label: 'Box gain (box)',
    explanation: 'Weight of how well boxes fit (CIoU) in the loss.',
  }),
  number('advanced', [0, 0.5, 1000], {
    path: 'loss.categoryGain',
    label: 'Class gain (cls)',
    explanation: 'Weight of the right class in the loss.',
  }),
  number('advanced', [0, 1.5, 1000], {
    path: 'loss.distributionGain',
    label: 'Distribution gain (dfl)',
    explanation: 'Weight of how sharply the sides of a box are placed in the loss.',
  }),
];
/** Of YOLOv8's published recipe. */
const detectorDefaults: Defaults = {
  batchSize: 16,
  accumulation: 4,
  'phases.0.epochs': 100,
  patience: 100,
  'phases.0.learningRate': 0.01,
  'phases.0.optimiser.kind': 'sgd',
  'phases.0.optimiser.momentum': 0.937,
  'phases.0.optimiser.nesterov': true,
  'phases.0.optimiser.weightDecay': 0.0005,
  'phases.0.schedule.kind': 'linear',
  'phases.0.schedule.finalFactor': 0.01,
  'phases.0.warmup.epochs': 3,
  'phases.0.warmup.startFactor': 0,
  'phases.0.clipNorm': 10,
  ema: { decay: 0.9999, warmupSteps: 2000 },
  'ema.decay': 0.9999,
};

export const taskPlans: Readonly<Record<Task, TaskPlan>> = {
  classification: {
    loss: { kind: 'cross-entropy', softmaxBeforeLoss: false },
    lossKnobs: [
      toggle('advanced', {
        path: 'loss.softmaxBeforeLoss',
        label: 'Softmax before the loss',
        explanation:
          'Applies softmax twice, as some tutorials do by mistake, to reproduce their curves; it slows learning, so leave it off.',
      }),
    ],
    defaults: {},
  },
  segmentation: {
    loss: {
      kind: 'sum',
      binary: false,
      terms: [
        { weight: 1, loss: { kind: 'cross-entropy', classWeights: null } },
        { weight: 1, loss: { kind: 'dice', smooth: 1 } },
      ],
    },
    lossKnobs: [
      toggle('advanced', {
        path: 'loss.binary',
        label: 'One output for two classes',
        explanation:
          'With two classes the network may say one number a pixel (sigmoid) instead of two (softmax); only the second class is then measured.',
      }),
    ],
    defaults: { batchSize: 8 },
  },
  detection: {
    loss: { kind: 'detection', ...detectorGains },
    lossKnobs: detectorKnobs,
    defaults: detectorDefaults,
    automatic: (facts) => [detectionByData(facts)],
  },
  'instance-segmentation': {
    loss: { kind: 'detection', ...detectorGains },
    lossKnobs: detectorKnobs.map((knob) =>
      knob.path === 'loss.boxGain'
        ? { ...knob, explanation: 'Weight of how well boxes fit (CIoU), and of how well masks do, in the loss.' }
        : knob,
    ),
    defaults: detectorDefaults,
    automatic: (facts) => [detectionByData(facts)],
  },
  pose: {
    loss: { kind: 'pose', ...detectorGains, positionGain: 12, visibilityGain: 1 },
    lossKnobs: [
      ...detectorKnobs,
      number('advanced', [0, 12, 1000], {
        path: 'loss.positionGain',
        label: 'Pose gain (pose)',
        explanation: 'Weight of how near the points are to where they were labelled (OKS) in the loss.',
      }),
      number('advanced', [0, 1, 1000], {
        path: 'loss.visibilityGain',
        label: 'Point gain (kobj)',
        explanation: 'Weight of knowing which points are labelled in the loss.',
      }),
    ],
    defaults: detectorDefaults,
    automatic: (facts) => [detectionByData(facts), ...pointsByData(facts)],
  },
};

/** Of a run; below it the field's automatic choice is AdamW, from it on SGD. */
const manyUpdates = 10_000;
const nominalBatch = 64;
const usualEpochs = 100;

/**
 * AdamW with a learning rate by the number of classes where there are few updates, with so few images averaged that an
 * epoch has several of them. Source: the published automatic choice of YOLOv8's training.
 */
function detectionByData({ trainImages, categoryCount }: PlanFacts): AutomaticChoice {
  const updates = Math.ceil(trainImages / nominalBatch) * usualEpochs;
  const count = `${trainImages.toLocaleString('en')} images`;
  const saidAt = 'phases.0.optimiser.kind';
  if (updates > manyUpdates)
    return { defaults: {}, saidAt, reason: `With ${count} there are many updates, which suits SGD.` };
  const small = trainImages < 10 * nominalBatch;
  const learningRate = Number((0.01 / (4 + Math.max(1, categoryCount))).toPrecision(3));
  return {
    defaults: {
      'phases.0.optimiser.kind': 'adamw',
      'phases.0.learningRate': learningRate,
      ...(small && { batchSize: 8, accumulation: 1 }),
    },
    saidAt,
    reason: `With ${count} there are few updates, so AdamW at ${learningRate} is chosen (0.01 over 4 + the classes)${small ? ', in batches of 8, so that an epoch has enough of them' : ''}.`,
  };
}

/** As many points as the labels have; not mirrored where nothing says which of them change places. */
function pointsByData({ pose }: PlanFacts): AutomaticChoice[] {
  if (pose === null) return [];
  const path = 'model.options.keypoints';
  const flip = 'augmentation.flipHorizontal';
  const counted = {
    defaults: { [path]: pose.pointCount },
    saidAt: path,
    reason: `The labels have ${pose.pointCount}.`,
  };
  if (pose.mirrored !== null) return [counted];
  const reason = 'It is off because nothing says which points are left and which right.';
  return [counted, { defaults: { [flip]: 0 }, saidAt: flip, reason }];
}

export function withDefaults(knobs: readonly Knob[], { defaults }: Pick<TaskPlan, 'defaults'>): Knob[] {
  return knobs.map((knob) => {
    const own = defaults[knob.path];
    return own === undefined ? knob : { ...knob, defaultValue: own };
  });
}

/** The defaults that the data set decides, with the reason where a person sees it. */
export function withAutomatic(
  knobs: readonly Knob[],
  plan: TaskPlan,
  { splitCounts, categories }: Dataset,
  pose: PoseLayout | null,
): Knob[] {
  const facts = { trainImages: splitCounts.train, categoryCount: categories.length, pose };
  return (plan.automatic?.(facts) ?? []).reduce<Knob[]>(
    (chosen, { saidAt, reason, ...choice }) =>
      withDefaults(chosen, choice).map((knob) =>
        knob.path === saidAt ? { ...knob, explanation: `${knob.explanation} ${reason}` } : knob,
      ),
    [...knobs],
  );
}
