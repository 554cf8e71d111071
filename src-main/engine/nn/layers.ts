/**
 * Layers as records: shape rule, parameters, graph and description side by side, one line in `LAYERS` each. Initial
 * values, names and running-statistics rules follow PyTorch, so that its checkpoints and numbers can be compared.
 */
import { FoveaError } from '../../contract/errors.ts';
import { ShapeError } from '../graph/errors.ts';
import type { Builder } from '../graph/builder.ts';
import { float, sizeOf, type Shape, type Value } from '../graph/types.ts';
import type { BufferSpec, ParameterSpec } from './parameters.ts';
import { uniform } from './random.ts';

/** What a layer may use while it is built. */
export interface BuildContext {
  g: Builder;
  mode: 'training' | 'inference';
  /** The value of a parameter or buffer, by its full name. */
  tensor(name: string): Value;
  /** Records a buffer's next value (training only). */
  updateBuffer(name: string, next: Value): void;
  /** int64 scalar that counts training steps; only in training. */
  step: Value | null;
  /** The run's seed; layers that draw random numbers mix it into their stream. */
  seed: number;
  /** A number in [0, 2³¹) that is this layer's own. */
  stream: number;
}

/** Shapes are without the batch axis: [C, H, W] or [features]. */
export interface LayerDefinition<S> {
  outputShape(path: string, settings: S, input: Shape): Shape;
  parameters?(path: string, settings: S, input: Shape): ParameterSpec[];
  buffers?(path: string, settings: S, input: Shape): BufferSpec[];
  build(context: BuildContext, path: string, settings: S, x: Value): Value;
  /** Settings in words, and the output-size formula filled in where the layer has one. */
  describe?(settings: S, input: Shape, output: Shape): { settings: string; formula: string | null };
}

export interface LayerSettings {
  conv2d: { outChannels: number; kernel: number; stride: number; padding: number };
  maxPool2d: { kernel: number; stride: number };
  relu: Record<never, never>;
  batchNorm: Record<never, never>;
  flatten: Record<never, never>;
  linear: { outFeatures: number };
  dropout: { probability: number };
}
export type LayerKind = keyof LayerSettings;

/** PyTorch's default for convolutions and linear layers: U(−1/√fanIn, 1/√fanIn) for weight and bias. */
function weightAndBias(path: string, shape: Shape): ParameterSpec[] {
  const bound = 1 / Math.sqrt(sizeOf(shape.slice(1)));
  return [
    { name: `${path}.weight`, shape, initialiser: { kind: 'uniform', bound } },
    { name: `${path}.bias`, shape: [shape[0]!], initialiser: { kind: 'uniform', bound } },
  ];
}

const slidingSize = (input: number, kernel: number, stride: number, padding: number): number =>
  Math.floor((input - kernel + 2 * padding) / stride) + 1;

const slidingFormula = (input: number, kernel: number, stride: number, padding: number, output: number): string =>
  `(${input} − ${kernel} + 2·${padding}) / ${stride} + 1 = ${output}`;

function spatial(path: string, input: Shape): [c: number, h: number, w: number] {
  if (input.length !== 3) throw new ShapeError(path, '[C, H, W]', input);
  return input as unknown as [number, number, number];
}

/** Throws where the layer leaves nothing of the image: the person chose a size that is too small. */
function positive(path: string, shape: Shape, input: Shape): Shape {
  if (shape.every((d) => d > 0)) return shape;
  throw new FoveaError('bad-input', `${path}: an input of ${input.join('×')} is too small for this layer. Use larger images or fewer layers.`, { layer: path });
}

const conv2d: LayerDefinition<LayerSettings['conv2d']> = {
  outputShape: (path, { outChannels, kernel, stride, padding }, input) => {
    const [, h, w] = spatial(path, input);
    return positive(path, [outChannels, slidingSize(h, kernel, stride, padding), slidingSize(w, kernel, stride, padding)], input);
  },
  parameters: (path, { outChannels, kernel }, input) => weightAndBias(path, [outChannels, spatial(path, input)[0], kernel, kernel]),
  build: ({ g, tensor }, path, { kernel: k, stride: s, padding: p }, x) =>
    g.op('Conv', [x, tensor(`${path}.weight`), tensor(`${path}.bias`)], {
      kernel_shape: [k, k],
      strides: [s, s],
      pads: [p, p, p, p],
      dilations: [1, 1],
      group: 1,
    }),
  describe: ({ kernel, stride, padding }, input, output) => ({
    settings: `${kernel}×${kernel}, stride ${stride}, padding ${padding}`,
    formula: slidingFormula(input[1]!, kernel, stride, padding, output[1]!),
  }),
};

