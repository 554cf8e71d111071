/**
 * A Backend without services: answers every call with fixed values of the contract's types, keeps what it was asked,
 * and lets a test send events. A host is tested against it; `overrides` replaces single handlers.
 */
import type { Calls, CallName, EventName, Events, Handlers } from '../../src-main/contract/ipc.ts';
import { callNames } from '../../src-main/contract/ipc.ts';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { Dataset, ImageSummary } from '../../src-main/contract/model/dataset.ts';
import type {
  AnnotationId,
  CategoryId,
  SavedViewId,
  DatasetId,
  ImageId,
  JobId,
  PresetId,
  SweepId,
  ProjectId,
  RunId,
} from '../../src-main/contract/model/ids.ts';
import type { DeviceCheck } from '../../src-main/contract/model/device.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import type { PredictionSetId } from '../../src-main/contract/model/ids.ts';
import type { PredictionSet } from '../../src-main/contract/model/prediction-set.ts';
import type { Project, Settings } from '../../src-main/contract/model/project.ts';
import type { RunSummary } from '../../src-main/contract/model/run.ts';
import type { Sweep } from '../../src-main/contract/model/sweep.ts';
import type { Backend } from '../../src-main/services/backend.ts';
import { imagesAsTheyAre } from '../../src-main/contract/model/run-images.ts';
import { phase, smallConfig } from './run-config.ts';

export interface FakeBackend extends Backend {
  /** Every request that reached a handler, in order. */
  readonly requests: { name: CallName; request: unknown }[];
  emit<E extends EventName>(event: E, payload: Events[E]): void;
  subscriberCount(): number;
  readonly closed: boolean;
}

export function createFakeBackend(overrides: Partial<Handlers> = {}): FakeBackend {
  const requests: FakeBackend['requests'] = [];
  const listeners = new Map<EventName, Set<(payload: never) => void>>();
  const answers: Handlers = { ...fixedAnswers, ...overrides };
  const recorded = callNames.map((name) => {
    const answer = answers[name] as (request: unknown) => Promise<unknown>;
    const handler = (request: unknown) => {
      requests.push({ name, request });
      return answer(request);
    };
    return [name, handler];
  });
  let closed = false;
  return {
    handlers: Object.fromEntries(recorded) as Handlers,
    requests,
    media: fakeMedia,
    subscribe(event, listener) {
      const own = listeners.get(event) ?? new Set();
      listeners.set(event, own);
      own.add(listener);
      return () => own.delete(listener);
    },
    emit(event, payload) {
      for (const listener of [...(listeners.get(event) ?? [])]) (listener as (payload: unknown) => void)(payload);
    },
    subscriberCount: () => [...listeners.values()].reduce((sum, own) => sum + own.size, 0),
    close: async () => void (closed = true),
    get closed() {
      return closed;
    },
  };
}

const pngSignature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

async function fakeMedia(path: string) {
  if (path !== `media/${sample.project.projectId}/image/1`) {
    throw new FoveaError('not-found', `No picture at ${path}.`, { path });
  }
  return { contentType: 'image/png', body: pngSignature, immutable: true };
}

const project: Project = {
  projectId: '6f9619ff-8b86-4011-b42d-00cf4fc964ff' as ProjectId,
  name: 'Sample',
  path: '/projects/sample',
  createdAt: '2026-01-02T03:04:05.000Z',
};

const dataset: Dataset = {
  datasetId: 1 as DatasetId,
  name: 'Tiny',
  format: 'cifar10',
  source: '/data/tiny',
  createdAt: '2026-01-02T03:04:05.000Z',
  categories: [
    { categoryId: 1 as CategoryId, ordinal: 0, name: 'cat' },
    { categoryId: 2 as CategoryId, ordinal: 1, name: 'dog' },
  ],
  splitCounts: { train: 100, val: 0, test: 20 },
  imageSize: { widthPx: 32, heightPx: 32, channels: 3 },
};

