/** The files of a run's folder, which can be understood without the database. Only the training process writes there
 *  once the run has started; config.json and data.json are there before it. */
import { join } from 'node:path';
import type { CheckpointName } from '../../contract/model/run.ts';

export const runFiles = {
  /** The RunConfig. */
  config: (folder: string): string => join(folder, 'config.json'),
  /** The TrainingData. */
  data: (folder: string): string => join(folder, 'data.json'),
  /** Which file of weights the run starts from; not there where it starts from scratch. */
  startWeights: (folder: string): string => join(folder, 'start-weights.json'),
  /** What it has really taken over, written when it begins. */
  provenance: (folder: string): string => join(folder, 'provenance.json'),
  /** The checkpoint of another run that this one starts from. */
  startCheckpoint: (folder: string): string => join(folder, 'start.safetensors'),
  /** What a tuner had measured when the run began; not there where nothing was. */
  tuning: (folder: string): string => join(folder, 'tuning.json'),
  /** One JSON document a line: what the run reported, in order, except its progress. */
  events: (folder: string): string => join(folder, 'events.jsonl'),
  /** One line an epoch. */
  results: (folder: string): string => join(folder, 'results.csv'),
  checkpoint: (folder: string, name: CheckpointName): string => join(folder, 'checkpoints', `${name}.safetensors`),
  predictions: (folder: string): string => join(folder, 'predictions.bin'),
  /** Predictions and kernels of past epochs. */
  history: (folder: string): string => join(folder, 'history'),
  /** What was measured of the layers, epoch by epoch. */
  layers: (folder: string): string => join(folder, 'layers.bin'),
  /** What a person changed while it trained, with the step from which each change holds. */
  interventions: (folder: string): string => join(folder, 'interventions.json'),
  /** Where changes are asked for: a file each, which the training process takes away. Others may write here. */
  requests: (folder: string): string => join(folder, 'requests'),
  /** Held by the training process while it lives. */
  lock: (folder: string): string => join(folder, 'training.lock'),
} as const;
