/** A setting's value in words, and which settings can be tried both ways at once. Pure. */
import type { Knob } from '../../../src-main/contract/model/model-spec.ts';
import type { Setting } from '../../state/config-differences.ts';
import type { KnobValue } from '../../state/config-path.ts';
import { formatPlain } from '../../ui/format-number.ts';

/** One choice of a setting, as a Select takes it. */
export interface KnobOption {
  value: string;
  label: string;
  detail?: string;
  disabled?: boolean;
}

export function knobValueText(knob: Knob, value: KnobValue): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return formatPlain(value);
  if (value === null) return 'off';
  if (typeof value === 'object') return 'on';
  const option =
    knob.control.kind === 'choice' ? knob.control.options.find((candidate) => candidate.value === value) : null;
  return option?.label ?? value;
}

const namedDifferences = 3;

/** "Batch norm on, Epochs 50 and 2 more"; only what differs from the defaults. */
export function differencesText(settings: readonly Setting[]): string {
  const changed = settings.filter((setting) => setting.changed);
  if (changed.length === 0) return 'All settings at their defaults';
  const named = changed
    .slice(0, namedDifferences)
    .map(({ knob, value }) => `${knob.label} ${knobValueText(knob, value)}`);
  const more = changed.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}

/** Switches whose effect a pair of runs can show: everything that is on or off, the model's own first. */
export function twinKnobs(knobs: readonly Knob[]): Knob[] {
  const switches = knobs.filter((knob) => knob.control.kind === 'boolean');
  return switches.toSorted((a, b) => Number(b.group === 'model') - Number(a.group === 'model'));
}

export function matchesSearch(knob: Knob, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/);
  const text = `${knob.label} ${knob.explanation} ${knob.path}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** What advanced settings are about, by the beginning of their paths (a phase's without its number). */
const topics = [
  { label: 'Learning rate', paths: ['warmup.', 'schedule.'] },
  { label: 'Optimiser', paths: ['optimiser.', 'decayAll', 'clipNorm'] },
  { label: 'Images', paths: ['augmentation.'] },
  { label: 'Updates and averages', paths: ['accumulation', 'ema'] },
] as const;
const elsewhere = 'Other';

export interface KnobGroup {
  label: string;
  knobs: readonly Knob[];
}

/** Only groups that have a setting, in a fixed order; each keeps the order of `knobs`. */
export function groupKnobs(knobs: readonly Knob[]): KnobGroup[] {
  const topicOf = ({ path }: Knob): string => {
    const field = path.replace(/^phases\.\d+\./, '');
    return topics.find(({ paths }) => paths.some((start) => field.startsWith(start)))?.label ?? elsewhere;
  };
  return [...topics.map(({ label }) => label), elsewhere]
    .map((label) => ({ label, knobs: knobs.filter((knob) => topicOf(knob) === label) }))
    .filter((group) => group.knobs.length > 0);
}
