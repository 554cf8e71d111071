/** Data sets and their images: import, export, classes, search, splits, versions, trash. */
import * as v from 'valibot';
import { changeResult, gestureId } from '../model/annotation-edit.ts';
import { classEdit, classUsage } from '../model/class-edit.ts';
import { exportFormat, exportImages, exportReport } from '../model/dataset-export.ts';
import {
  category,
  dataset,
  datasetFormat,
  facets,
  imageFilter,
  imageOrder,
  imageSummary,
  importReport,
  savedView,
} from '../model/dataset.ts';
import {
  categoryId,
  datasetId,
  datasetVersionId,
  imageId,
  projectId,
  savedViewId,
  splitChangeId,
} from '../model/ids.ts';
import { job } from '../model/job.ts';
import {
  datasetHealth,
  datasetVersion,
  deletedLabelsItem,
  labelCrop,
  relinkReport,
  trashItem,
  trashKey,
  versionComparison,
} from '../model/library.ts';
import { sampleSet } from '../model/sample.ts';
import { duplicateReport, splitChange, splitPlan, splitPreview } from '../model/splits.ts';
import { inProject, name, nothing, page, path, tag } from './fields.ts';

const byGesture = { projectId, gestureId };
/** The images of the filter, or of these only those that are named. */
const splitScope = { datasetId, filter: imageFilter, imageIds: v.optional(v.array(imageId)) };
const exportScope = {
  /** Only these images. */
  filter: v.optional(imageFilter),
  /** Leaves out images that nobody labelled. */
  labelledOnly: v.optional(v.boolean()),
  /** Copies where it is absent. */
  images: v.optional(exportImages),
};

export const datasetCalls = {
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
  /** Throws `unsupported` for labels alone in a format that has none. */
  'dataset.exportReport': {
    request: v.object({ ...inProject, datasetId, format: exportFormat, ...exportScope }),
    response: exportReport,
  },
  /**
   * Writes into a folder, which must not exist yet or be empty. Labels alone are named as the images lie in their own
   * folder, so that they fit where they are laid over it.
   */
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
  /** Newest first. */
  'trash.list': { request: v.object(inProject), response: v.array(trashItem) },
  /** Deleted labels, the newest first; `total`: how many lines there are. Looked up in the histories of all images. */
  'trash.labels': {
    request: v.object({ ...inProject, ...page }),
    response: v.object({ total: v.number(), items: v.array(deletedLabelsItem) }),
  },
  /** What its files in the project take; 0 where it has none of its own there, or they are gone. */
  'trash.size': {
    request: v.object({ ...inProject, item: trashKey }),
    response: v.object({ sizeBytes: v.number() }),
  },
  /** Labels come back as a step of undo, with the classes that they need. `left`: what stays in the trash, and why. */
  'trash.restore': {
    request: v.object({ ...inProject, item: trashKey }),
    response: v.object({ left: v.nullable(v.string()) }),
  },
  /** For good: what is named, or everything. Labels leave the history too: no undo and no earlier state has them then. */
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
} as const;
