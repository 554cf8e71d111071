/** In what a configuration differs from its defaults, setting by setting. Pure. */
import type { Knob } from '../../src-main/contract/model/model-spec.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { valueAt, type KnobValue } from './config-path.ts';
import { knobsOfPhases } from './phases.ts';

export interface Setting {
  knob: Knob;
  value: KnobValue;
  usual: KnobValue;
  changed: boolean;
}

/** Every setting that this configuration has, in the order of the knobs; those of the first phase stand for all phases. */
export function settingsOf(config: RunConfig, knobs: readonly Knob[]): Setting[] {
  return knobsOfPhases(knobs, config.phases.length).flatMap((knob): Setting[] => {
    const value = valueAt(config, knob.path);
    if (value === undefined) return [];
    const kind = valueAt(config, knob.path.replace(/[^.]+$/, 'kind'));
    const usual = (typeof kind === 'string' ? knob.defaultsByKind?.[kind] : undefined) ?? knob.defaultValue;
    return [{ knob, value, usual, changed: !Object.is(value, usual) }];
  });
}
