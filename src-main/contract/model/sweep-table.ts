/** What both the window and the shell say of a sweep: one row for each combination, with mean and spread over its seeds. Pure. */
import type { RunId } from './ids.ts';
import { spreadOf, type Spread } from './run-groups.ts';
import { metricDefinitions, type MetricName, type RunSummary } from './run.ts';
import type { Sweep, SweepTrial } from './sweep.ts';
import { taskDefinitions } from './tasks.ts';

export interface SweepRun {
  run: RunSummary;
  seed: number;
}

export interface SweepRow {
  combination: number;
  values: SweepTrial['values'];
  /** In the order of the seeds; only those that are there. */
  runs: readonly SweepRun[];
  /** Of the best values that the runs have reached so far; null where none has one. */
  best: Spread | null;
  /** Of the last values. */
  last: Spread | null;
  /** How many runs the best and the last are of. */
  measured: number;
}

/** By its task's main metric. */
export const sweepMetric = ({ plan }: Sweep): MetricName => taskDefinitions[plan.base.task].headline;

/** In the order of the plan. `runs`: all that are known; those of other sweeps are passed over. */
export function sweepRows(sweep: Sweep, runs: ReadonlyMap<RunId, RunSummary>, metric = sweepMetric(sweep)): SweepRow[] {
  const rows = new Map<number, { values: SweepTrial['values']; runs: SweepRun[] }>();
  for (const { runId, trial } of sweep.runs) {
    const run = runs.get(runId);
    if (run === undefined) continue;
    const row = rows.get(trial.combination) ?? { values: trial.values, runs: [] };
    row.runs.push({ run, seed: trial.seed });
    rows.set(trial.combination, row);
  }
  return [...rows].map(([combination, row]) => {
    const best = row.runs.flatMap(({ run }) => run.best[metric]?.value ?? []);
    const last = row.runs.flatMap(({ run }) => run.latest[metric] ?? []);
    return {
      combination,
      ...row,
      best: best.length === 0 ? null : spreadOf(best),
      last: last.length === 0 ? null : spreadOf(last),
      measured: best.length,
    };
  });
}

/** The best first; those without a value last. */
export function bestFirst(rows: readonly SweepRow[], metric: MetricName): SweepRow[] {
  const sign = metricDefinitions[metric].better === 'higher' ? -1 : 1;
  const valueOf = ({ best }: SweepRow): number => (best === null ? Infinity : sign * best.mean);
  return rows.toSorted((a, b) => valueOf(a) - valueOf(b) || a.combination - b.combination);
}

export interface SweepProgress {
  runs: number;
  finished: number;
  running: number;
  waiting: number;
  /** Cancelled, failed or interrupted. */
  stopped: number;
  /** Of those: they can go on. */
  resumable: number;
}

export function sweepProgress(sweep: Sweep, runs: ReadonlyMap<RunId, RunSummary>): SweepProgress {
  const known = sweep.runs.flatMap(({ runId }) => runs.get(runId) ?? []);
  const count = (fits: (run: RunSummary) => boolean): number => known.filter(fits).length;
  const isStopped = ({ status }: RunSummary): boolean => ['cancelled', 'failed', 'interrupted'].includes(status);
  return {
    runs: known.length,
    finished: count(({ status }) => status === 'finished'),
    running: count(({ status }) => status === 'running'),
    waiting: count(({ status }) => status === 'queued'),
    stopped: count(isStopped),
    resumable: count((run) => isStopped(run) && run.resumable),
  };
}

/** "5 of 12 finished, 1 trains, 6 wait" */
export function progressText({ runs, finished, running, waiting, stopped }: SweepProgress): string {
  const parts = [`${finished} of ${runs} finished`];
  if (running > 0) parts.push(`${running} ${running === 1 ? 'trains' : 'train'}`);
  if (waiting > 0) parts.push(`${waiting} ${waiting === 1 ? 'waits' : 'wait'}`);
  if (stopped > 0) parts.push(`${stopped} stopped`);
  return parts.join(', ');
}
