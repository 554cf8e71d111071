/**
 * The gap between training and test of a sweep's runs, epoch by epoch, as the mean over the seeds of each combination. Read
 * anew when a run has done another epoch.
 */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import { metricDefinitions, type MetricName, type Series, type Task } from '../../src-main/contract/model/run.ts';
import type { Sweep } from '../../src-main/contract/model/sweep.ts';
import { taskDefinitions } from '../../src-main/contract/model/tasks.ts';

export interface GapMetrics {
  title: string;
  train: MetricName;
  test: MetricName;
}

/** What a task measures on both splits: its main metric where it does, else the loss. */
export function gapMetrics(task: Task): GapMetrics {
  const { charts, headline } = taskDefinitions[task];
  const both = charts.flatMap(({ title, train, test }) =>
    train !== null && test !== null ? [{ title, train, test }] : [],
  );
  return both.find(({ test }) => test === headline) ?? both[0]!;
}

/** How much better on what was learned: train − test where higher is better, test − train where lower is. At common epochs. */
export function gapOf(train: Series, test: Series): { epochs: number[]; values: number[] } {
  const sign = metricDefinitions[train.series as MetricName].better === 'higher' ? 1 : -1;
  const learned = new Map(Array.from(train.epochs, (epoch, at) => [epoch, train.values[at]!]));
  const common = Array.from(test.epochs, (epoch, at) => ({
    epoch,
    seen: learned.get(epoch),
    unseen: test.values[at]!,
  }));
  const both = common.filter(({ seen }) => seen !== undefined);
  return { epochs: both.map(({ epoch }) => epoch), values: both.map(({ seen, unseen }) => sign * (seen! - unseen)) };
}

/** At each epoch over those that have reached it. */
export function meanOf(curves: readonly { epochs: readonly number[]; values: readonly number[] }[]) {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { epochs, values } of curves)
    epochs.forEach((epoch, at) => {
      const { sum, count } = sums.get(epoch) ?? { sum: 0, count: 0 };
      sums.set(epoch, { sum: sum + values[at]!, count: count + 1 });
    });
  const sorted = [...sums].toSorted(([a], [b]) => a - b);
  return {
    epochs: Float64Array.from(sorted, ([epoch]) => epoch),
    values: Float64Array.from(sorted, ([, { sum, count }]) => sum / count),
  };
}

export interface GapCurve {
  combination: number;
  epochs: Float64Array;
  values: Float64Array;
}

export class SweepGap {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly #sweep: Sweep;
  readonly metrics: GapMetrics;
  #curves = $state.raw<ReadonlyMap<RunId, { epochs: number[]; values: number[] }>>(new Map());
  #read = new Map<RunId, number>();

  /** In the order of the plan; combinations without a value are left out. */
  readonly curves = $derived.by((): GapCurve[] => {
    const groups = new Map<number, { epochs: number[]; values: number[] }[]>();
    for (const { runId, trial } of this.#sweep.runs) {
      const curve = this.#curves.get(runId);
      if (curve === undefined || curve.epochs.length === 0) continue;
      groups.set(trial.combination, [...(groups.get(trial.combination) ?? []), curve]);
    }
    return [...groups].map(([combination, curves]) => ({ combination, ...meanOf(curves) }));
  });

  constructor(api: Api, projectId: ProjectId, sweep: Sweep) {
    this.#api = api;
    this.#projectId = projectId;
    this.#sweep = sweep;
    this.metrics = gapMetrics(sweep.plan.base.task);
  }

  /** Reads the runs whose number of epochs is not the one that was read. */
  async update(epochsDone: ReadonlyMap<RunId, number>): Promise<void> {
    const stale = [...epochsDone].filter(([runId, epochs]) => epochs > 0 && this.#read.get(runId) !== epochs);
    for (const [runId, epochs] of stale) this.#read.set(runId, epochs);
    const { train, test } = this.metrics;
    for (const [runId, epochs] of stale) {
      const request = { projectId: this.#projectId, runId, series: [train, test] };
      const [learned, unseen] = await this.#api.call('run.series', request).catch(() => []);
      // What was asked for since then is newer, and on its way.
      const isLatest = this.#read.get(runId) === epochs;
      if (learned && unseen && isLatest) this.#curves = new Map(this.#curves).set(runId, gapOf(learned, unseen));
    }
  }
}
