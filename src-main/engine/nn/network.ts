/**
 * A network is a list of layer records (data) that form a graph without cycles. Planning resolves shapes and weights;
 * building writes the graph. A layer reads the layer before it unless `from` names another, or several.
 */
import { invariant } from '../../contract/errors.ts';
import type { LayerRow } from '../../contract/model/model-spec.ts';
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type Shape, type Value } from '../graph/types.ts';
import { Random } from '../data/random.ts';
import { canConvolveFirst, convolveJoined } from './enlarged-convolution.ts';
import { naturalOrder, settle, type FeatureMap } from './feature-map.ts';
import type { BuildContext, LayerDefinition } from './layers/definition.ts';
import { LAYERS, type LayerKind, type LayerSettings } from './layers/index.ts';
import { normaliseBytes, type Preprocessing } from './preprocessing.ts';
import type { BufferSpec, ParameterSpec } from './parameters.ts';

export type LayerSpec = {
  [K in LayerKind]: { kind: K; path: string; from?: string | readonly string[] } & LayerSettings[K];
}[LayerKind];

/** Layers, and the paths of those whose results the network gives. */
export interface NetworkSpec {
  layers: readonly LayerSpec[];
  outputs: readonly string[];
}

type AtLeastOne<T> = readonly [T, ...T[]];

export interface PlannedLayer {
  spec: LayerSpec;
  /** Paths of what it reads; `networkInput` is what the network itself is given. */
  sources: AtLeastOne<string>;
  inputShapes: AtLeastOne<Shape>;
  outputShape: Shape;
  parameters: readonly ParameterSpec[];
  buffers: readonly BufferSpec[];
}

export interface NetworkPlan {
  inputShape: Shape;
  layers: readonly PlannedLayer[];
  /** Paths of the layers whose results are the network's. */
  outputs: AtLeastOne<string>;
  parameters: readonly ParameterSpec[];
  buffers: readonly BufferSpec[];
}

const networkInput = '';

// A spec's kind picks the record for exactly its settings, which TypeScript cannot follow through the union.
const definitionFor = (spec: LayerSpec): LayerDefinition<LayerSpec> =>
  LAYERS[spec.kind] as unknown as LayerDefinition<LayerSpec>;

/**
 * Resolves every layer's shapes and weights. inputShape: [C, H, W]; the output is the last layer's unless `outputs` says
 * otherwise. Throws where a layer does not fit its input.
 */
export function planNetwork(specs: readonly LayerSpec[], inputShape: Shape, outputs?: readonly string[]): NetworkPlan {
  const shapes = new Map<string, Shape>([[networkInput, inputShape]]);
  let previous = networkInput;
  const layers = specs.map((spec): PlannedLayer => {
    const { path, kind } = spec;
    invariant(!shapes.has(path), `two layers are called "${path}"`);
    const definition = definitionFor(spec);
    const sources = atLeastOne([spec.from ?? previous].flat(), `layer "${path}" reads nothing`);
    invariant(
      sources.length === 1 || definition.reads === 'several',
      `layer "${path}" reads ${sources.length} layers, but a ${kind} reads one`,
    );
    const inputShapes = sources.map((source) => {
      const shape = shapes.get(source);
      invariant(shape, `layer "${path}" reads "${source}", which does not come before it`);
      return shape;
    }) as unknown as AtLeastOne<Shape>;
    const outputShape = definition.outputShape(path, spec, ...inputShapes);
    shapes.set(path, outputShape);
    previous = path;
    return {
      spec,
      sources,
      inputShapes,
      outputShape,
      parameters: definition.parameters?.(path, spec, inputShapes[0]) ?? [],
      buffers: definition.buffers?.(path, spec, inputShapes[0]) ?? [],
    };
  });
  const results = atLeastOne(outputs ?? [previous], 'a network without outputs');
  for (const path of results) invariant(shapes.has(path), `the output "${path}" is not a layer`);
  return {
    inputShape,
    layers,
    outputs: results,
    parameters: layers.flatMap((layer) => layer.parameters),
    buffers: layers.flatMap((layer) => layer.buffers),
  };
}

function atLeastOne<T>(items: readonly T[], complaint: string): AtLeastOne<T> {
  invariant(items.length > 0, complaint);
  return items as unknown as AtLeastOne<T>;
}

export interface NetworkInput {
  /** uint8 [N, C, H, W]; or float32 where `white` says so. */
  bytes: Value;
  preprocessing: Preprocessing;
  /** The value of a white pixel; 255 where absent. */
  white?: number;
}

type SharedContext = Omit<BuildContext, 'g' | 'stream'>;

