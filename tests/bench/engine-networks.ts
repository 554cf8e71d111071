/**
 * The networks of the engine bench, and a training step of each as a graph: what the trainer builds, with one fixed batch
 * and, where the task's own loss is not part of the engine yet, a plain scalar of the outputs in its place.
 */
import type { PhaseConfig } from '../../src-main/contract/model/run.ts';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { tensor, type Graph, type Value } from '../../src-main/engine/graph/types.ts';
import { classificationLoss } from '../../src-main/engine/nn/losses/cross-entropy.ts';
import {
  buildFeatureMajorNetwork,
  buildNetwork,
  planNetwork,
  prefersFeatureMajor,
  type NetworkPlan,
  type NetworkSpec,
} from '../../src-main/engine/nn/network.ts';
import { moveBuffers, type BufferMove } from '../../src-main/engine/nn/moving-buffers.ts';
import type { FlatLayout } from '../../src-main/engine/nn/parameters.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import type { PassOptions } from '../../src-main/engine/passes/index.ts';
import { endInPlace, optimiseInPlace, stateInputs } from '../../src-main/engine/train/in-place-graph.ts';
import {
  carriedVectors,
  frozenName,
  groupVector,
  stateLayout,
  updateSettings,
  type StateLayout,
} from '../../src-main/engine/train/state-layout.ts';
import { buildUpdate, numbersOfStep } from '../../src-main/engine/train/update-graph.ts';
import { lastPath } from '../../src-main/engine/zoo/blocks.ts';
import { lenet5 } from '../../src-main/engine/zoo/lenet5.ts';
import { segmentationNetwork } from '../../src-main/engine/zoo/segmentation.ts';
import { yolov8 } from '../../src-main/engine/zoo/yolov8.ts';

export interface BenchNetwork {
  /** camelCase: the start of its figures' names. */
  id: string;
  label: string;
  network: () => NetworkSpec;
  /** [N, C, H, W] */
  input: readonly [number, number, number, number];
  loss: 'crossEntropy' | 'meanSquare';
  /** The most that our step may take, over PyTorch's. */
  bar: number;
}

const segmentation = (encoder: Parameters<typeof segmentationNetwork>[1]) => (): NetworkSpec =>
  segmentationNetwork('unet', encoder, 5, { dropConnect: 0, dropout: 0 });

export const benchNetworks: readonly BenchNetwork[] = [
  {
    id: 'lenet5',
    label: 'LeNet-5, batch 64',
    network: () => {
      const layers = lenet5.layers(lenet5.defaults, 10);
      return { layers, outputs: [lastPath(layers)] };
    },
    input: [64, 3, 32, 32],
    loss: 'crossEntropy',
    bar: 1,
  },
  {
    id: 'yolov8n320',
    label: 'YOLOv8n, 320 px, batch 4',
    network: () => yolov8('n', 80),
    input: [4, 3, 320, 320],
    loss: 'meanSquare',
    bar: 1,
  },
  {
    id: 'yolov8n640',
    label: 'YOLOv8n, 640 px, batch 4',
    network: () => yolov8('n', 80),
    input: [4, 3, 640, 640],
    loss: 'meanSquare',
    bar: 1,
  },
  {
    id: 'yolov8s320',
    label: 'YOLOv8s, 320 px, batch 4',
    network: () => yolov8('s', 80),
    input: [4, 3, 320, 320],
    loss: 'meanSquare',
    bar: 1.05,
  },
  {
    id: 'yolov8m320',
    label: 'YOLOv8m, 320 px, batch 4',
    network: () => yolov8('m', 80),
    input: [4, 3, 320, 320],
    loss: 'meanSquare',
    bar: 1.15,
  },
  {
    id: 'unetMobilenet',
    label: 'U-Net over MobileNetV2, 256 px, batch 4',
    network: segmentation('mobilenet_v2'),
    input: [4, 3, 256, 256],
    loss: 'meanSquare',
    bar: 0.8,
  },
  {
    id: 'unetEfficientnet',
    label: 'U-Net over EfficientNet-B5, 256 px, batch 2',
    network: segmentation('efficientnet-b5'),
    input: [2, 3, 256, 256],
    loss: 'meanSquare',
    bar: 0.9,
  },
  {
    id: 'unetResnet34',
    label: 'U-Net over ResNet-34, 256 px, batch 4',
    network: segmentation('resnet34'),
    input: [4, 3, 256, 256],
    loss: 'meanSquare',
    bar: 1,
  },
];

