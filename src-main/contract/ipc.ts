/**
 * The bridge, as one map: every call and every event with the schemas of what travels. Preload, handler tables, the
 * WebSocket host and the renderer's client all derive from it; a missing handler does not compile, and a request that
 * does not fit its schema is refused before any handler sees it.
 */
import * as v from 'valibot';
import {
  annotationId,
  categoryId,
  datasetId,
  datasetVersionId,
  imageId,
  jobId,
  predictionSetId,
  presetId,
  projectId,
  runId,
  savedViewId,
  splitChangeId,
  sweepId,
} from './model/ids.ts';
import { cacheUsage, project, recentProject, settings } from './model/project.ts';
import { annotation, reviewState } from './model/annotation.ts';
import {
  annotationEdit,
  applyResult,
  changeResult,
  gestureId,
  historyEntry,
  imageChange,
  labelSchema,
  labelState,
  undoState,
} from './model/annotation-edit.ts';
import {
  category,
  dataset,
  datasetFormat,
  facets,
  imageFilter,
  imageOrder,
  savedView,
  imageSummary,
  importReport,
  split,
} from './model/dataset.ts';
import { classEdit, classUsage } from './model/class-edit.ts';
import { exportFormat, exportReport } from './model/dataset-export.ts';
import { intervention } from './model/intervention.ts';
import { tiling, type Seen } from './model/image-prediction.ts';
import { job } from './model/job.ts';
import { predictionForms, predictionSet, type OpenPredictionSet } from './model/prediction-set.ts';
import {
  datasetHealth,
  datasetVersion,
  labelCrop,
  relinkReport,
  trashItem,
  trashKey,
  versionComparison,
} from './model/library.ts';
import { duplicateReport, splitChange, splitPlan, splitPreview } from './model/splits.ts';
import type { FeatureMaps, NetworkInside } from './model/network-inside.ts';
import { runHistory, type LayerNorms, type TensorSpread } from './model/monitoring.ts';
import { exportedModel, exportForm } from './model/run-export.ts';
import { sampleSet } from './model/sample.ts';
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
import { slurmSettings, slurmState, sweep, sweepPlan, sweepPreview, timeEstimate } from './model/sweep.ts';
import { labelStatistics } from './model/label-statistics.ts';
import {
  detectionSettings,
  type ClassAnswers,
  type DetectionReport,
  type ImageBoxes,
  type ImageMasks,
  type ImageScores,
  type PixelResults,
} from './model/run-results.ts';
import { deviceCheck, deviceChecks, deviceInfo, memoryEstimate } from './model/device.ts';
import { catalogueState, provenance, weightsFile, weightsFit, weightsListing } from './model/weights.ts';
import { knob, modelDescription, modelSummary } from './model/model-spec.ts';
import type { PreviewBatch } from './model/preview-batch.ts';

const nothing = v.object({});
const inProject = { projectId };
const inRun = { projectId, runId };
/** A past epoch that the run has kept (`run.history`); absent or null: as things are now. */
const inEpoch = { ...inRun, epoch: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0)))) };
const inSweep = { projectId, sweepId };
const byGesture = { projectId, gestureId };
const someImages = v.pipe(v.array(imageId), v.minLength(1), v.maxLength(1000));
const page = {
  offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
  limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)),
};
const path = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));
const name = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(200));
const tag = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(60));

