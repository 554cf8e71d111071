/** Every call of the contract, held against requests that do not fit: none of them may reach a handler. */
import { describe, expect, it, vi } from 'vitest';
import { usualSlurmSettings } from '../../src-main/contract/model/sweep.ts';
import { sampleProjectSet } from '../../src-main/contract/model/sample.ts';
import { FoveaError } from '../../src-main/contract/errors.ts';
import { callNames, type CallName } from '../../src-main/contract/ipc.ts';
import { dispatch } from '../../src-main/hosts/dispatch.ts';
import { createFakeBackend, sample } from '../helpers/fake-backend.ts';

const { projectId } = sample.project;
const { datasetId } = sample.dataset;
const { imageId } = sample.image;
const { runId } = sample.run;
const { jobId } = sample.job;
const filter = { splits: ['train'], categoryIds: [1] };
const page = { offset: 0, limit: 10 };
const inRun = { projectId, runId };
const inSweep = { projectId, sweepId: 1 };
const sweepPlan = sample.sweep.plan;

/** One request that fits, for every call. The fuzz below breaks it in one place at a time. */
const validRequests: Record<CallName, Record<string, unknown>> = {
  'app.capabilities': {},
  'settings.get': {},
  'settings.update': { patch: { theme: 'light', view: { panel: 300, folded: true, tab: 'x' } } },
  'dialog.choosePath': { title: 'Choose', kind: 'folder' },
  'files.list': { path: '/data', includeFiles: true },
  'project.recent': {},
  'project.create': { name: 'New', parentFolder: '/projects' },
  'project.open': { path: '/projects/sample' },
  'project.forget': { path: '/projects/sample' },
  'dataset.list': { projectId },
  'dataset.rename': { projectId, datasetId, name: 'Other' },
  'dataset.delete': { projectId, datasetId },
  'dataset.inspect': { path: '/data' },
  'dataset.import': { projectId, path: '/data', format: 'cifar10', name: 'Tiny' },
  'dataset.download': { projectId, source: 'cifar10' },
  'dataset.importSample': { projectId, set: sampleProjectSet },
  'dataset.facets': { projectId, datasetId, filter },
  'category.create': { projectId, datasetId: 1, name: 'bird' },
  'category.edit': { projectId, gestureId: 'a:9', datasetId, edit: { kind: 'merge', from: [1], into: 2 } },
  'category.usage': { projectId, datasetId },
  'image.list': { projectId, datasetId, filter, ...page },
  'image.get': { projectId, imageId },
  'dataset.exportReport': { projectId, datasetId, format: 'coco' },
  'dataset.export': { projectId, datasetId, format: 'coco', folder: '/tmp/out' },
  'image.annotations': { projectId, imageId },
  'annotation.open': { projectId, imageId },
  'annotation.reserveIds': { projectId, count: 100 },
  'annotation.apply': {
    ...{ projectId, gestureId: 'a:1', imageId, label: 'move', baseVersion: 0 },
    edits: [{ kind: 'remove', annotationId: 1 }],
  },
  'annotation.undo': { projectId, gestureId: 'a:2', target: 'a:1' },
  'annotation.redo': { projectId, gestureId: 'a:3', target: 'a:1' },
  'annotation.undoState': { projectId },
  'annotation.history': { projectId, imageId, ...page },
  'annotation.stateAt': { projectId, imageId, version: 1 },
  'annotation.restore': { projectId, gestureId: 'a:4', imageId, version: 1 },
  'annotation.copy': { projectId, gestureId: 'a:5', fromImageId: imageId, annotationIds: [1], toImageIds: [2] },
  'annotation.classify': { projectId, gestureId: 'a:6', imageIds: [1], categoryId: 1, mode: 'add' },
  'annotation.schema': { projectId, datasetId },
  'image.setReview': { projectId, gestureId: 'a:7', imageIds: [1], review: 'done' },
  'image.reviewCounts': { projectId, datasetId },
  'image.reviewQueue': { projectId, datasetId, states: ['to-do'], from: 1, direction: 'next', limit: 10 },
  'image.addTime': { projectId, imageId, durationMs: 100 },
  'cache.usage': { projectId },
  'cache.empty': { projectId },
  'image.ids': { projectId, datasetId, filter, offset: 0, limit: 50_000 },
  'image.tag': { projectId, datasetId, imageIds: [imageId], tag: 'night', on: true },
  'image.trash': { projectId, datasetId, imageIds: [imageId] },
  'trash.list': { projectId },
  'trash.labels': { projectId, offset: 0, limit: 10 },
  'trash.size': { projectId, item: { kind: 'run', runId } },
  'trash.restore': { projectId, item: { kind: 'dataset', datasetId } },
  'trash.empty': { projectId, item: { kind: 'images', entryId: 1 } },
  'split.preview': { projectId, datasetId, filter, plan: { kind: 'set', split: 'val' } },
  'split.assign': {
    ...{ projectId, datasetId, filter },
    plan: { kind: 'random', seed: 1, shares: { train: 0.8, val: 0.1, test: 0.1 } },
  },
  'split.changes': { projectId, datasetId },
  'split.undo': { projectId, changeId: 1 },
  'dataset.fingerprint': { projectId, datasetId },
  'dataset.duplicates': { projectId, datasetId },
  'dataset.health': { projectId, datasetId },
  'dataset.relink': { projectId, datasetId, folder: '/data', apply: false },
  'version.freeze': { projectId, datasetId },
  'version.list': { projectId, datasetId },
  'version.compare': { projectId, datasetId, first: 1, second: null },
  'view.list': { projectId, datasetId },
  'view.save': { projectId, datasetId, name: 'mine', filter, order: { by: 'name', descending: true } },
  'view.delete': { projectId, viewId: 1 },
  'label.list': { projectId, datasetId, filter, categoryId: 1, ...page },
  'label.sketches': { projectId, annotationIds: [1] },
  'annotation.relabel': { projectId, gestureId: 'g', annotationIds: [1], categoryId: 1 },
  'job.list': { projectId },
  'job.cancel': { jobId },
  'model.list': {},
  'model.describe': {
    modelId: 'lenet5',
    options: { batchNorm: true },
    inputShape: [3, 32, 32],
    categoryCount: 10,
    freeze: ['conv1'],
  },
  'device.list': { probe: true },
  'device.check': { device: 'cpu' },
  'device.cancelCheck': {},
  'device.checks': {},
  'run.template': { projectId, datasetId, modelId: 'lenet5' },
  'run.labels': { projectId, datasetId, split: 'train' },
  'run.check': { projectId, config: sample.config },
  'run.previewBatch': { projectId, config: sample.config, count: 8, epoch: 0 },
  'run.estimate': { projectId, config: sample.config },
  'run.start': { projectId, config: sample.config, name: 'first' },
  'run.predict': {
    ...inRun,
    checkpoint: 'best',
    paths: ['/photos'],
    scoreThreshold: 0.25,
    output: '/tmp/said.json',
    overwrite: false,
  },
  'predict.start': { ...inRun, checkpoint: 'best', paths: ['/photos'], tiles: { overlap: 0.25 } },
  'predict.list': { projectId },
  'predict.get': { projectId, predictionSetId: projectId },
  'predict.image': { projectId, predictionSetId: projectId, index: 0 },
  'predict.delete': { projectId, predictionSetId: projectId },
  'predict.write': {
    projectId,
    predictionSetId: projectId,
    form: 'coco',
    settings: { scoreThreshold: 0.25, iouThreshold: 0.7 },
    target: '/tmp/predictions',
  },
  'run.artifacts': { ...inRun, folder: '/runs' },
  'run.export': {
    ...inRun,
    checkpoint: 'best',
    form: { format: 'onnx', decisions: true, batchSize: 1 },
    file: '/tmp/net.onnx',
    overwrite: false,
  },
  'run.cancel': inRun,
  'run.intervene': { ...inRun, change: { kind: 'learning-rate', factor: 0.1 } },
  'run.history': inRun,
  'run.resume': inRun,
  'run.rename': { ...inRun, name: 'second' },
  'run.organise': { ...inRun, changes: { tags: ['a'], notes: 'b', pinned: true } },
  'run.delete': inRun,
  'run.restore': inRun,
  'run.queue': {},
  'run.moveInQueue': { ...inRun, before: null },
  'run.estimateTime': { projectId, config: sample.config },
  'run.setPriority': { ...inRun, priority: 1 },
  'sweep.preview': { projectId, plan: sweepPlan },
  'sweep.start': { projectId, name: 'Sweep', plan: sweepPlan },
  'sweep.list': { projectId },
  'sweep.get': inSweep,
  'sweep.rename': { ...inSweep, name: 'Other' },
  'sweep.cancel': inSweep,
  'sweep.resume': inSweep,
  'sweep.delete': inSweep,
  'sweep.restore': inSweep,
  'slurm.state': {},
  'slurm.script': { projectId, name: 'Sweep', runs: 4, settings: usualSlurmSettings },
  'run.pauseQueue': { paused: true },
  'run.list': { projectId },
  'run.get': inRun,
  'run.series': { ...inRun, series: ['train/loss'] },
  'run.log': inRun,
  'run.kernels': { ...inRun, checkpoint: 'best' },
  'run.predictions': {
    ...inRun,
    filter: { outcome: 'wrong', groundTruthCategoryId: 1, predictedCategoryId: 2, order: 'wrong-first' },
    ...page,
  },
  'run.scores': inRun,
  'run.pixels': inRun,
  'run.masks': { ...inRun, imageId },
  'run.boxes': { ...inRun, imageId },
  'run.detectionMeasures': { ...inRun, settings: { scoreThreshold: 0.25, iouThreshold: 0.7 } },
  'run.openForeign': { projectId: sample.project.projectId, datasetId: 1, folder: '/runs/train' },
  'run.layers': inRun,
  'run.layerSpread': { ...inRun, tensor: 'conv1.weight' },
  'run.inside': { ...inRun, checkpoint: 'best' },
  'run.features': { ...inRun, checkpoint: 'best', layer: 'conv1', imageId: 3 },
  'run.answers': inRun,
  'run.confusion': inRun,
  'preset.list': { projectId },
  'preset.save': { projectId, name: 'usual', config: sample.config },
  'preset.delete': { projectId, presetId: 1 },
  'weights.catalogue': { model: { id: 'unet', options: { encoder: 'resnet18' } } },
  'tuning.start': { projectId, config: sample.config },
  'tuning.get': {},
  'tuning.forget': {},
  'weights.download': { projectId, id: 'torchvision-resnet18' },
  'weights.remove': { id: 'torchvision-resnet18' },
  'weights.inspect': { path: '/models/resnet18.pth' },
  'weights.fit': { projectId, config: sample.config },
  'weights.ofRuns': { projectId, runIds: [runId] },
  'run.report': { projectId, runIds: [runId, 8], format: 'html' },
  'run.compare': { projectId, runIds: [runId, 8] },
};

