/**
 * A network is a list of layer records (data). Planning resolves shapes and weights; building writes the graph. A layer
 * reads the layer before it unless `from` names another.
 */
import { invariant } from '../../contract/errors.ts';
import type { LayerRow } from '../../contract/model/model-spec.ts';
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type Shape, type Value } from '../graph/types.ts';
import { Random } from '../data/random.ts';
import { naturalOrder, settle, type FeatureMap } from './feature-map.ts';
import type { BuildContext, LayerDefinition } from './layers/definition.ts';
import { LAYERS, type LayerKind, type LayerSettings } from './layers/index.ts';
import { normaliseBytes, type Preprocessing } from './preprocessing.ts';
import type { BufferSpec, ParameterSpec } from './parameters.ts';

export type LayerSpec = { [K in LayerKind]: { kind: K; path: string; from?: string } & LayerSettings[K] }[LayerKind];

export interface PlannedLayer {
  spec: LayerSpec;
  inputShape: Shape;
  outputShape: Shape;
  parameters: readonly ParameterSpec[];
  buffers: readonly BufferSpec[];
}

export interface NetworkPlan {
  inputShape: Shape;
  layers: readonly PlannedLayer[];
  parameters: readonly ParameterSpec[];
  buffers: readonly BufferSpec[];
}

// A spec's kind picks the record for exactly its settings, which TypeScript cannot follow through the union.
const definitionFor = (spec: LayerSpec): LayerDefinition<LayerSpec> =>
  LAYERS[spec.kind] as unknown as LayerDefinition<LayerSpec>;

/** Resolves every layer's shapes and weights. inputShape: [C, H, W]. Throws where a layer does not fit its input. */
export function planNetwork(specs: readonly LayerSpec[], inputShape: Shape): NetworkPlan {
  const shapes = new Map<string, Shape>();
  let previous = inputShape;
  const layers = specs.map((spec): PlannedLayer => {
    invariant(!shapes.has(spec.path), `two layers are called "${spec.path}"`);
    const input = spec.from === undefined ? previous : shapes.get(spec.from);
    invariant(input, `layer "${spec.path}" reads "${spec.from}", which does not come before it`);
    const definition = definitionFor(spec);
    const outputShape = definition.outputShape(spec.path, spec, input);
    shapes.set(spec.path, outputShape);
    previous = outputShape;
    return {
      spec,
      inputShape: input,
      outputShape,
      parameters: definition.parameters?.(spec.path, spec, input) ?? [],
      buffers: definition.buffers?.(spec.path, spec, input) ?? [],
    };
  });
  return {
    inputShape,
    layers,
    parameters: layers.flatMap((layer) => layer.parameters),
    buffers: layers.flatMap((layer) => layer.buffers),
  };
}

export interface NetworkInput {
  /** uint8 [N, C, H, W] */
  bytes: Value;
  preprocessing: Preprocessing;
}

type SharedContext = Omit<BuildContext, 'g' | 'stream'>;

/** Appends the network to the graph; returns the last layer's output, [N, features]. */
export function buildNetwork(
  plan: NetworkPlan,
  g: Builder,
  { bytes, preprocessing }: NetworkInput,
  context: SharedContext,
): Value {
  return runLayers(
    plan.layers,
    g,
    context.seed,
    normaliseBytes(g, bytes, 1, preprocessing),
    (spec, stream, input: Value) => definitionFor(spec).build({ ...context, g, stream }, spec.path, spec, input),
  );
}

/** Above this many channels a convolution has work enough, and the tiles' extra arithmetic costs more than it saves. */
const fewChannels = 32;

/** Small networks on a CPU train several times faster with the batch innermost; all layers must be able to. */
export function prefersFeatureMajor(plan: NetworkPlan): boolean {
  return plan.layers.every(
    ({ spec, outputShape }) =>
      definitionFor(spec).buildFeatureMajor && (outputShape.length < 3 || outputShape[0]! <= fewChannels),
  );
}

