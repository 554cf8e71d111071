/** The columns of the run list and their orders. Pure. */
import { headlineOf } from '../../../src-main/contract/model/tasks.ts';
import type { RunSummary } from '../../../src-main/contract/model/run.ts';

export const runColumns = ['name', 'status', 'dataset', 'model', 'last', 'best', 'epochs', 'duration', 'date'] as const;
export type RunColumn = (typeof runColumns)[number];

export interface RunOrder {
  column: RunColumn;
  descending: boolean;
}

export function lastScore(run: RunSummary): number | null {
  return run.latest[headlineOf(run)] ?? null;
}

export function bestScore(run: RunSummary): { value: number; epoch: number } | null {
  return run.best[headlineOf(run)] ?? null;
}

const keys: { [C in RunColumn]: (run: RunSummary) => string | number | null } = {
  name: (run) => run.name.toLowerCase(),
  status: (run) => run.status,
  dataset: (run) => run.datasetName.toLowerCase(),
  model: (run) => run.modelId,
  last: lastScore,
  best: (run) => bestScore(run)?.value ?? null,
  epochs: (run) => run.epochsDone,
  duration: (run) => run.durationMs,
  date: (run) => run.runId,
};

/** Numbers are looked at from the highest, words from A. */
export function firstDirection(column: RunColumn): boolean {
  return !['name', 'status', 'dataset', 'model'].includes(column);
}

/** Pinned runs come first; runs without a value last in either direction; ties keep the newest first. */
export function sortRuns(runs: readonly RunSummary[], { column, descending }: RunOrder): RunSummary[] {
  const key = keys[column];
  return runs.toSorted((a, b) => {
    if (a.pinned !== b.pinned) return Number(b.pinned) - Number(a.pinned);
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || b.runId - a.runId;
    const ascending = typeof x === 'string' ? x.localeCompare(String(y), 'en', { numeric: true }) : x - Number(y);
    return (descending ? -ascending : ascending) || b.runId - a.runId;
  });
}
