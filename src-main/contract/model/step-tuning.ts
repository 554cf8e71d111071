/** What measuring a step's formulations on this machine gained. */
import * as v from 'valibot';

export const stepTuning = v.object({
  /** Milliseconds of a step as the rules have it, and as it is now. */
  beforeMs: v.number(),
  afterMs: v.number(),
  /** Shapes that were not known before. */
  measured: v.number(),
});
export type StepTuning = v.InferOutput<typeof stepTuning>;
