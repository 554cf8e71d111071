/**
 * A training run: its configuration (a typed document), its state and what it reports. The configuration is what a
 * preset, a clone, a comparison and the CLI exchange, so it is versioned and complete: no default is implied.
 */
import * as v from 'valibot';
import { recordedIntervention } from './intervention.ts';
import { categoryId, datasetId, imageId, presetId, projectId, runId, sweepId } from './ids.ts';
import { lossConfig } from './loss.ts';
import { augmentationConfig, dataConfig } from './run-images.ts';
import { monitoringConfig, usualMonitoring } from './monitoring.ts';
import { weightsSource } from './weights.ts';

export { checkpointName, type CheckpointName } from './weights.ts';

const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const nonNegative = v.pipe(v.number(), v.finite(), v.minValue(0));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const wholeNumber = v.pipe(v.number(), v.integer(), v.minValue(0));
/** [0, 1) */
const fraction = v.pipe(v.number(), v.minValue(0), v.ltValue(1));
/** [0, 1] */
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const adamFields = { beta1: fraction, beta2: fraction, epsilon: positive, weightDecay: nonNegative };
export const optimiserConfig = v.variant('kind', [
  v.object({ kind: v.literal('sgd'), momentum: fraction, nesterov: v.boolean(), weightDecay: nonNegative }),
  v.object({ kind: v.literal('adam'), ...adamFields }),
  /** Adam whose decay shrinks the weights themselves and does not pass through the moments. */
  v.object({ kind: v.literal('adamw'), ...adamFields }),
  v.object({
    kind: v.literal('rmsprop'),
    /** How much of the mean square is kept from step to step. */
    alpha: fraction,
    epsilon: positive,
    momentum: fraction,
    /** Divides by the standard deviation of the gradient instead of its root mean square. */
    centered: v.boolean(),
    weightDecay: nonNegative,
  }),
]);
export type OptimiserConfig = v.InferOutput<typeof optimiserConfig>;

/** Factors are of the phase's learning rate; `schedule.ts` defines each kind. */
export const scheduleConfig = v.variant('kind', [
  v.object({ kind: v.literal('constant') }),
  v.object({ kind: v.literal('step'), everyEpochs: count, gamma: positive }),
  v.object({ kind: v.literal('exponential'), gamma: positive }),
  v.object({ kind: v.literal('cosine'), finalFactor: nonNegative }),
  v.object({ kind: v.literal('linear'), finalFactor: nonNegative }),
  /** Rises from the start factor to 1 in `riseFraction` of the phase, then falls to the final factor. */
  v.object({ kind: v.literal('one-cycle'), startFactor: share, finalFactor: share, riseFraction: share }),
]);
export type ScheduleConfig = v.InferOutput<typeof scheduleConfig>;

/** One stretch of training with the same settings; a run is a list of them. */
export const phaseConfig = v.object({
  epochs: count,
  learningRate: positive,
  optimiser: optimiserConfig,
  schedule: scheduleConfig,
  /** The learning rate starts at this factor of what the schedule says and reaches it after `epochs`; 0 is none. */
  warmup: v.object({ epochs: nonNegative, startFactor: share }),
  /** Module paths whose parameters do not change ("conv1", "features"); a path covers all below it. */
  freeze: v.array(v.string()),
  /** Whether weight decay reaches biases and the weights of norms too. */
  decayAll: v.boolean(),
  /** The gradient of an update is scaled down to this Euclidean norm where it is longer; null is off. */
  clipNorm: v.nullable(positive),
});
export type PhaseConfig = v.InferOutput<typeof phaseConfig>;

/** Moving average of the weights: after update n, average ← d·average + (1 − d)·weights, d = decay·(1 − e^(−n/warmupSteps)). */
const emaConfig = v.object({
  decay: fraction,
  /** Updates; 0 averages with the full decay from the first update on. */
  warmupSteps: wholeNumber,
});
export type EmaConfig = v.InferOutput<typeof emaConfig>;

export const modelOptions = v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]));
export type ModelOptions = v.InferOutput<typeof modelOptions>;

