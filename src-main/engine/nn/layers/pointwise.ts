/** Layers that treat every element alike: ReLU, flatten, dropout. */
import { sizeOf, type Value } from '../../graph/types.ts';
import { inNaturalOrder, mapRows, settle } from '../feature-map.ts';
import { uniform } from '../random.ts';
import { unchanged, type BuildContext, type LayerDefinition } from './definition.ts';

export type NoSettings = Readonly<Record<never, never>>;

export const relu: LayerDefinition<NoSettings> = {
  outputShape: unchanged,
  build: ({ g }, _path, _settings, x) => g.op('Relu', [x]),
  buildFeatureMajor: ({ g }, _path, _settings, x) => mapRows(g, x, (rows) => g.op('Relu', [rows])),
};

export const flatten: LayerDefinition<NoSettings> = {
  outputShape: (_path, _settings, input) => [sizeOf(input)],
  build: ({ g }, _path, _settings, x) => g.reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1))]),
  buildFeatureMajor: ({ g }, _path, _settings, x) => ({ ...inNaturalOrder(g, settle(g, x)), shape: [sizeOf(x.shape)] }),
};

export interface DropoutSettings {
  probability: number;
}

/** Zeroes each element with probability p and scales the others by 1/(1 − p); does nothing in inference. */
function drop({ g, mode, step, stream }: BuildContext, { probability }: DropoutSettings, x: Value): Value {
  if (mode === 'inference' || probability === 0) return x;
  const kept = g.op('GreaterOrEqual', [uniform(g, x.shape, step!, stream), g.float(probability)]);
  return g.mul(x, g.scale(g.cast(kept, 'float32'), 1 / (1 - probability)));
}

export const dropout: LayerDefinition<DropoutSettings> = {
  outputShape: unchanged,
  build: (context, _path, settings, x) => drop(context, settings, x),
  buildFeatureMajor: (context, _path, settings, x) => mapRows(context.g, x, (rows) => drop(context, settings, rows)),
  describe: ({ probability }) => ({ settings: `p = ${probability}`, formula: null }),
};