export const phase: PhaseConfig = {
  epochs: 1,
  learningRate: 0.0001,
  optimiser: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  schedule: { kind: 'constant' },
  warmup: { epochs: 0, startFactor: 0.1 },
  freeze: [],
  decayAll: true,
  clipNorm: null,
};
export const update = updateSettings({ accumulation: 1, ema: null }, phase);

export interface PlannedStep {
  plan: NetworkPlan;
  layout: StateLayout;
}

export function planStep({ network, input }: BenchNetwork): PlannedStep {
  const { layers, outputs } = network();
  const plan = planNetwork(layers, input.slice(1), outputs);
  return { plan, layout: stateLayout(plan, phase) };
}

/** Numbers of the n-th step, counted from 1. */
export const stepNumbers = (n: number): number[] =>
  numbersOfStep(update, { learningRate: phase.learningRate, update: n, weight: 1, averagePace: 1 });

/**
 * Up to K steps on one batch. Feeds: bytes uint8 [N, C, H, W]; labels int64 [N]; numbers float32 [K, Q]; steps int64 [];
 * frozen, where there is something in it; the carried vectors. Results: the carried vectors with "Next" behind; losses.
 * Not optimised yet.
 */
export function stepGraph(net: BenchNetwork, planned: PlannedStep, maximumSteps: number): Graph {
  const { layout } = planned;
  const main = newGraph('bench');
  const fed = inputsOf(main, net);
  const frozen = layout.frozen.length > 0 ? main.input(frozenName, 'float32', [layout.frozen.length]) : null;
  const numbers = main.input('numbers', 'float32', [maximumSteps, stepNumbers(1).length]);
  const steps = main.input('steps', 'int64', []);
  const carried = carriedVectors(layout, update).map(({ name, layout: { length } }) =>
    main.input(name, 'float32', [length]),
  );

  const body = main.subgraph('step');
  const iteration = body.input('iteration', 'int64', []);
  body.input('condition', 'bool', []);
  const state = new Map(carried.map(({ name, shape }) => [name, body.input(`${name}Now`, 'float32', shape)]));
  const tensors = cut(body, [
    ...layout.groups.map((group) => [state.get(groupVector('parameters', group)), group.layout] as const),
    [frozen, layout.frozen],
    [state.get('buffers'), layout.buffers],
  ]);
  const { loss, found, buffers } = gradientsOf(body, net, planned, fed, {
    tensors,
    flat: state.get('buffers') ?? null,
    step: iteration,
  });
  const row = body.gather(numbers, iteration);
  const next = buildUpdate(body, {
    layout,
    update,
    state: buffers ? new Map(state).set('buffers', buffers) : state,
    frozen,
    gradients: found,
    numbers: Array.from({ length: numbers.shape[1]! }, (_, i) => body.gather(row, body.int(i))),
    completes: null,
  });
  body.output(body.op('Less', [body.add(iteration, body.int(1)), steps]), 'goOn');
  for (const { name } of carried) body.output(next.get(name)!, `${name}Then`);
  body.output(loss, 'stepLoss');

  const always = main.constant(tensor('bool', [], [1]));
  const loopInputs = [main.int(maximumSteps), always, ...carried];
  const results = main.ops('Loop', loopInputs, { body: body.graph }, carried.length + 1);
  [...carried.map(({ name }) => `${name}Next`), 'losses'].forEach((name, i) => main.output(results[i]!, name));
  return main.graph;
}

