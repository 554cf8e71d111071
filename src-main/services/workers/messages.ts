/** Typed messages between the services and their worker process, and what it can be asked to do. */
import type { ErrorData } from '../../contract/errors.ts';
import type { CheckpointTask } from '../checkpoints.ts';
import type { ImportMessage, ImportTask } from '../import/messages.ts';
import type { PicturesMessage, PicturesTask } from '../runs/artifacts/pictures/messages.ts';
import type { WritePredictionsMessage, WritePredictionsTask } from '../predict/write-predictions.ts';
import type { TilesTask } from '../tiles/write-tiles.ts';
import type { DataMessage, DataTask } from '../training-data/messages.ts';

/** A kind of work, with what it is told and what it tells. */
export interface Works {
  import: { task: ImportTask; message: ImportMessage };
  'training data': { task: DataTask; message: DataMessage };
  pictures: { task: PicturesTask; message: PicturesMessage };
  predictions: { task: WritePredictionsTask; message: WritePredictionsMessage };
  tiles: { task: TilesTask; message: never };
  checkpoint: { task: CheckpointTask; message: never };
}

export type WorkerCommand =
  | { [W in keyof Works]: { kind: 'do'; work: W; task: Works[W]['task'] } }[keyof Works]
  /** Asks the task to end. */
  | { kind: 'stop' }
  /** One more message of the task has been dealt with. */
  | { kind: 'taken' };

export type WorkerReply =
  | { kind: 'ready' }
  | { kind: 'message'; message: unknown }
  /** The task's end; `memoryBytes` is what the process holds on to. */
  | { kind: 'done'; memoryBytes: number }
  | { kind: 'failed'; error: ErrorData; memoryBytes: number };
