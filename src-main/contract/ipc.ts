/**
 * The bridge, as one map: every call and every event with the schemas of what travels. Preload, handler tables, the
 * WebSocket host and the renderer's client all derive from it; a missing handler does not compile, and a request that
 * does not fit its schema is refused before any handler sees it.
 */
import * as v from 'valibot';
import { datasetId, imageId, jobId, presetId, projectId, runId } from './model/ids.ts';
import { project, recentProject, settings } from './model/project.ts';
import { annotation } from './model/annotation.ts';
import { dataset, datasetFormat, facets, imageFilter, imageSummary, importReport } from './model/dataset.ts';
import { exportFormat, exportReport } from './model/dataset-export.ts';
import { job } from './model/job.ts';
import {
  checkpointName,
  confusionMatrix,
  device,
  logLine,
  modelOptions,
  prediction,
  predictionFilter,
  preset,
  runComparison,
  runConfig,
  runDetail,
  runProgress,
  runQueue,
  runSummary,
  seriesNames,
  timedPoint,
  type KernelSet,
  type Series,
} from './model/run.ts';
import { deviceCheck, deviceChecks, deviceInfo, memoryEstimate } from './model/device.ts';
import { knob, modelDescription, modelSummary } from './model/model-spec.ts';

const nothing = v.object({});
const inProject = { projectId };
const inRun = { projectId, runId };
const page = {
  offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
  limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)),
};
const path = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));
const name = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(200));
const tag = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(60));

export const capabilities = v.object({
  /** Native file dialogs exist; where not, the renderer offers its own folder browser over `files.list`. */
  nativeDialogs: v.boolean(),
  version: v.string(),
  platform: v.string(),
  cpuCount: v.number(),
  memoryBytes: v.number(),
});
export type Capabilities = v.InferOutput<typeof capabilities>;

export const folderListing = v.object({
  path: v.string(),
  parent: v.nullable(v.string()),
  entries: v.array(v.object({ name: v.string(), path: v.string(), kind: v.picklist(['folder', 'file']) })),
});
export type FolderListing = v.InferOutput<typeof folderListing>;

/** Types of responses with typed arrays, which schemas cannot express compactly, are given with `v.custom`. */
const kernelSets = v.custom<readonly KernelSet[]>((value) => Array.isArray(value));
const seriesList = v.custom<readonly Series[]>((value) => Array.isArray(value));

