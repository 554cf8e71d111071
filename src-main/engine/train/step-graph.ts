/**
 * The graphs that training runs: K steps of forward, backward and optimiser in one ONNX Loop, and the forward alone.
 * State travels as flat vectors; the images stay where they are and each step gathers its batch by index.
 */
import type { AugmentationConfig } from '../../contract/model/run-images.ts';
import { gradients } from '../autodiff/gradients.ts';
import { drawsPerImage, isAugmented } from '../data/augmentation.ts';
import type { Builder } from '../graph/builder.ts';
import { tensor, type Graph, type Value } from '../graph/types.ts';
import { motionOf } from '../nn/augmentation.ts';
import { buildFeatureMajorNetwork, buildNetwork, prefersFeatureMajor, type NetworkPlan } from '../nn/network.ts';
import { moveBuffers, type BufferMove } from '../nn/moving-buffers.ts';
import type { FlatLayout } from '../nn/parameters.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';
import { newGraph } from '../ops/index.ts';
import { optimise, type PassOptions } from '../passes/index.ts';
import { endInPlace, optimiseInPlace, stateInputs } from './in-place-graph.ts';
import { lossScaleName, lossSeed } from './loss-scaling.ts';
import { carriedVectors, frozenName, groupVector, type StateLayout, type UpdateSettings } from './state-layout.ts';
import type { Task } from './tasks/definition.ts';
import { buildUpdate, numbersOfStep } from './update-graph.ts';

export interface TrainGraphOptions {
  plan: NetworkPlan;
  layout: StateLayout;
  preprocessing: Preprocessing;
  augmentation: AugmentationConfig;
  task: Pick<Task, 'label' | 'moveLabels' | 'gradientFactor' | 'loss' | 'counts'>;
  update: UpdateSettings;
  /** Rows of the `images` feed, and of the labels'. */
  imageCount: number;
  batchSize: number;
  /** K, the most steps of one run. */
  maximumSteps: number;
  /** Mixed into the streams of dropout. */
  seed: number;
  /** How operators are written on the machine that runs the graph; by rule where absent. */
  passes?: PassOptions;
}

/** A scalar piece of a vector. */
const element = (g: Builder, vector: Value, index: number): Value => g.gather(vector, g.int(index));

/** Cuts flat vectors into the network's tensors. Empty vectors are not part of a graph at all. */
function splitState(g: Builder, pieces: readonly { layout: FlatLayout; flat: Value | null }[]): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const { layout, flat } of pieces) {
    if (!flat) continue;
    const parts = g.split(
      flat,
      layout.entries.map((entry) => entry.length),
      0,
    );
    layout.entries.forEach(({ name, shape }, i) => values.set(name, g.reshape(parts[i]!, shape)));
  }
  return values;
}

/** A graph input for a flat vector, or null where there is nothing in it. */
const flatInput = (g: Builder, name: string, layout: FlatLayout): Value | null =>
  layout.length === 0 ? null : g.input(name, 'float32', [layout.length]);

/**
 * Up to K training steps.
 * Feeds: images uint8 [M, C, H, W]; labels [M, …] as the task has them; indices int64 [K, B] (rows of both); numbers
 * float32 [K, Q] (`numbersOfStep`, a row a step); steps int64 [] (how many of the K to do); firstStep int64 []; frozen [F], where not
 * empty; the carried vectors (`carriedVectors`); draws int64 [K, B, 3] where images are augmented; completes bool [K]
 * (whether the step completes an update) where gradients are accumulated.
 * Results: the carried vectors under the same names with "Next" behind, losses [steps], and each of the task's counts
 * [steps, …].
 */
export function buildTrainGraph(options: TrainGraphOptions): Graph {
  const { layout, maximumSteps: k, update } = options;
  const main = newGraph('train');
  const inputs = stepInputs(main, options);
  const completes = update.accumulates ? main.input('completes', 'bool', [k]) : null;
  const steps = main.input('steps', 'int64', []);
  const firstStep = main.input('firstStep', 'int64', []);
  const frozen = flatInput(main, frozenName, layout.frozen);
  const vectors = carriedVectors(layout, update);
  const carried = vectors.map((vector) => main.input(vector.name, 'float32', [vector.layout.length]));

  const body = main.subgraph('step');
  const iteration = body.input('iteration', 'int64', []);
  body.input('condition', 'bool', []);
  const state = new Map(carried.map(({ name, shape }) => [name, body.input(`${name}Now`, 'float32', shape)]));
  const step = buildStep(body, options, {
    ...stepOf(body, options, inputs, iteration),
    step: body.add(firstStep, iteration),
    completes: completes && body.gather(completes, iteration),
    state,
    frozen,
  });
  body.output(body.op('Less', [body.add(iteration, body.int(1)), steps]), 'goOn');
  for (const { name } of vectors) body.output(step.next.get(name)!, `${name}Then`);
  body.output(step.loss, 'stepLoss');
  const counted = Object.keys(step.counts);
  for (const name of counted) body.output(step.counts[name]!, `${name}Counted`);

  const trips = main.int(k);
  const always = main.constant(tensor('bool', [], [1]));
  const names = [...vectors.map(({ name }) => `${name}Next`), 'losses', ...counted];
  const results = main.ops('Loop', [trips, always, ...carried], { body: body.graph }, names.length);
  names.forEach((name, i) => main.output(results[i]!, name));
  return optimise(main.graph, options.passes);
}

