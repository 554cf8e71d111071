/** A fully connected layer: y = W·x + b. */
import { ShapeError } from '../../graph/errors.ts';
import { naturalOrder, settle } from '../feature-map.ts';
import { weightAndBias, type LayerDefinition } from './definition.ts';

export interface LinearSettings {
  outFeatures: number;
}

export const linear: LayerDefinition<LinearSettings> = {
  outputShape: (path, { outFeatures }, input) => {
    if (input.length !== 1) throw new ShapeError(path, '[features]', input);
    return [outFeatures];
  },
  parameters: (path, { outFeatures }, input) => weightAndBias(path, [outFeatures, input[0]!]),
  build: ({ g, tensor }, path, _settings, x) =>
    g.op('Gemm', [x, tensor(`${path}.weight`), tensor(`${path}.bias`)], { transB: 1 }),
  // Rows of a vector of features are always in natural order: flatten puts them there.
  buildFeatureMajor: ({ g, tensor }, path, { outFeatures }, x) => {
    const bias = g.reshape(tensor(`${path}.bias`), [outFeatures, 1]);
    const rows = g.op('Gemm', [tensor(`${path}.weight`), settle(g, x).rows, bias], {}); // [O, N]
    return { rows, shape: [outFeatures], rowOf: naturalOrder(outFeatures), bias: null };
  },
  describe: ({ outFeatures }, input) => ({ settings: `${input[0]} → ${outFeatures}`, formula: null }),
};
