/**
 * The learning rate of every update of a phase: what the trainer uses and what is drawn before a run starts. Numbers
 * equal those of PyTorch's schedulers of the same name; cosine, linear, one-cycle and warm-up move with every update,
 * step and exponential with every epoch. Sources: Loshchilov & Hutter 2017 (cosine), Smith & Topin 2018 (one-cycle),
 * Goyal et al. 2017 (warm-up).
 */
import type { PhaseConfig, ScheduleConfig } from './run.ts';

type RatePhase = Pick<PhaseConfig, 'epochs' | 'learningRate' | 'schedule' | 'warmup'>;

/** Updates of the weights in one epoch; the last may average fewer steps, and the last step may have fewer images. */
export function updatesPerEpoch(imageCount: number, batchSize: number, accumulation: number): number {
  return Math.ceil(Math.ceil(imageCount / batchSize) / accumulation);
}

/** One rate per update of the phase, [epochs · updatesInEpoch]. */
export function learningRates(phase: RatePhase, updatesInEpoch: number): Float64Array {
  return Float64Array.from({ length: phase.epochs * updatesInEpoch }, (_, update) =>
    learningRate(phase, updatesInEpoch, update),
  );
}

/** The rate of one update, counted from 0 in the phase. */
export function learningRate(phase: RatePhase, updatesInEpoch: number, update: number): number {
  const factor = scheduleFactor(phase.schedule, phase.epochs, updatesInEpoch, update);
  return phase.learningRate * factor * warmupFactor(phase.warmup, updatesInEpoch, update);
}

/** Linear from the start factor at update 0 to 1 at update `epochs · updatesInEpoch`; it multiplies the schedule. */
function warmupFactor({ epochs, startFactor }: PhaseConfig['warmup'], updatesInEpoch: number, update: number): number {
  const length = Math.round(epochs * updatesInEpoch);
  return update < length ? startFactor + ((1 - startFactor) * update) / length : 1;
}

function scheduleFactor(schedule: ScheduleConfig, epochs: number, updatesInEpoch: number, update: number): number {
  const total = epochs * updatesInEpoch;
  const epoch = Math.floor(update / updatesInEpoch);
  switch (schedule.kind) {
    case 'constant':
      return 1;
    case 'step': // γ^⌊epoch / every⌋
      return schedule.gamma ** Math.floor(epoch / schedule.everyEpochs);
    case 'exponential': // γ^epoch
      return schedule.gamma ** epoch;
    case 'cosine': // from 1 along half a cosine; the final factor would be reached at the update after the last
      return halfCosine(1, schedule.finalFactor, update / total);
    case 'linear': // as cosine, along a line
      return 1 + ((schedule.finalFactor - 1) * update) / total;
    case 'one-cycle':
      return oneCycleFactor(schedule, total, update);
  }
}

/** Half a cosine up, whose top is update `riseFraction · total − 1`, then half a cosine down to the last update. */
function oneCycleFactor(
  { startFactor, finalFactor, riseFraction }: Extract<ScheduleConfig, { kind: 'one-cycle' }>,
  total: number,
  update: number,
): number {
  const top = Math.max(0, riseFraction * total - 1);
  if (update < top) return halfCosine(startFactor, 1, update / top);
  const fall = total - 1 - top;
  return fall > 0 ? halfCosine(1, finalFactor, (update - top) / fall) : 1;
}

/** From `start` at 0 to `end` at 1. */
function halfCosine(start: number, end: number, progress: number): number {
  return end + ((start - end) * (1 + Math.cos(Math.PI * progress))) / 2;
}
