/**
 * A step of any network of the zoo with made-up images: forward, backward and a plain update, on its own. It is what
 * devices are checked with, and what the engine's tools dump and profile. The loss is Σ output · weight with weights that
 * are fed, so a network needs no task here; its gradients and its time are those of training all the same.
 */
import { FoveaError } from '../../contract/errors.ts';
import { gradients } from '../autodiff/gradients.ts';
import { Random } from '../data/random.ts';
import type { Builder } from '../graph/builder.ts';
import { allocate, sizeOf, tensor, type Graph, type Shape, type Tensor, type Value } from '../graph/types.ts';
import {
  buildFeatureMajorNetwork,
  buildNetwork,
  isFrozen,
  planNetwork,
  prefersFeatureMajor,
  type NetworkPlan,
} from '../nn/network.ts';
import { moveBuffers, type BufferMove } from '../nn/moving-buffers.ts';
import { FlatLayout, initialise } from '../nn/parameters.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';
import { newGraph } from '../ops/index.ts';
import { planModel } from '../zoo/registry.ts';
import { segmentationNetwork, type DecoderId, type EncoderId } from '../zoo/segmentation.ts';
import { yolov8, type Yolov8Size } from '../zoo/yolov8.ts';

export interface ExampleNetwork {
  /** "lenet5", "yolov8n", "unet-resnet34" */
  name: string;
  label: string;
  /** Images of a step and their [height, width] where nobody asks for others. */
  batchSize: number;
  size: readonly [number, number];
  plan(size: readonly [number, number]): NetworkPlan;
}

const lenet = (name: string, label: string, batchNorm: boolean): ExampleNetwork => ({
  name,
  label,
  batchSize: 64,
  size: [32, 32],
  plan: ([height, width]) => planModel('lenet5', { batchNorm, dropout: 0 }, [3, height, width], 10),
});
const detector = (variant: Yolov8Size): ExampleNetwork => ({
  name: `yolov8${variant}`,
  label: `YOLOv8${variant}`,
  batchSize: 4,
  size: [320, 320],
  plan: ([height, width]) => {
    const { layers, outputs } = yolov8(variant, 80);
    return planNetwork(layers, [3, height, width], outputs);
  },
});
const segmenter = (decoder: DecoderId, encoder: EncoderId, label: string, batchSize = 4): ExampleNetwork => ({
  name: `${decoder.toLowerCase()}-${encoder.replace('_', '')}`,
  label,
  batchSize,
  size: [256, 256],
  plan: ([height, width]) => {
    const { layers, outputs } = segmentationNetwork(decoder, encoder, 2, { dropConnect: 0, dropout: 0 });
    return planNetwork(layers, [3, height, width], outputs);
  },
});

export const exampleNetworks: readonly ExampleNetwork[] = [
  lenet('lenet5', 'LeNet-5', false),
  lenet('lenet5-bn', 'LeNet-5 with batch norm', true),
  ...(['n', 's', 'm', 'l', 'x'] as const).map(detector),
  segmenter('unet', 'mobilenet_v2', 'U-Net over MobileNetV2'),
  segmenter('unet', 'resnet34', 'U-Net over ResNet-34'),
  segmenter('unet', 'vgg16_bn', 'U-Net over VGG-16 with batch norm'),
  segmenter('unet', 'efficientnet-b5', 'U-Net over EfficientNet-B5', 2),
  segmenter('unetPlusPlus', 'mobilenet_v2', 'U-Net++ over MobileNetV2'),
  segmenter('fpn', 'resnet34', 'FPN over ResNet-34'),
];

/** Throws FoveaError `not-found`, naming those that exist. */
export function exampleNetwork(name: string): ExampleNetwork {
  const network = exampleNetworks.find((known) => known.name === name);
  if (network) return network;
  const known = exampleNetworks.map((example) => example.name).join(', ');
  throw new FoveaError('not-found', `There is no network "${name}". Networks: ${known}.`, { network: name });
}

const neutral: Preprocessing = { range: [0, 1], mean: 0.5, std: 0.25 };

export interface ExampleStep {
  /** As built: abstract operators are not lowered yet. */
  graph: Graph;
  plan: NetworkPlan;
  /**
   * Names of the results. `loss` is a scalar, `gradient` and `parametersNext` are [P]; `buffersNext` [R] exists where the
   * network has buffers that training changes.
   */
  results: readonly string[];
}

