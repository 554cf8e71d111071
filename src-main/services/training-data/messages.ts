/** Typed messages between the worker process that prepares training data and the app. */
import type { InputFit } from '../../contract/model/run-images.ts';
import type { SizePx } from '../../engine/data/letterbox.ts';
import type { PreviewBatch } from '../../contract/model/preview-batch.ts';
import type { LogLine, RunConfig } from '../../contract/model/run.ts';

interface OfProject {
  /** The database's file; it is only read. */
  database: string;
  folder: string;
  config: RunConfig;
}

export type DataTask =
  /**
   * Makes the packs that the run needs, as far as they are not there, and writes its data.json. That of a run which goes on
   * from a checkpoint must come out as it was.
   */
  | ({ kind: 'prepare'; runFolder: string; goesOn: boolean } & OfProject)
  /**
   * Writes image files that belong to no data set one behind the other into `target`, made to fit, or at their own sizes where
   * `network` is null.
   */
  | { kind: 'pack-files'; files: readonly string[]; target: string; network: SizePx | null; fit: InputFit }
  /** Makes the first training images of an epoch. */
  | ({ kind: 'preview'; count: number; epoch: number } & OfProject);

/** Files in the order of the pack, with their upright sizes, and those that are not in it. */
export interface PackedFiles {
  images: { file: string; widthPx: number; heightPx: number }[];
  failures: { file: string; reason: string }[];
}

export type DataMessage =
  /** Images done, of all. */
  | { kind: 'progress'; done: number; total: number }
  | { kind: 'log'; level: LogLine['level']; text: string }
  | { kind: 'preview'; batch: PreviewBatch }
  | { kind: 'packed'; packed: PackedFiles };
