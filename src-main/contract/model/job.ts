/** Work that takes a while and is not a training run: imports, downloads and exports, changes of very many labels. */
import * as v from 'valibot';
import { datasetId, jobId, predictionSetId, projectId } from './ids.ts';
import { stepTuning } from './step-tuning.ts';

export const job = v.object({
  jobId,
  projectId,
  kind: v.picklist(['import', 'download', 'export', 'fingerprint', 'freeze', 'predict', 'labels', 'tuning']),
  title: v.string(),
  state: v.picklist(['running', 'done', 'failed', 'cancelled']),
  /** What is being done now, in words ("reading data_batch_3.bin"). */
  step: v.string(),
  done: v.number(),
  /** Null while unknown. */
  total: v.nullable(v.number()),
  unit: v.picklist(['bytes', 'images', 'labels', 'timings']),
  ratePerSecond: v.nullable(v.number()),
  secondsLeft: v.nullable(v.number()),
  /** Set when state is `failed`. */
  error: v.nullable(v.object({ code: v.string(), message: v.string() })),
  /** Set when state is `done` and the job made a data set. */
  datasetId: v.nullable(datasetId),
  /** Of a download of published weights: which. */
  weightsId: v.optional(v.string()),
  /** Of a prediction that is kept: which. */
  predictionSetId: v.optional(predictionSetId),
  /** Of a change of labels: its gesture. Cancelled, what is done stays and can be undone; undo itself goes on. */
  gestureId: v.optional(v.string()),
  /** Of a measurement of layers: what it gained, null until then. */
  tuning: v.optional(v.nullable(stepTuning)),
});
export type Job = v.InferOutput<typeof job>;
