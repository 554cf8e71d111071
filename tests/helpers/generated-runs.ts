/**
 * Runs made from a seed, as plausible as real ones: falling losses, rising accuracies with a gap between train and test,
 * kernels, predictions that agree with the accuracy, a log. For looking at screens and testing them without training.
 */
import type { DatasetId, RunId } from '../../src-main/contract/model/ids.ts';
import type { CategoryId, ImageId } from '../../src-main/contract/model/ids.ts';
import {
  metricDefinitions,
  taskMetrics,
  type KernelSet,
  type LogLine,
  type MetricName,
  type Prediction,
  type RunConfig,
  type RunStatus,
  type RunSummary,
  type Series,
  type SeriesName,
} from '../../src-main/contract/model/run.ts';
import { learningRate } from '../../src-main/contract/model/schedule.ts';
import { seededRandom } from './generated-data.ts';

export interface GeneratedRunOptions {
  runId: RunId;
  name: string;
  status: RunStatus;
  config: RunConfig;
  datasetName: string;
  parameterCount: number;
  stepsPerEpoch: number;
  /** Fewer than planned for a run that is running, was cancelled or broke off. */
  epochsDone: number;
  createdAt: string;
  reason?: string;
  resumedEpochs?: number[];
  tags?: string[];
  pinned?: boolean;
  archived?: boolean;
}

export interface GeneratedRun {
  summary: RunSummary;
  config: RunConfig;
  series: Series[];
  log: LogLine[];
}

const msPerStep = 9;

export function generateRun(options: GeneratedRunOptions): GeneratedRun {
  const { config, runId, epochsDone, stepsPerEpoch, createdAt, status } = options;
  const random = seededRandom(runId * 7919 + config.seed);
  const epochsTotal = config.phases.reduce((sum, phase) => sum + phase.epochs, 0);
  const series = generateSeries(config, epochsDone, stepsPerEpoch, random);
  const metrics = taskMetrics.classification;
  const valuesOf = (metric: MetricName) => series.find((candidate) => candidate.series === metric)!.values;
  const durationMs = epochsDone * stepsPerEpoch * msPerStep;
  const ended =
    status === 'queued' || status === 'running' ? null : new Date(Date.parse(createdAt) + durationMs).toISOString();
  const summary: RunSummary = {
    runId,
    name: options.name,
    status,
    reason: options.reason ?? null,
    task: config.task,
    modelId: config.model.id,
    datasetId: config.data.datasetId as DatasetId,
    datasetName: options.datasetName,
    createdAt,
    startedAt: status === 'queued' ? null : createdAt,
    endedAt: ended,
    durationMs,
    epochsDone,
    epochsTotal,
    parameterCount: options.parameterCount,
    latest: Object.fromEntries(
      metrics.flatMap((metric) => (epochsDone === 0 ? [] : [[metric, valuesOf(metric).at(-1)!]])),
    ),
    best: Object.fromEntries(
      metrics.flatMap((metric) => (epochsDone === 0 ? [] : [[metric, bestOf(metric, valuesOf(metric))]])),
    ),
    resumable: status !== 'finished' && status !== 'running' && status !== 'queued' && epochsDone > 0,
    resumedEpochs: options.resumedEpochs ?? [],
    interventions: [],
    sweepId: null,
    priority: 0,
    slurmJob: null,
    tags: options.tags ?? [],
    notes: '',
    pinned: options.pinned ?? false,
    archived: options.archived ?? false,
  };
  return { summary, config, series, log: generateLog(options, epochsTotal, valuesOf) };
}

function bestOf(metric: MetricName, values: Float64Array): { value: number; epoch: number } {
  const best = metricDefinitions[metric].better === 'higher' ? Math.max(...values) : Math.min(...values);
  return { value: best, epoch: values.indexOf(best) + 1 };
}

/** Batch norm learns faster and generalises a little better; softmax before the loss keeps it high. */
function generateSeries(config: RunConfig, epochs: number, stepsPerEpoch: number, random: () => number): Series[] {
  const normed = config.model.options['batchNorm'] === true;
  const floor = config.loss.kind === 'cross-entropy' && config.loss.softmaxBeforeLoss ? 1.46 : 0.35;
  const rate = normed ? 0.34 : 0.17;
  const ceiling = (normed ? 0.655 : 0.622) + (random() - 0.5) * 0.016;
  const noise = (size: number) => (random() + random() + random() - 1.5) * size;
  const lossAt = (epoch: number) =>
    floor + (2.3 - floor) * (0.35 * Math.exp(-1.6 * epoch) + 0.65 * Math.exp((-rate / 1.6) * epoch));
  const gapAt = (epoch: number) => 0.012 * epoch ** 1.25;

  const steps = Array.from({ length: epochs * stepsPerEpoch }, (_, step) => step + 1);
  const epochEnds = Array.from({ length: epochs }, (_, epoch) => epoch + 1);
  const perEpoch = (name: SeriesName, valueAt: (epoch: number) => number): Series => ({
    series: name,
    steps: Float64Array.from(epochEnds, (epoch) => epoch * stepsPerEpoch),
    epochs: Float64Array.from(epochEnds),
    values: Float64Array.from(epochEnds, valueAt),
    times: Float64Array.from(epochEnds, (epoch) => epoch * stepsPerEpoch * msPerStep),
  });
  /** Of the last update of each epoch, as the trainer reports it. */
  const rates = config.phases.flatMap((phase) =>
    Array.from({ length: phase.epochs }, (_, epoch) =>
      learningRate(phase, stepsPerEpoch, (epoch + 1) * stepsPerEpoch - 1),
    ),
  );
  return [
    {
      series: 'step/loss',
      steps: Float64Array.from(steps),
      epochs: Float64Array.from(steps, (step) => step / stepsPerEpoch),
      values: Float64Array.from(steps, (step) => Math.max(0.05, lossAt(step / stepsPerEpoch) + noise(0.16))),
      times: Float64Array.from(steps, (step) => step * msPerStep),
    },
    perEpoch('train/loss', (epoch) => lossAt(epoch - 0.5) + noise(0.006)),
    perEpoch('test/loss', (epoch) => lossAt(epoch) * 0.62 + 0.42 + gapAt(epoch) + noise(0.02)),
    perEpoch('train/accuracy', (epoch) => 0.1 + 0.72 * (1 - Math.exp(-rate * 1.5 * epoch)) + noise(0.004)),
    perEpoch(
      'test/accuracy',
      (epoch) => 0.1 + (ceiling - 0.1) * (1 - Math.exp(-rate * 2.6 * epoch)) - gapAt(epoch) * 0.03 + noise(0.012),
    ),
    perEpoch('epoch/learningRate', (epoch) => rates[epoch - 1] ?? 0),
  ];
}