/** Appends the network to the graph; returns its outputs, [N, C, H, W] or [N, features], in the plan's order. */
export function buildNetwork(
  plan: NetworkPlan,
  g: Builder,
  { bytes, preprocessing, white }: NetworkInput,
  context: SharedContext,
): AtLeastOne<Value> {
  return runLayers(
    convolveBeforeEnlarging(plan),
    plan.outputs,
    g,
    context.seed,
    normaliseBytes(g, bytes, 1, preprocessing, white),
    ({ spec, enlarged }, stream, inputs: AtLeastOne<Value>) =>
      enlarged === undefined
        ? definitionFor(spec).build({ ...context, g, stream }, spec.path, spec, ...inputs)
        : convolveJoined({ ...context, g }, spec.path, inputs, enlarged),
  );
}

/** Above this many channels a convolution has work enough, and the tiles' extra arithmetic costs more than it saves. */
const fewChannels = 32;

/** Small networks on a CPU train several times faster with the batch innermost; all layers must be able to, and give features. */
export function prefersFeatureMajor(plan: NetworkPlan): boolean {
  const givesMaps = plan.layers.some(
    ({ spec, outputShape }) => plan.outputs.includes(spec.path) && outputShape.length > 1,
  );
  if (givesMaps) return false;
  return plan.layers.every(({ spec, outputShape }) => {
    const { buildFeatureMajor, suitsFeatureMajor } = definitionFor(spec);
    const canBuild = buildFeatureMajor !== undefined && (suitsFeatureMajor?.(spec) ?? true);
    return canBuild && (outputShape.length < 3 || outputShape[0]! <= fewChannels);
  });
}

/** As `buildNetwork`, with the batch innermost between the layers (feature-map.ts). Outputs must be [features]. */
export function buildFeatureMajorNetwork(
  plan: NetworkPlan,
  g: Builder,
  { bytes, preprocessing }: NetworkInput,
  context: SharedContext,
): AtLeastOne<Value> {
  const [n, c, h, w] = bytes.shape as [number, number, number, number];
  // Turned while the elements are still bytes: a quarter of the traffic.
  const turned = g.reshape(g.transpose(g.reshape(bytes, [n, c * h * w]), [1, 0]), [c, h * w * n]);
  const rows = g.reshape(normaliseBytes(g, turned, 0, preprocessing), [c * h * w, n]);
  const first: FeatureMap = { rows, shape: [c, h, w], rowOf: naturalOrder(c * h * w), bias: null };
  const layers = poolBeforeActivation(plan);
  const results = runLayers(layers, plan.outputs, g, context.seed, first, ({ spec }, stream, [input]) => {
    const tile = tileFor(layers, spec);
    return definitionFor(spec).buildFeatureMajor!({ ...context, g, stream, tile }, spec.path, spec, input);
  });
  return results.map((map) => g.transpose(settle(g, map).rows, [1, 0])) as unknown as AtLeastOne<Value>;
}

interface RunnableLayer {
  spec: LayerSpec;
  sources: AtLeastOne<string>;
  outputShape: Shape;
  /** Under which path others find its result; its own where absent. */
  resultPath?: string;
  /** Set where a convolution reads this one of its sources before it is enlarged, and all of them before they are joined. */
  enlarged?: number;
}

const resultPathOf = ({ spec, resultPath = spec.path }: RunnableLayer): string => resultPath;

/** Builds the layers that lead to an output, in order. The others have weights, which a checkpoint keeps, and no nodes. */
function runLayers<T>(
  layers: readonly RunnableLayer[],
  outputs: AtLeastOne<string>,
  g: Builder,
  seed: number,
  input: T,
  build: (layer: RunnableLayer, stream: number, inputs: AtLeastOne<T>) => T,
): AtLeastOne<T> {
  const results = new Map([[networkInput, input]]);
  const resultsOf = (paths: AtLeastOne<string>): AtLeastOne<T> =>
    paths.map((path) => results.get(path)!) as unknown as AtLeastOne<T>;
  for (const layer of layersLeadingTo(outputs, layers)) {
    const { spec, sources } = layer;
    const stream = Random.derive(seed, 'layer', spec.path).uint32() >>> 1;
    results.set(
      resultPathOf(layer),
      g.scope(spec.path, () => build(layer, stream, resultsOf(sources))),
    );
  }
  return resultsOf(outputs);
}

function layersLeadingTo(outputs: readonly string[], layers: readonly RunnableLayer[]): RunnableLayer[] {
  const needed = new Set(outputs);
  const found = [...layers].reverse().filter((layer) => {
    if (!needed.has(resultPathOf(layer))) return false;
    for (const source of layer.sources) needed.add(source);
    return true;
  });
  return found.reverse();
}

