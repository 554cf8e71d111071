/**
 * The moments of a run that are marked on its curves: the best checkpoint, phases and what they unfreeze, drops of the
 * learning rate, what a person changed, and where it went on after a stop. Pure.
 */
import type { Intervention, RecordedIntervention } from '../../src-main/contract/model/intervention.ts';
import type { PhaseConfig } from '../../src-main/contract/model/run.ts';
import { headlineOf } from '../../src-main/contract/model/tasks.ts';
import type { SeriesView } from '../state/run-live.svelte.ts';
import type { XAxis } from './chart-view.svelte.ts';
import { lowerBound, type EventMark } from './curve.ts';
import { xValues, type CurveSource } from './run-curves.ts';

type Phase = Pick<PhaseConfig, 'epochs' | 'freeze'>;

export interface MarkedRun {
  /** Of the headline metric; null before the first evaluation. */
  bestEpoch: number | null;
  resumedEpochs: readonly number[];
  interventions: readonly Pick<RecordedIntervention, 'step' | 'epoch' | 'change'>[];
  /** Empty while they are not known. */
  phases: readonly Phase[];
}

export function runMarks(source: CurveSource, run: MarkedRun, axis: XAxis): EventMark[] {
  return [
    ...(run.bestEpoch === null ? [] : bestMark(source, run.bestEpoch, axis)),
    ...phaseMarks(source, run.phases, axis),
    ...rateMarks(source, run, axis),
    ...interventionMarks(source, run.interventions, axis),
    ...resumeMarks(source, run.resumedEpochs, axis),
  ];
}

/** Where the best checkpoint lies on the chosen axis; nothing before the first evaluation. */
function bestMark(source: CurveSource, bestEpoch: number, axis: XAxis): EventMark[] {
  const series = source.series(headlineOf(source));
  const x = xValues(source, series, axis)[series.epochs.indexOf(bestEpoch)];
  return x === undefined ? [] : [{ x, label: 'best' }];
}

/** Where the run went on after a stop. */
function resumeMarks(source: CurveSource, resumedEpochs: readonly number[], axis: XAxis): EventMark[] {
  return resumedEpochs.flatMap((epoch) => {
    const x = placeOf(source, epoch, axis);
    return x === null ? [] : [{ x, label: 'resumed' }];
  });
}

/** Where each phase after the first began, as far as the run has come. */
function phaseMarks(source: CurveSource, phases: readonly Phase[], axis: XAxis): EventMark[] {
  const series = source.series('train/loss');
  const x = xValues(source, series, axis);
  let before = 0;
  return phases.slice(0, -1).flatMap(({ epochs }, index) => {
    before += epochs;
    const at = x[series.epochs.indexOf(before)];
    if (at === undefined) return [];
    const [earlier, later] = [phases[index]!, phases[index + 1]!];
    const unfrozen = earlier.freeze.some((path) => !later.freeze.includes(path));
    return [{ x: at, label: unfrozen ? `phase ${index + 2}, unfrozen` : `phase ${index + 2}` }];
  });
}

/** A smaller fall is a slope, not a drop; so is one that goes on from another, and so are many drops. */
const dropFactor = 0.6;
const levelFactor = 0.95;
const mostDrops = 12;

/** Where the schedule lets the rate fall from one epoch to the next. What has a mark of its own is left out. */
function rateMarks(source: CurveSource, { phases, interventions }: MarkedRun, axis: XAxis): EventMark[] {
  const rates = source.series('epoch/learningRate');
  const starts = new Set<number>();
  phases.reduce((before, { epochs }) => {
    starts.add(before + epochs);
    return before + epochs;
  }, 0);
  const drops: EventMark[] = [];
  for (let index = 1; index < rates.values.length; index++) {
    const factor = rates.values[index]! / rates.values[index - 1]!;
    const before = rates.values[index - 1]! / (rates.values[index - 2] ?? rates.values[index - 1]!);
    const [from, to] = [rates.epochs[index - 1]!, rates.epochs[index]!];
    const isOfPerson = interventions.some(
      ({ epoch, change }) => change.kind === 'learning-rate' && epoch >= from - 1 && epoch <= to,
    );
    if (!(factor <= dropFactor && before >= levelFactor) || starts.has(from) || isOfPerson) continue;
    const x = placeOf(source, from, axis);
    if (x !== null) drops.push({ x, label: `rate × ${factorText(factor)}` });
  }
  return drops.length > mostDrops ? [] : drops;
}

function interventionMarks(source: CurveSource, interventions: MarkedRun['interventions'], axis: XAxis): EventMark[] {
  return interventions.flatMap(({ step, epoch, change }) => {
    const x = axis === 'step' ? step : placeOf(source, epoch, axis);
    return x === null ? [] : [{ x, label: words(change) }];
  });
}

function words(change: Intervention): string {
  if (change.kind === 'learning-rate') return `rate × ${factorText(change.factor)}`;
  if (change.kind === 'epochs') return `${change.added > 0 ? '+' : '−'}${Math.abs(change.added)} ep.`;
  return 'stopped';
}

const factorText = (factor: number): string => String(Number(factor.toPrecision(2)));

/** Of a (fractional) epoch on the axis; null where the run has no values there. */
function placeOf(source: CurveSource, epoch: number, axis: XAxis): number | null {
  if (axis === 'epoch') return epoch;
  const steps: SeriesView = source.series('step/loss');
  const series = steps.steps.length > 0 ? steps : source.series('train/loss');
  return xValues(source, series, axis)[lowerBound(series.epochs, epoch)] ?? null;
}
