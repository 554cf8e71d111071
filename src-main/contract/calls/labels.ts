/** Labels of an image and their history, and its state of review. */
import * as v from 'valibot';
import {
  annotationEdit,
  applyResult,
  changeResult,
  gestureId,
  historyEntry,
  labelSchema,
  labelState,
  undoState,
} from '../model/annotation-edit.ts';
import { annotation, labelSketch, reviewState } from '../model/annotation.ts';
import { annotationId, categoryId, datasetId, imageId, projectId } from '../model/ids.ts';
import { inProject, name, page } from './fields.ts';

const byGesture = { projectId, gestureId };
const someImages = v.pipe(v.array(imageId), v.minLength(1), v.maxLength(1000));
const manyImages = v.pipe(v.array(imageId), v.minLength(1), v.maxLength(1_000_000));

export const labelCalls = {
  /** The image's labels with everything that is known of them, oldest first. */
  'image.annotations': { request: v.object({ ...inProject, imageId }), response: v.array(annotation) },
  /**
   * Large masks and polygons, of which lists have the box only, as they are seen in small pictures. An answer holds one at
   * least; what would take long is left out of it, and worth asking for again. Labels that are gone are left out as well.
   */
  'label.sketches': {
    request: v.object({ ...inProject, annotationIds: v.pipe(v.array(annotationId), v.minLength(1), v.maxLength(100)) }),
    response: v.array(labelSketch),
  },
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
  /** Classes of whole images. only: this one instead of all others. One step of undo; of very many a job says how far it is. */
  'annotation.classify': {
    request: v.object({
      ...byGesture,
      imageIds: manyImages,
      categoryId,
      mode: v.picklist(['only', 'add', 'remove']),
      /** Sets the review state as well, in the same step. */
      review: v.optional(reviewState),
    }),
    response: changeResult,
  },
  /** Gives labels another class, or removes them (null); one step of undo. Of very many a job says how far it is. */
  'annotation.relabel': {
    request: v.object({
      ...byGesture,
      annotationIds: v.pipe(v.array(annotationId), v.minLength(1), v.maxLength(1_000_000)),
      categoryId: v.nullable(categoryId),
    }),
    response: changeResult,
  },
  'annotation.schema': { request: v.object({ ...inProject, datasetId }), response: labelSchema },
  'annotation.undoState': { request: v.object(inProject), response: undoState },
  /** One step of undo, in the same way. */
  'image.setReview': {
    request: v.object({ ...byGesture, imageIds: manyImages, review: reviewState }),
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
} as const;