/** How many layers and outputs read each layer. */
function readersOf({ layers, outputs }: NetworkPlan): Map<string, number> {
  const readers = new Map<string, number>();
  for (const path of [...layers.flatMap(({ sources }) => sources), ...outputs])
    readers.set(path, (readers.get(path) ?? 0) + 1);
  return readers;
}

/**
 * Convolutions of an image that was enlarged twofold by nearest neighbours, alone or joined with others, read the small
 * image (enlarged-convolution.ts). Where nobody else reads the enlarged one, it is not made at all.
 */
function convolveBeforeEnlarging(plan: NetworkPlan): readonly RunnableLayer[] {
  const byPath = new Map(plan.layers.map((layer) => [layer.spec.path, layer]));
  const readers = readersOf(plan);
  const isDoubled = (path: string): boolean => {
    const spec = byPath.get(path)?.spec;
    return spec?.kind === 'upsample' && spec.factor === 2 && spec.mode === 'nearest' && readers.get(path) === 1;
  };
  return plan.layers.map((layer): RunnableLayer => {
    const { spec, sources } = layer;
    if (spec.kind !== 'conv2d' || !canConvolveFirst(spec)) return layer;
    const joint = byPath.get(sources[0]);
    const joined = joint?.spec.kind === 'concat' && (joint.spec.axis ?? 0) === 0 && readers.get(sources[0]) === 1;
    const parts = joined ? joint.sources : sources;
    const enlarged = parts.findIndex(isDoubled);
    // The others are convolved together, so they must lie side by side in the weights.
    if (enlarged !== 0 && (enlarged < 0 || enlarged !== parts.length - 1)) return layer;
    const small = byPath.get(parts[enlarged]!)!.sources[0];
    return {
      ...layer,
      sources: parts.map((path, i) => (i === enlarged ? small : path)) as unknown as AtLeastOne<string>,
      enlarged,
    };
  });
}

/** ReLU and max pooling commute, gradients included, and after the pool there is less to do. */
function poolBeforeActivation(plan: NetworkPlan): readonly RunnableLayer[] {
  const readers = readersOf(plan);
  const reordered: RunnableLayer[] = [...plan.layers];
  for (let i = 0; i + 1 < reordered.length; i++) {
    const [activation, pool] = [reordered[i]!, reordered[i + 1]!];
    const path = resultPathOf(activation);
    const commute = activation.spec.kind === 'relu' && pool.spec.kind === 'maxPool2d' && pool.sources[0] === path;
    if (!commute || readers.get(path) !== 1) continue;
    reordered[i] = { ...pool, sources: activation.sources, resultPath: path };
    reordered[i + 1] = { ...activation, sources: [path], resultPath: resultPathOf(pool) };
  }
  return reordered;
}

/** Tiles as large as the pools that are still to come, so that patches are few; at most 4, and dividing the output. */
function tileFor(layers: readonly RunnableLayer[], spec: LayerSpec): number {
  const at = layers.findIndex((layer) => layer.spec === spec);
  const { outputShape } = layers[at]!;
  const reduction = layers
    .slice(at + 1)
    .reduce((product, layer) => product * (layer.spec.kind === 'maxPool2d' ? layer.spec.stride : 1), 1);
  const fits = (tile: number): boolean => outputShape.slice(1).every((size) => size % tile === 0) && tile <= reduction;
  return [4, 2].find(fits) ?? 1;
}

/** A module path freezes itself and everything below it; what is fixed never trains. */
export function isFrozen(
  { name, fixed }: Pick<ParameterSpec, 'name' | 'fixed'>,
  frozenPaths: readonly string[],
): boolean {
  return fixed === true || frozenPaths.some((path) => name.startsWith(`${path}.`));
}

export function countParameters(parameters: readonly ParameterSpec[]): number {
  return parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Of every weight and buffer, by its name in a checkpoint. */
export function tensorShapes({ parameters, buffers }: Pick<NetworkPlan, 'parameters' | 'buffers'>): Map<string, Shape> {
  return new Map([...parameters, ...buffers].map(({ name, shape }) => [name, shape]));
}

/** The rows of the layer table. */
export function describeLayers(plan: NetworkPlan): LayerRow[] {
  return plan.layers.map(({ spec, inputShapes, outputShape, parameters }) => {
    const described = definitionFor(spec).describe?.(spec, inputShapes[0], outputShape);
    return {
      path: spec.path,
      kind: spec.kind,
      settings: described?.settings ?? '',
      inputShapes: inputShapes.map((shape) => [...shape]),
      outputShape: [...outputShape],
      formula: described?.formula ?? null,
      parameterCount: countParameters(parameters),
      trainableCount: countParameters(parameters.filter(({ fixed }) => fixed !== true)),
    };
  });
}
