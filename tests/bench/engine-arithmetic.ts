/** How much arithmetic a training step needs: what a formulation adds to it does not count. */
import { sizeOf } from '../../src-main/engine/graph/types.ts';
import type { NetworkPlan } from '../../src-main/engine/nn/network.ts';

/**
 * FLOP of convolutions and linear layers, two for each multiply-add: the forward product and two gradients of the same
 * size, but for the layers that read the images, of which no gradient is wanted.
 */
export function stepArithmetic({ layers }: NetworkPlan, batchSize: number): number {
  return layers.reduce((sum, { spec, sources, outputShape, parameters }) => {
    if (spec.kind !== 'conv2d' && spec.kind !== 'linear') return sum;
    const weight = parameters[0]!.shape;
    const products = sizeOf(outputShape) * sizeOf(weight.slice(1)) * batchSize;
    return sum + 2 * products * (sources[0] === '' ? 2 : 3);
  }, 0);
}
