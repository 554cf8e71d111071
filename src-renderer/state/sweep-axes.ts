/**
 * An axis of a sweep while it is being planned: a setting with what is to be tried, as a person writes it, and what that
 * means as an axis of the plan. Pure.
 */
import { takesWholeNumbers, type Knob } from '../../src-main/contract/model/model-spec.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { SettingChange, SweepAxis, SweepSearch } from '../../src-main/contract/model/sweep.ts';
import type { KnobValue } from './config-path.ts';

/** Of the plan that is swept over. */
export interface SweptPlan {
  config: RunConfig;
  value(path: string): KnobValue | undefined;
  /** The plan with one setting changed, and all that belongs to it. */
  withKnob(path: string, value: KnobValue): RunConfig;
}

/** One value that can be chosen. */
export interface AxisOption {
  id: string;
  label: string;
  changes: readonly SettingChange[];
}

export type DraftAxis =
  /** Values that are switched on and off: a switch's two, a choice's, or prepared ones. */
  | { kind: 'options'; id: string; label: string; options: readonly AxisOption[]; chosen: readonly string[] }
  /** Numbers as text: "0.1, 0.01", or "0.0001 .. 0.1" for a random search. */
  | { kind: 'numbers'; id: string; label: string; knob: Knob; text: string; log: boolean };

/** The path's record as a whole, where the setting decides what is in it. */
function changeTo(plan: SweptPlan, path: string, value: KnobValue): SettingChange {
  if (!path.endsWith('.kind')) return { path, value };
  const owner = path.replace(/\.kind$/, '');
  let node: unknown = plan.withKnob(path, value);
  for (const key of owner.split('.')) node = (node as Record<string, unknown>)[key];
  return { path: owner, value: node as SettingChange['value'] };
}

/** Null for a setting that a sweep cannot vary: where the images come from, and the device. */
export function axisOfKnob(plan: SweptPlan, knob: Knob, label: string): DraftAxis | null {
  const { path, control } = knob;
  const now = plan.value(path);
  if (now === undefined || path === 'device' || path === 'seed') return null;
  const option = (id: string, words: string, value: KnobValue): AxisOption => ({
    id,
    label: words,
    changes: [changeTo(plan, path, value)],
  });
  const options = (list: readonly AxisOption[], chosen: readonly string[]): DraftAxis => ({
    kind: 'options',
    id: path,
    label,
    options: list,
    chosen,
  });
  switch (control.kind) {
    case 'boolean':
      return options([option('off', 'off', false), option('on', 'on', true)], ['off', 'on']);
    case 'optional':
      return options([option('off', 'off', null), option('on', 'on', control.whenOn)], ['off', 'on']);
    case 'choice':
      return options(
        control.options.map(({ value, label: words }) => option(value, words, value)),
        [String(now)],
      );
    default:
      return { kind: 'numbers', id: path, label, knob, text: now === null ? 'off' : String(now), log: true };
  }
}

export type AxisReading = { axis: SweepAxis; problem: null } | { axis: null; problem: string };

/** `problem` in words where it is no axis yet. */
export function readAxis(draft: DraftAxis, search: SweepSearch['kind']): AxisReading {
  const wrong = (problem: string): AxisReading => ({ axis: null, problem: `${draft.label}: ${problem}` });
  if (draft.kind === 'options') {
    const chosen = draft.options.filter(({ id }) => draft.chosen.includes(id));
    if (chosen.length === 0) return wrong('choose at least one value.');
    const choices = chosen.map(({ label, changes }) => ({ label, changes: [...changes] }));
    return { axis: { kind: 'choices', label: draft.label, choices }, problem: null };
  }
  const { label, knob, text, log } = draft;
  const { path, control } = knob;
  const integer = takesWholeNumbers(control);
  const [min, max] = 'min' in control ? [control.min, control.max] : [-Infinity, Infinity];
  const range = text.split(/\.\.+|…|\s+to\s+/);
  if (range.length === 2) {
    if (search !== 'random') return wrong('a range needs a search by chance; list the values instead.');
    const [low, high] = range.map(Number);
    if (low === undefined || high === undefined || !(low < high)) return wrong('write a range as 0.0001 .. 0.1.');
    if (low < min || high > max) return wrong(`must lie between ${min} and ${max}.`);
    if (log && low <= 0) return wrong('has no logarithm at 0: begin above it, or draw evenly.');
    return { axis: { kind: 'range', label, path, low, high, scale: log ? 'log' : 'linear', integer }, problem: null };
  }
  const words = text.split(/[\s,;]+/).filter((word) => word !== '');
  if (words.length === 0) return wrong('write the values to try, such as 0.1, 0.01.');
  const choices = [];
  for (const word of new Set(words)) {
    const isOff = word === 'off' && control.kind === 'optional-number';
    const value = isOff ? null : Number(word);
    if (value !== null && !Number.isFinite(value)) return wrong(`“${word}” is no number.`);
    if (value !== null && integer && !Number.isInteger(value)) return wrong(`${word} is no whole number.`);
    if (value !== null && (value < min || value > max)) return wrong(`${word} is not between ${min} and ${max}.`);
    choices.push({ label: word, changes: [{ path, value }] });
  }
  return { axis: { kind: 'choices', label, choices }, problem: null };
}

/** "1, 2, 3", or "1-5"; null for what is none. */
export function readSeeds(text: string): number[] | null {
  const seeds: number[] = [];
  for (const word of text.split(/[\s,;]+/).filter((each) => each !== '')) {
    const [, from, to] = /^(\d+)(?:[-–](\d+))?$/.exec(word) ?? [];
    if (from === undefined) return null;
    const [first, last] = [Number(from), Number(to ?? from)];
    if (last < first || last > 0xffffffff || last - first >= 100) return null;
    for (let seed = first; seed <= last; seed++) seeds.push(seed);
  }
  return seeds.length === 0 || seeds.length > 100 ? null : [...new Set(seeds)];
}
