/**
 * Batch norms that a file has folded into their convolutions, made again: a folded convolution computes z + b; with m and
 * v the mean and variance of z over training images, a norm with running statistics m, v, weight √(v + ε) and bias b + m
 * computes the same, and goes on to be trained. The network's function is kept, which is measured on the same images.
 */
import { FoveaError } from '../../contract/errors.ts';
import type { Device } from '../../contract/model/run.ts';
import type { SplitImages } from '../data/split-images.ts';
import { Random } from '../data/random.ts';
import { sizeOf, type Graph, type Tensor, type Value } from '../graph/types.ts';
import { buildNetwork, type NetworkPlan } from '../nn/network.ts';
import type { NamedTensors } from '../nn/parameters.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';
import { newGraph } from '../ops/index.ts';
import { optimise } from '../passes/index.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import type { FoldedNorm } from '../weights/match-weights.ts';
import { evaluationBatchSize } from './evaluation.ts';
import { openGraph } from './open-graph.ts';

/** As many images give means to a percent or so, in each of whose maps there are many pixels. */
const mostImages = 64;

export interface RebuildOptions {
  plan: NetworkPlan;
  /** Of the network, by name; the convolutions' weights are loaded. The norms' tensors are replaced. */
  tensors: NamedTensors;
  /** With the values of the folded bias. */
  folded: readonly (FoldedNorm & { values: Float32Array })[];
  /** Without augmentation. */
  images: SplitImages;
  preprocessing: Preprocessing;
  runtime: Runtime;
  device: Device;
  threads: number;
  seed: number;
  signal: AbortSignal;
}

export interface Calibration {
  /** Images that the statistics are of. */
  images: number;
  /** Largest difference of an output before and after, over the largest output. */
  difference: number;
}

/** Throws FoveaError `cancelled`, or what the runtime throws. */
export async function rebuildNorms(options: RebuildOptions): Promise<Calibration> {
  const { images, folded, tensors, plan, runtime, device, threads } = options;
  const count = Math.min(mostImages, images.count);
  const batchSize = Math.min(8, evaluationBatchSize(images.imageShape, count));
  const batches = choose(images.count, count - (count % batchSize), batchSize, options.seed);
  for (const norm of folded) set(tensors, norm, epsilonOf(plan, norm), { mean: null, variance: null });
  const graph = graphOf(options, batchSize);
  const session = await openGraph(runtime, graph, { device, threads });
  try {
    const before = await run(session, options, batches);
    for (const norm of folded)
      set(tensors, norm, epsilonOf(plan, norm), {
        mean: before.statistics.mean(norm.conv),
        variance: before.statistics.variance(norm.conv),
      });
    const after = await run(session, options, batches);
    return { images: batches.length * batchSize, difference: largestDifference(before.outputs, after.outputs) };
  } finally {
    await session.release();
  }
}

const meanName = (conv: string): string => `mean of ${conv}`;
const varianceName = (conv: string): string => `variance of ${conv}`;

/** Which images, a batch each: spread over the split, the same for the same seed. */
function choose(imageCount: number, count: number, batchSize: number, seed: number): number[][] {
  const random = Random.derive(seed, 'calibrate');
  const positions = new Set<number>();
  while (positions.size < count) positions.add(Math.floor(random.uniform() * imageCount));
  const all = [...positions];
  return Array.from({ length: count / batchSize }, (_, i) => all.slice(i * batchSize, (i + 1) * batchSize));
}

function epsilonOf({ layers }: NetworkPlan, { norm }: FoldedNorm): number {
  const spec = layers.find((layer) => layer.spec.path === norm)?.spec;
  return (spec?.kind === 'batchNorm' ? spec.epsilon : undefined) ?? 1e-5;
}

/** Null stands for the statistics that leave the convolution's result as it is. */
function set(
  tensors: NamedTensors,
  { norm, values }: RebuildOptions['folded'][number],
  epsilon: number,
  { mean, variance }: { mean: Float64Array | null; variance: Float64Array | null },
): void {
  const spread = (channel: number): number => variance?.[channel] ?? 1 - epsilon;
  const put = (name: string, value: (channel: number) => number): void =>
    void tensors.set(
      `${norm}.${name}`,
      Float32Array.from(values, (_, channel) => value(channel)),
    );
  put('running_mean', (c) => mean?.[c] ?? 0);
  put('running_var', spread);
  // What is stored is rounded, so the weight is that of the rounded variance.
  put('weight', (c) => Math.sqrt(Math.fround(spread(c)) + epsilon));
  put('bias', (c) => values[c]! + Math.fround(mean?.[c] ?? 0));
}

