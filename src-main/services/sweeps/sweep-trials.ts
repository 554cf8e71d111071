/**
 * From a sweep's plan to its runs: which values each one has, and the configuration that they make. Pure and seeded: the
 * same plan gives the same runs.
 */
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import { runConfig, type RunConfig } from '../../contract/model/run.ts';
import type { SettingChange, SweepAxis, SweepPlan, SweepTrial } from '../../contract/model/sweep.ts';
import { permutation, Random } from '../../engine/data/random.ts';

export interface PlannedTrial {
  trial: SweepTrial;
  config: RunConfig;
}

/** More would bury the project's other runs. */
const mostRuns = 1000;

/** A value of an axis with what makes it. */
interface AxisValue {
  label: string;
  number: number | null;
  changes: readonly SettingChange[];
}
type Combination = readonly AxisValue[];

/** Throws FoveaError `bad-input` for a plan that cannot be carried out; the message names the axis or the value. */
export function planTrials(plan: SweepPlan): { trials: PlannedTrial[]; duplicates: number } {
  const wanted = combinationsOf(plan);
  const seeds = [...new Set(plan.seeds)];
  const made = new Map<string, { values: Combination; config: RunConfig }>();
  for (const values of wanted) {
    const config = configOf(plan.base, values);
    const key = JSON.stringify({ ...config, seed: 0 });
    if (!made.has(key)) made.set(key, { values, config });
  }
  refuseTooMany(made.size * seeds.length);
  if (wanted.length > 1 && made.size === 1)
    throw new FoveaError(
      'bad-input',
      'The chosen values make no difference in this plan: every run would be the same.',
    );
  const trials = [...made.values()].flatMap(({ values, config }, combination) =>
    seeds.map((seed) => ({
      trial: { combination, values: values.map(({ label, number }) => ({ label, number })), seed },
      config: { ...config, seed },
    })),
  );
  return { trials, duplicates: wanted.length - made.size };
}

function combinationsOf({ axes, search }: SweepPlan): Combination[] {
  if (search.kind === 'random') return drawn(axes, search.combinations, Random.derive(search.seed, 'sweep'));
  const values = axes.map(listedValues);
  return search.kind === 'grid' ? product(values) : oneAtATime(values);
}

function listedValues(axis: SweepAxis): AxisValue[] {
  if (axis.kind === 'choices') return axis.choices.map((choice) => ({ ...choice, number: numberOf(choice.changes) }));
  throw new FoveaError(
    'bad-input',
    `“${axis.label}” is a range, which only a random search can draw from. List its values, or search by chance.`,
  );
}

/** Of a value that is one setting that is a number. */
function numberOf(changes: readonly SettingChange[]): number | null {
  const [only] = changes;
  return changes.length === 1 && typeof only?.value === 'number' ? only.value : null;
}

/** The last axis changes fastest. */
function product(axes: readonly (readonly AxisValue[])[]): Combination[] {
  refuseTooMany(axes.reduce((count, values) => count * values.length, 1));
  return axes.reduce<Combination[]>(
    (all, values) => all.flatMap((head) => values.map((value) => [...head, value])),
    [[]],
  );
}

function oneAtATime(axes: readonly (readonly AxisValue[])[]): Combination[] {
  const first = axes.map(([value]) => value!);
  return [first, ...axes.flatMap((values, axis) => values.slice(1).map((value) => first.with(axis, value)))];
}

/** Without repeats; where only listed values are drawn from and there are no more of them, all. */
function drawn(axes: readonly SweepAxis[], wanted: number, random: Random): Combination[] {
  refuseTooMany(wanted);
  const isListed = axes.every(({ kind }) => kind === 'choices');
  const count = axes.reduce((total, axis) => total * (axis.kind === 'choices' ? axis.choices.length : 1), 1);
  if (isListed && count <= mostRuns) {
    const all = product(axes.map(listedValues));
    return Array.from(permutation(all.length, random).subarray(0, wanted), (at) => all[at]!);
  }
  const found = new Map<string, Combination>();
  for (let attempt = 0; found.size < wanted && attempt < 100 * wanted; attempt++) {
    const combination = axes.map((axis) => drawnValue(axis, random));
    found.set(JSON.stringify(combination), combination);
  }
  return [...found.values()];
}

function drawnValue(axis: SweepAxis, random: Random): AxisValue {
  if (axis.kind === 'choices') return listedValues(axis)[random.below(axis.choices.length)]!;
  const { label, path, low, high, scale, integer } = axis;
  if (!(low < high))
    throw new FoveaError('bad-input', `“${label}” needs a lower and a higher end, got ${low} and ${high}.`);
  if (scale === 'log' && low <= 0)
    throw new FoveaError('bad-input', `“${label}” has no logarithm at ${low}: begin above 0, or draw evenly.`);
  const share = random.uniform();
  const exact = scale === 'log' ? low * (high / low) ** share : low + (high - low) * share;
  // More digits would say nothing and be hard to read.
  const value = integer ? Math.min(high, Math.floor(exact + 0.5)) : Number(exact.toPrecision(3));
  return { label: String(value), number: value, changes: [{ path, value }] };
}

function configOf(base: RunConfig, values: Combination): RunConfig {
  // A record is replaced as a whole before single fields of it are set.
  const changes = values.flatMap((value) => value.changes).toSorted((a, b) => depthOf(a) - depthOf(b));
  const document = structuredClone(base) as unknown;
  for (const change of changes) put(document, change);
  const parsed = v.safeParse(runConfig, document);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const named = values.map(({ label }) => label).join(', ');
  throw new FoveaError(
    'bad-input',
    `The values ${named} cannot be: ${v.getDotPath(issue) ?? 'plan'}: ${issue.message}`,
  );
}

const depthOf = ({ path }: SettingChange): number => path.split('.').length;

/** A setting that the plan does not have beside the other values (momentum, under Adam) changes nothing. */
function put(document: unknown, { path, value }: SettingChange): void {
  const keys = path.split('.');
  const last = keys.pop()!;
  const owner = keys.reduce<unknown>((node, key) => (isRecord(node) ? node[key] : undefined), document);
  if (isRecord(owner)) owner[last] = structuredClone(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function refuseTooMany(count: number): void {
  if (count <= mostRuns) return;
  throw new FoveaError(
    'bad-input',
    `These would be ${count.toLocaleString('en')} runs; a sweep has ${mostRuns.toLocaleString('en')} at most. Choose fewer values, or search by chance.`,
  );
}
