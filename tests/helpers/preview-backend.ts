/**
 * A Backend over generated runs, for looking at the renderer's screens and testing them in a browser without training:
 * real templates, checks, layer tables and comparisons; made-up results. `node tests/helpers/preview-backend.ts` serves it.
 */
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import type { Category, Dataset, ImageSummary } from '../../src-main/contract/model/dataset.ts';
import type {
  AnnotationId,
  CategoryId,
  DatasetId,
  ImageId,
  PresetId,
  RunId,
} from '../../src-main/contract/model/ids.ts';
import type { DeviceCheck } from '../../src-main/contract/model/device.ts';
import type { Settings } from '../../src-main/contract/model/project.ts';
import type {
  Prediction,
  PredictionFilter,
  Preset,
  RunConfig,
  RunQueue,
  RunStatus,
  RunSummary,
} from '../../src-main/contract/model/run.ts';
import { trainedClasses } from '../../src-main/contract/model/trained-classes.ts';
import { describeModel, modelSummaries } from '../../src-main/engine/zoo/registry.ts';
import { startWebHost } from '../../src-main/hosts/web/server.ts';
import { checkRun } from '../../src-main/services/runs/run-check.ts';
import { comparisonReport } from '../../src-main/services/runs/report/comparison-report.ts';
import { reportHtml } from '../../src-main/services/runs/report/write-report.ts';
import { compareRuns } from '../../src-main/services/runs/run-comparison.ts';
import { runTemplate } from '../../src-main/services/runs/run-template.ts';
import { createFakeBackend, sample, type FakeBackend } from './fake-backend.ts';
import { CIFAR10_NAMES, drawImages, seededRandom } from './generated-data.ts';
import { previewCheck, previewDevices, previewEstimate } from './preview-devices.ts';
import { previewTrainingImages } from './preview-images.ts';
import { previewLayers, previewSpread } from './preview-layers.ts';
import { generateKernels, generatePredictions, generateRun, type GeneratedRun } from './generated-runs.ts';

export type PreviewScene = 'empty' | 'typical' | 'overfull' | 'one-run';

const stepsPerEpoch = 781;
const trainImages = 50_000;
const testImages = 10_000;
const longName =
  'LeNet-5 with batch norm after every pool and hidden layer, Adam 0.001 and batch 64, third seed of the long night in March';

const categories: Category[] = CIFAR10_NAMES.map((name, ordinal) => ({
  categoryId: (ordinal + 1) as CategoryId,
  ordinal,
  name,
}));
const previewLabels = {
  ...{
    images: 50_000,
    labelled: 50_000,
    mostLabels: 1,
    otherObjects: 0,
    rejected: 0,
    severalClasses: 0,
    background: 0,
  },
  byClass: new Map(categories.map(({ categoryId }) => [categoryId, 5000])),
};
const dataset: Dataset = {
  datasetId: 1 as DatasetId,
  name: 'CIFAR-10',
  format: 'cifar10',
  source: '/data/cifar-10-batches-bin',
  createdAt: '2026-03-02T09:00:00.000Z',
  categories,
  splitCounts: { train: trainImages, val: 0, test: testImages },
  imageSize: { widthPx: 32, heightPx: 32, channels: 3 },
};
const template = runTemplate('lenet5', dataset, previewDevices);

interface Plan {
  name: string;
  status: RunStatus;
  batchNorm?: boolean;
  seed?: number;
  softmax?: boolean;
  epochs?: number;
  done?: number;
  decay?: boolean;
  /** Two phases, conv1 frozen in the first. */
  phased?: boolean;
  reason?: string;
  resumedEpochs?: number[];
  tags?: string[];
  pinned?: boolean;
  archived?: boolean;
}

