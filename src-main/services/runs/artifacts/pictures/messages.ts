/** What the worker process is told and tells where it draws a run's pictures. */
import type { DetectionReport } from '../../../../contract/model/run-results.ts';
import type { ConfusionMatrix, RunConfig, Series } from '../../../../contract/model/run.ts';

export interface PicturesTask {
  /** Where they are written; it is there. */
  target: string;
  /** The run's own folder. */
  folder: string;
  config: RunConfig;
  series: readonly Series[];
  /** Null before the first evaluation. */
  confusion: ConfusionMatrix | null;
  /** Of a detection. */
  detection: DetectionReport | null;
}

/** A picture that could not be drawn, and why. */
export interface PicturesMessage {
  leftOut: string;
}
