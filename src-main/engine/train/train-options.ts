/** What a run is trained with, and whom it tells. */
import type { RecordedIntervention } from '../../contract/model/intervention.ts';
import type { LogLine, MetricPoint, RunConfig, RunProgress } from '../../contract/model/run.ts';
import type { TrainingData } from '../data/training-data.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { StartFile } from './start-weights.ts';

export interface TrainerReporter {
  /** `epochsDone` is fractional where the checkpoint lies within an epoch. */
  started(parameterCount: number, epochsDone: number): void;
  progress(progress: Omit<RunProgress, 'runId'>): void;
  points(points: MetricPoint[]): void;
  log(level: LogLine['level'], text: string): void;
  checkpoint(epoch: number, best: boolean): void;
  /** A person's change holds from now on. */
  changed(intervention: RecordedIntervention, epochsTotal: number): void;
}
export type TrainOutcome =
  /** `reason`: why it ended before its last epoch; absent where it did them all. */
  { kind: 'finished'; epochsDone: number; reason?: string } | { kind: 'cancelled'; epochsDone: number };

export interface TrainOptions {
  folder: string;
  config: RunConfig;
  data: TrainingData;
  resume: boolean;
  /** Looked at between dispatches of a few steps; a cancelled run saves a checkpoint first. */
  signal: AbortSignal;
  report: TrainerReporter;
  runtime?: Runtime;
  /** Threads of one operator; 0 takes all cores. */
  threads?: number;
  /** What a tuner measured on this machine, for a run that begins; one that goes on keeps to what it began with. */
  tuning?: string;
  /** Entry of the thread that makes samples, where it is not the source file. */
  sampleWorker?: URL;
  /** The file of weights to start from; from scratch where absent. */
  start?: StartFile | null;
}