/** The images of the filter, or of these only those that are named. */
const splitScope = { datasetId, filter: imageFilter, imageIds: v.optional(v.array(imageId)) };
const exportScope = {
  /** Only these images. */
  filter: v.optional(imageFilter),
  /** Leaves out images that nobody labelled. */
  labelledOnly: v.optional(v.boolean()),
};

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

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
/** Types of responses with typed arrays, which schemas cannot express compactly, are given with `v.custom`. */
const kernelSets = v.custom<readonly KernelSet[]>((value) => Array.isArray(value));
const imageScores = v.custom<ImageScores>(isObject);
const previewBatch = v.nullable(v.custom<PreviewBatch>(isObject));
const pixelResults = v.custom<PixelResults>(isObject);
const imageMasks = v.custom<ImageMasks>(isObject);
const seen = v.custom<Seen>(isObject);
const openPredictionSet = v.custom<OpenPredictionSet>(isObject);
const imageBoxes = v.custom<ImageBoxes>(isObject);
const detectionMeasures = v.custom<DetectionReport>(isObject);
const networkInside = v.custom<NetworkInside>(isObject);
const featureMaps = v.custom<FeatureMaps>(isObject);
const layerNorms = v.custom<LayerNorms>(isObject);
const tensorSpread = v.custom<TensorSpread>(isObject);
const classAnswers = v.custom<ClassAnswers>(isObject);
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

  /** What the project's thumbnails and tiles take on disk, and may take. */
  'cache.usage': { request: v.object(inProject), response: cacheUsage },
  /** Deletes them; each is made again when it is looked at. */
  'cache.empty': { request: v.object(inProject), response: cacheUsage },

  'dataset.list': { request: v.object(inProject), response: v.array(dataset) },
  'dataset.rename': { request: v.object({ ...inProject, datasetId, name }), response: dataset },
  /** Into the trash, see `trash.restore`. */
  'dataset.delete': { request: v.object({ ...inProject, datasetId }), response: nothing },
  /**
   * Dry run: what is there, in which format (or in the one that is given), and what is wrong with it. Writes nothing.
   * `labelSource` is one of those that an earlier report names.
   */
  'dataset.inspect': {
    request: v.object({ path, format: v.optional(datasetFormat), labelSource: v.optional(path) }),
    response: importReport,
  },
  'dataset.import': {
    request: v.object({
      ...inProject,
      path,
      format: datasetFormat,
      labelSource: v.optional(path),
      name,
      /** Copies image files into the project; otherwise they are referenced where they are. */
      copyFiles: v.optional(v.boolean()),
    }),
    response: job,
  },
  /** Downloads CIFAR-10 from its official address (checked by md5), then imports it. Resumes a partial download. */
  'dataset.download': { request: v.object({ ...inProject, source: v.literal('cifar10') }), response: job },
  /** Draws a data set by itself, seeded, and imports it. */
  'dataset.importSample': { request: v.object({ ...inProject, set: sampleSet }), response: job },
  'dataset.exportReport': {
    request: v.object({ ...inProject, datasetId, format: exportFormat, ...exportScope }),
    response: exportReport,
  },
  /** Writes labels and copies of the images into a folder, which must not exist yet or be empty. */
  'dataset.export': {
    request: v.object({ ...inProject, datasetId, format: exportFormat, ...exportScope, folder: path }),
    response: job,
  },
  'dataset.facets': { request: v.object({ ...inProject, datasetId, filter: imageFilter }), response: facets },

  /** A class more, at the end of the data set's list. Throws `already-exists` for a name that is taken. */
  'category.create': { request: v.object({ ...inProject, datasetId, name }), response: category },
  /**
   * Changes classes, and the labels that go with them; one step of undo. Throws `already-exists` for a name that is taken,
   * `bad-input` for an edit that cannot be made.
   */
  'category.edit': { request: v.object({ ...byGesture, datasetId, edit: classEdit }), response: changeResult },
  /** Of each class that has labels, how many, on how many images. */
  'category.usage': { request: v.object({ ...inProject, datasetId }), response: v.array(classUsage) },

  'image.list': {
    request: v.object({ ...inProject, datasetId, filter: imageFilter, order: v.optional(imageOrder), ...page }),
    response: v.object({ total: v.number(), items: v.array(imageSummary) }),
  },
  'image.get': { request: v.object({ ...inProject, imageId }), response: imageSummary },
  /** The image's labels with everything that is known of them, oldest first. */
  'image.annotations': { request: v.object({ ...inProject, imageId }), response: v.array(annotation) },

  /** An image's labels with their version, for the editor. */
  'annotation.open': { request: v.object({ ...inProject, imageId }), response: labelState },
  /** Ids for labels to come, which nobody else will get: `first`, `first + 1` … */
  'annotation.reserveIds': {
    request: v.object({ ...inProject, count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000)) }),
    response: v.object({ first: annotationId }),
  },
  /**
   * Saves a gesture, in one transaction that is on the disk when this answers. A gesture that was saved before is not
   * saved again, and answered as it was then. Throws `bad-input` for an edit that does not fit (a class of another data
   * set, a mask of another size, a label that is not there).
   */
  'annotation.apply': {
    request: v.object({
      ...byGesture,
      imageId,
      /** What undo calls it: "move box". */
      label: name,
      baseVersion: v.pipe(v.number(), v.integer(), v.minValue(0)),
      edits: v.pipe(v.array(annotationEdit), v.minLength(1)),
    }),
    response: applyResult,
  },
  /**
   * Takes back the project's newest gesture that is not undone, on whichever images it was. With `target` only if it is
   * that one. `gestureId` is the undo's own.
   */
  'annotation.undo': { request: v.object({ ...byGesture, target: v.nullable(gestureId) }), response: changeResult },
  /** The opposite. There is nothing to redo once something else was changed after the undo. */
  'annotation.redo': { request: v.object({ ...byGesture, target: v.nullable(gestureId) }), response: changeResult },
  /** Newest first. */
  'annotation.history': {
    request: v.object({ ...inProject, imageId, ...page }),
    response: v.object({ total: v.number(), items: v.array(historyEntry) }),
  },
  /** The image's labels as they were at a version of its history; 0 is before the first change. */
  'annotation.stateAt': {
    request: v.object({ ...inProject, imageId, version: v.number() }),
    response: v.array(annotation),
  },
  /** Makes the labels what they were at a version; a change like any other, with an undo of its own. */
  'annotation.restore': { request: v.object({ ...byGesture, imageId, version: v.number() }), response: changeResult },
  /** Adds copies of an image's labels (null: all of them) to others, cut to each image's size; one step of undo. */
  'annotation.copy': {
    request: v.object({
      ...byGesture,
      fromImageId: imageId,
      annotationIds: v.nullable(v.array(annotationId)),
      toImageIds: someImages,
    }),
    response: changeResult,
  },
  /** Classes of whole images. only: this one instead of all others. */
  'annotation.classify': {
    request: v.object({
      ...byGesture,
      imageIds: someImages,
      categoryId,
      mode: v.picklist(['only', 'add', 'remove']),
      /** Sets the review state as well, in the same step. */
      review: v.optional(reviewState),
    }),
    response: changeResult,
  },
  /** Gives labels another class, or removes them (null); one step of undo. */
  'annotation.relabel': {
    request: v.object({
      ...byGesture,
      annotationIds: v.pipe(v.array(annotationId), v.minLength(1), v.maxLength(10_000)),
      categoryId: v.nullable(categoryId),
    }),
    response: changeResult,
  },
  'annotation.schema': { request: v.object({ ...inProject, datasetId }), response: labelSchema },
  'annotation.undoState': { request: v.object(inProject), response: undoState },

  'image.setReview': {
    request: v.object({ ...byGesture, imageIds: someImages, review: reviewState }),
    response: changeResult,
  },
  /** How many images of a data set are in each state. */
  'image.reviewCounts': {
    request: v.object({ ...inProject, datasetId }),
    response: v.record(reviewState, v.number()),
  },
  /** The next images (or the previous ones, nearest first) in one of these states, in the data set's order. */
  'image.reviewQueue': {
    request: v.object({
      ...inProject,
      datasetId,
      states: v.array(reviewState),
      /** Null: from the beginning, or from the end. */
      from: v.nullable(imageId),
      direction: v.picklist(['next', 'previous']),
      limit: page.limit,
    }),
    response: v.object({ imageIds: v.array(imageId) }),
  },
  /** Adds to the time that was spent on an image; answers with the sum. */
  'image.addTime': {
    request: v.object({ ...inProject, imageId, durationMs: v.pipe(v.number(), v.minValue(0), v.maxValue(3_600_000)) }),
    response: v.object({ timeMs: v.number() }),
  },

  /** Ids of the images at these places of the view; of thousands at once, for a selection. */
  'image.ids': {
    request: v.object({
      ...inProject,
      datasetId,
      filter: imageFilter,
      order: v.optional(imageOrder),
      offset: page.offset,
      limit: v.pipe(v.number(), v.integer(), v.minValue(1)),
    }),
    response: v.object({ total: v.number(), imageIds: v.array(imageId) }),
  },
  /** Gives images a tag, or takes it from them; answers with those that were changed by it, so that it can be undone. */
  'image.tag': {
    request: v.object({
      ...inProject,
      datasetId,
      imageIds: v.pipe(v.array(imageId), v.minLength(1)),
      tag,
      on: v.boolean(),
    }),
    response: v.object({ imageIds: v.array(imageId) }),
  },
  /** Out of all lists, restorable until the trash is emptied; null where none of them was there. */
  'image.trash': {
    request: v.object({ ...inProject, datasetId, imageIds: v.pipe(v.array(imageId), v.minLength(1)) }),
    response: v.nullable(trashItem),
  },
  /** Newest first. Runs have a trash of their own, `run.restore`. */
  'trash.list': { request: v.object(inProject), response: v.array(trashItem) },
  'trash.restore': { request: v.object({ ...inProject, item: trashKey }), response: nothing },
  /** For good: what is named, or everything. */
  'trash.empty': { request: v.object({ ...inProject, item: v.nullable(trashKey) }), response: nothing },

  'split.preview': { request: v.object({ ...inProject, ...splitScope, plan: splitPlan }), response: splitPreview },
  /** Null where every image is in its split already. */
  'split.assign': {
    request: v.object({ ...inProject, ...splitScope, plan: splitPlan }),
    response: v.nullable(splitChange),
  },
  /** Newest first. */
  'split.changes': { request: v.object({ ...inProject, datasetId }), response: v.array(splitChange) },
  'split.undo': { request: v.object({ ...inProject, changeId: splitChangeId }), response: nothing },
  /** Looks at every image that was not looked at before; `dataset.duplicates` then knows the result. */
  'dataset.fingerprint': { request: v.object({ ...inProject, datasetId }), response: job },
  /** Images that are the same or look alike, as far as they were looked at. */
  'dataset.duplicates': { request: v.object({ ...inProject, datasetId }), response: duplicateReport },
  'dataset.health': { request: v.object({ ...inProject, datasetId }), response: datasetHealth },
  /** Looks for a data set's image files in another folder; with `apply` they are taken from there from now on. */
  'dataset.relink': {
    request: v.object({ ...inProject, datasetId, folder: path, apply: v.boolean() }),
    response: relinkReport,
  },
  /** Records the state of a data set's images and labels; the same state twice is one version. */
  'version.freeze': { request: v.object({ ...inProject, datasetId }), response: job },
  /** Newest first. */
  'version.list': { request: v.object({ ...inProject, datasetId }), response: v.array(datasetVersion) },
  /** Null stands for the state now. */
  'version.compare': {
    request: v.object({
      ...inProject,
      datasetId,
      first: v.nullable(datasetVersionId),
      second: v.nullable(datasetVersionId),
    }),
    response: versionComparison,
  },
  'view.list': { request: v.object({ ...inProject, datasetId }), response: v.array(savedView) },
  /** Replaces the one of that name. */
  'view.save': {
    request: v.object({ ...inProject, datasetId, name, filter: imageFilter, order: imageOrder }),
    response: savedView,
  },
  'view.delete': { request: v.object({ ...inProject, viewId: savedViewId }), response: nothing },
  /** Labels of a class on the images of a filter, each with its place in its image. */
  'label.list': {
    request: v.object({ ...inProject, datasetId, filter: imageFilter, categoryId, ...page }),
    response: v.object({ total: v.number(), items: v.array(labelCrop) }),
  },

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
  /** What the labels of a split are: which tasks they suit, and how often each class occurs. */
  'run.labels': { request: v.object({ ...inProject, datasetId, split }), response: labelStatistics },
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
  /**
   * The first training images of an epoch with their labels, as the run would make them. Null where another preview is
   * asked for meanwhile.
   */
  'run.previewBatch': {
    request: v.object({
      ...inProject,
      config: runConfig,
      count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(64)),
      epoch: v.pipe(v.number(), v.integer(), v.minValue(0)),
    }),
    response: previewBatch,
  },
  /** The memory that the run will need, worked out from its training graph (a second for a large network). */
  'run.estimate': { request: v.object({ ...inProject, config: runConfig }), response: memoryEstimate },
  /** Makes a few steps of the run's training in a child process and says from them how long it will take. */
  'run.estimateTime': { request: v.object({ ...inProject, config: runConfig }), response: timeEstimate },
  'run.start': { request: v.object({ ...inProject, config: runConfig, name: v.nullable(name) }), response: runSummary },
  'run.cancel': { request: v.object(inRun), response: nothing },
  /** Changes a run while it trains; it takes effect a moment later, and `run.changed` tells of it. Throws `busy` for others. */
  'run.intervene': { request: v.object({ ...inRun, change: intervention }), response: nothing },
  /** Goes on from the last checkpoint. */
  'run.resume': { request: v.object(inRun), response: runSummary },
  /** Writes the network as a checkpoint has it into a file, in a child process, and says how it compares with the app's own. */
  'run.export': {
    request: v.object({ ...inRun, checkpoint: checkpointName, form: exportForm, file: path, overwrite: v.boolean() }),
    response: exportedModel,
  },
  /**
   * Has the network look at image files, and at those in folders, and writes what it says of them (PredictionDocument) into
   * `output`, a .json file. Boxes below `scoreThreshold` are left out.
   */
  'run.predict': {
    request: v.object({
      ...inRun,
      checkpoint: checkpointName,
      paths: v.pipe(v.array(path), v.minLength(1), v.maxLength(10_000)),
      scoreThreshold: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
      /** Large images in tiles, at their own size; null or absent: made to fit. */
      tiles: v.optional(v.nullable(tiling)),
      output: path,
      overwrite: v.boolean(),
    }),
    response: job,
  },
  /** The same, kept in the project: what it says of each image can be asked for as soon as it has been looked at. */
  'predict.start': {
    request: v.object({
      ...inRun,
      checkpoint: checkpointName,
      paths: v.pipe(v.array(path), v.minLength(1), v.maxLength(10_000)),
      tiles: v.nullable(tiling),
    }),
    response: v.object({ predictionSetId, job }),
  },
  /** Newest first. */
  'predict.list': { request: v.object(inProject), response: v.array(predictionSet) },
  'predict.get': { request: v.object({ ...inProject, predictionSetId }), response: openPredictionSet },
  /** `index`: place in the set's images. */
  'predict.image': {
    request: v.object({ ...inProject, predictionSetId, index: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
    response: seen,
  },
  /** For good; the image files are not touched. */
  'predict.delete': { request: v.object({ ...inProject, predictionSetId }), response: nothing },
  /** Into `target`: a new .json file for `json`, a new or empty folder for the others. */
  'predict.write': {
    request: v.object({
      ...inProject,
      predictionSetId,
      form: v.picklist(predictionForms),
      settings: detectionSettings,
      target: path,
    }),
    response: job,
  },
  /** Writes what people know of a run from other tools into a new folder below `folder`, and gives its path; `leftOut` says what could not be made. */
  'run.artifacts': {
    request: v.object({ ...inRun, folder: path }),
    response: v.object({ folder: v.string(), leftOut: v.array(v.string()) }),
  },
  /** A run that another tool has trained (args.yaml, results.csv), to be compared; `datasetId`: what it was trained on. */
  'run.openForeign': { request: v.object({ ...inProject, datasetId, folder: path }), response: runSummary },
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
  /** Before runs of a lower one, behind those of its own; one that does not wait keeps it for later. */
  'run.setPriority': {
    request: v.object({ ...inRun, priority: v.pipe(v.number(), v.integer(), v.minValue(-1), v.maxValue(1)) }),
    response: runSummary,
  },
  /** Lets no waiting run begin; those that train go on. */
  'run.pauseQueue': { request: v.object({ paused: v.boolean() }), response: runQueue },
  'run.list': { request: v.object(inProject), response: v.array(runSummary) },
  'run.get': { request: v.object(inRun), response: runDetail },
  'run.series': { request: v.object({ ...inRun, series: v.array(v.picklist(seriesNames)) }), response: seriesList },
  'run.log': { request: v.object(inRun), response: v.array(logLine) },
  'run.history': { request: v.object(inRun), response: runHistory },
  /** Of a past epoch those of the first layers only. */
  'run.kernels': { request: v.object({ ...inEpoch, checkpoint: checkpointName }), response: kernelSets },
  'run.predictions': {
    request: v.object({ ...inEpoch, filter: predictionFilter, ...page }),
    response: v.object({ total: v.number(), epoch: v.number(), items: v.array(prediction) }),
  },
  /** How well each image of the evaluation split was done, for every task. */
  'run.scores': { request: v.object(inEpoch), response: imageScores },
  /** Of a segmentation: which pixels of which class were called what, image by image. */
  'run.pixels': { request: v.object(inEpoch), response: pixelResults },
  'run.masks': { request: v.object({ ...inEpoch, imageId }), response: imageMasks },
  /** Of a detection: its measures, worked out anew from its predictions in a child process. */
  'run.detectionMeasures': {
    request: v.object({ ...inEpoch, settings: detectionSettings }),
    response: detectionMeasures,
  },
  'run.boxes': { request: v.object({ ...inEpoch, imageId }), response: imageBoxes },
  /** How the values of each layer are spread over some images of the evaluation split, in a child process. */
  'run.inside': { request: v.object({ ...inRun, checkpoint: checkpointName }), response: networkInside },
  'run.features': {
    request: v.object({ ...inRun, checkpoint: checkpointName, layer: v.string(), imageId }),
    response: featureMaps,
  },
  /** What was measured of the layers after each epoch. Throws `not-found` for a run whose layers were not watched. */
  'run.layers': { request: v.object(inRun), response: layerNorms },
  'run.layerSpread': { request: v.object({ ...inRun, tensor: v.string() }), response: tensorSpread },
  'run.answers': { request: v.object(inEpoch), response: classAnswers },
  'run.confusion': { request: v.object(inEpoch), response: confusionMatrix },
  /** Published weights for a network (those that suit it, and all others), and which of them are here. */
  'weights.catalogue': {
    request: v.object({ model: runConfig.entries.model }),
    response: v.array(catalogueState),
  },
  /** Into the person's own folder for weights, checked by the publisher's hash. Resumes a partial download. */
  'weights.download': { request: v.object({ ...inProject, id: v.string() }), response: job },
  /** Deletes a downloaded file; runs that were started from it keep what they learned. */
  'weights.remove': { request: v.object({ id: v.string() }), response: nothing },
  /** What a weights file holds. Executes nothing of it. */
  'weights.inspect': { request: v.object({ path }), response: weightsListing },
  /** What of the weights fits the network; null from scratch, or where the network cannot be planned yet. */
  'weights.fit': {
    request: v.object({ ...inProject, config: runConfig }),
    response: v.nullable(v.object({ file: weightsFile, fit: weightsFit })),
  },
  /** What runs started from, in the order asked; null for those that have not begun, or of which it is not recorded. */
  'weights.ofRuns': {
    request: v.object({ ...inProject, runIds: v.pipe(v.array(runId), v.maxLength(100)) }),
    response: v.array(v.nullable(provenance)),
  },
  /** What a sweep would come to: its trials, and what is wrong with them. Throws `bad-input` for a plan that cannot be. */
  'sweep.preview': { request: v.object({ ...inProject, plan: sweepPlan }), response: sweepPreview },
  /** Makes all its runs and gives them to the queue, or to Slurm as a job array. */
  'sweep.start': { request: v.object({ ...inProject, name, plan: sweepPlan }), response: sweep },
  /** Newest first. */
  'sweep.list': { request: v.object(inProject), response: v.array(sweep) },
  'sweep.get': { request: v.object(inSweep), response: sweep },
  'sweep.rename': { request: v.object({ ...inSweep, name }), response: sweep },
  /** Its waiting and training runs; each keeps a checkpoint where it has one. */
  'sweep.cancel': { request: v.object(inSweep), response: nothing },
  /** Everything of it that is not finished and can go on; what trains or waits is left alone. */
  'sweep.resume': { request: v.object(inSweep), response: sweep },
  /** With its runs, and as these restorable until the project is opened the next time. Throws `busy` while one trains. */
  'sweep.delete': { request: v.object(inSweep), response: nothing },
  'sweep.restore': { request: v.object(inSweep), response: sweep },
  /** Whether jobs can be given to Slurm from here. */
  'slurm.state': { request: nothing, response: slurmState },
  /** The script that sbatch would be given for so many runs. */
  'slurm.script': {
    request: v.object({ ...inProject, name, runs: v.number(), settings: slurmSettings }),
    response: v.object({ script: v.string() }),
  },
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
  /** Labels or review states changed: by this window, another one, or a service. Images whose labels are in `images`. */
  'annotation.changed': v.object({ projectId, gestureId, images: v.array(imageChange), undoState }),
  'run.changed': v.object({ projectId, summary: runSummary }),
  'run.removed': v.object({ projectId, runId }),
  'run.queueChanged': runQueue,
  'sweep.changed': v.object({ projectId, sweep }),
  'sweep.removed': v.object({ projectId, sweepId }),
  'run.progress': v.object({ projectId, progress: runProgress }),
  'run.points': v.object({ projectId, runId, points: v.array(timedPoint) }),
  'run.log': v.object({ projectId, runId, lines: v.array(logLine) }),
  'device.checkChanged': deviceCheck,
  /** A file of the catalogue has come or gone. */
  'weights.changed': v.object({ id: v.string() }),
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
  /** Of up to 16 images, joined; see model/small-pictures.ts. */
  small: (project: string, images: readonly number[]): string => `media/${project}/small/${images.join('.')}`,
  image: (project: string, image: number): string => `media/${project}/image/${image}`,
  /** At most `previewPx` on its longer side; quicker than the whole of a large image. */
  preview: (project: string, image: number): string => `media/${project}/preview/${image}`,
  /** Of an image that is tiled; see model/tiles.ts. Waits while the tiles are made. */
  tile: (project: string, image: number, level: number, column: number, row: number): string =>
    `media/${project}/tile/${image}.${level}.${column}.${row}`,
  /** Of an image that a network has looked at and that belongs to no data set; `index` as in `predict.image`. */
  predicted: (project: string, set: string, index: number): string => `media/${project}/predicted/${set}/${index}`,
  predictedThumbnail: (project: string, set: string, index: number): string =>
    `media/${project}/predicted-thumbnail/${set}/${index}`,
  /** The part of its image that a label covers, with a little around it, at most 256 px. */
  crop: (project: string, label: number): string => `media/${project}/crop/${label}`,
};