const maxPool2d: LayerDefinition<LayerSettings['maxPool2d']> = {
  outputShape: (path, { kernel, stride }, input) => {
    const [c, h, w] = spatial(path, input);
    return positive(path, [c, slidingSize(h, kernel, stride, 0), slidingSize(w, kernel, stride, 0)], input);
  },
  build: ({ g }, _path, { kernel: k, stride: s }, x) => g.op('MaxPool', [x], { kernel_shape: [k, k], strides: [s, s], pads: [0, 0, 0, 0] }),
  describe: ({ kernel, stride }, input, output) => ({
    settings: `${kernel}×${kernel}, stride ${stride}`,
    formula: slidingFormula(input[1]!, kernel, stride, 0, output[1]!),
  }),
};

const unchanged = (_path: string, _settings: unknown, input: Shape): Shape => input;

const relu: LayerDefinition<LayerSettings['relu']> = { outputShape: unchanged, build: ({ g }, _path, _settings, x) => g.op('Relu', [x]) };

const batchNormEpsilon = 1e-5;
const batchNormMomentum = 0.1;

const batchNorm: LayerDefinition<LayerSettings['batchNorm']> = {
  outputShape: unchanged,
  parameters: (path, _settings, input) => [
    { name: `${path}.weight`, shape: [input[0]!], initialiser: { kind: 'constant', value: 1 } },
    { name: `${path}.bias`, shape: [input[0]!], initialiser: { kind: 'constant', value: 0 } },
  ],
  buffers: (path, _settings, input) => [
    { name: `${path}.running_mean`, shape: [input[0]!], initialValue: 0 },
    { name: `${path}.running_var`, shape: [input[0]!], initialValue: 1 },
  ],
  build: (context, path, _settings, x) => (context.mode === 'training' ? trainBatchNorm(context, path, x) : applyBatchNorm(context, path, x)),
  describe: (_settings, input) => ({ settings: `${input[0]} features`, formula: null }),
};

/** The batch's own statistics; running ones move a tenth of the way, the variance unbiased, as PyTorch does. */
function trainBatchNorm({ g, tensor, updateBuffer }: BuildContext, path: string, x: Value): Value {
  const operands = [x, tensor(`${path}.weight`), tensor(`${path}.bias`)];
  const [y, mean, variance] = g.ops('BatchNorm', operands, { epsilon: float(batchNormEpsilon) }, 4, 'fovea');
  const count = sizeOf(x.shape) / x.shape[1]!;
  const move = (name: string, batch: Value, correction: number): void => {
    const kept = g.scale(tensor(name), 1 - batchNormMomentum);
    updateBuffer(name, g.add(kept, g.scale(batch, batchNormMomentum * correction)));
  };
  move(`${path}.running_mean`, mean!, 1);
  move(`${path}.running_var`, variance!, count / Math.max(count - 1, 1));
  return y!;
}

function applyBatchNorm({ g, tensor }: BuildContext, path: string, x: Value): Value {
  const inverse = g.reciprocal(g.sqrt(g.add(tensor(`${path}.running_var`), g.float(batchNormEpsilon))));
  const slope = g.mul(tensor(`${path}.weight`), inverse);
  const offset = g.sub(tensor(`${path}.bias`), g.mul(tensor(`${path}.running_mean`), slope));
  const perChannel = (vector: Value): Value => g.reshape(vector, x.shape.map((_, axis) => (axis === 1 ? vector.shape[0]! : 1)));
  return g.add(g.mul(x, perChannel(slope)), perChannel(offset));
}

const flatten: LayerDefinition<LayerSettings['flatten']> = {
  outputShape: (_path, _settings, input) => [sizeOf(input)],
  build: ({ g }, _path, _settings, x) => g.reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1))]),
};

const linear: LayerDefinition<LayerSettings['linear']> = {
  outputShape: (path, { outFeatures }, input) => {
    if (input.length !== 1) throw new ShapeError(path, '[features]', input);
    return [outFeatures];
  },
  parameters: (path, { outFeatures }, input) => weightAndBias(path, [outFeatures, input[0]!]),
  build: ({ g, tensor }, path, _settings, x) => g.op('Gemm', [x, tensor(`${path}.weight`), tensor(`${path}.bias`)], { transB: 1 }),
  describe: ({ outFeatures }, input) => ({ settings: `${input[0]} → ${outFeatures}`, formula: null }),
};

/** Zeroes each element with probability p and scales the others by 1/(1 − p); does nothing in inference. */
const dropout: LayerDefinition<LayerSettings['dropout']> = {
  outputShape: unchanged,
  build: ({ g, mode, step, stream }, _path, { probability }, x) => {
    if (mode === 'inference' || probability === 0) return x;
    const kept = g.op('GreaterOrEqual', [uniform(g, x.shape, step!, stream), g.float(probability)]);
    return g.mul(x, g.scale(g.cast(kept, 'float32'), 1 / (1 - probability)));
  },
  describe: ({ probability }) => ({ settings: `p = ${probability}`, formula: null }),
};

export const LAYERS = { conv2d, maxPool2d, relu, batchNorm, flatten, linear, dropout } as const satisfies {
  [K in LayerKind]: LayerDefinition<LayerSettings[K]>;
};
