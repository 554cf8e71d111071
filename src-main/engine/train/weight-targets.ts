/** What of a network can be loaded from a file. */
import type { InputScaling, PaddingStyle } from '../../contract/model/weights.ts';
import type { NetworkPlan } from '../nn/network.ts';
import { preprocessings, type Preprocessing } from '../nn/preprocessing.ts';
import type { NamedShape, NormPair } from '../weights/match-weights.ts';

/** Parameters and buffers, and the batch norms that a file may have folded into the convolutions before them. */
export function weightTargets({ layers, parameters, buffers }: NetworkPlan): {
  targets: readonly NamedShape[];
  norms: readonly NormPair[];
} {
  const convolutions = new Set(
    layers.filter(({ spec }) => spec.kind === 'conv2d' && spec.bias === false).map(({ spec }) => spec.path),
  );
  const norms = layers.flatMap(({ spec, sources: [conv] }) =>
    spec.kind === 'batchNorm' && convolutions.has(conv) ? [{ conv, norm: spec.path }] : [],
  );
  return { targets: [...parameters, ...buffers], norms };
}

/** Null where no convolution halves its image with a kernel that reaches over the edge, so that both are the same. */
export function paddingOf({ layers }: NetworkPlan): PaddingStyle | null {
  const halving = layers.flatMap(({ spec }) =>
    spec.kind === 'conv2d' && spec.stride > 1 && spec.kernel > 1 ? [spec] : [],
  );
  if (halving.length === 0) return null;
  return halving.some(({ padding }) => typeof padding !== 'number' && padding[0] !== padding[2]) ? 'same' : 'symmetric';
}

/** Null for what has no name. */
export function scalingOf({ range, mean, std }: Preprocessing): InputScaling | null {
  const text = (preprocessing: Preprocessing): string =>
    JSON.stringify([preprocessing.range, preprocessing.mean, preprocessing.std]);
  const wanted = text({ range, mean, std });
  const names = Object.keys(preprocessings) as InputScaling[];
  return names.find((name) => text(preprocessings[name]) === wanted) ?? null;
}
