/** From recorded series to curves on the chosen x axis. Pure. */
import type { SeriesView } from '../state/run-live.svelte.ts';
import { formatPlain } from '../ui/format-value.ts';
import type { XAxis } from './chart-view.svelte.ts';
import type { Curve, Range } from './curve.ts';

export const xAxisLabels = { epoch: 'epoch', step: 'step', time: 'minutes' } as const satisfies Record<XAxis, string>;

/** How long a step of a run took on average, evaluation and saving included; null before the first step. */
export function msPerStep(durationMs: number, stepsDone: number): number | null {
  return durationMs > 0 && stepsDone > 0 ? durationMs / stepsDone : null;
}

/** Time is not recorded with the points: it is the step at the run's mean pace, and missing where there is no pace. */
export function xValues(series: SeriesView, axis: XAxis, paceMsPerStep: number | null): Float64Array {
  if (axis === 'epoch') return series.epochs;
  if (axis === 'step') return series.steps;
  const minutesPerStep = (paceMsPerStep ?? Number.NaN) / 60_000;
  return series.steps.map((step) => step * minutesPerStep);
}

/** From 0 to the last point of any curve, or to `atLeast` (the planned end of a running run). */
export function domainOf(curves: readonly Curve[], atLeast: number): Range {
  const ends = curves.map((curve) => curve.x.at(-1) ?? 0).filter(Number.isFinite);
  const to = Math.max(atLeast, ...ends);
  return { from: 0, to: to > 0 ? to : 1 };
}

/** Ticks and read-outs: whole steps, everything else as short as it can be said. */
export function formatX(axis: XAxis): (value: number) => string {
  if (axis === 'step') return (value) => Math.round(value).toLocaleString('en');
  return (value) => formatPlain(Math.round(value * 100) / 100);
}