export const device = v.picklist(['cpu', 'cuda', 'webgpu', 'dml', 'coreml']);
export type Device = v.InferOutput<typeof device>;

const tasks = ['classification', 'segmentation', 'detection', 'instance-segmentation', 'pose'] as const;
export const task = v.picklist(tasks);
export type Task = v.InferOutput<typeof task>;

/** 'mixed' computes in half precision what can be, with weights in float32; GPUs may be much faster so. */
const precision = v.picklist(['float32', 'mixed']);
/** Devices with arithmetic in half precision; the others would only convert to and fro. */
export const halfPrecisionDevices: ReadonlySet<Device> = new Set<Device>(['cuda', 'webgpu', 'dml', 'coreml']);

/** Documents of earlier versions are completed by `run-config-versions.ts`. */
export const runConfig = v.object({
  version: v.literal(3),
  /** What is learned of an image; the loss must be one of this task's. */
  task,
  model: v.object({ id: v.string(), options: modelOptions }),
  data: dataConfig,
  augmentation: augmentationConfig,
  loss: lossConfig,
  /** Images that go through the network at once: a step. */
  batchSize: count,
  /** Steps whose gradients are averaged for one update of the weights. Batch norm's statistics are those of each step. */
  accumulation: count,
  /** Null is off. Where it is on, the averaged weights are evaluated and kept as the best. */
  ema: v.nullable(emaConfig),
  phases: v.pipe(v.array(phaseConfig), v.minLength(1)),
  /** The run ends where so many epochs were no better than the best one before; null is off, and so is what does not say. */
  patience: v.optional(v.nullable(count), null),
  seed: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff)),
  device,
  /** Documents from before there was a choice do not say it. */
  precision: v.optional(precision, 'float32'),
  monitoring: v.optional(monitoringConfig, usualMonitoring),
  /** Null starts from scratch. */
  weights: v.nullable(weightsSource),
});
export type RunConfig = v.InferOutput<typeof runConfig>;

const runStatuses = ['queued', 'running', 'finished', 'cancelled', 'failed', 'interrupted'] as const;
export const runStatus = v.picklist(runStatuses);
export type RunStatus = v.InferOutput<typeof runStatus>;

