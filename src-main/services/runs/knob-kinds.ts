/** Short ways to write down a knob of each kind. */
import type { Knob } from '../../contract/model/model-spec.ts';

type Control<K extends Knob['control']['kind']> = Extract<Knob['control'], { kind: K }>;
type Text = Pick<Knob, 'path' | 'label' | 'explanation' | 'defaultsByKind'>;

export const integer = (
  group: Knob['group'],
  [min, defaultValue, max]: readonly [number, number, number],
  text: Text,
): Knob => ({ ...text, group, control: { kind: 'integer', min, max }, defaultValue });

export const number = (
  group: Knob['group'],
  [min, defaultValue, max]: readonly [number, number, number],
  text: Text,
): Knob => ({ ...text, group, control: { kind: 'number', min, max }, defaultValue });

/** Off until it is switched on. */
export const toggle = (group: Knob['group'], text: Text): Knob => ({
  ...text,
  group,
  control: { kind: 'boolean' },
  defaultValue: false,
});

export const choice = (
  group: Knob['group'],
  options: Control<'choice'>['options'],
  defaultValue: string,
  text: Text,
): Knob => ({ ...text, group, control: { kind: 'choice', options }, defaultValue });

/** A number that is off (null) until it is switched on. */
export const optionalNumber = (
  group: Knob['group'],
  [min, whenOn, max]: readonly [number, number, number],
  text: Text,
): Knob => ({ ...text, group, control: { kind: 'optional-number', min, max, whenOn }, defaultValue: null });

/** The same of whole numbers. */
export const optionalInteger = (
  group: Knob['group'],
  [min, whenOn, max]: readonly [number, number, number],
  text: Text,
): Knob => ({
  ...text,
  group,
  control: { kind: 'optional-number', min, max, whenOn, integer: true },
  defaultValue: null,
});

/** A record that is off (null) until it is switched on; its fields are knobs of their own. */
export const optional = (group: Knob['group'], whenOn: Control<'optional'>['whenOn'], text: Text): Knob => ({
  ...text,
  group,
  control: { kind: 'optional', whenOn },
  defaultValue: null,
});
