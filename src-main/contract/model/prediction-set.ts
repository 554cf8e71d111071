/** Image files that a trained network has looked at, kept in the project; what it says of each is asked for one by one. */
import * as v from 'valibot';
import { predictionSetId, runId } from './ids.ts';
import { tiling } from './image-prediction.ts';
import { checkpointName, task } from './run.ts';
import type { TrainedClass } from './trained-classes.ts';

export const predictionSet = v.object({
  predictionSetId,
  runId,
  /** As it was called then. */
  runName: v.string(),
  checkpoint: checkpointName,
  /** Epochs done by the checkpoint; null until the network has looked at something. */
  epoch: v.nullable(v.number()),
  task,
  /** Names in the order of the network's classes. */
  classNames: v.array(v.string()),
  tiles: v.nullable(tiling),
  startedAt: v.string(),
  /** Files that were asked for. */
  fileCount: v.number(),
  /** Those that the network has looked at, so far; a number in this list is what an image is asked for by. */
  images: v.array(v.object({ file: v.string(), widthPx: v.number(), heightPx: v.number() })),
  failures: v.array(v.object({ file: v.string(), reason: v.string() })),
});
export type PredictionSet = v.InferOutput<typeof predictionSet>;

/** With what the data set calls the classes by now. */
export interface OpenPredictionSet extends PredictionSet {
  classes: TrainedClass[];
  isRunning: boolean;
}

/** How the predictions of a task can be written down. */
export const predictionForms = ['index-png', 'colour-png', 'yolo', 'coco', 'csv', 'json'] as const;
export type PredictionForm = (typeof predictionForms)[number];

export const formsOfTask = {
  classification: ['csv', 'json'],
  segmentation: ['index-png', 'colour-png', 'coco', 'csv', 'json'],
  detection: ['yolo', 'coco', 'csv', 'json'],
  'instance-segmentation': ['yolo', 'coco', 'csv', 'json'],
  pose: ['yolo', 'coco', 'csv', 'json'],
} as const satisfies Record<PredictionSet['task'], readonly PredictionForm[]>;