type Path = (string | number)[];

/** A value of no schema in the contract: every field refuses it. */
const misfits: readonly unknown[] = [undefined, Symbol('misfit'), { misfit: {} }, [[[]]], Number.NaN, () => {}];

/** Paths of everything inside a value, the deepest last. */
function pathsOf(value: unknown, base: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, child]) => [[...base, key], ...pathsOf(child, [...base, key])]);
}

function withValue(request: object, path: Path, value: unknown): object {
  const copy = structuredClone(request);
  let owner = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) owner = owner[key] as Record<string | number, unknown>;
  owner[path.at(-1) as string | number] = value;
  return copy;
}

/** A patch may leave out every field, and an object without known fields is an empty patch; settings with a default may lack. */
const fitsAnyway = (name: CallName, path: Path, misfit: unknown) =>
  /^(config|plan\.base)\.(precision|monitoring(\.layers)?|patience)$/.test(path.join('.'))
    ? misfit === undefined
    : ['settings.update', 'run.organise'].includes(name) &&
      ['patch', 'changes'].includes(String(path[0])) &&
      (path.length > 1 ? path.length === 2 && misfit === undefined : typeof misfit === 'object');

describe.each(callNames)('%s', (name) => {
  const valid = validRequests[name];

  it('passes a request that fits to its handler', async () => {
    const backend = createFakeBackend();
    const envelope = await dispatch(backend.handlers, name, valid);
    expect(envelope).toMatchObject({ ok: true });
    expect(backend.requests).toEqual([{ name, request: valid }]);
  });

  it.each([null, undefined, 'text', 7, true, () => {}])('refuses %s as the whole request', async (request) => {
    const backend = createFakeBackend();
    const envelope = await dispatch(backend.handlers, name, request);
    expect(envelope).toMatchObject({ ok: false, error: { code: 'invalid-request', context: { call: name } } });
    expect(backend.requests).toEqual([]);
  });

  it('refuses a value of the wrong type in every place', async () => {
    const backend = createFakeBackend();
    for (const path of pathsOf(valid)) {
      for (const misfit of misfits) {
        if (fitsAnyway(name, path, misfit)) continue;
        const envelope = await dispatch(backend.handlers, name, withValue(valid, path, misfit));
        const where = `${name} with ${String(path.join('.'))} = ${String(misfit)}`;
        expect(envelope, where).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
      }
    }
    expect(backend.requests).toEqual([]);
  });

  it('drops what the schema does not name', async () => {
    const backend = createFakeBackend();
    await dispatch(backend.handlers, name, { ...valid, unasked: 'for' });
    expect(backend.requests).toEqual([{ name, request: valid }]);
  });
});