/** The network's outputs, and mean and variance of what each convolution gives, over the batch and the image. */
function graphOf({ plan, folded, preprocessing }: RebuildOptions, batchSize: number): Graph {
  const g = newGraph('calibrate');
  const images = g.input('images', 'uint8', [batchSize, ...plan.inputShape]);
  const tensors = new Map<string, Value>(
    [...plan.parameters, ...plan.buffers].map(({ name, shape }) => [name, g.input(name, 'float32', shape)]),
  );
  const watched = folded.map(({ conv }) => conv);
  const outputs = buildNetwork(
    { ...plan, outputs: [...plan.outputs, ...watched] },
    g,
    { bytes: images, preprocessing },
    { mode: 'inference', tensor: (name) => tensors.get(name)!, updateBuffer: () => undefined, step: null, seed: 0 },
  );
  plan.outputs.forEach((_, i) => g.output(outputs[i]!, `output ${i}`));
  watched.forEach((conv, i) => {
    const z = outputs[plan.outputs.length + i]!; // [N, C, H, W]
    const axes = z.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    const mean = g.reduceMean(z, axes, true);
    const centred = g.sub(z, mean);
    g.output(g.reshape(mean, [z.shape[1]!]), meanName(conv));
    g.output(g.reduceMean(g.mul(centred, centred), axes), varianceName(conv));
  });
  return optimise(g.graph);
}

async function run(
  session: Session,
  { plan, folded, tensors, images, signal }: RebuildOptions,
  batches: readonly (readonly number[])[],
): Promise<{ outputs: Float32Array[]; statistics: Statistics }> {
  const weights = Object.fromEntries(
    [...plan.parameters, ...plan.buffers].map(({ name, shape }): [string, Tensor] => [
      name,
      { dataType: 'float32', shape, data: tensors.get(name)! },
    ]),
  );
  const statistics = new Statistics(folded.map(({ conv }) => conv));
  const outputs: Float32Array[] = [];
  for (const positions of batches) {
    if (signal.aborted) throw new FoveaError('cancelled', 'The run was cancelled.');
    const shape = [positions.length, ...images.imageShape];
    const feed = await images.feed(positions);
    const data = rowsOf(feed.images, feed.rows, sizeOf(images.imageShape));
    const results = await session.run({ ...weights, images: { dataType: 'uint8', shape, data } });
    outputs.push(...plan.outputs.map((_, i) => results[`output ${i}`]!.data as Float32Array));
    statistics.add(results);
  }
  return { outputs, statistics };
}

function rowsOf(images: Uint8Array, rows: ArrayLike<number>, length: number): Uint8Array {
  const chosen = new Uint8Array(rows.length * length);
  for (let i = 0; i < rows.length; i++)
    chosen.set(images.subarray(rows[i]! * length, (rows[i]! + 1) * length), i * length);
  return chosen;
}

/** Mean and variance over all batches, from those of each: the variance of the means comes on top. */
class Statistics {
  readonly #batches = new Map<string, { mean: Float32Array; variance: Float32Array }[]>();

  constructor(convolutions: readonly string[]) {
    for (const conv of convolutions) this.#batches.set(conv, []);
  }

  add(results: Readonly<Record<string, Tensor>>): void {
    for (const [conv, batches] of this.#batches) {
      const read = (name: string): Float32Array => results[name]!.data as Float32Array;
      batches.push({ mean: read(meanName(conv)), variance: read(varianceName(conv)) });
    }
  }

  mean(conv: string): Float64Array {
    const batches = this.#batches.get(conv)!;
    return Float64Array.from(batches[0]!.mean, (_, c) => average(batches.map(({ mean }) => mean[c]!)));
  }

  variance(conv: string): Float64Array {
    const batches = this.#batches.get(conv)!;
    const mean = this.mean(conv);
    return mean.map((m, c) => average(batches.map((batch) => batch.variance[c]! + (batch.mean[c]! - m) ** 2)));
  }
}

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function largestDifference(before: readonly Float32Array[], after: readonly Float32Array[]): number {
  let worst = 0;
  let largest = 0;
  before.forEach((values, i) => {
    values.forEach((value, k) => {
      worst = Math.max(worst, Math.abs(value - after[i]![k]!));
      largest = Math.max(largest, Math.abs(value));
    });
  });
  return largest === 0 ? worst : worst / largest;
}
