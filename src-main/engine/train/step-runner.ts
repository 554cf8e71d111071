/**
 * Runs training steps: hands a few steps at a time to the runtime and takes the state back. An epoch's last batch may
 * be smaller, which is a graph of its own; sessions are made when first needed and kept.
 */
import type { AugmentationConfig } from '../../contract/model/run-images.ts';
import type { Device, RunConfig } from '../../contract/model/run.ts';
import { FoveaError } from '../../contract/errors.ts';
import { drawsPerImage, isAugmented } from '../data/augmentation.ts';
import { stepsPerDispatch, type ExampleImages } from '../data/split-images.ts';
import { debugLevel, debugLog } from '../graph/debug.ts';
import { sizeOf, tensor, type DataType, type Graph, type Shape, type Tensor } from '../graph/types.ts';
import type { NetworkPlan } from '../nn/network.ts';
import { countNodes, type PassOptions } from '../passes/index.ts';
import { freeMemory } from '../runtime/free-memory.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import { passesFor } from '../tuner/machine.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';
import { badNodeText, describeNodes, findFirstBadNode } from './inspect-step.ts';
import { updatesInPlace } from './in-place-graph.ts';
import { openGraph } from './open-graph.ts';
import { buildStepInPlace, buildTrainGraph, type TrainGraphOptions } from './step-graph.ts';
import type { Step } from './step-plan.ts';
import { StepsInPlace, type OpenStep } from './steps-in-place.ts';
import type { SplitLabels, Task } from './tasks/definition.ts';
import type { TrainingState } from './training-state.ts';

export interface StepRunnerOptions {
  runtime: Runtime;
  device: Device;
  threads: number;
  /** A tuner's file; null where the rules decide. */
  tuning: string | null;
  plan: NetworkPlan;
  preprocessing: Preprocessing;
  augmentation: AugmentationConfig;
  task: Pick<Task, 'label' | 'moveLabels' | 'loss' | 'counts'>;
  images: ExampleImages;
  labels: SplitLabels;
  seed: number;
  state: TrainingState;
  /** For tests: trained numbers from which on the state is updated in place. */
  leastInPlace?: number;
}

/**
 * The most steps of one dispatch. Fewer are done where cancelling or progress would have to wait, or where the images of
 * so many steps would take too much memory.
 */
export const maximumSteps = 64;

/** Of each step: its loss, and what the task counts in it. */
export interface StepResults {
  losses: Float32Array;
  /** [step, …] by name */
  counts: Readonly<Record<string, Float32Array>>;
}

/** Which of a runner's graphs: of batches of one size, and whether it hands the gradient of its last step out. */
interface Variant {
  batchSize: number;
  shows: boolean;
}

/**
 * Numbers of a batch's images up to which a second graph is made for the steps whose gradient is looked at. To carry the
 * gradient out of every step would take percents of a small network's time; beside the convolutions of a large one it is
 * nothing, and a second graph's memory is much.
 */
const mostApart = 2 ** 20;

/** Whether only the steps that are looked at carry the gradient out. Where the state is updated in place it is there anyhow. */
export function looksApart(device: Device, plan: Pick<NetworkPlan, 'inputShape'>, batchSize: number): boolean {
  return device === 'cpu' && batchSize * sizeOf(plan.inputShape) <= mostApart;
}

export class StepRunner {
  private readonly options: StepRunnerOptions;
  private readonly sessions = new Map<string, Session>();
  private passes: PassOptions = {};
  /** Batch sizes whose nodes have been printed (DEBUG_ENGINE=3). */
  private readonly described = new Set<number>();

  private readonly inPlace: boolean;

  constructor(options: StepRunnerOptions) {
    this.options = options;
    const { device, state } = options;
    this.inPlace = updatesInPlace(device, state.layout, state.update, options.leastInPlace);
  }

  /** Makes the session for such steps, where it is not there yet, so that their time is theirs alone. */
  async prepare(batchSize: number, showGradient = false): Promise<void> {
    await this.sessionFor(this.variantFor(batchSize, showGradient));
  }

