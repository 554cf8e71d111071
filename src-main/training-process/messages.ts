/** Typed messages between the store's owner and the process that trains. One process trains one run. */
import type { ErrorData } from '../contract/errors.ts';
import type { LogLine, MetricPoint, RunConfig, RunProgress } from '../contract/model/run.ts';

export interface TrainJob {
  /** The run's folder; the process writes only there. */
  folder: string;
  config: RunConfig;
  /** Go on from checkpoints/last.safetensors if it is there. */
  resume: boolean;
}

export type TrainerCommand = { kind: 'train'; job: TrainJob } | { kind: 'cancel' };

export type TrainerEvent =
  | { kind: 'ready' }
  | { kind: 'started'; parameterCount: number; epochsDone: number }
  | { kind: 'progress'; progress: Omit<RunProgress, 'runId'> }
  | { kind: 'points'; points: MetricPoint[] }
  | { kind: 'log'; lines: LogLine[] }
  /** A checkpoint is safely on disk. */
  | { kind: 'checkpoint'; epoch: number; best: boolean }
  | { kind: 'finished'; epochsDone: number }
  | { kind: 'cancelled'; epochsDone: number }
  | { kind: 'failed'; error: ErrorData };
