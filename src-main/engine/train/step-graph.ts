/**
 * The graphs that training runs: K steps of forward, backward and optimiser in one ONNX Loop, and the forward alone.
 * State travels as flat vectors; the images stay where they are and each step gathers its batch by index.
 */
import type { LossConfig, OptimiserConfig } from '../../contract/model/run.ts';
import { gradients } from '../autodiff/gradients.ts';
import type { Builder } from '../graph/builder.ts';
import { tensor, type Graph, type Value } from '../graph/types.ts';
import { countCorrect, crossEntropy } from '../nn/losses.ts';
import { buildFeatureMajorNetwork, buildNetwork, prefersFeatureMajor, type NetworkPlan } from '../nn/network.ts';
import { optimiserFor } from '../nn/optimisers.ts';
import type { FlatLayout } from '../nn/parameters.ts';
import { newGraph } from '../ops/index.ts';
import { optimise } from '../passes/index.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';

/** Which flat vector each tensor of the network is in. */
export interface StateLayout {
  trainable: FlatLayout;
  frozen: FlatLayout;
  buffers: FlatLayout;
}

export interface TrainGraphOptions {
  plan: NetworkPlan;
  layout: StateLayout;
  preprocessing: Preprocessing;
  loss: LossConfig;
  optimiser: OptimiserConfig;
  /** Rows of the `images` feed. */
  imageCount: number;
  batchSize: number;
  /** K, the most steps of one run. */
  maximumSteps: number;
  /** Mixed into the streams of dropout. */
  seed: number;
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
 * Feeds: images uint8 [M, C, H, W]; indices int64 [K, B] (rows of images); labels int64 [K, B]; numbers float32 [K, Q]
 * (the optimiser's, a row a step); steps int64 [] (how many of the K to do); firstStep int64 []; parameters [P], one
 * vector a slot, frozen [F], buffers [R] (each only where not empty).
 * Results: the state under the same names with "Next" behind, losses [steps] and correct [steps].
 */
export function buildTrainGraph(options: TrainGraphOptions): Graph {
  const { layout, batchSize, maximumSteps: k, plan } = options;
  const definition = optimiserFor(options.optimiser);
  const slotNames = definition.slots(options.optimiser);
  const numberCount = definition.stepNumbers(options.optimiser, 0, 1).length;

  const main = newGraph('train');
  const images = main.input('images', 'uint8', [options.imageCount, ...plan.inputShape]);
  const indices = main.input('indices', 'int64', [k, batchSize]);
  const labels = main.input('labels', 'int64', [k, batchSize]);
  const numbers = main.input('numbers', 'float32', [k, numberCount]);
  const steps = main.input('steps', 'int64', []);
  const firstStep = main.input('firstStep', 'int64', []);
  const frozen = flatInput(main, 'frozen', layout.frozen);
  const carriedNames = ['parameters', ...slotNames, ...(layout.buffers.length > 0 ? ['buffers'] : [])];
  const carried = carriedNames.map((name) =>
    main.input(name, 'float32', [name === 'buffers' ? layout.buffers.length : layout.trainable.length]),
  );

  const body = main.subgraph('step');
  const iteration = body.input('iteration', 'int64', []);
  body.input('condition', 'bool', []);
  const [parameters, ...rest] = carried.map(({ name, shape }) => body.input(`${name}Now`, 'float32', shape));
  const slots = rest.slice(0, slotNames.length);
  const buffers = rest[slotNames.length] ?? null;
  const step = buildStep(body, options, {
    bytes: body.gather(images, body.gather(indices, iteration)),
    labels: body.gather(labels, iteration),
    numbers: body.gather(numbers, iteration),
    step: body.add(firstStep, iteration),
    parameters: parameters!,
    slots,
    buffers,
    frozen,
  });
  body.output(body.op('Less', [body.add(iteration, body.int(1)), steps]), 'goOn');
  carriedNames.forEach((name, i) => body.output(step.next[i]!, `${name}Then`));
  body.output(step.loss, 'stepLoss');
  body.output(step.correct, 'stepCorrect');

  const trips = main.int(k);
  const always = main.constant(tensor('bool', [], [1]));
  const results = main.ops('Loop', [trips, always, ...carried], { body: body.graph }, carried.length + 2);
  [...carriedNames.map((name) => `${name}Next`), 'losses', 'correct'].forEach((name, i) =>
    main.output(results[i]!, name),
  );
  return optimise(main.graph);
}

interface StepInputs {
  /** uint8 [B, C, H, W] */
  bytes: Value;
  labels: Value;
  numbers: Value;
  step: Value;
  parameters: Value;
  slots: readonly Value[];
  buffers: Value | null;
  frozen: Value | null;
}

function buildStep(
  g: Builder,
  options: TrainGraphOptions,
  inputs: StepInputs,
): { next: Value[]; loss: Value; correct: Value } {
  const { layout, plan, optimiser } = options;
  const tensors = splitState(g, [
    { layout: layout.trainable, flat: inputs.parameters },
    { layout: layout.frozen, flat: inputs.frozen },
    { layout: layout.buffers, flat: inputs.buffers },
  ]);
  const nextBuffers = new Map<string, Value>();
  const build = prefersFeatureMajor(plan) ? buildFeatureMajorNetwork : buildNetwork;
  const logits = build(
    plan,
    g,
    { bytes: inputs.bytes, preprocessing: options.preprocessing },
    {
      mode: 'training',
      tensor: (name) => tensors.get(name)!,
      updateBuffer: (name, next) => nextBuffers.set(name, next),
      step: inputs.step,
      seed: options.seed,
    },
  );
  const loss = g.scope('loss', () => crossEntropy(g, logits, inputs.labels, options.loss));
  const correct = countCorrect(g, logits, inputs.labels);
  const trained = layout.trainable.entries.map(({ name }) => tensors.get(name)!);
  const gradient = g.concat(
    gradients(g, loss, trained).map((value, i) =>
      g.reshape(value ?? g.float(0, trained[i]!.shape), [layout.trainable.entries[i]!.length]),
    ),
    0,
  );
  const updated = g.scope('optimiser', () => {
    const numbers = Array.from({ length: inputs.numbers.shape[0]! }, (_, i) => element(g, inputs.numbers, i));
    return optimiserFor(optimiser).update(optimiser, {
      g,
      parameter: inputs.parameters,
      gradient,
      slots: inputs.slots,
      numbers,
    });
  });
  const next = [updated.parameter, ...updated.slots];
  if (inputs.buffers) {
    const pieces = layout.buffers.entries.map(({ name, length }) =>
      g.reshape(nextBuffers.get(name) ?? tensors.get(name)!, [length]),
    );
    next.push(g.concat(pieces, 0));
  }
  return { next, loss, correct };
}

export interface InferenceGraphOptions {
  plan: NetworkPlan;
  layout: StateLayout;
  preprocessing: Preprocessing;
  imageCount: number;
  batchSize: number;
}

/** Feeds: images uint8 [M, C, H, W]; indices int64 [B]; parameters, frozen, buffers. Result: logits [B, categories]. */
export function buildInferenceGraph({
  plan,
  layout,
  preprocessing,
  imageCount,
  batchSize,
}: InferenceGraphOptions): Graph {
  const g = newGraph('inference');
  const images = g.input('images', 'uint8', [imageCount, ...plan.inputShape]);
  const indices = g.input('indices', 'int64', [batchSize]);
  const tensors = splitState(g, [
    { layout: layout.trainable, flat: flatInput(g, 'parameters', layout.trainable) },
    { layout: layout.frozen, flat: flatInput(g, 'frozen', layout.frozen) },
    { layout: layout.buffers, flat: flatInput(g, 'buffers', layout.buffers) },
  ]);
  const logits = buildNetwork(
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
  g.output(logits, 'logits');
  return optimise(g.graph);
}
