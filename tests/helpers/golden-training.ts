/**
 * The data of the golden training steps (tests/golden/engine/training.py) made again from their seeds, and a training
 * graph to run them with: the one that the trainer uses.
 */
import type { LossConfig, OptimiserConfig } from '../../src-main/contract/model/run.ts';
import { tensor, type Tensor } from '../../src-main/engine/graph/types.ts';
import type { NetworkPlan } from '../../src-main/engine/nn/network.ts';
import { optimiserFor } from '../../src-main/engine/nn/optimisers.ts';
import { FlatLayout, type NamedTensors } from '../../src-main/engine/nn/parameters.ts';
import { buildTrainGraph } from '../../src-main/engine/train/step-graph.ts';
import { modelSpec } from '../../src-main/engine/zoo/registry.ts';
import { numbersOf, withSession, type Results } from './engine-run.ts';
import { seededRandom } from './generated-data.ts';

export interface ImageSpec {
  seed: number;
  count: number;
  channels: number;
  side: number;
  block: number;
  categories: number;
}
/** value = centre + spread·(2u − 1), as float32. */
export interface ParameterSpec {
  name: string;
  shape: number[];
  seed: number;
  centre: number;
  spread: number;
}

/** Images of a level, coarse blocks and noise: uint8 [count, channels, side, side], and their labels. */
export function goldenImages({ seed, count, channels, side, block, categories }: ImageSpec): {
  images: Uint8Array;
  labels: number[];
} {
  const random = seededRandom(seed);
  const draw = (length: number): number[] => Array.from({ length }, random);
  const coarse = side / block;
  const levels = draw(count * channels);
  const blocks = draw(count * channels * coarse * coarse);
  const noise = draw(count * channels * side * side);
  const images = Uint8Array.from(noise, (value, i) => {
    const plane = Math.floor(i / (side * side));
    const [y, x] = [Math.floor((i % (side * side)) / side), i % side];
    const coarseValue = blocks[(plane * coarse + Math.floor(y / block)) * coarse + Math.floor(x / block)]!;
    return Math.floor((0.5 * levels[plane]! + 0.35 * coarseValue + 0.15 * value) * 256);
  });
  return { images, labels: draw(count).map((u) => Math.floor(u * categories)) };
}

export function goldenParameters(specs: readonly ParameterSpec[]): NamedTensors {
  return new Map(
    specs.map(({ name, shape, seed, centre, spread }) => {
      const random = seededRandom(seed);
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, Float32Array.from({ length }, () => centre + spread * (2 * random() - 1))];
    }),
  );
}

/** PyTorch's fresh running statistics. */
const freshBuffers = (plan: NetworkPlan): NamedTensors =>
  new Map(plan.buffers.map(({ name, shape, initialValue }) => [name, new Float32Array(shape[0]!).fill(initialValue)]));

export interface StepsRun {
  plan: NetworkPlan;
  loss: LossConfig;
  optimiser: OptimiserConfig;
  images: ImageSpec;
  /** Images of each step. */
  indices: readonly (readonly number[])[];
  /** Of each step. */
  learningRates: readonly number[];
  parameters: NamedTensors;
}

export interface StepsResult {
  losses: number[];
  correct: number[];
  /** Parameters and buffers by name. */
  tensors: NamedTensors;
}

/** Trains through `buildTrainGraph`, once for each of `stops`: so many steps from the start, all in one call. */
export async function runGoldenSteps(run: StepsRun, stops: readonly number[]): Promise<StepsResult[]> {
  const { plan, loss, optimiser, indices, parameters } = run;
  const layout = {
    trainable: new FlatLayout(plan.parameters),
    frozen: new FlatLayout([]),
    buffers: new FlatLayout(plan.buffers),
  };
  const { images, labels } = goldenImages(run.images);
  const batchSize = indices[0]!.length;
  const preprocessing = modelSpec('lenet5').preprocessing;
  const imageCount = run.images.count;
  const maximumSteps = indices.length;
  const graph = buildTrainGraph({
    plan,
    layout,
    preprocessing,
    loss,
    optimiser,
    imageCount,
    batchSize,
    maximumSteps,
    seed: 0,
  });
  const definition = optimiserFor(optimiser);
  const numbers = run.learningRates.map((rate, i) => definition.stepNumbers(optimiser, rate, i + 1));
  const vector = (data: Float32Array): Tensor => ({ dataType: 'float32', shape: [data.length], data });
  const buffers = layout.buffers.length === 0 ? {} : { buffers: vector(layout.buffers.pack(freshBuffers(plan))) };
  const slots = definition.slots(optimiser).map((name) => [name, vector(new Float32Array(layout.trainable.length))]);
  const feeds = {
    images: { dataType: 'uint8', shape: [imageCount, ...plan.inputShape], data: images } as Tensor,
    indices: tensor('int64', [maximumSteps, batchSize], indices.flat()),
    labels: tensor(
      'int64',
      [maximumSteps, batchSize],
      indices.flat().map((index) => labels[index]!),
    ),
    numbers: tensor('float32', [maximumSteps, numbers[0]!.length], numbers.flat()),
    firstStep: tensor('int64', [], [0]),
    parameters: vector(layout.trainable.pack(parameters)),
    ...Object.fromEntries(slots),
    ...buffers,
  };
  return withSession(graph, async (session) => {
    const results: StepsResult[] = [];
    for (const stop of stops) {
      const found = await session.run({ ...feeds, steps: tensor('int64', [], [stop]) });
      results.push(unpack(layout, found));
    }
    return results;
  });
}

function unpack(layout: { trainable: FlatLayout; buffers: FlatLayout }, results: Results): StepsResult {
  const tensors: NamedTensors = new Map();
  layout.trainable.unpack(results['parametersNext']!.data as Float32Array, tensors);
  if (layout.buffers.length > 0) layout.buffers.unpack(results['buffersNext']!.data as Float32Array, tensors);
  return { losses: numbersOf(results, 'losses'), correct: numbersOf(results, 'correct'), tensors };
}
