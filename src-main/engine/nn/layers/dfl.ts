/**
 * The integral of a distribution over bins: for each of the four sides of a box, softmax over the bins and the expected
 * bin. Source: Li et al. 2020, Generalized Focal Loss.
 */
import { ShapeError } from '../../graph/errors.ts';
import type { LayerDefinition } from './definition.ts';

export interface DflSettings {
  bins: number;
}

const sides = 4;

/** [4·bins, A] → [4, A]. The bins' places, 0, 1, …, are a weight in checkpoints, and never trained. */
export const dfl: LayerDefinition<DflSettings> = {
  outputShape: (path, { bins }, input) => {
    if (input.length !== 2 || input[0] !== sides * bins) throw new ShapeError(path, `[${sides * bins}, A]`, input);
    return [sides, input[1]!];
  },
  parameters: (path, { bins }) => [
    { name: `${path}.weight`, shape: [1, bins, 1, 1], initialiser: { kind: 'counting' }, fixed: true },
  ],
  build: ({ g, tensor }, path, { bins }, x) => {
    const [n, , count] = x.shape as [number, number, number];
    const probabilities = g.op('Softmax', [g.reshape(x, [n, sides, bins, count])], { axis: 2 });
    const places = g.reshape(tensor(`${path}.weight`), [1, bins]);
    return g.reshape(g.matmul(places, probabilities), [n, sides, count]); // [N, 4, A]
  },
  describe: ({ bins }) => ({ settings: `${bins} bins`, formula: null }),
};
