/** What keeps a library in order: the trash, frozen versions of data sets, and what is unusual about one. */
import * as v from 'valibot';
import { gestureId } from './annotation-edit.ts';
import { shapeKind } from './annotation.ts';
import { split } from './dataset.ts';
import { annotationId, categoryId, datasetId, datasetVersionId, imageId, runId, sweepId, trashEntryId } from './ids.ts';

const ofGesture = { kind: v.literal('labels'), gestureId };
/** `day`: on the clock of the machine that has the project, "2026-11-29". */
const ofImageAndDay = { kind: v.literal('image-labels'), imageId, day: v.pipe(v.string(), v.isoDate()) };

const deletedLabels = {
  datasetId,
  /** Name of the image, or of the data set where they were on several. */
  title: v.string(),
  datasetName: v.string(),
  /** Names of the classes that went with them; most deletions take none along. */
  deletedClasses: v.array(v.string()),
  labelCount: v.number(),
  imageCount: v.number(),
  /** The classes with the most labels, and how many there are. */
  classes: v.array(v.object({ name: v.string(), count: v.number() })),
  classCount: v.number(),
  /** Of the latest of them. */
  trashedAt: v.string(),
};

/** Deleted labels that can be brought back: of one deletion on several images, or of an image and a day. */
export const deletedLabelsItem = v.variant('kind', [
  v.object({ ...ofGesture, ...deletedLabels }),
  v.object({ ...ofImageAndDay, ...deletedLabels }),
]);
export type DeletedLabelsItem = v.InferOutput<typeof deletedLabelsItem>;

/** Something else that was deleted and can be brought back: a data set, images of one, a run, or a sweep with its runs. */
export const trashItem = v.variant('kind', [
  v.object({
    kind: v.literal('dataset'),
    datasetId,
    title: v.string(),
    imageCount: v.number(),
    trashedAt: v.string(),
  }),
  v.object({
    kind: v.literal('images'),
    entryId: trashEntryId,
    datasetId,
    /** Name of the data set. */
    title: v.string(),
    imageCount: v.number(),
    trashedAt: v.string(),
  }),
  v.object({ kind: v.literal('run'), runId, title: v.string(), epochsDone: v.number(), trashedAt: v.string() }),
  v.object({
    kind: v.literal('sweep'),
    sweepId,
    title: v.string(),
    /** Those that went with it; one that was deleted by itself before is an item of its own. */
    runCount: v.number(),
    trashedAt: v.string(),
  }),
]);
export type TrashItem = v.InferOutput<typeof trashItem>;

/** Which of them. */
export const trashKey = v.variant('kind', [
  v.object({ kind: v.literal('dataset'), datasetId }),
  v.object({ kind: v.literal('images'), entryId: trashEntryId }),
  v.object({ kind: v.literal('run'), runId }),
  v.object({ kind: v.literal('sweep'), sweepId }),
  v.object(ofGesture),
  v.object(ofImageAndDay),
]);
export type TrashKey = v.InferOutput<typeof trashKey>;
export type DeletedLabelsKey = Extract<TrashKey, { kind: DeletedLabelsItem['kind'] }>;

export function trashKeyOf(item: TrashItem | DeletedLabelsItem): TrashKey {
  switch (item.kind) {
    case 'labels':
      return { kind: item.kind, gestureId: item.gestureId };
    case 'image-labels':
      return { kind: item.kind, imageId: item.imageId, day: item.day };
    case 'dataset':
      return { kind: item.kind, datasetId: item.datasetId };
    case 'images':
      return { kind: item.kind, entryId: item.entryId };
    case 'run':
      return { kind: item.kind, runId: item.runId };
    case 'sweep':
      return { kind: item.kind, sweepId: item.sweepId };
  }
}

/** A state of a data set's images and labels; the same content has the same hash. */
export const datasetVersion = v.object({
  versionId: datasetVersionId,
  datasetId,
  datasetName: v.string(),
  /** SHA-256 as hexadecimal digits. */
  hash: v.string(),
  createdAt: v.string(),
  imageCount: v.number(),
  labelCount: v.number(),
  /** Names of the runs that began on it. */
  runs: v.array(v.string()),
});
export type DatasetVersion = v.InferOutput<typeof datasetVersion>;

const versionImage = v.object({ imageId, name: v.string(), split });
export const versionComparison = v.object({
  /** Images that only the second, only the first, or both have; at most some hundred of each with their names. */
  added: v.array(versionImage),
  removed: v.array(versionImage),
  labels: v.array(versionImage),
  splits: v.array(v.object({ ...versionImage.entries, before: split })),
  /** Other pixels under the same name. */
  pixels: v.array(versionImage),
  counts: v.object({
    added: v.number(),
    removed: v.number(),
    labels: v.number(),
    splits: v.number(),
    pixels: v.number(),
    same: v.number(),
  }),
});
export type VersionComparison = v.InferOutput<typeof versionComparison>;

/** A bar of a histogram: how many, and the text query that leads to them. */
const bar = v.object({ label: v.string(), count: v.number(), query: v.string() });
export type HealthBar = v.InferOutput<typeof bar>;

export const healthMapSize = 32;

/** What a data set is like. Each bar and each finding leads to its images. */
export const datasetHealth = v.object({
  imageCount: v.number(),
  labelCount: v.number(),
  /** Of each class, in the order of the classes. */
  classes: v.array(
    v.object({ categoryId, name: v.string(), labels: v.number(), images: v.number(), query: v.string() }),
  ),
  kinds: v.array(v.object({ kind: shapeKind, count: v.number(), query: v.string() })),
  labelsPerImage: v.array(bar),
  /** Labels by √ of their box's area; the query finds images with such a label. */
  boxSizes: v.array(bar),
  /** Width by height of boxes. */
  aspects: v.array(bar),
  imageSizes: v.array(bar),
  imageAspects: v.array(bar),
  /** How many boxes cover each cell of the image, row by row: `healthMapSize` cells a side. */
  positions: v.array(v.number()),
  /** The classes that occur together most often; `share`: images with both over images with either. */
  pairs: v.array(
    v.object({ first: v.string(), second: v.string(), images: v.number(), share: v.number(), query: v.string() }),
  ),
  findings: v.array(v.object({ kind: v.string(), message: v.string(), count: v.number(), query: v.string() })),
});
export type DatasetHealth = v.InferOutput<typeof datasetHealth>;

/** A label as a tile of its own. */
export const labelCrop = v.object({
  annotationId,
  imageId,
  categoryId,
  kind: shapeKind,
  bboxXyxy: v.tuple([v.number(), v.number(), v.number(), v.number()]),
});
export type LabelCrop = v.InferOutput<typeof labelCrop>;

/** What became of the files of a data set that was looked for in another folder. */
export const relinkReport = v.object({
  found: v.number(),
  /** Paths that are not there; the first hundred. */
  missing: v.array(v.string()),
  missingCount: v.number(),
  /** Files that are there but have another size than the imported ones. */
  changedCount: v.number(),
});
export type RelinkReport = v.InferOutput<typeof relinkReport>;
