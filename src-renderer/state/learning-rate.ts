/** The learning rate that a plan gives every epoch, for the curve that is drawn while the plan is being made. Pure. */
import type { PhaseConfig } from '../../src-main/contract/model/run.ts';

/** One value per epoch of all phases. Constant: η. Exponential: η·γᵉ with e counted from 0 inside the phase. */
export function learningRates(phases: readonly PhaseConfig[]): Float64Array {
  const rates: number[] = [];
  for (const { epochs, learningRate, schedule } of phases) {
    const gamma = schedule.kind === 'exponential' ? schedule.gamma : 1;
    for (let epoch = 0; epoch < epochs; epoch++) rates.push(learningRate * gamma ** epoch);
  }
  return Float64Array.from(rates);
}
