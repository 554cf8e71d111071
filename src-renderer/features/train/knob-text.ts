/** A setting's value in words, and which settings can be tried both ways at once. Pure. */
import type { Knob } from '../../../src-main/contract/model/model-spec.ts';
import type { KnobValue } from '../../state/config-path.ts';
import { formatPlain } from '../../ui/format-number.ts';

export function knobValueText(knob: Knob, value: KnobValue): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return formatPlain(value);
  const option =
    knob.control.kind === 'choice' ? knob.control.options.find((candidate) => candidate.value === value) : null;
  return option?.label ?? value;
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