/**
 * One training step of a state that is updated in place (steps-in-place.ts).
 * Feeds: those of `buildTrainGraph`, but instead of steps and completes `turn` int64 [], which of the K it is; and besides the carried
 * vectors every parameter under its own name, which saves cutting it out of its vector. `completes`: whether the step completes an
 * update. Results: loss; `goesOn`; the task's counts; what is to be written over the carried vectors that such a step changes, with
 * "Next" behind their names.
 */
export function buildStepInPlace(options: TrainGraphOptions, completes = true): Graph {
  const { layout, update } = options;
  const g = newGraph('step');
  const inputs = stepInputs(g, options);
  const turn = g.input('turn', 'int64', []);
  const firstStep = g.input('firstStep', 'int64', []);
  const state = stateInputs(g, layout, update, completes);
  const tensors = splitState(g, [{ layout: layout.buffers, flat: state.get('buffers') ?? null }]);
  for (const { name, shape } of [...layout.groups.map((group) => group.layout), layout.frozen].flatMap(
    (l) => l.entries,
  ))
    tensors.set(name, g.input(name, 'float32', shape));
  const frozen = update.averages === 'everything' && completes ? flatInput(g, frozenName, layout.frozen) : null;
  const step = { ...stepOf(g, options, inputs, turn), step: g.add(firstStep, turn) };
  const { loss, counts, gradients: found, moved } = buildGradients(g, options, { ...step, state, tensors });
  for (const [name, value] of Object.entries(counts)) g.output(value, name);
  const numbers = elementsOf(g, step.numbers);
  endInPlace(g, { layout, update, state: moved, frozen, gradients: found, numbers, loss, completes });
  return optimiseInPlace(g.graph, layout, options.passes);
}

interface FedSteps {
  images: Value;
  labels: Value;
  indices: Value;
  draws: Value | null;
  numbers: Value;
}

function stepInputs(g: Builder, options: TrainGraphOptions): FedSteps {
  const { plan, update, augmentation, batchSize, maximumSteps: k, imageCount } = options;
  const { label } = options.task;
  const numberCount = numbersOfStep(update, { learningRate: 0, update: 1, weight: 1, averagePace: 0 }).length;
  return {
    images: g.input('images', 'uint8', [imageCount, ...plan.inputShape]),
    indices: g.input('indices', 'int64', [k, batchSize]),
    labels: g.input('labels', label.dataType, [imageCount, ...label.shape]),
    draws: isAugmented(augmentation) ? g.input('draws', 'int64', [k, batchSize, drawsPerImage]) : null,
    numbers: g.input('numbers', 'float32', [k, numberCount]),
  };
}

/** What the step at `turn` gets of all that is fed. */
function stepOf(
  g: Builder,
  options: TrainGraphOptions,
  { images, labels, indices, draws, numbers }: FedSteps,
  turn: Value,
): Pick<StepInputs, 'bytes' | 'labels' | 'numbers'> {
  const rows = g.gather(indices, turn);
  const stored = { bytes: g.gather(images, rows), labels: g.gather(labels, rows) };
  return {
    ...(draws ? augmented(g, options, stored, g.gather(draws, turn)) : stored),
    numbers: g.gather(numbers, turn),
  };
}

const elementsOf = (g: Builder, vector: Value): Value[] =>
  Array.from({ length: vector.shape[0]! }, (_, i) => element(g, vector, i));

/** Images and the labels that lie on them, moved by chance. */
function augmented(
  g: Builder,
  { plan, task, augmentation }: TrainGraphOptions,
  { bytes, labels }: { bytes: Value; labels: Value },
  draws: Value,
): { bytes: Value; labels: Value } {
  return g.scope('augmentation', () => {
    const [, height, width] = plan.inputShape as [number, number, number];
    const motion = motionOf(g, [height, width], draws, augmentation);
    return { bytes: motion.apply(bytes, 0), labels: task.moveLabels?.(g, labels, motion) ?? labels };
  });
}

interface StepInputs {
  /** uint8 [B, C, H, W] */
  bytes: Value;
  labels: Value;
  numbers: Value;
  completes: Value | null;
  step: Value;
  /** Carried vectors by name. */
  state: ReadonlyMap<string, Value>;
  frozen: Value | null;
}

