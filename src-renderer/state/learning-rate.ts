/**
 * The learning rate of a plan as a curve, drawn while the plan is being made: the contract's own function at enough
 * updates for a picture, the moments that deserve a mark, and a sentence for whoever does not see it. Pure.
 */
import type { PhaseConfig } from '../../src-main/contract/model/run.ts';
import { learningRate } from '../../src-main/contract/model/schedule.ts';
import type { Phases } from './phases.ts';

export interface PlannedRates {
  /** Epochs since the start of the run, ascending. */
  epochs: Float64Array;
  rates: Float64Array;
}

/** Up to here every update is drawn, as the step that it is. */
const drawnUpdates = 1500;
const sampledUpdates = 3000;
/** Up to here the ends of every epoch are among the samples, so that rates that change with the epoch fall steeply. */
const steepEpochs = 1000;

export function plannedRates(phases: Phases, updatesInEpoch: number): PlannedRates {
  const epochs: number[] = [];
  const rates: number[] = [];
  const total = phases.reduce((sum, phase) => sum + phase.epochs * updatesInEpoch, 0);
  let before = 0;
  for (const phase of phases) {
    const updates = total <= drawnUpdates ? everyUpdate(phase, updatesInEpoch) : samples(phase, updatesInEpoch, total);
    for (const update of updates) {
      const rate = learningRate(phase, updatesInEpoch, update);
      epochs.push(before + update / updatesInEpoch);
      rates.push(rate);
      if (total <= drawnUpdates) {
        epochs.push(before + (update + 1) / updatesInEpoch);
        rates.push(rate);
      }
    }
    before += phase.epochs;
  }
  return { epochs: Float64Array.from(epochs), rates: Float64Array.from(rates) };
}

function everyUpdate(phase: PhaseConfig, updatesInEpoch: number): number[] {
  return Array.from({ length: phase.epochs * updatesInEpoch }, (_, update) => update);
}

/** Ascending, without repeats; the first and the last update are among them, and the turning points. */
function samples(phase: PhaseConfig, updatesInEpoch: number, total: number): number[] {
  const length = phase.epochs * updatesInEpoch;
  const count = Math.min(length, Math.max(64, Math.round((sampledUpdates * length) / total)));
  const chosen = new Set(
    Array.from({ length: count }, (_, index) => Math.round((index * (length - 1)) / Math.max(1, count - 1))),
  );
  const warmupEnd = Math.round(phase.warmup.epochs * updatesInEpoch);
  const turns = [warmupEnd - 1, warmupEnd];
  if (phase.schedule.kind === 'one-cycle') turns.push(Math.round(phase.schedule.riseFraction * length - 1));
  if (phase.epochs <= steepEpochs) {
    for (let epoch = 1; epoch < phase.epochs; epoch++) turns.push(epoch * updatesInEpoch - 1, epoch * updatesInEpoch);
  }
  for (const turn of turns) if (turn >= 0 && turn < length) chosen.add(turn);
  return [...chosen].sort((a, b) => a - b);
}

/** Where a phase begins and where a warm-up ends, in epochs. */
export function plannedMarks(phases: Phases): { x: number; label: string }[] {
  let before = 0;
  return phases.flatMap(({ epochs, warmup }, index) => {
    const start = before;
    before += epochs;
    return [
      ...(index > 0 ? [{ x: start, label: `phase ${index + 1}` }] : []),
      ...(warmup.epochs > 0 ? [{ x: start + Math.min(epochs, warmup.epochs), label: 'warmed up' }] : []),
    ];
  });
}

/** `format` writes a rate. */
export function ratesInWords(phases: Phases, updatesInEpoch: number, format: (rate: number) => string): string {
  const texts = phases.map((phase, index) => {
    const text = phaseInWords(phase, updatesInEpoch, format);
    return phases.length > 1 ? `Phase ${index + 1}: ${text}` : text.charAt(0).toUpperCase() + text.slice(1);
  });
  return texts.join('. ') + '.';
}

function phaseInWords(phase: PhaseConfig, updatesInEpoch: number, format: (rate: number) => string): string {
  const { epochs, warmup, schedule } = phase;
  const at = (update: number): string => format(learningRate(phase, updatesInEpoch, update));
  const last = at(epochs * updatesInEpoch - 1);
  const length = epochText(epochs);
  if (schedule.kind === 'one-cycle') {
    return `from ${at(0)} up to ${format(phase.learningRate)} and down to ${last} over ${length}`;
  }
  if (warmup.epochs > 0) {
    if (warmup.epochs >= epochs) return `from ${at(0)} to ${last} over ${length}, ${allWarmup(epochs, warmup.epochs)}`;
    const settled = Math.min(epochs * updatesInEpoch - 1, Math.round(warmup.epochs * updatesInEpoch));
    const rest = at(settled) === last ? '' : `, then to ${last}`;
    return `from ${at(0)} to ${at(settled)} in ${epochText(warmup.epochs)} of warm-up${rest} over ${length}`;
  }
  return at(0) === last ? `${last} over ${length}` : `from ${at(0)} to ${last} over ${length}`;
}

/** "all of it warm-up", "the first of 3 epochs of warm-up" */
function allWarmup(epochs: number, warmup: number): string {
  if (warmup === epochs) return epochs === 1 ? 'all of it warm-up' : 'all of them warm-up';
  return `${epochs === 1 ? 'the first' : `the first ${epochs}`} of ${epochText(warmup)} of warm-up`;
}

function epochText(epochs: number): string {
  return `${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`;
}