export const calls = {
  'app.capabilities': { request: nothing, response: capabilities },
  'settings.get': { request: nothing, response: settings },
  'settings.update': { request: v.object({ patch: v.partial(settings) }), response: settings },
  /** Asks the person for a path with the system's dialog; null when they cancel. Only with `nativeDialogs`. */
  'dialog.choosePath': {
    request: v.object({ title: v.string(), kind: v.picklist(['folder', 'file', 'file-or-folder']) }),
    response: v.nullable(v.string()),
  },
  /** Folders (and files where asked) below a path; the person's home where the path is null. */
  'files.list': { request: v.object({ path: v.nullable(path), includeFiles: v.boolean() }), response: folderListing },

  'project.recent': { request: nothing, response: v.array(recentProject) },
  'project.create': { request: v.object({ name, parentFolder: path }), response: project },
  'project.open': { request: v.object({ path }), response: project },
  /** Takes it off the list of recent projects; touches no file. */
  'project.forget': { request: v.object({ path }), response: nothing },

  'dataset.list': { request: v.object(inProject), response: v.array(dataset) },
  'dataset.rename': { request: v.object({ ...inProject, datasetId, name }), response: dataset },
  'dataset.delete': { request: v.object({ ...inProject, datasetId }), response: nothing },
  /** Dry run: what is there, in which format (or in the one that is given), and what is wrong with it. Writes nothing. */
  'dataset.inspect': { request: v.object({ path, format: v.optional(datasetFormat) }), response: importReport },
  'dataset.import': {
    request: v.object({
      ...inProject,
      path,
      format: datasetFormat,
      name,
      /** Copies image files into the project; otherwise they are referenced where they are. */
      copyFiles: v.optional(v.boolean()),
    }),
    response: job,
  },
  /** Downloads CIFAR-10 from its official address (checked by md5), then imports it. Resumes a partial download. */
  'dataset.download': { request: v.object({ ...inProject, source: v.literal('cifar10') }), response: job },
  'dataset.exportReport': {
    request: v.object({ ...inProject, datasetId, format: exportFormat }),
    response: exportReport,
  },
  /** Writes labels and copies of the images into a folder, which must not exist yet or be empty. */
  'dataset.export': {
    request: v.object({ ...inProject, datasetId, format: exportFormat, folder: path }),
    response: job,
  },
  'dataset.facets': { request: v.object({ ...inProject, datasetId, filter: imageFilter }), response: facets },

  'image.list': {
    request: v.object({ ...inProject, datasetId, filter: imageFilter, ...page }),
    response: v.object({ total: v.number(), items: v.array(imageSummary) }),
  },
  'image.get': { request: v.object({ ...inProject, imageId }), response: imageSummary },
  /** The image's labels with everything that is known of them, oldest first. */
  'image.annotations': { request: v.object({ ...inProject, imageId }), response: v.array(annotation) },

  'job.list': { request: v.object(inProject), response: v.array(job) },
  'job.cancel': { request: v.object({ jobId }), response: nothing },

  'model.list': { request: nothing, response: v.array(modelSummary) },
  'model.describe': {
    request: v.object({
      modelId: v.string(),
      options: modelOptions,
      inputShape: v.pipe(v.array(v.number()), v.length(3)),
      categoryCount: v.number(),
      freeze: v.array(v.string()),
    }),
    response: modelDescription,
  },
  /**
   * What a run can train on. With `probe` a child process makes a session on each device first (about a second; once a
   * start of the app is enough); without, the answer comes at once and says what is known so far.
   */
  'device.list': { request: v.object({ probe: v.boolean() }), response: v.array(deviceInfo) },
  /**
   * Compares the device's numbers with the CPU's and measures its speed, in a child process. Answers when it has begun;
   * `device.checkChanged` tells the rest. Throws `busy` while a check is running.
   */
  'device.check': { request: v.object({ device }), response: deviceCheck },
  /** Resolves when the check has ended; no-op where none is running. */
  'device.cancelCheck': { request: nothing, response: nothing },
  /** The last check of each device, also from earlier starts of the app, and which device to train on. */
  'device.checks': { request: nothing, response: deviceChecks },

  /** Every setting of a run of this model, with default and explanation; the defaults together as a configuration. */
  'run.template': {
    request: v.object({ ...inProject, datasetId, modelId: v.string() }),
    response: v.object({ knobs: v.array(knob), config: runConfig }),
  },
  /** What would stop or spoil the run, before it starts. */
  'run.check': {
    request: v.object({ ...inProject, config: runConfig }),
    response: v.array(
      v.object({
        severity: v.picklist(['error', 'warning', 'note']),
        message: v.string(),
        /** The setting it is about, as its knob's path; absent where it is about the run as a whole. */
        path: v.optional(v.string()),
      }),
    ),
  },
  /** The memory that the run will need, worked out from its training graph (a second for a large network). */
  'run.estimate': { request: v.object({ ...inProject, config: runConfig }), response: memoryEstimate },
  'run.start': { request: v.object({ ...inProject, config: runConfig, name: v.nullable(name) }), response: runSummary },
  'run.cancel': { request: v.object(inRun), response: nothing },
  /** Goes on from the last checkpoint. */
  'run.resume': { request: v.object(inRun), response: runSummary },
  'run.rename': { request: v.object({ ...inRun, name }), response: runSummary },
  /** What is not named stays as it is. A tag that is there twice is kept once. */
  'run.organise': {
    request: v.object({
      ...inRun,
      changes: v.partial(
        v.object({
          tags: v.pipe(v.array(tag), v.maxLength(50)),
          notes: v.pipe(v.string(), v.maxLength(20_000)),
          pinned: v.boolean(),
          archived: v.boolean(),
        }),
      ),
    }),
    response: runSummary,
  },
  /** Out of all lists. Until the project is opened the next time, `run.restore` brings it back. */
  'run.delete': { request: v.object(inRun), response: nothing },
  'run.restore': { request: v.object(inRun), response: runSummary },
  'run.queue': { request: nothing, response: runQueue },
  /** Before another waiting run; at the end where that is null or no longer waits. No-op where the run itself does not wait. */
  'run.moveInQueue': {
    request: v.object({ ...inRun, before: v.nullable(v.object({ projectId, runId })) }),
    response: runQueue,
  },
  /** Lets no waiting run begin; those that train go on. */
  'run.pauseQueue': { request: v.object({ paused: v.boolean() }), response: runQueue },
  'run.list': { request: v.object(inProject), response: v.array(runSummary) },
  'run.get': { request: v.object(inRun), response: runDetail },
  'run.series': { request: v.object({ ...inRun, series: v.array(v.picklist(seriesNames)) }), response: seriesList },
  'run.log': { request: v.object(inRun), response: v.array(logLine) },
  'run.kernels': { request: v.object({ ...inRun, checkpoint: checkpointName }), response: kernelSets },
  'run.predictions': {
    request: v.object({ ...inRun, filter: predictionFilter, ...page }),
    response: v.object({ total: v.number(), epoch: v.number(), items: v.array(prediction) }),
  },
  'run.confusion': { request: v.object(inRun), response: confusionMatrix },
  'preset.list': { request: v.object(inProject), response: v.array(preset) },
  /** Replaces the one of that name. */
  'preset.save': { request: v.object({ ...inProject, name, config: runConfig }), response: preset },
  'preset.delete': { request: v.object({ ...inProject, presetId }), response: nothing },
  'run.compare': {
    request: v.object({ ...inProject, runIds: v.pipe(v.array(runId), v.minLength(2), v.maxLength(8)) }),
    response: runComparison,
  },
  /** The comparison as one document with its curves as SVG, to be kept and sent; needs no network. */
  'run.report': {
    request: v.object({
      ...inProject,
      runIds: v.pipe(v.array(runId), v.minLength(2), v.maxLength(8)),
      format: v.picklist(['html', 'markdown']),
    }),
    response: v.object({ text: v.string() }),
  },
} as const;

