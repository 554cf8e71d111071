/** What a network brings along: data only. The registry turns it into plans, knobs and descriptions. */
import type { Knob, ModelSummary } from '../../contract/model/model-spec.ts';
import type { ModelOptions } from '../../contract/model/run.ts';
import type { LayerSpec } from '../nn/network.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';

export interface ModelSpec<O extends ModelOptions> extends ModelSummary {
  preprocessing: Preprocessing;
  /** Where an option changes it. */
  preprocessingFor?(options: O): Preprocessing;
  defaults: O;
  knobs: readonly {
    option: keyof O & string;
    label: string;
    explanation: string;
    control: Knob['control'];
    /** Out of sight until it is looked for. */
    advanced?: true;
  }[];
  /** Both sides of an image must be multiples of this; any size will do where absent. */
  sideMultiple?: number;
  /** Paths of the layers whose results are the network's; the last one where absent. */
  outputs?: readonly string[];
  layers(options: O, categoryCount: number): LayerSpec[];
}