const typicalPlans: Plan[] = [
  { name: 'lenet5-1', status: 'finished', epochs: 20, tags: ['baseline'], pinned: true },
  { name: 'with batch norm', status: 'finished', epochs: 20, batchNorm: true, tags: ['batch norm', 'chapter'] },
  { name: 'tutorial loss', status: 'finished', epochs: 20, softmax: true },
  { name: 'batch norm, second seed', status: 'finished', epochs: 20, batchNorm: true, seed: 1, tags: ['batch norm'] },
  { name: 'plain, second seed', status: 'finished', epochs: 20, seed: 1 },
  { name: 'decaying rate', status: 'cancelled', epochs: 30, done: 12, decay: true },
  {
    name: 'lenet5-7',
    status: 'interrupted',
    epochs: 20,
    done: 4,
    reason: 'The training process ended unexpectedly (signal SIGKILL). The run keeps its checkpoint of epoch 4.',
  },
  { name: 'long night', status: 'running', epochs: 50, done: 7, batchNorm: true, resumedEpochs: [3.5] },
  { name: 'after it', status: 'queued', epochs: 20, done: 0 },
  { name: 'conv1 frozen at first', status: 'finished', epochs: 20, phased: true },
];

function plansOf(scene: PreviewScene): Plan[] {
  if (scene === 'empty') return [];
  if (scene === 'one-run') return [{ name: 'lenet5-1', status: 'finished', epochs: 20 }];
  if (scene === 'typical') return typicalPlans;
  return Array.from({ length: 50 }, (_, index) => ({
    ...typicalPlans[index % typicalPlans.length]!,
    name: index % 4 === 3 ? `${longName} ${index}` : `sweep-${index + 1}`,
    seed: Math.floor(index / 9),
  }));
}

function configOf(plan: Plan): RunConfig {
  const phase = template.config.phases[0]!;
  return {
    ...template.config,
    model: { id: 'lenet5', options: { ...template.config.model.options, batchNorm: plan.batchNorm ?? false } },
    loss: { kind: 'cross-entropy', softmaxBeforeLoss: plan.softmax ?? false },
    seed: plan.seed ?? 0,
    phases: plan.phased
      ? [
          { ...phase, epochs: 5, freeze: ['conv1'] },
          {
            ...phase,
            epochs: (plan.epochs ?? 20) - 5,
            learningRate: 0.0001,
            warmup: { epochs: 1, startFactor: 0.1 },
            schedule: { kind: 'cosine', finalFactor: 0.01 },
          },
        ]
      : [
          {
            ...phase,
            epochs: plan.epochs ?? 20,
            schedule: plan.decay ? { kind: 'exponential', gamma: 0.9 } : { kind: 'constant' },
          },
        ],
  };
}

function generateRuns(scene: PreviewScene): GeneratedRun[] {
  return plansOf(scene).map((plan, index) =>
    generateRun({
      runId: (index + 1) as RunId,
      name: plan.name,
      status: plan.status,
      config: configOf(plan),
      datasetName:
        scene === 'overfull' && index % 4 === 3 ? 'CIFAR-10 without the frogs, cleaned by hand' : dataset.name,
      parameterCount: plan.batchNorm ? 63_226 : 62_006,
      stepsPerEpoch,
      epochsDone: plan.done ?? plan.epochs ?? 20,
      createdAt: new Date(Date.parse('2026-03-02T10:00:00.000Z') + index * 5_400_000).toISOString(),
      reason: plan.reason,
      resumedEpochs: plan.resumedEpochs,
      tags: plan.tags,
      pinned: plan.pinned,
      archived: plan.archived,
    }),
  );
}

export interface PreviewBackend extends FakeBackend {
  /** Lets the running run train: points, progress and log lines, until the returned function is called. */
  train(): () => void;
}

