/**
 * What both the window and the report say of several runs: which of them repeat each other, and the spread over repeats.
 * Pure.
 */
import type { RunComparison } from './run.ts';

/** What tells runs apart that are repeats of each other. */
const seedPath = 'seed';

/** Groups of runs whose configurations differ in the seed alone, as indices into the comparison's runs. */
export function repeatsOf(comparison: RunComparison): number[][] {
  const rows = comparison.configuration.filter((row) => row.path !== seedPath);
  const groups = new Map<string, number[]>();
  comparison.runs.forEach((run, index) => {
    const key = JSON.stringify([run.datasetId, run.modelId, ...rows.map((row) => row.values[index])]);
    groups.set(key, [...(groups.get(key) ?? []), index]);
  });
  return [...groups.values()];
}

export interface Spread {
  mean: number;
  /** Sample standard deviation; null with a single value. */
  deviation: number | null;
}

export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length < 2 ? null : Math.sqrt(squares / (values.length - 1)) };
}