  /**
   * Trains on 1 … `mostSteps` batches of one size and updates the state. Results are per step. Throws FoveaError
   * `bad-input` where a loss is not finite, or the gradient of the step before was not; the state is then that of before, or
   * of before the bad step where it is updated in place. `showGradient`: the last step completes an update, whose gradient the
   * state is then asked for.
   */
  async run(steps: readonly Step[], firstStep: number, showGradient = false): Promise<StepResults> {
    const { state } = this.options;
    const batchSize = steps[0]!.positions.length;
    const variant = this.variantFor(batchSize, showGradient);
    const session = await this.sessionFor(variant);
    const feeds = await this.feedsFor(steps, firstStep, variant);
    if (debugLevel() >= 3 && !this.described.has(batchSize)) {
      this.described.add(batchSize);
      const { runtime, device } = this.options;
      const fed = { ...feeds, steps: tensor('int64', [], [1]) };
      await describeNodes({ runtime, device, graph: this.graphFor(variant), feeds: fed, step: 0 }, debugLog);
    }
    const results = await this.runSession(session, {
      ...feeds,
      steps: tensor('int64', [], [steps.length]),
    });
    const losses = floats(results['losses']);
    const bad = losses.findIndex((loss) => !Number.isFinite(loss));
    if (bad >= 0 && this.inPlace) {
      // It stopped before that step's update, so the state is the one to look at.
      state.accept(results);
      const weightsAreFinite = state.isFinite();
      const rest = await this.feedsFor(steps.slice(bad), firstStep + bad, variant);
      const place = await this.placeOfBadNumber(variant, rest, weightsAreFinite ? 0 : -1);
      throw notFinite(firstStep + bad + 1, losses[bad]!, weightsAreFinite, place, this.precision());
    }
    if (bad >= 0) {
      const before = bad === 0 ? null : await session.run({ ...feeds, steps: tensor('int64', [], [bad]) });
      const weightsAreFinite = state.isFinite(before);
      const place = await this.placeOfBadNumber(variant, feeds, weightsAreFinite ? bad : bad - 1);
      throw notFinite(firstStep + bad + 1, losses[bad]!, weightsAreFinite, place, this.precision());
    }
    state.accept(results);
    if (state.hasLostScale()) throw scaleLost(firstStep + steps.length);
    const counts = Object.entries(results).filter(([name]) => name !== 'losses' && !name.endsWith('Next'));
    return { losses, counts: Object.fromEntries(counts.map(([name, value]) => [name, floats(value)])) };
  }

  /** A run that fails half-way leaves a state that is updated in place between two steps. */
  private async runSession(
    session: Session,
    feeds: Readonly<Record<string, Tensor>>,
  ): Promise<Readonly<Record<string, Tensor>>> {
    try {
      return await session.run(feeds);
    } catch (error) {
      if (this.inPlace) this.options.state.isTorn = true;
      throw error;
    }
  }

  /** All that the training graph is fed but for `steps`. */
  private async feedsFor(
    steps: readonly Step[],
    firstStep: number,
    { batchSize, shows }: Variant,
  ): Promise<Record<string, Tensor>> {
    const { images, labels, task, state } = this.options;
    const most = this.mostSteps(batchSize);
    const capacity = most * batchSize;
    const positions = steps.flatMap((step) => Array.from(step.positions));
    const rowCount = images.feedRows(capacity);
    const feed = await images.feed(positions, capacity, steps[0]!.epoch);
    const fedLabels = await labels.feed(positions, capacity, feed);
    return {
      ...state.trainFeeds(shows),
      images: { dataType: 'uint8', shape: [rowCount, ...images.imageShape], data: feed.images },
      labels: { dataType: task.label.dataType, shape: [rowCount, ...task.label.shape], data: fedLabels },
      indices: padded(most, 'int64', [batchSize], feed.rows),
      ...this.stepFeeds(steps, batchSize),
      firstStep: tensor('int64', [], [firstStep]),
    };
  }

  /** Of one dispatch of batches of this size. */
  mostSteps(batchSize: number): number {
    return stepsPerDispatch(this.options.images, batchSize, maximumSteps);
  }

  async close(): Promise<void> {
    await Promise.all([...this.sessions.values()].map((session) => session.release()));
    this.sessions.clear();
  }

  private precision(): RunConfig['precision'] {
    return this.options.state.update.scalesLoss ? 'mixed' : 'float32';
  }

  /** What differs from step to step, as far as the graph has it. */
  private stepFeeds(steps: readonly Step[], batchSize: number): Record<string, Tensor> {
    const { augmentation, state } = this.options;
    const most = this.mostSteps(batchSize);
    const [first] = steps as [Step, ...Step[]];
    const completes = steps.map((step) => Number(step.completesUpdate));
    return {
      numbers: padded(
        most,
        'float32',
        [first.numbers.length],
        steps.flatMap((step) => [...step.numbers]),
      ),
      ...(state.update.accumulates && { completes: padded(most, 'bool', [], completes) }),
      ...(isAugmented(augmentation) && {
        draws: padded(
          most,
          'int64',
          [batchSize, drawsPerImage],
          steps.flatMap((step) => [...(step.draws ?? [])]),
        ),
      }),
    };
  }

