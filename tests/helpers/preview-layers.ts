/** Made-up norms and histograms of the layers of LeNet-5, as if its gradients shrank while its weights grew. */
import type { LayerNorms, Spread, TensorSpread } from '../../src-main/contract/model/monitoring.ts';
import { seededRandom } from './generated-data.ts';

const epochs = 20;
const bins = 64;
const tensors = ['conv1', 'conv2', 'fc1', 'fc2', 'fc3'].flatMap((layer, i) => [
  { name: `${layer}.weight`, values: 450 * 4 ** i, hasHistograms: true },
  { name: `${layer}.bias`, values: 6 + 10 * i, hasHistograms: false },
]);
const epochNumbers = Float64Array.from({ length: epochs }, (_, at) => at + 1);

export function previewLayers(): LayerNorms {
  const random = seededRandom(3);
  const make = (norm: (epoch: number, tensor: number) => number): Float32Array =>
    Float32Array.from({ length: epochs * tensors.length }, (_, i) =>
      norm(Math.floor(i / tensors.length), i % tensors.length),
    );
  return {
    tensors,
    epochs: epochNumbers,
    weightNorms: make((epoch, tensor) => (tensor % 2 === 0 ? 4 : 0.3) + 0.1 * tensor + 0.15 * epoch),
    gradientNorms: make((epoch, tensor) => 0.02 * 1.6 ** tensor * Math.exp(-epoch / 9) * (0.8 + 0.4 * random())),
  };
}

export function previewSpread(name: string): TensorSpread {
  const spread = (widest: (epoch: number) => number): Spread => ({
    low: Float32Array.from(epochNumbers, (epoch) => -widest(epoch)),
    high: Float32Array.from(epochNumbers, (epoch) => widest(epoch)),
    shares: Uint16Array.from({ length: epochs * bins }, (_, i) => {
      const at = ((i % bins) + 0.5) / (bins / 2) - 1;
      return 6000 * Math.exp(-8 * at * at);
    }),
  });
  const weights = spread((epoch) => 0.2 + 0.02 * epoch);
  return { name, bins, epochs: epochNumbers, weights, gradients: spread((epoch) => 0.05 * Math.exp(-epoch / 8)) };
}