/** A number that a run reports once an epoch, with the direction in which it is better. */
export const metricDefinitions = {
  'train/loss': { label: 'Train loss', better: 'lower' },
  'train/accuracy': { label: 'Train accuracy', better: 'higher' },
  'train/meanIou': { label: 'Train mean IoU', better: 'higher' },
  'test/loss': { label: 'Test loss', better: 'lower' },
  /** Share of right answers: of the images, or of the pixels of all images. */
  'test/accuracy': { label: 'Test accuracy', better: 'higher' },
  /** Mean over the categories that occur, of the pixels of all images; Dice likewise. */
  'test/meanIou': { label: 'Test mean IoU', better: 'higher' },
  'test/dice': { label: 'Test Dice', better: 'higher' },
  /** The loss's parts with their gains, of detection: boxes, categories, and the distributions of the boxes' sides. */
  'train/boxLoss': { label: 'Train box loss', better: 'lower' },
  'train/categoryLoss': { label: 'Train class loss', better: 'lower' },
  'train/distributionLoss': { label: 'Train DFL loss', better: 'lower' },
  'test/boxLoss': { label: 'Test box loss', better: 'lower' },
  'test/categoryLoss': { label: 'Test class loss', better: 'lower' },
  'test/distributionLoss': { label: 'Test DFL loss', better: 'lower' },
  /** Of masks of single objects; measures as those of boxes, by how far masks overlap. */
  'train/maskLoss': { label: 'Train mask loss', better: 'lower' },
  'test/maskLoss': { label: 'Test mask loss', better: 'lower' },
  'test/maskPrecision': { label: 'Test mask precision', better: 'higher' },
  'test/maskRecall': { label: 'Test mask recall', better: 'higher' },
  'test/maskAp50': { label: 'Test mask mAP50', better: 'higher' },
  'test/maskAp75': { label: 'Test mask mAP75', better: 'higher' },
  'test/maskAp': { label: 'Test mask mAP50-95', better: 'higher' },
  /** Of poses: where the points of an object are (OKS), and which of them are labelled. */
  'train/positionLoss': { label: 'Train pose loss', better: 'lower' },
  'train/visibilityLoss': { label: 'Train point loss', better: 'lower' },
  'test/positionLoss': { label: 'Test pose loss', better: 'lower' },
  'test/visibilityLoss': { label: 'Test point loss', better: 'lower' },
  /** As those of boxes, with COCO's similarity of keypoints in place of their overlap. */
  'test/posePrecision': { label: 'Test pose precision', better: 'higher' },
  'test/poseRecall': { label: 'Test pose recall', better: 'higher' },
  'test/poseAp50': { label: 'Test pose mAP50', better: 'higher' },
  'test/poseAp75': { label: 'Test pose mAP75', better: 'higher' },
  'test/poseAp': { label: 'Test pose mAP50-95', better: 'higher' },
  /** At the confidence where the mean F1 is greatest, and IoU 0.5; means over the categories. */
  'test/precision': { label: 'Test precision', better: 'higher' },
  'test/recall': { label: 'Test recall', better: 'higher' },
  /** COCO's: at IoU 0.50, at 0.75, and over 0.50:0.95; recall over 0.50:0.95 with 100 detections an image. */
  'test/ap50': { label: 'Test mAP50', better: 'higher' },
  'test/ap75': { label: 'Test mAP75', better: 'higher' },
  'test/ap': { label: 'Test mAP50-95', better: 'higher' },
  'test/ar': { label: 'Test average recall', better: 'higher' },
} as const satisfies Record<string, { label: string; better: 'higher' | 'lower' }>;
export type MetricName = keyof typeof metricDefinitions;
/** What the runs of a task report. */
export const taskMetrics = {
  classification: ['train/loss', 'train/accuracy', 'test/loss', 'test/accuracy'],
  segmentation: ['train/loss', 'train/meanIou', 'test/loss', 'test/accuracy', 'test/meanIou', 'test/dice'],
  detection: [
    'train/loss',
    'train/boxLoss',
    'train/categoryLoss',
    'train/distributionLoss',
    'test/loss',
    'test/boxLoss',
    'test/categoryLoss',
    'test/distributionLoss',
    'test/precision',
    'test/recall',
    'test/ap50',
    'test/ap75',
    'test/ap',
    'test/ar',
  ],
  'instance-segmentation': [
    'train/loss',
    'train/boxLoss',
    'train/maskLoss',
    'train/categoryLoss',
    'train/distributionLoss',
    'test/loss',
    'test/boxLoss',
    'test/maskLoss',
    'test/categoryLoss',
    'test/distributionLoss',
    'test/precision',
    'test/recall',
    'test/ap50',
    'test/ap75',
    'test/ap',
    'test/ar',
    'test/maskPrecision',
    'test/maskRecall',
    'test/maskAp50',
    'test/maskAp75',
    'test/maskAp',
  ],
  pose: [
    'train/loss',
    'train/boxLoss',
    'train/categoryLoss',
    'train/distributionLoss',
    'train/positionLoss',
    'train/visibilityLoss',
    'test/loss',
    'test/boxLoss',
    'test/categoryLoss',
    'test/distributionLoss',
    'test/positionLoss',
    'test/visibilityLoss',
    'test/precision',
    'test/recall',
    'test/ap50',
    'test/ap75',
    'test/ap',
    'test/ar',
    'test/posePrecision',
    'test/poseRecall',
    'test/poseAp50',
    'test/poseAp75',
    'test/poseAp',
  ],
} as const satisfies Record<Task, readonly MetricName[]>;
/** Series that are recorded too, but say nothing about which run is better. */
export const auxiliarySeries = {
  'step/loss': 'Loss of each step',
  'epoch/learningRate': 'Learning rate',
  /** Euclidean length of all weights, and of the gradients of what is trained (a mean over a few updates of the epoch, before clipping). */
  'epoch/weightNorm': 'Norm of the weights',
  'epoch/gradientNorm': 'Norm of the gradient',
  /** Of the training process, once an epoch: images/s, MB, and the share of all processors' time. */
  'machine/pace': 'Throughput',
  'machine/memory': 'Memory',
  'machine/load': 'Processor load',
  /** Of the GPU, where there is one that says so: the share of its time, and MB, of all programs together. */
  'machine/deviceLoad': 'GPU load',
  'machine/deviceMemory': 'GPU memory',
} as const;
export type SeriesName = MetricName | keyof typeof auxiliarySeries;
export const seriesNames = [...Object.keys(metricDefinitions), ...Object.keys(auxiliarySeries)] as SeriesName[];
const seriesName = v.picklist(seriesNames);