export function createPreviewBackend(scene: PreviewScene, theme: Settings['theme'] = 'dark'): PreviewBackend {
  const runs = new Map(generateRuns(scene).map((run) => [run.summary.runId, run]));
  const trash = new Map<RunId, GeneratedRun>();
  const presets = new Map<string, Preset>();
  let paused = false;
  let order: readonly RunId[] = [];
  const waiting = (): RunId[] => {
    const all = [...runs.values()].filter((run) => run.summary.status === 'queued').map((run) => run.summary.runId);
    return [...order.filter((runId) => all.includes(runId)), ...all.filter((runId) => !order.includes(runId))];
  };
  const queue = (): RunQueue => ({
    paused,
    waiting: waiting().map((runId) => ({ projectId: sample.project.projectId, runId })),
  });
  let settings: Settings = { ...sample.settings, theme };
  const runOf = (runId: RunId): GeneratedRun => {
    const run = runs.get(runId);
    if (run === undefined) throw new FoveaError('not-found', `There is no run ${runId}.`, { runId });
    return run;
  };
  const measured = (runId: RunId): GeneratedRun => {
    const run = runOf(runId);
    if (run.summary.epochsDone === 0)
      throw new FoveaError('not-found', `"${run.summary.name}" has no checkpoint yet.`, { runId });
    return run;
  };
  const change = (runId: RunId, changes: Partial<RunSummary>): RunSummary => {
    const run = runOf(runId);
    run.summary = { ...run.summary, ...changes };
    return run.summary;
  };
  const predictionsOf = (runId: RunId) =>
    generatePredictions({
      count: testImages,
      categoryIds: categories.map((category) => category.categoryId),
      accuracy: measured(runId).summary.latest['test/accuracy'] ?? 0.1,
      firstImageId: trainImages + 1,
      seed: runId,
    });

  const overrides: Partial<Handlers> = {
    'app.capabilities': async () => ({
      nativeDialogs: false,
      version: '0.1.0',
      platform: 'linux',
      cpuCount: 2,
      memoryBytes: 8e9,
    }),
    'settings.get': async () => settings,
    'settings.update': async ({ patch }) => (settings = { ...settings, ...patch }),
    'project.recent': async () => [
      { ...sample.project, openedAt: sample.project.createdAt, exists: true, imageCount: 60_000, runCount: runs.size },
    ],
    'job.list': async () => [],
    'dataset.list': async () => (scene === 'empty' ? [] : [dataset]),
    'dataset.facets': async () => ({
      total: trainImages + testImages,
      bySplit: [
        { split: 'train', count: trainImages },
        { split: 'test', count: testImages },
      ],
      byReview: [{ review: 'done', count: trainImages + testImages }],
      byCategory: categories.map(({ categoryId }) => ({ categoryId, count: 6000, objects: 6000 })),
      byTag: [],
    }),
    'image.list': async ({ offset, limit }) => ({
      total: trainImages + testImages,
      items: Array.from({ length: limit }, (_, index) => imageOf((offset + index + 1) as ImageId)),
    }),
    'image.get': async ({ imageId }) => imageOf(imageId),
    'model.list': async () => modelSummaries(),
    'model.describe': async ({ modelId, options, inputShape, categoryCount, freeze }) =>
      describeModel(modelId, options, inputShape, categoryCount, freeze),
    'device.list': async () => previewDevices,
    'device.checks': async () => ({
      checks: [previewCheck],
      recommended: 'cpu',
      why: 'No other device here is both right and faster.',
    }),
    'device.check': async ({ device }) => {
      const check: DeviceCheck = {
        ...previewCheck,
        device,
        state: 'running',
        step: 'Comparing Conv 3×3',
        done: 5,
        report: null,
      };
      backend.emit('device.checkChanged', check);
      return check;
    },
    'device.cancelCheck': async () => {
      backend.emit('device.checkChanged', { ...previewCheck, state: 'cancelled', step: 'Cancelled', report: null });
      return {};
    },
    'run.previewBatch': async ({ config, count, epoch }) => previewTrainingImages(config, count, epoch),
    'run.estimate': async ({ config }) => previewEstimate(config),
    'run.template': async () => template,
    'run.check': async ({ config }) =>
      checkRun({
        config,
        dataset,
        devices: previewDevices,
        labels: { train: previewLabels, evaluation: previewLabels },
      }),
    'run.list': async () => [...runs.values()].map((run) => run.summary),
    'run.start': async ({ config, name }) => {
      const runId = (Math.max(0, ...runs.keys()) + 1) as RunId;
      const run = generateRun({
        runId,
        name: name ?? `lenet5-${runId}`,
        status: 'queued',
        config,
        datasetName: dataset.name,
        parameterCount: config.model.options['batchNorm'] === true ? 63_226 : 62_006,
        stepsPerEpoch,
        epochsDone: 0,
        createdAt: '2026-03-09T10:00:00.000Z',
      });
      runs.set(runId, run);
      return run.summary;
    },
    'run.rename': async ({ runId, name }) => change(runId, { name }),
    'run.cancel': async ({ runId }) => {
      backend.emit('run.changed', {
        projectId: sample.project.projectId,
        summary: change(runId, { status: 'cancelled', resumable: true }),
      });
      return {};
    },
    'run.resume': async ({ runId }) => change(runId, { status: 'queued', resumable: false }),
    'run.organise': async ({ runId, changes }) => change(runId, changes),
    'run.delete': async ({ runId }) => {
      trash.set(runId, runOf(runId));
      runs.delete(runId);
      return {};
    },
    'run.restore': async ({ runId }) => {
      runs.set(runId, trash.get(runId)!);
      trash.delete(runId);
      return runOf(runId).summary;
    },
    'trash.list': async () =>
      [...trash.values()].map(({ summary: { runId, name: title, epochsDone } }) => ({
        ...{ kind: 'run', runId, title, epochsDone },
        trashedAt: '2026-03-09T11:00:00.000Z',
      })),
    'trash.size': async () => ({ sizeBytes: 2_480_000 }),
    'trash.restore': async ({ item }) => {
      if (item.kind !== 'run') return { left: null };
      const back = trash.get(item.runId)!;
      trash.delete(item.runId);
      runs.set(item.runId, back);
      backend.emit('run.changed', { projectId: sample.project.projectId, summary: back.summary });
      return { left: null };
    },
    'trash.empty': async () => {
      trash.clear();
      return {};
    },
    'run.queue': async () => queue(),
    'run.moveInQueue': async ({ runId, before }) => {
      const others = waiting().filter((other) => other !== runId);
      const place = before === null ? others.length : others.indexOf(before.runId);
      order = others.toSpliced(place, 0, runId);
      return queue();
    },
    'run.pauseQueue': async (request) => {
      ({ paused } = request);
      return queue();
    },
    'preset.list': async () => [...presets.values()],
    'preset.save': async ({ name, config }) => {
      const preset = { presetId: (presets.size + 1) as PresetId, name, config, createdAt: '2026-03-09T10:00:00.000Z' };
      presets.set(name, preset);
      return preset;
    },
    'preset.delete': async ({ presetId }) => {
      for (const preset of presets.values()) if (preset.presetId === presetId) presets.delete(preset.name);
      return {};
    },
    'run.get': async ({ runId }) => {
      const run = runOf(runId);
      const classes = trainedClasses(run.config, categories);
      return {
        summary: run.summary,
        config: run.config,
        classes,
        classesDoubt: null,
        folder: `/projects/sample/runs/lenet5-${runId}`,
      };
    },
    'run.series': async ({ runId, series }) =>
      runOf(runId).series.filter((each) => series.some((name) => name === each.series)),
    'run.log': async ({ runId }) => runOf(runId).log,
    'run.layers': async () => previewLayers(),
    'run.layerSpread': async ({ tensor }) => previewSpread(tensor),
    'run.kernels': async ({ runId, checkpoint }) => {
      const run = measured(runId);
      return generateKernels(runId * 2 + (checkpoint === 'best' ? 1 : 0), 0.1 + 0.02 * run.summary.epochsDone);
    },
    'run.predictions': async ({ runId, filter, offset, limit }) => {
      const found = sortPredictions(predictionsOf(runId), filter);
      return {
        total: found.length,
        epoch: runOf(runId).summary.epochsDone,
        items: found.slice(offset, offset + limit),
      };
    },
    'run.confusion': async ({ runId }) => {
      const ids = categories.map((category) => category.categoryId);
      const counts = ids.map(() => ids.map(() => 0));
      for (const { groundTruthCategoryId, predictedCategoryId } of predictionsOf(runId)) {
        counts[groundTruthCategoryId - 1]![predictedCategoryId - 1]!++;
      }
      return { classes: categories.map(({ name, categoryId }) => ({ name, categoryId })), unit: 'images', counts };
    },
    'run.compare': async ({ runIds }) => compareRuns(runIds.map(runOf)),
    'run.report': async ({ runIds }) => {
      const series = runIds.map((runId) => runOf(runId).series);
      const comparison = compareRuns(runIds.map(runOf));
      const hashes = runIds.map(() => '0123456789abcdef');
      const madeAt = '2026-03-09T10:00:00.000Z';
      return {
        text: reportHtml(
          comparisonReport({ comparison, settings: [], series, examples: [], hashes, version: '0.1.0', madeAt }),
        ),
      };
    },
  };
  const backend = createFakeBackend(overrides);
  return Object.assign(Object.create(backend) as FakeBackend, {
    media: async (path: string) => ({ contentType: 'image/png', body: await pictureOf(path), immutable: true }),
    train: () => trainRunning(backend, [...runs.values()]),
  });
}

