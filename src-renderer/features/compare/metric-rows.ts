/** The metrics table of a comparison as rows: two per metric, after the last epoch and at its best. Pure. */
import { isComparable } from '../../../src-main/contract/model/comparable.ts';
import { spreadOf } from '../../../src-main/contract/model/run-groups.ts';
import type { RunComparison } from '../../../src-main/contract/model/run.ts';

type Metric = RunComparison['metrics'][number];

export interface MetricCell {
  value: number | null;
  /** Over runs that repeat each other; null for a single run. */
  deviation: number | null;
  /** Where the best value comes from; null in the other row. */
  epoch: number | null;
  /** To the baseline; null for the baseline itself and where one of the two has no value. */
  difference: number | null;
  tone: 'good' | 'bad' | 'same';
  /** Better than every other run. */
  wins: boolean;
}

export interface MetricRow {
  id: string;
  label: string;
  better: Metric['better'];
  /** False where the number means something else in each run: then none is better, and there is no difference. */
  comparable: boolean;
  kind: 'final' | 'best';
  cells: MetricCell[];
}

export function metricRows(comparison: RunComparison): MetricRow[] {
  return comparison.metrics
    .filter((metric) => metric.final.some((value) => value !== null))
    .flatMap((metric) => [
      row(
        comparison,
        metric,
        'final',
        metric.final,
        metric.final.map(() => null),
      ),
      row(
        comparison,
        metric,
        'best',
        metric.best.map((best) => best?.value ?? null),
        metric.best.map((best) => best?.epoch ?? null),
      ),
    ]);
}

function row(
  comparison: RunComparison,
  { metric, label, better }: Metric,
  kind: MetricRow['kind'],
  values: readonly (number | null)[],
  epochs: readonly (number | null)[],
): MetricRow {
  const comparable = isComparable({ metric, better }, comparison);
  const winner = comparable ? winnerOf(values, better) : -1;
  const baseline = comparable ? (values[0] ?? null) : null;
  const cells = values.map((value, index): MetricCell => {
    const difference = index === 0 || value === null || baseline === null ? null : value - baseline;
    return {
      value,
      deviation: null,
      epoch: epochs[index] ?? null,
      difference,
      tone: toneOf(difference, better),
      wins: index === winner,
    };
  });
  return { id: `${metric} ${kind}`, label, better, comparable, kind, cells };
}

/** The same with one column for each group of runs that repeat each other: their mean, and its spread. */
export function groupedRows(comparison: RunComparison, groups: readonly (readonly number[])[]): MetricRow[] {
  return comparison.metrics
    .filter((metric) => metric.final.some((value) => value !== null))
    .flatMap((metric) => {
      const grouped = (kind: MetricRow['kind'], values: readonly (number | null)[]): MetricRow => {
        const spreads = groups.map((members) => {
          const own = members.map((index) => values[index] ?? null).filter((value) => value !== null);
          return own.length === 0 ? null : spreadOf(own);
        });
        const means = spreads.map((spread) => spread?.mean ?? null);
        const whole = row(comparison, metric, kind, means, []);
        const cells = whole.cells.map((cell, index) => ({ ...cell, deviation: spreads[index]?.deviation ?? null }));
        return { ...whole, cells };
      };
      const best = metric.best.map((entry) => entry?.value ?? null);
      return [grouped('final', metric.final), grouped('best', best)];
    });
}

/** Index of the best value; −1 where two share it or there are not two to choose from. */
function winnerOf(values: readonly (number | null)[], better: Metric['better']): number {
  const present = values.filter((value) => value !== null);
  if (present.length < 2) return -1;
  const best = better === 'higher' ? Math.max(...present) : Math.min(...present);
  return present.filter((value) => value === best).length > 1 ? -1 : values.indexOf(best);
}

/** Below this a difference is shown as zero. */
const visibleDifference = 0.0005;

function toneOf(difference: number | null, better: Metric['better']): MetricCell['tone'] {
  if (difference === null || Math.abs(difference) < visibleDifference) return 'same';
  return difference > 0 === (better === 'higher') ? 'good' : 'bad';
}
