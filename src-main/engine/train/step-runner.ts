/**
 * Runs training steps: hands a few steps at a time to the runtime and takes the state back. An epoch's last batch may
 * be smaller, which is a graph of its own; sessions are made when first needed and kept.
 */
import type { LossConfig, OptimiserConfig } from '../../contract/model/run.ts';
import type { SplitImages } from '../data/split-images.ts';
import { debugLevel, debugLog } from '../graph/debug.ts';
import { writeModel } from '../graph/onnx-model.ts';
import { tensor, type DataType, type Tensor } from '../graph/types.ts';
import type { NetworkPlan } from '../nn/network.ts';
import { countNodes } from '../passes/index.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';
import { buildTrainGraph } from './step-graph.ts';
import type { TrainingState } from './training-state.ts';

export interface StepRunnerOptions {
  runtime: Runtime;
  device: 'cpu' | 'cuda';
  threads: number;
  plan: NetworkPlan;
  preprocessing: Preprocessing;
  loss: LossConfig;
  optimiser: OptimiserConfig;
  images: SplitImages;
  /** Category ordinals in the split's order. */
  labels: ArrayLike<number>;
  seed: number;
  state: TrainingState;
}

/** One batch and the numbers of its step. */
export interface Step {
  /** Places in the split, 0-based; all steps of a call have equally many. */
  positions: ArrayLike<number>;
  /** In the order that the optimiser wants (`stepNumbers`). */
  numbers: readonly number[];
}

/** The most steps of one dispatch. Fewer are done where cancelling or progress would have to wait. */
export const maximumSteps = 64;

export class StepRunner {
  private readonly options: StepRunnerOptions;
  private readonly sessions = new Map<number, Session>();

  constructor(options: StepRunnerOptions) {
    this.options = options;
  }

  /** Trains on 1 … maximumSteps batches of one size and updates the state. Results are per step. */
  async run(steps: readonly Step[], firstStep: number): Promise<{ losses: Float32Array; correct: Float32Array }> {
    const { images, labels, state } = this.options;
    const batchSize = steps[0]!.positions.length;
    const session = await this.sessionFor(batchSize);
    const capacity = maximumSteps * batchSize;
    const positions = steps.flatMap((step) => Array.from(step.positions));
    const feed = await images.feed(positions, capacity);
    const results = await session.run({
      ...state.trainFeeds(),
      images: {
        dataType: 'uint8',
        shape: [images.feedRows(capacity), ...images.imageShape],
        data: feed.images,
      },
      indices: padded('int64', batchSize, feed.rows),
      labels: padded(
        'int64',
        batchSize,
        positions.map((position) => labels[position]!),
      ),
      numbers: padded(
        'float32',
        steps[0]!.numbers.length,
        steps.flatMap((step) => [...step.numbers]),
      ),
      steps: tensor('int64', [], [steps.length]),
      firstStep: tensor('int64', [], [firstStep]),
    });
    state.accept(results);
    return { losses: floats(results['losses']), correct: floats(results['correct']) };
  }

  async close(): Promise<void> {
    await Promise.all([...this.sessions.values()].map((session) => session.release()));
    this.sessions.clear();
  }

  private async sessionFor(batchSize: number): Promise<Session> {
    const known = this.sessions.get(batchSize);
    if (known) return known;
    const { runtime, device, threads, plan, preprocessing, loss, optimiser, images, seed, state } = this.options;
    const graph = buildTrainGraph({
      plan,
      layout: state.layout,
      preprocessing,
      loss,
      optimiser,
      imageCount: images.feedRows(maximumSteps * batchSize),
      batchSize,
      maximumSteps,
      seed,
    });
    const model = writeModel(graph);
    if (debugLevel() >= 1)
      debugLog(`training graph for batches of ${batchSize}: ${countNodes(graph)} nodes, ${model.length} bytes`);
    const session = await runtime.createSession(model, { device, threads });
    this.sessions.set(batchSize, session);
    return session;
  }
}

/** [maximumSteps, width], with zeros for the steps that are not done. */
function padded(dataType: DataType, width: number, values: ArrayLike<number>): Tensor {
  const all = new Array<number>(maximumSteps * width).fill(0);
  for (let i = 0; i < values.length; i++) all[i] = values[i]!;
  return tensor(dataType, [maximumSteps, width], all);
}

const floats = (value: Tensor | undefined): Float32Array => value!.data as Float32Array;