const image: ImageSummary = {
  imageId: 1 as ImageId,
  name: 'test_batch.bin #0',
  split: 'test',
  widthPx: 32,
  heightPx: 32,
  channels: 3,
  review: 'done',
  labelVersion: 0,
  annotations: [{ annotationId: 1 as AnnotationId, kind: 'classification', categoryId: 1 as CategoryId }],
};

const config = smallConfig({
  data: { datasetId: dataset.datasetId, trainSplit: 'train', evaluationSplit: 'test', ...imagesAsTheyAre },
  batchSize: 64,
  phases: [phase({ epochs: 3, learningRate: 0.001 })],
  seed: 1,
});

const run: RunSummary = {
  runId: 7 as RunId,
  name: 'first',
  status: 'finished',
  reason: null,
  task: 'classification',
  modelId: 'lenet5',
  datasetId: dataset.datasetId,
  datasetName: dataset.name,
  createdAt: '2026-01-02T03:04:05.000Z',
  startedAt: '2026-01-02T03:04:06.000Z',
  endedAt: '2026-01-02T03:05:06.000Z',
  durationMs: 60_000,
  epochsDone: 3,
  epochsTotal: 3,
  parameterCount: 62_006,
  latest: { 'train/accuracy': 0.72, 'test/accuracy': 0.6 },
  best: { 'test/accuracy': { value: 0.6125, epoch: 2 } },
  resumable: true,
  resumedEpochs: [],
  interventions: [],
  sweepId: null,
  priority: 0,
  slurmJob: null,
  tags: [],
  notes: '',
  pinned: false,
  archived: false,
};

const predictionSet: PredictionSet = {
  predictionSetId: '00000000-0000-4000-8000-000000000009' as PredictionSetId,
  runId: 1 as RunId,
  runName: 'first',
  checkpoint: 'best',
  epoch: 3,
  task: 'classification',
  classNames: ['cat'],
  tiles: null,
  startedAt: '2026-01-01T00:00:00.000Z',
  fileCount: 1,
  images: [{ file: '/photos/a.jpg', widthPx: 64, heightPx: 48 }],
  failures: [],
};

const job: Job = {
  jobId: '7d444840-9dc0-41d1-b245-5ffdce74fad2' as JobId,
  projectId: project.projectId,
  kind: 'import',
  title: 'Import Tiny',
  state: 'running',
  step: 'reading data_batch_1.bin',
  done: 0,
  total: 120,
  unit: 'images',
  ratePerSecond: null,
  secondsLeft: null,
  error: null,
  datasetId: null,
};

const settings: Settings = { theme: 'dark', projectsFolder: '/projects', view: {} };

const deviceCheck: DeviceCheck = {
  device: 'cpu',
  state: 'running',
  step: 'Starting',
  done: 0,
  total: 1,
  report: null,
  error: null,
};

/** The values that the fixed answers are made of. */
const sweep: Sweep = {
  sweepId: 1 as SweepId,
  name: 'Dropout',
  plan: {
    version: 1,
    base: config,
    axes: [
      {
        kind: 'choices',
        label: 'Dropout',
        choices: [{ label: '0', changes: [{ path: 'model.options.dropout', value: 0 }] }],
      },
    ],
    search: { kind: 'grid' },
    seeds: [0],
    slurm: null,
    priority: 0,
  },
  createdAt: run.createdAt,
  runs: [{ runId: run.runId, trial: { combination: 0, values: [{ label: '0', number: 0 }], seed: 0 } }],
};

export const sample = { project, dataset, image, config, run, sweep, job, settings };

const metricRow = (metric: string, label: string, values: number[]) => ({
  metric,
  label,
  better: 'higher' as const,
  final: values,
  best: values.map((value) => ({ value, epoch: 3 })),
});

const noAp = { ap: null, ap50: null, ap75: null, apSmall: null, apMedium: null, apLarge: null, ar100: null };

