/** A fully connected layer: y = W·x + b. */
import { ShapeError } from '../../graph/errors.ts';
import { naturalOrder, settle } from '../feature-map.ts';
import { weightAndBias, type LayerDefinition, type WeightSettings } from './definition.ts';

export interface LinearSettings extends WeightSettings {
  outFeatures: number;
}

export const linear: LayerDefinition<LinearSettings> = {
  outputShape: (path, { outFeatures }, input) => {
    if (input.length !== 1) throw new ShapeError(path, '[features]', input);
    return [outFeatures];
  },
  parameters: (path, settings, input) => weightAndBias(path, [settings.outFeatures, input[0]!], settings),
  build: ({ g, tensor }, path, { bias = true }, x) =>
    g.op('Gemm', [x, tensor(`${path}.weight`), ...(bias ? [tensor(`${path}.bias`)] : [])], { transB: 1 }),
  // Rows of a vector of features are always in natural order: flatten puts them there.
  buildFeatureMajor: ({ g, tensor }, path, { outFeatures, bias = true }, x) => {
    const offset = bias ? [g.reshape(tensor(`${path}.bias`), [outFeatures, 1])] : [];
    const rows = g.op('Gemm', [tensor(`${path}.weight`), settle(g, x).rows, ...offset], {}); // [O, N]
    return { rows, shape: [outFeatures], rowOf: naturalOrder(outFeatures), bias: null };
  },
  describe: ({ outFeatures }, input) => ({ settings: `${input[0]} → ${outFeatures}`, formula: null }),
};
