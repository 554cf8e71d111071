/** What a network brings along: data only. The registry turns it into plans, knobs and descriptions. */
import type { Knob, ModelSummary } from '../../contract/model/model-spec.ts';
import type { ModelOptions } from '../../contract/model/run.ts';
import type { LayerSpec } from '../nn/network.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';

export interface ModelSpec<O extends ModelOptions> extends ModelSummary {
  preprocessing: Preprocessing;
  defaults: O;
  knobs: readonly { option: keyof O & string; label: string; explanation: string; control: Knob['control'] }[];
  layers(options: O, categoryCount: number): LayerSpec[];
}
