/** What measuring a step's formulations on this machine gained. */
import * as v from 'valibot';

export const stepTuning = v.object({
  /** Milliseconds of a step as the rules have it, and as it is now; null where nothing is faster. */
  gain: v.nullable(v.object({ beforeMs: v.number(), afterMs: v.number() })),
  /** Shapes that were not known before. */
  measured: v.number(),
});
export type StepTuning = v.InferOutput<typeof stepTuning>;

/** "A step now takes 4.2 % less: 189 ms instead of 197 ms." */
export function measuredInWords({ gain, measured }: StepTuning): string {
  if (measured === 0) return 'All its layers had been measured before.';
  if (gain === null) return 'Measured: every layer is computed in the fastest way already.';
  const { beforeMs, afterMs } = gain;
  const [before, after] = [beforeMs, afterMs].map((ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`);
  return `A step now takes ${((100 * (beforeMs - afterMs)) / beforeMs).toFixed(1)} % less: ${after} instead of ${before}.`;
}
