/** Layers that leave something out at random in training and do nothing in inference; what is left is scaled up. */
import type { Shape, Value } from '../../graph/types.ts';
import { mapRows } from '../feature-map.ts';
import { uniform } from '../random.ts';
import { unchanged, type BuildContext, type LayerDefinition } from './definition.ts';

export interface DropoutSettings {
  /** Of being left out, in [0, 1). */
  probability: number;
}

/** Zeroes with probability p, and scales what is kept by 1/(1 − p). One number is drawn for each element of `drawn`. */
function drop(
  { g, mode, step, stream }: BuildContext,
  { probability }: DropoutSettings,
  x: Value,
  drawn: Shape,
): Value {
  if (mode === 'inference' || probability === 0) return x;
  const kept = g.op('GreaterOrEqual', [uniform(g, drawn, step!, stream), g.float(probability)]);
  return g.mul(x, g.scale(g.cast(kept, 'float32'), 1 / (1 - probability)));
}

const describe = ({ probability }: DropoutSettings): { settings: string; formula: null } => ({
  settings: `p = ${probability}`,
  formula: null,
});

/** The first `count` axes, the others as 1. */
const firstAxes = (x: Value, count: number): Shape => x.shape.map((d, axis) => (axis < count ? d : 1));

/** Single elements. Source: Srivastava et al. 2014. */
export const dropout: LayerDefinition<DropoutSettings> = {
  outputShape: unchanged,
  build: (context, _path, settings, x) => drop(context, settings, x, x.shape),
  buildFeatureMajor: (context, _path, settings, x) =>
    mapRows(context.g, x, (rows) => drop(context, settings, rows, rows.shape)),
  describe,
};

/** Whole channels of an image. Source: Tompson et al. 2015. */
export const channelDropout: LayerDefinition<DropoutSettings> = {
  outputShape: unchanged,
  build: (context, _path, settings, x) => drop(context, settings, x, firstAxes(x, 2)),
  describe,
};

/** A whole image's branch beside a shortcut ("stochastic depth"). Source: Huang et al. 2016. */
export const dropConnect: LayerDefinition<DropoutSettings> = {
  outputShape: unchanged,
  build: (context, _path, settings, x) => drop(context, settings, x, firstAxes(x, 1)),
  describe,
};