function imageOf(imageId: ImageId): ImageSummary {
  const category = categories[(imageId - 1) % categories.length]!;
  return {
    imageId,
    name: `test_batch.bin #${imageId}`,
    split: imageId > trainImages ? 'test' : 'train',
    widthPx: 32,
    heightPx: 32,
    channels: 3,
    review: 'done',
    labelVersion: 0,
    annotations: [
      { annotationId: imageId as number as AnnotationId, kind: 'classification', categoryId: category.categoryId },
    ],
  };
}

/** "media/…/thumbnail/7" → a picture of image 7's class; the cover of the project is the first. */
async function pictureOf(path: string): Promise<Uint8Array> {
  const name = path.split('/').at(-1);
  const imageId = name === 'cover' ? 1 : Number(name);
  if (!Number.isInteger(imageId)) throw new FoveaError('not-found', `No picture at ${path}.`, { path });
  const side = 32;
  const planes = drawImages(Uint8Array.of((imageId - 1) % 10), 3, side, seededRandom(imageId));
  const interleaved = Uint8Array.from(planes, (_, index) => planes[(index % 3) * side * side + Math.floor(index / 3)]!);
  return await sharp(interleaved, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

function sortPredictions(all: readonly Prediction[], filter: PredictionFilter): Prediction[] {
  const isWrong = (prediction: Prediction) => prediction.groundTruthCategoryId !== prediction.predictedCategoryId;
  const surety = (prediction: Prediction) => Math.max(...prediction.probabilities);
  const found = all.filter(
    (prediction) =>
      (filter.outcome === 'all' || isWrong(prediction) === (filter.outcome === 'wrong')) &&
      [null, prediction.groundTruthCategoryId].includes(filter.groundTruthCategoryId) &&
      [null, prediction.predictedCategoryId].includes(filter.predictedCategoryId),
  );
  if (filter.order === 'dataset') return found;
  if (filter.order === 'least-confident') return found.toSorted((a, b) => surety(a) - surety(b));
  return found.toSorted((a, b) => Number(isWrong(b)) - Number(isWrong(a)) || surety(b) - surety(a));
}

const tickMs = 200;
const stepsPerTick = 16;

function trainRunning(backend: FakeBackend, runs: readonly GeneratedRun[]): () => void {
  const run = runs.find((candidate) => candidate.summary.status === 'running');
  if (run === undefined) return () => {};
  const { projectId } = sample.project;
  const { runId, epochsTotal, epochsDone } = run.summary;
  const random = seededRandom(1);
  let step = 0;
  const timer = setInterval(() => {
    const points = Array.from({ length: stepsPerTick }, () => {
      step++;
      const at = epochsDone * stepsPerEpoch + step;
      return {
        series: 'step/loss' as const,
        step: at,
        epoch: at / stepsPerEpoch,
        value: 0.95 + 0.3 * (random() - 0.5),
        elapsedMs: at * 9,
      };
    });
    backend.emit('run.points', { projectId, runId, points });
    backend.emit('run.progress', {
      projectId,
      progress: {
        runId,
        activity: 'training',
        epoch: epochsDone + 1,
        epochsTotal,
        step: Math.min(step, stepsPerEpoch),
        stepsPerEpoch,
        imagesPerSecond: 7120,
        secondsLeft: Math.round((epochsTotal - epochsDone) * 7),
      },
    });
  }, tickMs);
  return () => clearInterval(timer);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [scene = 'typical', theme = 'dark', rendererFolder = 'out/renderer'] = process.argv.slice(2);
  const backend = createPreviewBackend(scene as PreviewScene, theme as Settings['theme']);
  backend.train();
  const host = await startWebHost({ backend, rendererFolder, port: 0 });
  process.stdout.write(`${host.url}\n`);
}
