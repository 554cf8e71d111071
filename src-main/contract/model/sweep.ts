/**
 * A sweep: many runs of one plan in which chosen settings differ, as one object. An axis is a setting (or several that
 * belong together) with the values to try; a trial is one value of each axis with one seed.
 */
import * as v from 'valibot';
import { runId, sweepId } from './ids.ts';
import { runConfig } from './run.ts';

const text = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(200));
const seed = runConfig.entries.seed;
const finite = v.pipe(v.number(), v.finite());

const plain = v.union([v.string(), finite, v.boolean(), v.null()]);
/** One setting of the configuration: `path` as in a knob; `value` what belongs there, a list or a record of plain values too. */
const settingChange = v.object({
  path: text,
  value: v.union([plain, v.array(v.string()), v.record(v.string(), plain)]),
});
export type SettingChange = v.InferOutput<typeof settingChange>;

export const sweepAxis = v.variant('kind', [
  v.object({
    kind: v.literal('choices'),
    label: text,
    /** Each is a value of the axis: what it is called, and the settings that make it. */
    choices: v.pipe(
      v.array(v.object({ label: text, changes: v.pipe(v.array(settingChange), v.maxLength(50)) })),
      v.minLength(1),
      v.maxLength(100),
    ),
  }),
  /** Any number between two others; only for random searches. */
  v.object({
    kind: v.literal('range'),
    label: text,
    path: text,
    low: finite,
    high: finite,
    /** 'log' draws the logarithm evenly: as often between 0.001 and 0.01 as between 0.01 and 0.1. */
    scale: v.picklist(['linear', 'log']),
    integer: v.boolean(),
  }),
]);
export type SweepAxis = v.InferOutput<typeof sweepAxis>;

const sweepSearch = v.variant('kind', [
  /** Every combination of the axes' values. */
  v.object({ kind: v.literal('grid') }),
  /** The first value of every axis, and then each other value alone. */
  v.object({ kind: v.literal('one-at-a-time') }),
  /** So many combinations by chance, none of them twice. */
  v.object({ kind: v.literal('random'), combinations: v.pipe(v.number(), v.integer(), v.minValue(1)), seed }),
]);
export type SweepSearch = v.InferOutput<typeof sweepSearch>;

/** How Slurm is asked for each run. Empty texts are left to the cluster's defaults. */
export const slurmSettings = v.object({
  partition: v.pipe(v.string(), v.trim(), v.maxLength(200)),
  /** "2:00:00", "1-12". */
  timeLimit: v.pipe(v.string(), v.trim(), v.maxLength(40)),
  cpus: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)),
  /** "4G" */
  memory: v.pipe(v.string(), v.trim(), v.maxLength(20)),
  gpus: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64)),
  /** Runs at the same time; null: as many as the cluster lets. */
  atOnce: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** Further options of sbatch, one a line: "--account=vision". */
  options: v.pipe(v.string(), v.maxLength(4000)),
  /** What starts Fovea's command line on the nodes; null: this installation, which the nodes must then see too. */
  command: v.nullable(text),
});
export type SlurmSettings = v.InferOutput<typeof slurmSettings>;

export const usualSlurmSettings: SlurmSettings = {
  partition: '',
  timeLimit: '',
  cpus: 2,
  memory: '',
  gpus: 0,
  atOnce: null,
  options: '',
  command: null,
};

export const sweepPlan = v.object({
  version: v.literal(1),
  /** What no axis changes. */
  base: runConfig,
  axes: v.pipe(v.array(sweepAxis), v.maxLength(12)),
  search: sweepSearch,
  /** Every combination is trained once with each. */
  seeds: v.pipe(v.array(seed), v.minLength(1), v.maxLength(100)),
  /** Null: this machine's queue. */
  slurm: v.nullable(slurmSettings),
  /** In the queue, as with `run.setPriority`. */
  priority: v.pipe(v.number(), v.integer(), v.minValue(-1), v.maxValue(1)),
});
export type SweepPlan = v.InferOutput<typeof sweepPlan>;

/** What tells one run of a sweep from the others. */
export const sweepTrial = v.object({
  /** Runs with the same one differ in the seed alone. */
  combination: v.number(),
  /** In the order of the axes: what the value is called, and its number where it is one. */
  values: v.array(v.object({ label: v.string(), number: v.nullable(v.number()) })),
  seed,
});
export type SweepTrial = v.InferOutput<typeof sweepTrial>;

export const sweep = v.object({
  sweepId,
  name: v.string(),
  plan: sweepPlan,
  createdAt: v.string(),
  /** Those that were not deleted. Their states are the runs' own. */
  runs: v.array(v.object({ runId, trial: sweepTrial })),
});
export type Sweep = v.InferOutput<typeof sweep>;

/** What a plan would come to. */
export const sweepPreview = v.object({
  trials: v.array(sweepTrial),
  /** Combinations that turned out the same as an earlier one, because a value has no meaning beside another. */
  duplicates: v.number(),
  /** What is wrong with the runs to be, as `run.check` says it; each once, with the number of runs it is about. */
  findings: v.array(
    v.object({ severity: v.picklist(['error', 'warning', 'note']), message: v.string(), runs: v.number() }),
  ),
});
export type SweepPreview = v.InferOutput<typeof sweepPreview>;

/** Whether jobs can be given to Slurm from here. */
export const slurmState = v.object({
  available: v.boolean(),
  /** "slurm-wlm 22.05.8"; null where it is not there. */
  version: v.nullable(v.string()),
  partitions: v.array(v.string()),
  /** Why it is not available, in words. */
  reason: v.nullable(v.string()),
});
export type SlurmState = v.InferOutput<typeof slurmState>;

/** How long a run will take, from its first steps. */
export const timeEstimate = v.object({
  /** Of one step, and of one epoch with its evaluation. */
  stepMs: v.number(),
  epochMs: v.number(),
  totalMs: v.number(),
  /** "measured": a few steps were made just now; "earlier run": one like it was trained here before. */
  source: v.picklist(['measured', 'earlier run']),
});
export type TimeEstimate = v.InferOutput<typeof timeEstimate>;
