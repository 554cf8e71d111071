/** Batch normalisation; running statistics as PyTorch keeps them. */
import { float, sizeOf, type Value } from '../../graph/types.ts';
import { byChannel, settle } from '../feature-map.ts';
import { unchanged, type BuildContext, type LayerDefinition } from './definition.ts';

export interface BatchNormSettings {
  /** Added to the variance. 1e-5 where absent. */
  epsilon?: number;
  /** How far the running statistics move towards the batch's at each step, in (0, 1]. 0.1 where absent. */
  momentum?: number;
}

export const batchNorm: LayerDefinition<BatchNormSettings> = {
  outputShape: unchanged,
  parameters: (path, _settings, input) => [
    { name: `${path}.weight`, shape: [input[0]!], initialiser: { kind: 'constant', value: 1 } },
    { name: `${path}.bias`, shape: [input[0]!], initialiser: { kind: 'constant', value: 0 } },
  ],
  buffers: (path, _settings, input) => [
    { name: `${path}.running_mean`, shape: [input[0]!], initialValue: 0 },
    { name: `${path}.running_var`, shape: [input[0]!], initialValue: 1 },
  ],
  build: normalise,
  buildFeatureMajor: (context, path, settings, x) => {
    const { map, view } = byChannel(context.g, settle(context.g, x));
    return { ...map, rows: context.g.reshape(normalise(context, path, settings, view), map.rows.shape) };
  },
  describe: (_settings, input) => ({ settings: `${input[0]} features`, formula: null }),
};

/** x: [N, C, …]: every axis but the second is averaged over. */
function normalise(context: BuildContext, path: string, settings: BatchNormSettings, x: Value): Value {
  const build = context.mode === 'training' ? byBatchStatistics : byRunningStatistics;
  return build(context, path, settings, x);
}

/** Running statistics move part of the way to the batch's; the variance unbiased. */
function byBatchStatistics(
  { g, tensor, updateBuffer }: BuildContext,
  path: string,
  { epsilon = 1e-5, momentum = 0.1 }: BatchNormSettings,
  x: Value,
): Value {
  const operands = [x, tensor(`${path}.weight`), tensor(`${path}.bias`)];
  const [y, mean, variance] = g.ops('BatchNorm', operands, { epsilon: float(epsilon) }, 4, 'fovea');
  const count = sizeOf(x.shape) / x.shape[1]!;
  updateBuffer(`${path}.running_mean`, { seen: mean!, pace: momentum, correction: 1 });
  updateBuffer(`${path}.running_var`, { seen: variance!, pace: momentum, correction: count / Math.max(count - 1, 1) });
  return y!;
}

function byRunningStatistics(
  { g, tensor }: BuildContext,
  path: string,
  { epsilon = 1e-5 }: BatchNormSettings,
  x: Value,
): Value {
  const inverse = g.reciprocal(g.sqrt(g.add(tensor(`${path}.running_var`), g.float(epsilon))));
  const slope = g.mul(tensor(`${path}.weight`), inverse);
  const offset = g.sub(tensor(`${path}.bias`), g.mul(tensor(`${path}.running_mean`), slope));
  const spread = (vector: Value): Value =>
    g.reshape(
      vector,
      x.shape.map((_, axis) => (axis === 1 ? vector.shape[0]! : 1)),
    );
  return g.add(g.mul(x, spread(slope)), spread(offset));
}
