/**
 * How labels change: the edits of one gesture as they are sent and saved, what became of an image's labels, the history
 * and its undo. One gesture is one transaction and one step of undo. A gesture's id is made by whoever made the gesture,
 * so that sending it again after an error saves it once.
 */
import * as v from 'valibot';
import { annotation, attributes, flags, provenance, reviewState, shape } from './annotation.ts';
import { annotationId, categoryId, imageId } from './ids.ts';

/** What a person can change about a label. */
export const annotationContent = v.object({
  categoryId,
  shape,
  flags,
  attributes,
  note: v.pipe(v.string(), v.maxLength(4000)),
  z: v.pipe(v.number(), v.finite()),
});
export type AnnotationContent = v.InferOutput<typeof annotationContent>;

/** A label that is to be made. Its id was reserved before (`annotation.reserveIds`), or is that of one that was removed. */
export const newAnnotation = v.object({ annotationId, provenance, ...annotationContent.entries });
export type NewAnnotation = v.InferOutput<typeof newAnnotation>;

export const annotationEdit = v.variant('kind', [
  v.object({ kind: v.literal('add'), annotation: newAnnotation }),
  v.object({ kind: v.literal('update'), annotationId, changes: v.partial(annotationContent) }),
  /** `replaced`: what it was is in another label of the gesture, so that it does not go to the trash. */
  v.object({ kind: v.literal('remove'), annotationId, replaced: v.optional(v.literal(true)) }),
  v.object({ kind: v.literal('review'), review: reviewState }),
]);
export type AnnotationEdit = v.InferOutput<typeof annotationEdit>;

export const gestureId = v.pipe(v.string(), v.minLength(1), v.maxLength(100));

/** What became of a label; null: it is gone. */
const labelChange = v.object({ annotationId, after: v.nullable(annotation) });

/** What one gesture (or its undo) did to an image. `version` counts the changes of the image's labels. */
export const imageChange = v.object({
  imageId,
  /** After the change. */
  version: v.number(),
  review: reviewState,
  changes: v.array(labelChange),
});
export type ImageChange = v.InferOutput<typeof imageChange>;

/** One entry of the undo list: a gesture, and the first hundred of the images that it changed. */
const undoStep = v.object({ gestureId, label: v.string(), imageIds: v.array(imageId) });
export type UndoStep = v.InferOutput<typeof undoStep>;
/** What undo and redo would do next in this project; null where there is nothing. */
export const undoState = v.object({ undo: v.nullable(undoStep), redo: v.nullable(undoStep) });
export type UndoState = v.InferOutput<typeof undoState>;

/** All that the editor needs of an image. Labels in the order in which they are drawn, the undermost first. */
export const labelState = v.object({
  imageId,
  widthPx: v.number(),
  heightPx: v.number(),
  version: v.number(),
  review: reviewState,
  timeMs: v.number(),
  annotations: v.array(annotation),
  undoState,
});
export type LabelState = v.InferOutput<typeof labelState>;

/** `conflict`: the image has changed since `baseVersion` and nothing was saved; `missed` says how, oldest first. */
export const applyResult = v.variant('outcome', [
  /** `at` is the time that new and changed labels bear. */
  v.object({ outcome: v.literal('applied'), version: v.number(), at: v.string(), undoState }),
  v.object({ outcome: v.literal('conflict'), version: v.number(), missed: v.array(imageChange), undoState }),
]);

/** Images that changed too, with more labels than are told of: whoever shows one reads it again. */
export const untoldImages = v.array(imageId);

/**
 * `nothing`: there is no such step. `stale`: the step that was asked for is not the next one; nothing was changed.
 */
export const changeResult = v.variant('outcome', [
  v.object({
    outcome: v.literal('done'),
    label: v.string(),
    images: v.array(imageChange),
    untold: untoldImages,
    /** How many labels it changed. */
    labels: v.number(),
    undoState,
  }),
  v.object({ outcome: v.picklist(['nothing', 'stale']), undoState }),
]);
export type ChangeResult = v.InferOutput<typeof changeResult>;

const historyKinds = ['edit', 'copy', 'classify', 'review', 'restore', 'undo', 'redo'] as const;
export type HistoryKind = (typeof historyKinds)[number];

/** One change of an image's labels. */
export const historyEntry = v.object({
  /** The image's version after it. */
  version: v.number(),
  gestureId,
  kind: v.picklist(historyKinds),
  label: v.string(),
  /** Who: the account of the machine that the app ran under. */
  by: v.string(),
  at: v.string(),
  added: v.number(),
  updated: v.number(),
  removed: v.number(),
  annotationIds: v.array(annotationId),
  /** Undone since, and not redone. */
  undone: v.boolean(),
  /** How many of the labels that it counts were deleted for good since, and are in no state of the history any more. */
  purged: v.number(),
});
export type HistoryEntry = v.InferOutput<typeof historyEntry>;

const pointPlace = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Named points of an object and the lines between them, and what is asked of each label; of a whole data set. */
const skeleton = v.object({
  categoryId,
  points: v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(60))), v.minLength(1), v.maxLength(200)),
  /** Pairs of places in `points`. */
  edges: v.array(v.tuple([pointPlace, pointPlace])),
  /** Points that change places where the image is mirrored: left and right eye. */
  flipPairs: v.optional(v.array(v.tuple([pointPlace, pointPlace]))),
});
export type Skeleton = v.InferOutput<typeof skeleton>;

const attributeDefinition = v.object({
  name: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(60)),
  kind: v.picklist(['text', 'number', 'choice', 'yes-no']),
  /** Of a choice. */
  options: v.array(v.string()),
  /** Empty: for labels of every class. */
  categoryIds: v.array(categoryId),
});
export type AttributeDefinition = v.InferOutput<typeof attributeDefinition>;

export const labelSchema = v.object({ skeletons: v.array(skeleton), attributes: v.array(attributeDefinition) });
export type LabelSchema = v.InferOutput<typeof labelSchema>;
