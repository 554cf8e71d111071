/** Networks in golden files: how weights and images were drawn, and tensors of which the file holds a part (tests/golden/engine/networks.py). */
import { sizeOf } from '../../src-main/engine/graph/types.ts';
import { seededRandom } from './generated-data.ts';

const samples = 24;

/** Every n-th element of a tensor, and its sums with random signs. */
export interface Sampled {
  /** float32, little-endian, base64. */
  values: string;
  /** What distances of single elements are held against. */
  largest: number;
  /** What distances of sums are held against. */
  norm: number;
  projections: number[];
  /** PyTorch's own worst error in float32. */
  torch32: number;
}

export interface DrawnParameter {
  name: string;
  shape: number[];
  /** 'signed': −1 − u where u < ¼, else ¾ + u; 'uniform': centre + spread·(2u − 1); 'fixed': as the network has it. */
  kind: 'signed' | 'uniform' | 'fixed';
  centre: number;
  spread: number;
  seed: number;
}
export function drawn(seed: number, count: number, value: (u: number) => number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => value(random()));
}

export function parameterValues({ kind, centre, spread, seed, shape }: DrawnParameter): Float32Array {
  const value =
    kind === 'signed' ? (u: number) => (u < 0.25 ? -1 - u : 0.75 + u) : (u: number) => centre + spread * (2 * u - 1);
  return drawn(seed, sizeOf(shape), value);
}

function decode(text: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer);
}

/** The worst distance of a single element and of a sum, as the golden file measures PyTorch's own. */
export function distance(values: ArrayLike<number>, wanted: Sampled): number {
  const stored = decode(wanted.values);
  const stride = Math.max(1, Math.floor(values.length / samples));
  if (Math.ceil(values.length / stride) !== stored.length) return Infinity;
  let worst =
    stored.reduce((max, value, i) => Math.max(max, Math.abs(values[i * stride]! - value)), 0) / (wanted.largest || 1);
  wanted.projections.forEach((projection, row) => {
    const random = seededRandom(900 + row);
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += random() < 0.5 ? -values[i]! : values[i]!;
    worst = Math.max(worst, Math.abs(sum - projection) / (wanted.norm || 1));
  });
  return Number.isNaN(worst) ? Infinity : worst;
}