  /** Where in the `step`-th of the fed steps the numbers went wrong, in words; null where it cannot be told. */
  private async placeOfBadNumber(
    variant: Variant,
    feeds: Readonly<Record<string, Tensor>>,
    step: number,
  ): Promise<string | null> {
    if (step < 0) return null; // it was in a dispatch whose state is gone
    const { runtime, device } = this.options;
    try {
      const session = await this.sessionFor(variant);
      const before = step === 0 ? {} : await session.run({ ...feeds, steps: tensor('int64', [], [step]) });
      const state = Object.entries(before).flatMap(([name, value]) =>
        name.endsWith('Next') ? [[name.slice(0, -'Next'.length), value] as const] : [],
      );
      const fed = { ...feeds, ...Object.fromEntries(state), steps: tensor('int64', [], [step + 1]) };
      const found = await findFirstBadNode({ runtime, device, graph: this.graphFor(variant), feeds: fed, step });
      return found && badNodeText(found);
    } catch (error) {
      // The person is told of the bad loss all the same; there may be no memory for a second look.
      debugLog(`the bad number could not be looked for: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }

  private variantFor(batchSize: number, showGradient: boolean): Variant {
    const { state, device, plan } = this.options;
    const isShown = showGradient || !looksApart(device, plan, batchSize);
    return { batchSize, shows: state.update.showsGradient === true && (this.inPlace || isShown) };
  }

  private async sessionFor(variant: Variant): Promise<Session> {
    const { batchSize, shows } = variant;
    const name = `${batchSize}${shows ? ' with its gradient' : ''}`;
    const known = this.sessions.get(name);
    if (known) return known;
    const { runtime, device, threads, tuning } = this.options;
    this.passes = { ...(await passesFor(runtime, { device, threads }, tuning)), precision: this.precision() };
    const { session, nodes } = await (this.inPlace ? this.openInPlace(variant) : this.openLoop(variant));
    this.sessions.set(name, session);
    if (debugLevel() >= 1) debugLog(`training graph for batches of ${name}: ${nodes} nodes`);
    freeMemory();
    return session;
  }

  private async openLoop(variant: Variant): Promise<{ session: Session; nodes: number }> {
    const { runtime, device, threads } = this.options;
    const graph = this.graphFor(variant);
    return { session: await openGraph(runtime, graph, { device, threads }), nodes: countNodes(graph) };
  }

  private async openInPlace(variant: Variant): Promise<{ session: Session; nodes: number }> {
    const { runtime, device, threads, state } = this.options;
    const graphOptions = this.graphOptions(variant);
    const { layout, update } = graphOptions;
    let nodes = 0;
    const open = async (completes: boolean): Promise<OpenStep> => {
      const graph = buildStepInPlace(graphOptions, completes);
      nodes += countNodes(graph);
      const { inputs, outputs } = graph;
      const session = await openGraph(runtime, graph, { device, threads, writesAll: true });
      return { session, graph: { inputs, outputs } };
    };
    const completing = await open(true);
    const adding = state.update.accumulates ? await open(false) : null;
    return { session: new StepsInPlace({ completing, adding, layout, update }), nodes };
  }

  private graphFor(variant: Variant): Graph {
    return buildTrainGraph(this.graphOptions(variant));
  }

  private graphOptions({ batchSize, shows }: Variant): TrainGraphOptions {
    const { plan, preprocessing, augmentation, task, images, seed, state } = this.options;
    return {
      passes: this.passes,
      plan,
      layout: state.layout,
      update: { ...state.update, showsGradient: shows },
      preprocessing,
      augmentation,
      task,
      imageCount: images.feedRows(this.mostSteps(batchSize) * batchSize),
      batchSize,
      maximumSteps: this.mostSteps(batchSize),
      seed,
    };
  }
}

/** [most, …shape], with zeros for the steps that are not done. */
function padded(most: number, dataType: DataType, shape: Shape, values: ArrayLike<number>): Tensor {
  const all = new Array<number>(most * sizeOf(shape)).fill(0);
  for (let i = 0; i < values.length; i++) all[i] = values[i]!;
  return tensor(dataType, [most, ...shape], all);
}

/** `weightsAreFinite`: those that the step began with. */
function notFinite(
  step: number,
  loss: number,
  weightsAreFinite: boolean,
  place: string | null,
  precision: RunConfig['precision'],
): FoveaError {
  if (!weightsAreFinite) return weightsNotFinite(step - 1, place);
  const message = `The loss became ${loss} at step ${step}${foundAt(place)}. Lower the learning rate, or check the images.${precision === 'mixed' ? ' Numbers above 65,504 are too much for mixed precision: float32 has room for them.' : ''}`;
  return new FoveaError('bad-input', message, { step, place });
}

/** `place`: where the first bad number was found, null where that is not known. */
export function weightsNotFinite(step: number, place: string | null = null): FoveaError {
  const message = `The weights or their gradient stopped being finite numbers at step ${step}${foundAt(place)}. Lower the learning rate, or clip the gradient.`;
  return new FoveaError('bad-input', message, { step, place });
}

function scaleLost(step: number): FoveaError {
  const message = `Up to step ${step} the gradient overflowed half precision however small it was scaled. Train in float32, or lower the learning rate.`;
  return new FoveaError('bad-input', message, { step });
}

const foundAt = (place: string | null): string => (place === null ? '' : `, first in ${place}`);

const floats = (value: Tensor | undefined): Float32Array => value!.data as Float32Array;
