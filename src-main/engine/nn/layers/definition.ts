/** What a layer is: one record with its shape rule, parameters, graph and description. */
import { FoveaError } from '../../../contract/errors.ts';
import { ShapeError } from '../../graph/errors.ts';
import type { Builder } from '../../graph/builder.ts';
import { sizeOf, type Shape, type Value } from '../../graph/types.ts';
import type { FeatureMap } from '../feature-map.ts';
import type { BufferMove } from '../moving-buffers.ts';
import type { BufferSpec, Initialiser, ParameterSpec } from '../parameters.ts';

export type NoSettings = Readonly<Record<never, never>>;

/** What a layer may use while it is built. */
export interface BuildContext {
  g: Builder;
  mode: 'training' | 'inference';
  /** The value of a parameter or buffer, by its full name. */
  tensor(name: string): Value;
  /** Records what a buffer moves towards (training only). */
  updateBuffer(name: string, move: BufferMove): void;
  /** int64 scalar that counts training steps; only in training. */
  step: Value | null;
  /** The run's seed; layers that draw random numbers mix it into their stream. */
  seed: number;
  /** A number in [0, 2³¹) that is this layer's own. */
  stream: number;
}

export interface FeatureMajorContext extends BuildContext {
  /** Edge length of the output tiles that a convolution should compute together; a multiple of the pools that follow. */
  tile: number;
}

/** Shapes are without the batch axis: [C, H, W] or [features]. */
export interface LayerDefinition<S> {
  /** Set where a layer may read more than one other; what it reads then comes as further arguments. */
  reads?: 'several';
  outputShape(path: string, settings: S, input: Shape, ...others: readonly Shape[]): Shape;
  parameters?(path: string, settings: S, input: Shape): ParameterSpec[];
  buffers?(path: string, settings: S, input: Shape): BufferSpec[];
  /** Channels first: x is [N, C, H, W] or [N, features]. */
  build(context: BuildContext, path: string, settings: S, x: Value, ...others: readonly Value[]): Value;
  /** Which settings `buildFeatureMajor` can do; all of them where absent. */
  suitsFeatureMajor?(settings: S): boolean;
  /** The same with the batch innermost. A network can be built so where all its layers have this. */
  buildFeatureMajor?(context: FeatureMajorContext, path: string, settings: S, x: FeatureMap): FeatureMap;
  /** Settings in words, and the output-size formula filled in where the layer has one. */
  describe?(settings: S, input: Shape, output: Shape): { settings: string; formula: string | null };
}

export const unchanged = (_path: string, _settings: unknown, input: Shape): Shape => input;

/**
 * How a weight starts. 'default' is PyTorch's own for convolutions and linear layers, U(−1/√fanIn, 1/√fanIn). The others
 * are He et al. 2015 for ReLU (by fan-out, normal; by fan-in, uniform), Glorot & Bengio 2010, and a plain normal.
 */
export type WeightInitialiser = 'default' | 'heNormalFanOut' | 'heUniformFanIn' | 'glorotUniform' | { std: number };

export interface WeightSettings {
  /** True where absent. */
  bias?: boolean;
  /** 'default' where absent. */
  initialiser?: WeightInitialiser;
  /** The value that every bias starts with; PyTorch's default, drawn like the weight's, where absent. */
  biasValue?: number;
}

/** A weight [out, in, …] and, where there is one, its bias [out]. */
export function weightAndBias(path: string, shape: Shape, settings: WeightSettings = {}): ParameterSpec[] {
  const { bias = true, biasValue } = settings;
  const weight: ParameterSpec = {
    name: `${path}.weight`,
    shape,
    initialiser: weightInitialiser(shape, settings.initialiser ?? 'default'),
  };
  if (!bias) return [weight];
  const initialiser: Initialiser =
    biasValue === undefined ? weightInitialiser(shape, 'default') : { kind: 'constant', value: biasValue };
  return [weight, { name: `${path}.bias`, shape: [shape[0]!], initialiser }];
}

function weightInitialiser(shape: Shape, rule: WeightInitialiser): Initialiser {
  const [out, fanIn] = [shape[0]!, sizeOf(shape.slice(1))];
  const fanOut = out * sizeOf(shape.slice(2));
  if (typeof rule === 'object') return { kind: 'normal', std: rule.std };
  switch (rule) {
    case 'default':
      return { kind: 'uniform', bound: 1 / Math.sqrt(fanIn) };
    case 'heNormalFanOut':
      return { kind: 'normal', std: Math.sqrt(2 / fanOut) };
    case 'heUniformFanIn':
      return { kind: 'uniform', bound: Math.sqrt(6 / fanIn) };
    case 'glorotUniform':
      return { kind: 'uniform', bound: Math.sqrt(6 / (fanIn + fanOut)) };
  }
}

/** O = ⌊(I − k + 2p) / s⌋ + 1 */
export const slidingSize = (input: number, kernel: number, stride: number, padding: number): number =>
  Math.floor((input - kernel + 2 * padding) / stride) + 1;

export const slidingFormula = (
  input: number,
  kernel: number,
  stride: number,
  padding: number,
  output: number,
): string => `(${input} − ${kernel} + 2·${padding}) / ${stride} + 1 = ${output}`;

export function spatial(path: string, input: Shape): [c: number, h: number, w: number] {
  if (input.length !== 3) throw new ShapeError(path, '[C, H, W]', input);
  return input as unknown as [number, number, number];
}

/** Throws where the layer leaves nothing of the image: the person chose a size that is too small. */
export function positive(path: string, shape: Shape, input: Shape): Shape {
  if (shape.every((d) => d > 0)) return shape;
  throw new FoveaError(
    'bad-input',
    `${path}: an input of ${input.join('×')} is too small for this layer. Use larger images or fewer layers.`,
    { layer: path },
  );
}
