/** Placeholder while the engine is written: the interface that the training process uses. */
import type { LogLine, MetricPoint, RunConfig, RunProgress } from '../../contract/model/run.ts';
import type { TrainingData } from '../data/training-data.ts';
import type { FoveaError } from '../../contract/errors.ts';

export interface TrainerReporter {
  started(parameterCount: number, epochsDone: number): void;
  progress(progress: Omit<RunProgress, 'runId'>): void;
  points(points: MetricPoint[]): void;
  log(level: LogLine['level'], text: string): void;
  checkpoint(epoch: number, best: boolean): void;
}
export type TrainOutcome = { kind: 'finished' | 'cancelled'; epochsDone: number };
export interface TrainOptions {
  folder: string;
  config: RunConfig;
  data: TrainingData;
  resume: boolean;
  /** Checked between dispatches of a few steps; cancelling saves a checkpoint first. */
  signal: AbortSignal;
  report: TrainerReporter;
}
export declare function train(options: TrainOptions): Promise<TrainOutcome>;
export type { FoveaError };
