/**
 * A network is a list of layer records (data). Planning resolves shapes and weights; building writes the graph. A layer
 * reads the layer before it unless `from` names another.
 */
import { invariant } from '../../contract/errors.ts';
import type { LayerRow } from '../../contract/model/model-spec.ts';
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type Shape, type Value } from '../graph/types.ts';
import { Random } from '../data/random.ts';
import { LAYERS, type BuildContext, type LayerDefinition, type LayerKind, type LayerSettings } from './layers.ts';
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
const definitionFor = (spec: LayerSpec): LayerDefinition<LayerSpec> => LAYERS[spec.kind] as unknown as LayerDefinition<LayerSpec>;

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

/** Appends the network to the graph. x: [N, C, H, W]; returns the last layer's output. */
export function buildNetwork(plan: NetworkPlan, g: Builder, x: Value, context: Omit<BuildContext, 'g' | 'stream'>): Value {
  const outputs = new Map<string, Value>();
  let previous = x;
  for (const { spec } of plan.layers) {
    const input = spec.from === undefined ? previous : outputs.get(spec.from)!;
    const stream = Random.derive(context.seed, 'layer', spec.path).uint32() >>> 1;
    previous = g.scope(spec.path, () => definitionFor(spec).build({ ...context, g, stream }, spec.path, spec, input));
    outputs.set(spec.path, previous);
  }
  return previous;
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