/** Feeds: images uint8 [N, 3, H, W], parameters [P], fixed, buffers [R] (where not empty), weight0 … like the outputs, step. */
export function buildExampleStep(
  network: ExampleNetwork,
  { batchSize = network.batchSize, size = network.size }: { batchSize?: number; size?: readonly [number, number] } = {},
): ExampleStep {
  const plan = network.plan(size);
  const g = newGraph(network.name);
  const images = g.input('images', 'uint8', [batchSize, ...plan.inputShape]);
  const step = g.input('step', 'int64', []);
  const trained = new FlatLayout(plan.parameters.filter((parameter) => !isFrozen(parameter, [])));
  const fixed = new FlatLayout(plan.parameters.filter((parameter) => isFrozen(parameter, [])));
  const buffers = new FlatLayout(plan.buffers);
  const tensors = new Map<string, Value>();
  const parameters = flatInput(g, 'parameters', trained, tensors);
  flatInput(g, 'fixed', fixed, tensors);
  const flatBuffers = flatInput(g, 'buffers', buffers, tensors);
  const moves = new Map<string, BufferMove>();
  const build = prefersFeatureMajor(plan) ? buildFeatureMajorNetwork : buildNetwork;
  const outputs = build(
    plan,
    g,
    { bytes: images, preprocessing: neutral },
    {
      mode: 'training',
      tensor: (name) => tensors.get(name)!,
      updateBuffer: (name, move) => moves.set(name, move),
      step,
      seed: 1,
    },
  );
  const loss = g.scope('loss', () => weightedSum(g, outputs, batchSize));
  const wanted = trained.entries.map(({ name }) => tensors.get(name)!);
  const found = gradients(g, loss, wanted);
  const gradient = g.concat(
    found.map((value, i) => {
      const { shape, length } = trained.entries[i]!;
      return g.reshape(value ?? g.float(0, shape), [length]);
    }),
    0,
  );
  g.output(loss, 'loss');
  g.output(gradient, 'gradient');
  g.output(
    g.scope('optimiser', () => g.sub(parameters!, g.scale(gradient, 0.01))),
    'parametersNext',
  );
  const results = ['loss', 'gradient', 'parametersNext'];
  if (flatBuffers) {
    g.output(moveBuffers(g, buffers, flatBuffers, moves), 'buffersNext');
    results.push('buffersNext');
  }
  return { graph: g.graph, plan, results };
}

function flatInput(g: Builder, name: string, layout: FlatLayout, tensors: Map<string, Value>): Value | null {
  if (layout.length === 0) return null;
  const flat = g.input(name, 'float32', [layout.length]);
  const lengths = layout.entries.map(({ length }) => length);
  const pieces = lengths.length === 1 ? [flat] : g.split(flat, lengths, 0);
  layout.entries.forEach((entry, i) => tensors.set(entry.name, g.reshape(pieces[i]!, entry.shape)));
  return flat;
}

function weightedSum(g: Builder, outputs: readonly Value[], batchSize: number): Value {
  const sums = outputs.map((output, i) => {
    const weight = g.input(`weight${i}`, 'float32', output.shape);
    const axes = output.shape.map((_, axis) => axis);
    return g.reduceSum(g.mul(output, weight), axes);
  });
  return g.scale(
    sums.reduce((a, b) => g.add(a, b)),
    1 / batchSize,
  );
}

/** Seeded values for every feed of the graph: weights as a run begins with them, and noise for the rest. */
export function exampleFeeds(
  { graph, plan }: Pick<ExampleStep, 'graph' | 'plan'>,
  seed: number,
): Record<string, Tensor> {
  const initial = initialise(plan.parameters, plan.buffers, seed);
  const flat = (names: readonly { name: string; shape: Shape }[]): Float32Array => new FlatLayout(names).pack(initial);
  const known: Record<string, () => Float32Array> = {
    parameters: () => flat(plan.parameters.filter((parameter) => !isFrozen(parameter, []))),
    fixed: () => flat(plan.parameters.filter((parameter) => isFrozen(parameter, []))),
    buffers: () => flat(plan.buffers),
  };
  return Object.fromEntries(
    graph.inputs.map(({ name, shape, dataType }): [string, Tensor] => {
      const state = known[name];
      if (state) return [name, { dataType, shape, data: state() }];
      if (dataType === 'int64') return [name, tensor('int64', shape, [0])];
      const random = Random.derive(seed, 'example', name);
      const data = allocate(dataType, sizeOf(shape)) as Float32Array | Uint8Array;
      for (let i = 0; i < data.length; i++) data[i] = dataType === 'uint8' ? random.below(256) : random.normal();
      return [name, { dataType, shape, data }];
    }),
  );
}