function generateLog(
  options: GeneratedRunOptions,
  epochsTotal: number,
  valuesOf: (metric: MetricName) => Float64Array,
): LogLine[] {
  const start = Date.parse(options.createdAt);
  const line = (ms: number, level: LogLine['level'], text: string): LogLine => ({
    time: new Date(start + ms).toISOString(),
    level,
    text,
  });
  const epochMs = options.stepsPerEpoch * msPerStep;
  const epochs = Array.from({ length: options.epochsDone }, (_, index) => {
    const accuracy = valuesOf('test/accuracy')[index]!;
    return [
      line(
        (index + 1) * epochMs,
        'info',
        `epoch ${index + 1} of ${epochsTotal}: test accuracy ${accuracy.toFixed(4)}, train loss ${valuesOf('train/loss')[index]!.toFixed(4)}`,
      ),
      line((index + 1) * epochMs, 'debug', `checkpoint written: checkpoints/last.safetensors`),
    ];
  });
  return [
    line(0, 'info', `training lenet5 with ${options.parameterCount.toLocaleString('en')} parameters on cpu, 2 threads`),
    line(40, 'debug', 'seed 0: initial weights drawn, order of images fixed'),
    ...epochs.flat(),
    ...(options.reason === undefined ? [] : [line(options.epochsDone * epochMs + 800, 'error', options.reason)]),
  ];
}

/** Kernels with some structure: edges and blobs under noise. */
export function generateKernels(seed: number, strength: number): KernelSet[] {
  const random = seededRandom(seed);
  const layer = (name: string, label: string, outChannels: number, inChannels: number): KernelSet => {
    const side = 5;
    const values = new Float32Array(outChannels * inChannels * side * side);
    let at = 0;
    for (let out = 0; out < outChannels; out++) {
      const angle = random() * Math.PI;
      for (let channel = 0; channel < inChannels; channel++) {
        const amplitude = strength * (random() - 0.3);
        for (let y = -2; y <= 2; y++) {
          for (let x = -2; x <= 2; x++) {
            const along = x * Math.cos(angle) + y * Math.sin(angle);
            values[at++] =
              amplitude * Math.sin(along * 1.3) * Math.exp(-(x * x + y * y) / 9) + strength * 0.25 * (random() - 0.5);
          }
        }
      }
    }
    return { layer: name, label, outChannels, inChannels, kernelHeight: side, kernelWidth: side, values };
  };
  return [layer('conv1', 'C1', 6, 3), layer('conv2', 'C3', 16, 6)];
}

export interface PredictionOptions {
  count: number;
  categoryIds: readonly CategoryId[];
  accuracy: number;
  firstImageId: number;
  seed: number;
}

/** Image i has class i modulo the number of classes; neighbours in the list are confused most. */
export function generatePredictions({
  count,
  categoryIds,
  accuracy,
  firstImageId,
  seed,
}: PredictionOptions): Prediction[] {
  const random = seededRandom(seed);
  const classes = categoryIds.length;
  return Array.from({ length: count }, (_, index) => {
    const truth = index % classes;
    const right = random() < accuracy;
    const called = right ? truth : (truth + (random() < 0.5 ? 2 : 1 + Math.floor(random() * (classes - 1)))) % classes;
    const predicted = !right && called === truth ? (truth + 1) % classes : called;
    const sure = 0.3 + 0.65 * random();
    const rest = Array.from({ length: classes }, () => random() ** 3);
    rest[predicted] = 0;
    const sum = rest.reduce((total, value) => total + value, 0);
    const probabilities = rest.map((value) => (value / sum) * (1 - sure));
    probabilities[predicted] = sure;
    return {
      imageId: (firstImageId + index) as ImageId,
      groundTruthCategoryId: categoryIds[truth]!,
      predictedCategoryId: categoryIds[predicted]!,
      probabilities,
    };
  });
}
