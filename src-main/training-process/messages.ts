/** Typed messages between the store's owner and the process that trains. One process trains one run. */
import type { RunConfig, RunProgress } from '../contract/model/run.ts';
import type { RunEvent } from '../engine/train/run-events.ts';

export interface TrainJob {
  /** The run's folder; the process writes only there. */
  folder: string;
  config: RunConfig;
  /** Go on from checkpoints/last.safetensors if it is there. */
  resume: boolean;
}

export type TrainerCommand = { kind: 'train'; job: TrainJob } | { kind: 'cancel' };

/** The last one is `finished`, `cancelled` or `failed`; a process that ends without any of them died. */
export type TrainerEvent = { kind: 'ready' } | { kind: 'progress'; progress: Omit<RunProgress, 'runId'> } | RunEvent;
