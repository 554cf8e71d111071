/** What a run keeps for those who watch it. None of it changes what is learned. */
import * as v from 'valibot';

export const monitoringConfig = v.object({
  /** Predictions and kernels of past epochs take at most this much of the disk; where more come, they are thinned out evenly. 0 keeps none. */
  historyMegabytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export const usualMonitoring: v.InferOutput<typeof monitoringConfig> = { historyMegabytes: 200 };

/** The past epochs that can still be looked at, ascending. */
export const runHistory = v.object({
  /** Those with what was said of every image. */
  predictions: v.array(v.number()),
  /** Those with kernels. */
  kernels: v.array(v.number()),
  sizeBytes: v.number(),
  limitBytes: v.number(),
});
export type RunHistory = v.InferOutput<typeof runHistory>;