export const events = {
  'job.changed': job,
  'dataset.changed': v.object({ projectId }),
  'run.changed': v.object({ projectId, summary: runSummary }),
  'run.removed': v.object({ projectId, runId }),
  'run.queueChanged': runQueue,
  'run.progress': v.object({ projectId, progress: runProgress }),
  'run.points': v.object({ projectId, runId, points: v.array(timedPoint) }),
  'run.log': v.object({ projectId, runId, lines: v.array(logLine) }),
  'device.checkChanged': deviceCheck,
  'settings.changed': settings,
} as const;

export type CallName = keyof typeof calls;
export type EventName = keyof typeof events;
export type Calls = {
  [C in CallName]: {
    request: v.InferOutput<(typeof calls)[C]['request']>;
    response: v.InferOutput<(typeof calls)[C]['response']>;
  };
};
export type Events = { [E in EventName]: v.InferOutput<(typeof events)[E]> };
export type Handlers = { [C in CallName]: (request: Calls[C]['request']) => Promise<Calls[C]['response']> };
export type Emit = <E extends EventName>(event: E, payload: Events[E]) => void;

export const callNames = Object.keys(calls) as CallName[];
export const eventNames = Object.keys(events) as EventName[];

/**
 * Addresses of pictures, relative to the page, the same in every host.
 * thumbnail: the image at its own size, or scaled down to at most 256 px; image: at full size. Both upright.
 * cover: picture of a recent project, open or not (its first images in a mosaic); `not-found` while it has no image.
 */
export const mediaUrl = {
  cover: (project: string): string => `media/${project}/cover`,
  /** Up to 100 tiny images in one PNG; see model/thumbnail-sheet.ts. */
  sheet: (project: string, images: readonly number[]): string => `media/${project}/sheet/${images.join('.')}`,
  thumbnail: (project: string, image: number): string => `media/${project}/thumbnail/${image}`,
  image: (project: string, image: number): string => `media/${project}/image/${image}`,
};