/** One value of one series. `epoch` is fractional for step series (1.5 = half-way through the second epoch). */
export const metricPoint = v.object({ series: seriesName, step: v.number(), epoch: v.number(), value: v.number() });
export type MetricPoint = v.InferOutput<typeof metricPoint>;
/** With the training time until it was measured, pauses left out; null where nobody took it. */
export const timedPoint = v.object({ ...metricPoint.entries, elapsedMs: v.nullable(v.number()) });
export type TimedPoint = v.InferOutput<typeof timedPoint>;

export const runSummary = v.object({
  runId,
  name: v.string(),
  status: runStatus,
  /** Why it failed or was interrupted, in words; null otherwise. */
  reason: v.nullable(v.string()),
  task,
  modelId: v.string(),
  datasetId,
  datasetName: v.string(),
  createdAt: v.string(),
  startedAt: v.nullable(v.string()),
  endedAt: v.nullable(v.string()),
  /** Training time without pauses. */
  durationMs: v.number(),
  epochsDone: v.number(),
  epochsTotal: v.number(),
  parameterCount: v.number(),
  /** The latest value of each metric, and the best with the epoch it came from. */
  latest: v.record(v.string(), v.number()),
  best: v.record(v.string(), v.object({ value: v.number(), epoch: v.number() })),
  /** True where the run can go on: from its checkpoint, or from the start where its turn never came. */
  resumable: v.boolean(),
  /** The (fractional) epochs from which it went on after a stop, ascending. */
  resumedEpochs: v.array(v.number()),
  /** What a person changed while it trained, in that order. */
  interventions: v.array(recordedIntervention),
  tags: v.array(v.string()),
  notes: v.string(),
  pinned: v.boolean(),
  /** Kept, but out of the way. */
  archived: v.boolean(),
  /** The sweep that it is part of. */
  sweepId: v.nullable(sweepId),
  /** −1, 0 or 1: in the queue, higher ones go before lower ones. */
  priority: v.number(),
  /** The task of a Slurm job array that trains it or trained it last, "12_3"; null where this machine does. */
  slurmJob: v.nullable(v.string()),
});
export type RunSummary = v.InferOutput<typeof runSummary>;

/** Whether its network as it was after an epoch is here: of a run that was trained elsewhere only the numbers are. */
export const hasNetwork = ({
  epochsDone,
  parameterCount,
}: Pick<RunSummary, 'epochsDone' | 'parameterCount'>): boolean => epochsDone >= 1 && parameterCount > 0;
export const isForeign = ({ epochsDone, parameterCount }: Pick<RunSummary, 'epochsDone' | 'parameterCount'>): boolean =>
  epochsDone >= 1 && parameterCount === 0;

export const runDetail = v.object({
  summary: runSummary,
  config: runConfig,
  /** Of its network, under the names of its training; `categoryId` null: the background, or a class that is gone. */
  classes: v.array(
    v.object({
      name: v.string(),
      categoryId: v.nullable(categoryId),
      /** As of `TrainedClass`. */
      edges: v.optional(v.array(v.tuple([v.number(), v.number()]))),
    }),
  ),
  /** Why the classes of its training could not be read, so that those of the data set stand in; null where they are its own. */
  classesDoubt: v.nullable(v.string()),
  /** Absolute path of the run's folder. */
  folder: v.string(),
});
export type RunDetail = v.InferOutput<typeof runDetail>;

