/**
 * The data of the golden training steps (tests/golden/engine/training.py) made again from their seeds, and a way to train
 * on it with the trainer's own parts.
 */
import type { LossConfig } from '../../src-main/contract/model/loss.ts';
import type { PhaseConfig, RunConfig } from '../../src-main/contract/model/run.ts';
import type { SplitImages } from '../../src-main/engine/data/split-images.ts';
import type { Shape } from '../../src-main/engine/graph/types.ts';
import type { NetworkPlan } from '../../src-main/engine/nn/network.ts';
import type { NamedTensors } from '../../src-main/engine/nn/parameters.ts';
import { startPosition, type Position } from '../../src-main/engine/train/checkpoint.ts';
import { StepPlan, type Step } from '../../src-main/engine/train/step-plan.ts';
import { maximumSteps, StepRunner, type StepRunnerOptions } from '../../src-main/engine/train/step-runner.ts';
import { TrainingState } from '../../src-main/engine/train/training-state.ts';
import { modelSpec } from '../../src-main/engine/zoo/registry.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { runtime } from './engine-run.ts';
import { seededRandom } from './generated-data.ts';
import { smallConfig } from './run-config.ts';
import { labelsInMemory, taskOf } from './training-run.ts';

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
  phase: PhaseConfig;
  settings: Pick<RunConfig, 'accumulation' | 'ema'> & Partial<Pick<RunConfig, 'monitoring'>>;
  images: ImageSpec;
  /** Images of each step, as many steps as the phase has; the last of an epoch may have fewer. */
  indices: readonly (readonly number[])[];
  parameters: NamedTensors;
  /** Of the StepRunner. */
  leastInPlace?: StepRunnerOptions['leastInPlace'];
}

export interface StepsResult {
  losses: number[];
  correct: number[];
  /** Parameters and buffers by name. */
  tensors: NamedTensors;
  /** Their moving averages. */
  averages: NamedTensors | null;
  /** Of the latest update, where layers are watched. */
  gradients: NamedTensors | null;
}

/** Trains with what the trainer uses (step plan, state, runner), once for each of `stops`: so many steps from the start. */
export async function runGoldenSteps(run: StepsRun, stops: readonly number[]): Promise<StepsResult[]> {
  const results: StepsResult[] = [];
  for (const stop of stops) results.push(await runUntil(run, stop));
  return results;
}

async function runUntil(
  { plan, loss, phase, settings, indices, ...run }: StepsRun,
  stop: number,
): Promise<StepsResult> {
  const tensors: NamedTensors = new Map([...run.parameters, ...freshBuffers(plan)]);
  const state = new TrainingState(plan, settings, phase, { tensors, averages: null, slots: new Map() });
  const { images, labels } = goldenImages(run.images);
  const split = { images, count: run.images.count, imageShape: plan.inputShape };
  const runner = new StepRunner({
    runtime,
    device: 'cpu',
    threads: 1,
    tuning: null,
    plan,
    preprocessing: modelSpec('lenet5').preprocessing,
    augmentation,
    task: taskOf(smallConfig({ loss })),
    images: splitInMemory(split),
    labels: labelsInMemory(labels),
    seed: 0,
    state,
    leastInPlace: run.leastInPlace,
  });
  const stepsPerEpoch = indices.length / phase.epochs;
  const stepPlan = new StepPlan({
    config: { ...smallConfig({ ...settings, phases: [phase] }), augmentation, batchSize: indices[0]!.length },
    phase,
    firstEpoch: 0,
    update: state.update,
    imageCount: indices.slice(0, stepsPerEpoch).reduce((sum, batch) => sum + batch.length, 0),
  });
  const position = { ...startPosition };
  const result = { losses: [] as number[], correct: [] as number[] };
  try {
    while (position.step < stop) {
      const planned = stepPlan.next(position, Math.min(stop - position.step, maximumSteps));
      const steps = planned.map((step, i) => withImages(step, indices[position.step + i]!));
      const done = await runner.run(steps, position.step, state.update.showsGradient);
      result.losses.push(...done.losses);
      result.correct.push(...done.counts['correct']!);
      moveOn(position, steps, stepsPerEpoch);
    }
  } finally {
    await runner.close();
  }
  const kept = state.keep(false);
  return { ...result, tensors: kept.tensors, averages: kept.averages, gradients: state.gradients() };
}

const augmentation = noAugmentation;

/** The planned step on images of our choice. */
function withImages(step: Step, images: readonly number[]): Step {
  if (step.positions.length !== images.length)
    throw new Error(`planned ${step.positions.length} images for a step, the golden one has ${images.length}`);
  return { ...step, positions: Uint32Array.from(images) };
}

function moveOn(position: Position, steps: readonly Step[], stepsPerEpoch: number): void {
  const updates = steps.filter(({ completesUpdate }) => completesUpdate).length;
  position.step += steps.length;
  position.epoch = Math.floor(position.step / stepsPerEpoch);
  position.stepInEpoch = position.step % stepsPerEpoch;
  position.update += updates;
  position.optimiserUpdate += updates;
}

/** What a runner needs of a split whose images are in memory. */
function splitInMemory({
  images,
  count,
  imageShape,
}: {
  images: Uint8Array;
  count: number;
  imageShape: Shape;
}): SplitImages {
  const split: Pick<SplitImages, 'count' | 'feedRows' | 'feed'> & { imageShape: Shape } = {
    count,
    imageShape,
    feedRows: () => count,
    feed: (positions) => Promise.resolve({ images, rows: positions }),
  };
  return split as unknown as SplitImages;
}
