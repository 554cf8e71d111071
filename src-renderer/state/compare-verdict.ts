/**
 * Who wins a comparison, by how much, and whether seeds support it, as facts that a sentence can be made of. Runs that
 * differ in nothing but the seed are repeats of one variant. Pure.
 */
import { commonMeasure } from '../../src-main/contract/model/comparable.ts';
import type { RunComparison, RunSummary } from '../../src-main/contract/model/run.ts';
import { repeatsOf, spreadOf, type Spread } from '../../src-main/contract/model/run-groups.ts';
import { isActive } from './run-status.ts';

/** The spread is over seeds. */
export interface Variant extends Spread {
  /** Indices into the comparison's runs. */
  members: readonly number[];
}

export type Support =
  /** Some variant has one run: the difference may come from the seed. */
  | 'single-seeds'
  /** Every run of the winner is better than every run of the runner-up. */
  | 'separated'
  /** Runs of both overlap. */
  | 'overlapping';

export interface Verdict {
  label: string;
  better: 'higher' | 'lower';
  /** Best first. One entry where the runs differ in the seed alone. */
  variants: readonly Variant[];
  /** Winner minus runner-up, in the metric's own sign; null with one variant. */
  difference: number | null;
  /** The two are level as far as scores are shown. */
  tied: boolean;
  /** Null with one variant. */
  support: Support | null;
  differentData: boolean;
  caveats: readonly RunCaveat[];
}

export interface RunCaveat {
  kind: 'still-running' | 'ended-early';
  /** Index into the comparison's runs. */
  run: number;
}

/** Scores are shown with three decimals. */
const visibleDifference = 0.0005;

/** Why there is none: nothing that all are measured by, or not yet by all. */
export type NoVerdict = Exclude<ReturnType<typeof commonMeasure>, { label: string }>;

/** Judges final values: a best one was picked by hindsight. */
export function verdictOf(comparison: RunComparison): Verdict | NoVerdict {
  const metric = commonMeasure(comparison);
  if (typeof metric === 'string') return metric;
  const values = metric.final as readonly number[];
  const sign = metric.better === 'higher' ? -1 : 1;
  const variants = repeatsOf(comparison)
    .map((members) => variantOf(members, values))
    .sort((a, b) => sign * (a.mean - b.mean));
  const [winner, second] = variants;
  const contested = winner !== undefined && second !== undefined;
  const difference = contested ? winner.mean - second.mean : null;
  return {
    label: metric.label,
    better: metric.better,
    variants,
    difference,
    tied: difference !== null && Math.abs(difference) < visibleDifference,
    support: contested ? supportOf(winner, second, values, metric.better) : null,
    differentData: new Set(comparison.runs.map((run) => run.datasetId)).size > 1,
    caveats: caveatsOf(comparison.runs),
  };
}

function variantOf(members: readonly number[], values: readonly number[]): Variant {
  return { members, ...spreadOf(members.map((index) => values[index]!)) };
}

function supportOf(winner: Variant, second: Variant, values: readonly number[], better: 'higher' | 'lower'): Support {
  if (winner.members.length < 2 || second.members.length < 2) return 'single-seeds';
  const own = winner.members.map((index) => values[index]!);
  const others = second.members.map((index) => values[index]!);
  const apart = better === 'higher' ? Math.min(...own) > Math.max(...others) : Math.max(...own) < Math.min(...others);
  return apart ? 'separated' : 'overlapping';
}

function caveatsOf(runs: readonly RunSummary[]): RunCaveat[] {
  return runs.flatMap((summary, run): RunCaveat[] => {
    if (isActive(summary.status)) return [{ kind: 'still-running', run }];
    return summary.epochsDone < summary.epochsTotal ? [{ kind: 'ended-early', run }] : [];
  });
}
