/** Normalisations that look at one image alone: group norm and layer norm. Both do the same in training and inference. */
import { ShapeError } from '../../graph/errors.ts';
import { sizeOf, type Value } from '../../graph/types.ts';
import type { Builder } from '../../graph/builder.ts';
import type { ParameterSpec } from '../parameters.ts';
import { unchanged, type LayerDefinition } from './definition.ts';

export interface LayerNormSettings {
  /** Added to the variance. 1e-5 where absent. */
  epsilon?: number;
}

export interface GroupNormSettings extends LayerNormSettings {
  /** Into how many groups of neighbouring channels the image is split. */
  groups: number;
}

const slopeAndOffset = (path: string, channels: number): ParameterSpec[] => [
  { name: `${path}.weight`, shape: [channels], initialiser: { kind: 'constant', value: 1 } },
  { name: `${path}.bias`, shape: [channels], initialiser: { kind: 'constant', value: 0 } },
];

/** (x − mean) / √(variance + ε) along one axis; centred first, because E[x²] − μ² loses digits. */
function standardise(g: Builder, x: Value, axis: number, epsilon: number): Value {
  const centred = g.sub(x, g.reduceMean(x, [axis], true));
  const variance = g.reduceMean(g.mul(centred, centred), [axis], true);
  return g.mul(centred, g.reciprocal(g.sqrt(g.add(variance, g.float(epsilon)))));
}

/** weight·x + bias, a value a channel (axis 1). */
function scaleChannels(g: Builder, x: Value, weight: Value, bias: Value): Value {
  const spread = (vector: Value): Value =>
    g.reshape(
      vector,
      x.shape.map((_, axis) => (axis === 1 ? vector.shape[0]! : 1)),
    );
  return g.add(g.mul(x, spread(weight)), spread(bias));
}

/** Over all positions and channels of a group. Source: Wu & He 2018. */
export const groupNorm: LayerDefinition<GroupNormSettings> = {
  outputShape: (path, { groups }, input) => {
    if (input[0]! % groups !== 0) throw new ShapeError(path, `channels that divide into ${groups} groups`, input);
    return input;
  },
  parameters: (path, _settings, input) => slopeAndOffset(path, input[0]!),
  build: ({ g, tensor }, path, { groups, epsilon = 1e-5 }, x) => {
    const n = x.shape[0]!;
    const rows = g.reshape(x, [n, groups, sizeOf(x.shape) / n / groups]);
    const normal = g.reshape(standardise(g, rows, 2, epsilon), x.shape);
    return scaleChannels(g, normal, tensor(`${path}.weight`), tensor(`${path}.bias`));
  },
  describe: ({ groups }, input) => ({ settings: `${input[0]} features in ${groups} groups`, formula: null }),
};

/** Over the channels at each position. Source: Ba et al. 2016. */
export const layerNorm: LayerDefinition<LayerNormSettings> = {
  outputShape: unchanged,
  parameters: (path, _settings, input) => slopeAndOffset(path, input[0]!),
  build: ({ g, tensor }, path, { epsilon = 1e-5 }, x) =>
    scaleChannels(g, standardise(g, x, 1, epsilon), tensor(`${path}.weight`), tensor(`${path}.bias`)),
  describe: (_settings, input) => ({ settings: `${input[0]} features`, formula: null }),
};
