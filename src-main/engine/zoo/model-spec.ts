/** What a network brings along: data only. The registry turns it into plans, knobs and descriptions. */
import type { Knob, ModelSummary } from '../../contract/model/model-spec.ts';
import type { ModelOptions } from '../../contract/model/run.ts';
import type { LayerSpec } from '../nn/network.ts';

export interface Preprocessing {
  /** What bytes 0…255 become before normalisation. */
  range: readonly [number, number];
  /** Then (value − mean) / std, per channel or one for all. */
  mean: number | readonly number[];
  std: number | readonly number[];
}

export interface ModelSpec<O extends ModelOptions> extends ModelSummary {
  preprocessing: Preprocessing;
  defaults: O;
  knobs: readonly { option: keyof O & string; label: string; explanation: string; control: Knob['control'] }[];
  layers(options: O, categoryCount: number): LayerSpec[];
}
