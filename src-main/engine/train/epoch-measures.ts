/** Sums over the steps of an epoch, and which epoch is better, in numbers and in words. */
import { metricDefinitions, type MetricName } from '../../contract/model/run.ts';
import type { Position } from './checkpoint.ts';
import type { StepResults } from './step-runner.ts';

/** The sums with those of one of the steps that a dispatch did. */
export function withStep(
  sums: Position['counts'],
  counts: StepResults['counts'],
  step: number,
  steps: number,
): Position['counts'] {
  return Object.fromEntries(
    Object.entries(counts).map(([name, values]) => {
      const length = values.length / steps;
      const before = sums[name] ?? new Array<number>(length).fill(0);
      return [name, before.map((sum, i) => sum + values[step * length + i]!)];
    }),
  );
}

export function isBetter(metric: MetricName, value: number, best: number | null): boolean {
  if (best === null) return true;
  return metricDefinitions[metric].better === 'higher' ? value > best : value < best;
}

/** "test mean IoU 0.4512" */
export function inWords({ series, value }: { series: MetricName; value: number }): string {
  return `${lowerLabel(series)} ${value.toFixed(4)}`;
}

export function patienceInWords(metric: MetricName, epochsSinceBest: number): string {
  const since = epochsSinceBest === 1 ? 'one epoch' : `${epochsSinceBest} epochs`;
  return `Stopped early: ${lowerLabel(metric)} was no better for ${since}.`;
}

function lowerLabel(metric: MetricName): string {
  const { label } = metricDefinitions[metric];
  return `${label.charAt(0).toLowerCase()}${label.slice(1)}`;
}