/** Forward and backward. `gradients`: one for each group, [P]; `moved`: the state with the buffers that the step has made. */
function buildGradients(
  g: Builder,
  options: TrainGraphOptions,
  inputs: Omit<StepInputs, 'completes' | 'frozen'> & { tensors: ReadonlyMap<string, Value> },
): { loss: Value; counts: Readonly<Record<string, Value>>; gradients: Value[]; moved: Map<string, Value> } {
  const { layout, plan, update, task } = options;
  const { state, tensors } = inputs;
  const moves = new Map<string, BufferMove>();
  const build = prefersFeatureMajor(plan) ? buildFeatureMajorNetwork : buildNetwork;
  const outputs = build(
    plan,
    g,
    { bytes: inputs.bytes, preprocessing: options.preprocessing },
    {
      mode: 'training',
      tensor: (name) => tensors.get(name)!,
      updateBuffer: (name, move) => moves.set(name, move),
      step: inputs.step,
      seed: options.seed,
    },
  );
  const loss = g.scope('loss', () => task.loss(g, outputs, inputs.labels));
  const counts = g.scope('counts', () => task.counts(g, outputs, inputs.labels));
  const factor = g.float(task.gradientFactor ?? 1, loss.shape);
  const seed = update.scalesLoss ? g.mul(factor, lossSeed(g, state.get(lossScaleName)!, loss)) : factor;
  const gradientVectors = flatGradients(g, loss, layout, tensors, seed);
  const moved = new Map(state);
  const buffers = state.get('buffers');
  if (buffers) moved.set('buffers', moveBuffers(g, layout.buffers, buffers, moves));
  return { loss, counts, gradients: gradientVectors, moved };
}

function buildStep(
  g: Builder,
  options: TrainGraphOptions,
  inputs: StepInputs,
): { next: ReadonlyMap<string, Value>; loss: Value; counts: Readonly<Record<string, Value>> } {
  const { layout, update } = options;
  const { frozen, completes, state } = inputs;
  const tensors = splitState(g, [
    ...layout.groups.map((group) => ({ layout: group.layout, flat: state.get(groupVector('parameters', group))! })),
    { layout: layout.frozen, flat: frozen },
    { layout: layout.buffers, flat: state.get('buffers') ?? null },
  ]);
  const { loss, counts, gradients: vectors, moved } = buildGradients(g, options, { ...inputs, tensors });
  const next = g.scope('optimiser', () => {
    const numbers = elementsOf(g, inputs.numbers);
    return buildUpdate(g, { layout, update, state: moved, frozen, gradients: vectors, numbers, completes });
  });
  return { next, loss, counts };
}

/** The gradient of every group, [P]; zeros for parameters that the loss does not depend on. */
function flatGradients(
  g: Builder,
  loss: Value,
  { groups }: StateLayout,
  tensors: ReadonlyMap<string, Value>,
  seed?: Value,
): Value[] {
  const entries = groups.flatMap(({ layout }) => layout.entries);
  const trained = entries.map(({ name }) => tensors.get(name)!);
  const pieces = gradients(g, loss, trained, seed).map((value, i) =>
    g.reshape(value ?? g.float(0, trained[i]!.shape), [entries[i]!.length]),
  );
  let first = 0;
  return groups.map(({ layout }) => {
    const end = first + layout.entries.length;
    const vector = g.concat(pieces.slice(first, end), 0);
    first = end;
    return vector;
  });
}

export interface InferenceGraphOptions {
  plan: NetworkPlan;
  layout: StateLayout;
  preprocessing: Preprocessing;
  task: Pick<Task, 'label' | 'evaluationResults'>;
  imageCount: number;
  batchSize: number;
  /** As in TrainGraphOptions. */
  passes?: PassOptions;
}

/**
 * Feeds: images uint8 [M, C, H, W]; indices int64 [B]; each group's parameters, frozen, buffers. Where the task measures
 * by them, labels [M, …] and imageCount int64 [], of the batch. Results: what the task asks for.
 */
export function buildInferenceGraph({
  plan,
  layout,
  preprocessing,
  task,
  imageCount,
  batchSize,
  passes,
}: InferenceGraphOptions): Graph {
  const g = newGraph('inference');
  const images = g.input('images', 'uint8', [imageCount, ...plan.inputShape]);
  const indices = g.input('indices', 'int64', [batchSize]);
  const tensors = splitState(g, [
    ...layout.groups.map((group) => ({
      layout: group.layout,
      flat: flatInput(g, groupVector('parameters', group), group.layout),
    })),
    { layout: layout.frozen, flat: flatInput(g, frozenName, layout.frozen) },
    { layout: layout.buffers, flat: flatInput(g, 'buffers', layout.buffers) },
  ]);
  const outputs = buildNetwork(
    plan,
    g,
    { bytes: g.gather(images, indices), preprocessing },
    {
      mode: 'inference',
      tensor: (name) => tensors.get(name)!,
      updateBuffer: () => undefined,
      step: null,
      seed: 0,
    },
  );
  const results = task.evaluationResults(g, outputs, {
    labels: () => g.gather(g.input('labels', task.label.dataType, [imageCount, ...task.label.shape]), indices),
    isImage: () => {
      const places = Array.from({ length: batchSize }, (_, i) => i);
      return g.op('Less', [g.ints(places), g.input('imageCount', 'int64', [])]);
    },
  });
  for (const [name, value] of Object.entries(results)) g.output(value, name);
  return optimise(g.graph, { ...passes, forInference: true });
}