/** One step whose state is updated in place, optimised, as `buildStepInPlace` makes it. */
export function inPlaceGraph(
  net: BenchNetwork,
  planned: PlannedStep,
  maximumSteps: number,
  passes: PassOptions,
): Graph {
  const { layout } = planned;
  const g = newGraph('bench in place');
  const fed = inputsOf(g, net);
  const turn = g.input('turn', 'int64', []);
  const numbers = g.gather(g.input('numbers', 'float32', [maximumSteps, stepNumbers(1).length]), turn);
  const state = stateInputs(g, layout, update, true);
  const flat = state.get('buffers') ?? null;
  const tensors = cut(g, [[flat, layout.buffers]]);
  for (const { name, shape } of [...layout.groups.map((group) => group.layout), layout.frozen].flatMap(
    (l) => l.entries,
  ))
    tensors.set(name, g.input(name, 'float32', shape));
  const { loss, found, buffers } = gradientsOf(g, net, planned, fed, { tensors, flat, step: turn });
  endInPlace(g, {
    layout,
    update,
    state: buffers ? new Map(state).set('buffers', buffers) : state,
    frozen: null,
    gradients: found,
    numbers: Array.from({ length: numbers.shape[0]! }, (_, i) => g.gather(numbers, g.int(i))),
    loss,
    completes: true,
  });
  return optimiseInPlace(g.graph, layout, passes);
}

interface Fed {
  bytes: Value;
  labels: Value;
}
const inputsOf = (g: Builder, { input }: BenchNetwork): Fed => ({
  bytes: g.input('bytes', 'uint8', input),
  labels: g.input('labels', 'int64', [input[0]]),
});

/** The network's tensors out of flat vectors. */
function cut(g: Builder, vectors: readonly (readonly [Value | null | undefined, FlatLayout])[]): Map<string, Value> {
  const tensors = new Map<string, Value>();
  for (const [flat, { entries }] of vectors) {
    if (!flat) continue;
    const pieces = g.split(
      flat,
      entries.map(({ length }) => length),
      0,
    );
    entries.forEach(({ name, shape }, i) => tensors.set(name, g.reshape(pieces[i]!, shape)));
  }
  return tensors;
}

/** Loss, the gradient of every group, and the buffers, which come as `flat`, as the step leaves them. */
function gradientsOf(
  g: Builder,
  net: BenchNetwork,
  { plan, layout }: PlannedStep,
  { bytes, labels }: Fed,
  { tensors, flat, step }: { tensors: ReadonlyMap<string, Value>; flat: Value | null; step: Value },
): { loss: Value; found: Value[]; buffers: Value | null } {
  const moves = new Map<string, BufferMove>();
  const build = prefersFeatureMajor(plan) ? buildFeatureMajorNetwork : buildNetwork;
  const outputs = build(
    plan,
    g,
    { bytes, preprocessing: { range: [0, 1], mean: 0, std: 1 } },
    {
      mode: 'training',
      tensor: (name) => tensors.get(name)!,
      updateBuffer: (name, move) => moves.set(name, move),
      step,
      seed: 0,
    },
  );
  const loss =
    net.loss === 'crossEntropy'
      ? classificationLoss(g, outputs[0], labels, { softmaxBeforeLoss: false })
      : outputs.map((output) => meanSquare(g, output)).reduce((a, b) => g.add(a, b));
  const trained = layout.groups.flatMap(({ layout: { entries } }) => entries.map(({ name }) => tensors.get(name)!));
  const byTensor = new Map(gradients(g, loss, trained).map((gradient, i) => [trained[i]!, gradient]));
  const found = layout.groups.map(({ layout: { entries } }) => {
    const pieces = entries.map(({ name, length }) => {
      const value = tensors.get(name)!;
      return g.reshape(byTensor.get(value) ?? g.float(0, value.shape), [length]);
    });
    return g.concat(pieces, 0);
  });
  return { loss, found, buffers: flat && moveBuffers(g, layout.buffers, flat, moves) };
}

function meanSquare(g: Builder, output: Value): Value {
  const axes = output.shape.map((_: number, axis: number) => axis);
  return g.reduceMean(g.mul(output, output), axes);
}