describe('an error message', () => {
  const refusal = async (name: string, request: unknown) => {
    const envelope = await dispatch(createFakeBackend().handlers, name, request);
    return envelope.ok ? null : envelope.error;
  };

  it('says which field, what is expected and what came', async () => {
    const request = { ...validRequests['image.list'], limit: 5000 };
    expect(await refusal('image.list', request)).toEqual({
      code: 'invalid-request',
      message: 'image.list: limit: expected <=1000, got 5000',
      context: { call: 'image.list', path: 'limit', expected: '<=1000', got: '5000' },
    });
  });

  it('names a field deep inside', async () => {
    const config = structuredClone(sample.config);
    Object.assign(config.phases[0]?.optimiser ?? {}, { beta1: 'high' });
    const error = await refusal('run.check', { projectId, config });
    expect(error?.message).toBe('run.check: config.phases.0.optimiser.beta1: expected number, got "high"');
  });

  it('names a check that has no expected value', async () => {
    const error = await refusal('dataset.list', { projectId: 'mine' });
    expect(error?.message).toBe('dataset.list: projectId: expected uuid, got "mine"');
  });

  it('quotes a long value only in part', async () => {
    const error = await refusal('files.list', { path: 'x'.repeat(100_000), includeFiles: true });
    expect(error?.message.length).toBeLessThan(200);
  });

  it.each(['project.destroy', '', '__proto__', 'constructor', 'toString'])(
    'refuses the unknown call "%s"',
    async (name) => {
      const error = await refusal(name, {});
      expect(error).toMatchObject({ code: 'invalid-request', message: `There is no call named ${name}.` });
    },
  );

  it.each([null, 7, ['run.list'], { toString: () => 'run.list' }])('refuses %s as a name', async (name) => {
    const envelope = await dispatch(createFakeBackend().handlers, name, { projectId });
    expect(envelope).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
  });
});

describe('what a handler throws', () => {
  const thrown = async (error: unknown) => {
    const backend = createFakeBackend({ 'run.list': () => Promise.reject(error) });
    return dispatch(backend.handlers, 'run.list', { projectId });
  };

  it('crosses with code, message and context', async () => {
    const error = new FoveaError('bad-input', 'batch.bin: truncated', { file: 'batch.bin', offset: 3073 });
    expect(await thrown(error)).toEqual({
      ok: false,
      error: { code: 'bad-input', message: 'batch.bin: truncated', context: { file: 'batch.bin', offset: 3073 } },
    });
  });

  it('becomes internal where it is not ours, and is logged with its stack', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    const error = new TypeError('x is not a function');
    expect(await thrown(error)).toEqual({
      ok: false,
      error: { code: 'internal', message: 'internal: x is not a function', context: {} },
    });
    expect(log).toHaveBeenCalledWith(error);
    log.mockRestore();
  });
});