/** A configuration under a name, to start from. Its data set is that of the run it was made for. */
export const preset = v.object({ presetId, name: v.string(), config: runConfig, createdAt: v.string() });
export type Preset = v.InferOutput<typeof preset>;

/** Runs that wait for their turn, over all open projects, the next one first. Paused: none of them starts. */
export const runQueue = v.object({ paused: v.boolean(), waiting: v.array(v.object({ projectId, runId })) });
export type RunQueue = v.InferOutput<typeof runQueue>;

export const logLine = v.object({
  time: v.string(),
  level: v.picklist(['debug', 'info', 'warning', 'error']),
  text: v.string(),
});
export type LogLine = v.InferOutput<typeof logLine>;

/** Live position of a running run. */
export const runProgress = v.object({
  runId,
  /** 'evaluating' measures the evaluation split after an epoch. */
  activity: v.picklist(['preparing', 'training', 'evaluating', 'saving']),
  /** 1-based epoch in progress. */
  epoch: v.number(),
  epochsTotal: v.number(),
  /** Step within the epoch; while the data is prepared, images done, of `stepsPerEpoch` in all. */
  step: v.number(),
  stepsPerEpoch: v.number(),
  imagesPerSecond: v.nullable(v.number()),
  secondsLeft: v.nullable(v.number()),
});
export type RunProgress = v.InferOutput<typeof runProgress>;

/** A recorded series. Arrays have equal length; `epochs` is fractional for step series. */
export interface Series {
  series: SeriesName;
  steps: Float64Array;
  epochs: Float64Array;
  values: Float64Array;
  /** Training time, ms, pauses left out; NaN where nobody took it. */
  times: Float64Array;
}

/** Weights of one convolution. `values` is [outChannels, inChannels, kernelHeight, kernelWidth], row-major. */
export interface KernelSet {
  layer: string;
  label: string;
  outChannels: number;
  inChannels: number;
  kernelHeight: number;
  kernelWidth: number;
  values: Float32Array;
}

export const predictionFilter = v.object({
  outcome: v.picklist(['all', 'wrong', 'right']),
  groundTruthCategoryId: v.nullable(categoryId),
  predictedCategoryId: v.nullable(categoryId),
  /** 'wrong-first' puts errors first, the most confident error at the top; 'least-confident' the unsure ones. */
  order: v.picklist(['wrong-first', 'least-confident', 'dataset']),
});
export type PredictionFilter = v.InferOutput<typeof predictionFilter>;

export const prediction = v.object({
  imageId,
  groundTruthCategoryId: categoryId,
  predictedCategoryId: categoryId,
  /** Softmax probabilities in category order. */
  probabilities: v.array(v.number()),
});
export type Prediction = v.InferOutput<typeof prediction>;

/** counts[groundTruth][predicted] over the evaluation split, in the order of the classes. */
export const confusionMatrix = v.object({
  /** `categoryId` is null for what is no class of the data set: the background. */
  classes: v.array(v.object({ name: v.string(), categoryId: v.nullable(categoryId) })),
  /** What is counted. */
  unit: v.picklist(['images', 'pixels', 'objects']),
  counts: v.array(v.array(v.number())),
});
export type ConfusionMatrix = v.InferOutput<typeof confusionMatrix>;

/** Two or more runs beside each other. The first run is the baseline that differences refer to. */
export const runComparison = v.object({
  runs: v.array(runSummary),
  metrics: v.array(
    v.object({
      metric: v.string(),
      label: v.string(),
      better: v.picklist(['higher', 'lower']),
      /** In the order of `runs`; null where the run has no value. */
      final: v.array(v.nullable(v.number())),
      best: v.array(v.nullable(v.object({ value: v.number(), epoch: v.number() }))),
    }),
  ),
  /** Only what differs: a path in the configuration document, its label, and each run's value in words. */
  configuration: v.array(v.object({ path: v.string(), label: v.string(), values: v.array(v.string()) })),
});
export type RunComparison = v.InferOutput<typeof runComparison>;
