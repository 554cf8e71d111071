/** Branded ids: an image id cannot be passed where a run id is wanted. Rows of a project are numbered inside it. */
import * as v from 'valibot';

const rowId = v.pipe(v.number(), v.integer(), v.minValue(1));

export const projectId = v.pipe(v.string(), v.uuid(), v.brand('ProjectId'));
export const datasetId = v.pipe(rowId, v.brand('DatasetId'));
export const imageId = v.pipe(rowId, v.brand('ImageId'));
export const categoryId = v.pipe(rowId, v.brand('CategoryId'));
export const annotationId = v.pipe(rowId, v.brand('AnnotationId'));
export const runId = v.pipe(rowId, v.brand('RunId'));
export const savedViewId = v.pipe(rowId, v.brand('SavedViewId'));
export const datasetVersionId = v.pipe(rowId, v.brand('DatasetVersionId'));
export const trashEntryId = v.pipe(rowId, v.brand('TrashEntryId'));
export const splitChangeId = v.pipe(rowId, v.brand('SplitChangeId'));
export const sweepId = v.pipe(rowId, v.brand('SweepId'));
export const presetId = v.pipe(rowId, v.brand('PresetId'));
export const jobId = v.pipe(v.string(), v.uuid(), v.brand('JobId'));
export const predictionSetId = v.pipe(v.string(), v.uuid(), v.brand('PredictionSetId'));

export type ProjectId = v.InferOutput<typeof projectId>;
export type DatasetId = v.InferOutput<typeof datasetId>;
export type ImageId = v.InferOutput<typeof imageId>;
export type CategoryId = v.InferOutput<typeof categoryId>;
export type AnnotationId = v.InferOutput<typeof annotationId>;
export type RunId = v.InferOutput<typeof runId>;
export type SavedViewId = v.InferOutput<typeof savedViewId>;
export type DatasetVersionId = v.InferOutput<typeof datasetVersionId>;
export type TrashEntryId = v.InferOutput<typeof trashEntryId>;
export type SplitChangeId = v.InferOutput<typeof splitChangeId>;
export type SweepId = v.InferOutput<typeof sweepId>;
export type PresetId = v.InferOutput<typeof presetId>;
export type JobId = v.InferOutput<typeof jobId>;
export type PredictionSetId = v.InferOutput<typeof predictionSetId>;