const fixedAnswers: { [C in CallName]: () => Promise<Calls[C]['response']> } = {
  'app.capabilities': async () => ({
    nativeDialogs: false,
    version: '0.0.0',
    platform: 'linux',
    cpuCount: 2,
    memoryBytes: 8e9,
  }),
  'settings.get': async () => settings,
  'settings.update': async () => settings,
  'dialog.choosePath': async () => null,
  'files.list': async () => ({ path: '/', parent: null, entries: [{ name: 'data', path: '/data', kind: 'folder' }] }),
  'project.recent': async () => [
    {
      projectId: project.projectId,
      name: project.name,
      path: project.path,
      openedAt: project.createdAt,
      exists: true,
      imageCount: 120,
      runCount: 1,
    },
  ],
  'project.create': async () => project,
  'project.open': async () => project,
  'project.forget': async () => ({}),
  'dataset.list': async () => [dataset],
  'dataset.rename': async () => dataset,
  'dataset.delete': async () => ({}),
  'dataset.inspect': async () => ({
    path: '/data/tiny',
    format: 'cifar10',
    labelSources: [],
    labelSource: null,
    suggestedName: 'Tiny',
    categories: ['cat', 'dog'],
    splitCounts: { train: 100, val: 0, test: 20 },
    sizeBytes: 368_760,
    importable: true,
    labelCounts: [60, 60],
    kindCounts: [{ kind: 'classification', count: 120 }],
    backgroundCount: 0,
    unlabelledCount: 0,
    failures: [],
    failureCount: 0,
  }),
  'dataset.import': async () => job,
  'dataset.download': async () => ({ ...job, kind: 'download', unit: 'bytes' }),
  'dataset.importSample': async () => job,
  'dataset.facets': async () => ({
    total: 120,
    bySplit: [{ split: 'train', count: 100 }],
    byReview: [],
    byCategory: [],
    byTag: [],
  }),
  'category.create': async () => ({ categoryId: 3 as CategoryId, ordinal: 2, name: 'bird' }),
  'category.edit': async () => ({ outcome: 'nothing', undoState: { undo: null, redo: null } }),
  'category.usage': async () => [{ categoryId: 1 as CategoryId, labels: 3, images: 2 }],
  'image.list': async () => ({ total: 1, items: [image] }),
  'image.get': async () => image,
  'image.annotations': async () => [],
  'annotation.open': async () => ({
    imageId: 1 as ImageId,
    widthPx: 32,
    heightPx: 32,
    version: 0,
    review: 'to-do',
    timeMs: 0,
    annotations: [],
    undoState: { undo: null, redo: null },
  }),
  'annotation.reserveIds': async () => ({ first: 1000 as AnnotationId }),
  'annotation.apply': async () => ({
    outcome: 'applied',
    version: 1,
    at: run.createdAt,
    undoState: { undo: null, redo: null },
  }),
  'annotation.undo': async () => ({ outcome: 'nothing', undoState: { undo: null, redo: null } }),
  'annotation.redo': async () => ({ outcome: 'nothing', undoState: { undo: null, redo: null } }),
  'annotation.undoState': async () => ({ undo: null, redo: null }),
  'annotation.history': async () => ({ total: 0, items: [] }),
  'annotation.stateAt': async () => [],
  'annotation.restore': async () => ({ outcome: 'nothing', undoState: { undo: null, redo: null } }),
  'annotation.copy': async () => ({ outcome: 'nothing', undoState: { undo: null, redo: null } }),
  'annotation.classify': async () => ({ outcome: 'nothing', undoState: { undo: null, redo: null } }),
  'annotation.schema': async () => ({ skeletons: [], attributes: [] }),
  'image.setReview': async () => ({ outcome: 'nothing', undoState: { undo: null, redo: null } }),
  'image.reviewCounts': async () => ({ 'to-do': 120, 'needs-review': 0, done: 0, rejected: 0 }),
  'image.reviewQueue': async () => ({ imageIds: [] }),
  'image.addTime': async () => ({ timeMs: 0 }),
  'annotation.relabel': async () => ({ outcome: 'nothing', undoState: { undo: null, redo: null } }),
  'dataset.exportReport': async () => ({
    imageCount: 120,
    labelCount: 120,
    losses: ['120 labels lose their attributes.'],
  }),
  'dataset.export': async () => ({ ...job, kind: 'export' }),
  'cache.usage': async () => ({ usedBytes: 12_000_000, limitBytes: 4e9 }),
  'cache.empty': async () => ({ usedBytes: 0, limitBytes: 4e9 }),
  'image.ids': async () => ({ total: 1, imageIds: [image.imageId] }),
  'image.tag': async () => ({ imageIds: [image.imageId] }),
  'image.trash': async () => null,
  'trash.list': async () => [],
  'trash.size': async () => ({ sizeBytes: 0 }),
  'trash.labels': async () => ({ total: 0, items: [] }),
  'trash.restore': async () => ({ left: null }),
  'trash.empty': async () => ({}),
  'split.preview': async () => ({ counts: { train: 96, val: 0, test: 24 }, moved: 4 }),
  'split.assign': async () => null,
  'split.changes': async () => [],
  'split.undo': async () => ({}),
  'dataset.fingerprint': async () => ({ ...job, kind: 'fingerprint' }),
  'dataset.duplicates': async () => ({ compared: 0, total: 120, groups: [], groupCount: 0, leakedImages: 0 }),
  'dataset.health': async () => ({
    ...{ imageCount: 120, labelCount: 120, classes: [], kinds: [], labelsPerImage: [], boxSizes: [], aspects: [] },
    ...{ imageSizes: [], imageAspects: [], positions: [], pairs: [], findings: [] },
  }),
  'dataset.relink': async () => ({ found: 120, missing: [], missingCount: 0, changedCount: 0 }),
  'version.freeze': async () => ({ ...job, kind: 'freeze' }),
  'version.list': async () => [],
  'version.compare': async () => ({
    ...{ added: [], removed: [], labels: [], splits: [], pixels: [] },
    counts: { added: 0, removed: 0, labels: 0, splits: 0, pixels: 0, same: 120 },
  }),
  'view.list': async () => [],
  'view.save': async () => ({
    ...{ viewId: 1 as SavedViewId, name: 'mine', filter: { splits: [], categoryIds: [] } },
    order: { by: 'name' as const, descending: true },
  }),
  'view.delete': async () => ({}),
  'label.list': async () => ({ total: 0, items: [] }),
  'label.sketches': async () => [],
  'job.list': async () => [job],
  'job.cancel': async () => ({}),
  'model.list': async () => [
    { id: 'lenet5', label: 'LeNet-5', task: 'classification', description: 'Small.', source: 'LeCun 1998' },
  ],
  'model.describe': async () => ({ layers: [], parameterCount: 62_006, trainableCount: 62_006 }),
  'device.list': async () => [
    { id: 'cpu', label: 'CPU', available: true, probed: true, reason: null, providerError: null },
  ],
  'device.check': async () => deviceCheck,
  'device.cancelCheck': async () => ({}),
  'device.checks': async () => ({ checks: [], recommended: 'cpu', why: 'It is the only device that works.' }),
  'run.template': async () => ({
    config,
    knobs: [
      {
        path: 'batchSize',
        label: 'Batch size',
        explanation: 'Images per step.',
        group: 'plan',
        control: { kind: 'integer', min: 1, max: 4096 },
        defaultValue: 64,
      },
    ],
  }),
  'run.labels': async () => ({ images: 1, imageArea: 1024, kinds: [], classes: [] }),
  'run.check': async () => [],
  'run.previewBatch': async () => ({ widthPx: 32, heightPx: 32, classes: [], items: [], failures: [] }),
  'run.estimate': async () => ({
    peakBytes: 4e8,
    machineBytes: 8e9,
    freeBytes: 6e9,
    fits: true,
    parts: [{ label: 'Images', bytes: 2e8 }],
    suggestion: null,
    summary: 'About 400 MB at its peak; this machine has 8.0 GB.',
  }),
  'run.start': async () => ({ ...run, status: 'queued', epochsDone: 0 }),
  'run.predict': async () => ({ ...job, kind: 'predict' }),
  'predict.start': async () => ({ predictionSetId: predictionSet.predictionSetId, job: { ...job, kind: 'predict' } }),
  'predict.list': async () => [predictionSet],
  'predict.get': async () => ({ ...predictionSet, classes: [], isRunning: false }),
  'predict.image': async () => ({ kind: 'category', probabilities: [1] }),
  'predict.delete': async () => ({}),
  'predict.write': async () => ({ ...job, kind: 'export' }),
  'run.artifacts': async () => ({ folder: '/runs/detect/first', leftOut: [] }),
  'run.export': async () => ({ file: '/models/net.onnx', sizeBytes: 1000, check: null }),
  'run.cancel': async () => ({}),
  'run.intervene': async () => ({}),
  'run.history': async () => ({ predictions: [], kernels: [], sizeBytes: 0, limitBytes: 2e8 }),
  'run.resume': async () => ({ ...run, status: 'queued' }),
  'run.rename': async () => run,
  'run.organise': async () => run,
  'run.delete': async () => ({}),
  'run.restore': async () => run,
  'run.queue': async () => ({ paused: false, waiting: [] }),
  'run.moveInQueue': async () => ({ paused: false, waiting: [] }),
  'run.pauseQueue': async () => ({ paused: true, waiting: [] }),
  'run.setPriority': async () => run,
  'run.estimateTime': async () => ({ stepMs: 6, epochMs: 5000, totalMs: 100_000, source: 'measured' }),
  'sweep.preview': async () => ({ trials: sweep.runs.map(({ trial }) => trial), duplicates: 0, findings: [] }),
  'sweep.start': async () => sweep,
  'sweep.list': async () => [sweep],
  'sweep.get': async () => sweep,
  'sweep.rename': async () => sweep,
  'sweep.cancel': async () => ({}),
  'sweep.resume': async () => sweep,
  'sweep.delete': async () => ({}),
  'sweep.restore': async () => sweep,
  'slurm.state': async () => ({ available: false, version: null, partitions: [], reason: 'There is no Slurm here.' }),
  'slurm.script': async () => ({ script: '#!/bin/bash\n' }),
  'preset.list': async () => [{ presetId: 1 as PresetId, name: 'usual', config, createdAt: run.createdAt }],
  'preset.save': async () => ({ presetId: 2 as PresetId, name: 'new', config, createdAt: run.createdAt }),
  'preset.delete': async () => ({}),
  'run.list': async () => [run],
  'run.get': async () => ({
    summary: run,
    config,
    classes: [],
    classesDoubt: null,
    folder: '/projects/sample/runs/first',
  }),
  'run.series': async () => [
    {
      series: 'train/loss',
      steps: Float64Array.of(10, 20),
      epochs: Float64Array.of(1, 2),
      values: Float64Array.of(2.25, 1.5),
      times: Float64Array.of(30_000, 60_000),
    },
  ],
  'run.log': async () => [{ time: run.createdAt, level: 'info', text: 'started' }],
  'run.kernels': async () => [
    {
      layer: 'conv1',
      label: 'C1',
      outChannels: 1,
      inChannels: 1,
      kernelHeight: 2,
      kernelWidth: 2,
      values: Float32Array.of(0.5, -1, 0.25, 2),
    },
  ],
  'run.predictions': async () => ({
    total: 8,
    epoch: 3,
    items: [
      {
        imageId: image.imageId,
        groundTruthCategoryId: 1 as CategoryId,
        predictedCategoryId: 2 as CategoryId,
        probabilities: [0.25, 0.75],
      },
    ],
  }),
  'run.scores': async () => ({
    epoch: 3,
    meaning: 'probability of the true class',
    imageIds: Float64Array.from({ length: 20 }, (_, index) => image.imageId + index),
    scores: new Float64Array(20).fill(0.9),
    right: Uint8Array.from({ length: 20 }, (_, index) => Number(index >= 8)),
  }),
  'run.pixels': async () => ({
    epoch: 3,
    classes: [{ name: 'cat', categoryId: 1 as CategoryId }],
    firstCounted: 0,
    imageIds: Float64Array.of(image.imageId),
    pairs: { starts: Uint32Array.of(0, 1), triples: Uint32Array.of(0, 0, 4) },
  }),
  'run.boxes': async () => ({
    candidates: Float32Array.of(0, 0, 2, 2, 0.9, 0),
    objects: new Float64Array(7),
    head: null,
  }),
  'run.detectionMeasures': async () => ({
    epoch: 3,
    all: noAp,
    perCategory: [],
    confidences: [],
    curves: null,
    best: null,
    head: null,
    classes: [],
    cells: { starts: Uint32Array.of(0), triples: new Uint32Array(0) },
    imageIds: new Float64Array(0),
    scores: new Float64Array(0),
  }),
  'run.masks': async () => ({
    widthPx: 2,
    heightPx: 2,
    predicted: new Uint8Array(4),
    confidence: null,
    groundTruth: new Uint8Array(4),
    placement: [0, 0, 2, 2],
  }),
  'run.openForeign': async () => run,
  'run.inside': async () => ({ epoch: 3, imageIds: [], layers: [] }),
  'run.layers': async () => ({
    tensors: [],
    epochs: new Float64Array(),
    weightNorms: new Float32Array(),
    gradientNorms: new Float32Array(),
  }),
  'run.layerSpread': async () => {
    const nothing = { low: new Float32Array(), high: new Float32Array(), shares: new Uint16Array() };
    return { name: 'conv1.weight', bins: 64, epochs: new Float64Array(), weights: nothing, gradients: nothing };
  },
  'run.features': async () => ({
    layer: 'conv1',
    shape: [1, 1, 1] as [number, number, number],
    values: Uint8Array.of(0),
    limits: Float32Array.of(0, 1),
  }),
  'run.answers': async () => ({
    epoch: 3,
    classes: dataset.categories.map(({ name, categoryId }) => ({ name, categoryId })),
    unit: 'images' as const,
    imageIds: Float64Array.of(image.imageId),
    cells: { starts: Uint32Array.of(0, 1), triples: Uint32Array.of(0, 0, 1) },
    sizes: null,
    precisionAtRecall: dataset.categories.map(() => null),
  }),
  'run.confusion': async () => ({
    classes: [
      { name: 'cat', categoryId: 1 as CategoryId },
      { name: 'dog', categoryId: 2 as CategoryId },
    ],
    unit: 'images',
    counts: [
      [7, 3],
      [5, 5],
    ],
  }),
  'weights.catalogue': async () => [],
  'tuning.start': async () => ({ ...sample.job, kind: 'tuning', unit: 'timings', tuning: null }),
  'tuning.get': async () => ({ isMeasured: false }),
  'tuning.forget': async () => ({}),
  'weights.download': async () => sample.job,
  'weights.remove': async () => ({}),
  'weights.inspect': async () => ({
    path: '/models/net.pth',
    format: 'pytorch',
    sizeBytes: 1000,
    sha256: 'a'.repeat(64),
    tensors: [{ name: 'conv1.weight', shape: [6, 3, 5, 5], dtype: 'float32' }],
    others: 0,
    metadata: {},
  }),
  'weights.fit': async () => null,
  'weights.ofRuns': async () => [],
  'run.report': async () => ({ text: '<!doctype html>' }),
  'run.compare': async () => ({
    runs: [run, { ...run, runId: 8 as RunId, name: 'second' }],
    metrics: [metricRow('test/accuracy', 'Test accuracy', [0.6, 0.65])],
    configuration: [{ path: 'model.options.batchNorm', label: 'Batch norm', values: ['off', 'on'] }],
  }),
};