/** As `buildNetwork`, with the batch innermost between the layers (feature-map.ts). */
export function buildFeatureMajorNetwork(
  plan: NetworkPlan,
  g: Builder,
  { bytes, preprocessing }: NetworkInput,
  context: SharedContext,
): Value {
  const [n, c, h, w] = bytes.shape as [number, number, number, number];
  // Turned while the elements are still bytes: a quarter of the traffic.
  const turned = g.reshape(g.transpose(g.reshape(bytes, [n, c * h * w]), [1, 0]), [c, h * w * n]);
  const rows = g.reshape(normaliseBytes(g, turned, 0, preprocessing), [c * h * w, n]);
  const first: FeatureMap = { rows, shape: [c, h, w], rowOf: naturalOrder(c * h * w), bias: null };
  const layers = poolBeforeActivation(plan.layers);
  const last = runLayers(layers, g, context.seed, first, (spec, stream, input: FeatureMap) => {
    const tile = tileFor(layers, spec);
    return definitionFor(spec).buildFeatureMajor!({ ...context, g, stream, tile }, spec.path, spec, input);
  });
  return g.transpose(settle(g, last).rows, [1, 0]);
}

/** Builds layer after layer; a layer reads the one before it unless `from` names another. */
function runLayers<T>(
  layers: readonly PlannedLayer[],
  g: Builder,
  seed: number,
  input: T,
  build: (spec: LayerSpec, stream: number, input: T) => T,
): T {
  const outputs = new Map<string, T>();
  return layers.reduce((previous, { spec }) => {
    const source = spec.from === undefined ? previous : outputs.get(spec.from)!;
    const stream = Random.derive(seed, 'layer', spec.path).uint32() >>> 1;
    const output = g.scope(spec.path, () => build(spec, stream, source));
    outputs.set(spec.path, output);
    return output;
  }, input);
}

/** ReLU and max pooling commute, gradients included, and after the pool there is less to do. */
function poolBeforeActivation(layers: readonly PlannedLayer[]): readonly PlannedLayer[] {
  const referenced = new Set(layers.map(({ spec }) => spec.from));
  const reordered = [...layers];
  for (let i = 0; i + 1 < reordered.length; i++) {
    const [activation, pool] = [reordered[i]!, reordered[i + 1]!];
    const commute = activation.spec.kind === 'relu' && pool.spec.kind === 'maxPool2d' && pool.spec.from === undefined;
    if (commute && activation.spec.from === undefined && !referenced.has(activation.spec.path))
      [reordered[i], reordered[i + 1]] = [pool, activation];
  }
  return reordered;
}

/** Tiles as large as the pools that are still to come, so that patches are few; at most 4, and dividing the output. */
function tileFor(layers: readonly PlannedLayer[], spec: LayerSpec): number {
  const at = layers.findIndex((layer) => layer.spec === spec);
  const { outputShape } = layers[at]!;
  const reduction = layers
    .slice(at + 1)
    .reduce((product, layer) => product * (layer.spec.kind === 'maxPool2d' ? layer.spec.stride : 1), 1);
  const fits = (tile: number): boolean => outputShape.slice(1).every((size) => size % tile === 0) && tile <= reduction;
  return [4, 2].find(fits) ?? 1;
}

/** A module path freezes itself and everything below it. */
export function isFrozen(parameterName: string, frozenPaths: readonly string[]): boolean {
  return frozenPaths.some((path) => parameterName.startsWith(`${path}.`));
}

export function countParameters(parameters: readonly ParameterSpec[]): number {
  return parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** The rows of the layer table. */
export function describeLayers(plan: NetworkPlan): LayerRow[] {
  return plan.layers.map(({ spec, inputShape, outputShape, parameters }) => {
    const described = definitionFor(spec).describe?.(spec, inputShape, outputShape);
    return {
      path: spec.path,
      kind: spec.kind,
      settings: described?.settings ?? '',
      inputShape: [...inputShape],
      outputShape: [...outputShape],
      formula: described?.formula ?? null,
      parameterCount: countParameters(parameters),
    };
  });
}
