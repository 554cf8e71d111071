/**
 * What an operator is to the engine: one record with its shape rule and its gradient rule. Abstract operators (domain
 * "fovea") are ours: autodiff and layers use them, and a pass lowers each to ONNX by one of several formulations.
 */
import { FoveaError } from '../../contract/errors.ts';
import { ShapeError } from '../graph/errors.ts';
import type { Builder } from '../graph/builder.ts';
import { shapeText, type Shape, type TensorType, type Value } from '../graph/types.ts';

/** Typed as present because most rules need them all; optional inputs may be null and are read with `inputAt`. */
export type Inputs = readonly [Value, Value, Value, Value, Value, Value, ...Value[]];

export interface ShapeContext<A> {
  /** Node name, for errors. */
  name: string;
  inputs: Inputs;
  attributes: A;
  outputCount: number;
  /**
   * Lowering only: how many channels the runtime's blocked convolutions keep side by side (16 on AVX-512, 8 on AVX2), where
   * it has them.
   */
  channelBlock?: number | null;
}

export interface GradientContext<A> extends ShapeContext<A> {
  g: Builder;
  outputs: readonly [Value, ...Value[]];
  /** Gradient of the loss by the first output. */
  gradOutput: Value;
  /** Gradients by every output; null where an output does not reach the loss. */
  gradOutputs: readonly (Value | null)[];
  /** Whether a gradient by input i is wanted; a rule may skip the others. */
  needs: readonly boolean[];
}

/** Returns one gradient per input, null for "no gradient flows here". Broadcast inputs get the gradient at output
 *  shape; the walker sums it back. */
export type GradientRule<A> = (context: GradientContext<A>) => readonly (Value | null)[];

export interface LoweringContext<A> extends ShapeContext<A> {
  g: Builder;
}

/** One way to express an abstract operator in ONNX; the results of all ways agree within float tolerance. */
export interface Formulation<A> {
  /** False where this way cannot express these shapes or attributes. */
  applies: (context: ShapeContext<A>) => boolean;
  /** Where this way is usually the fastest; without tuning the first that suits is taken. */
  suits?: (context: ShapeContext<A>) => boolean;
  build: (context: LoweringContext<A>) => readonly Value[];
}

/** For each attribute whether a node must carry it; a node with any other is refused. */
export type AttributePresence<A> = { readonly [K in keyof A]-?: undefined extends A[K] ? 'optional' : 'required' };
export type NoAttributes = Readonly<Record<string, never>>;

export interface OpDefinition<A> {
  /** '' (ONNX) where absent. */
  domain?: 'com.microsoft' | 'com.microsoft.nchwc' | 'fovea';
  attributes: AttributePresence<A>;
  inferShape: (context: ShapeContext<A>) => readonly TensorType[];
  /** 'stops': its outputs count as constants, whatever they are made from. */
  gradient: GradientRule<A> | 'not-differentiable' | 'stops';
  /** Abstract operators only: formulations by name, the default first among those that apply. */
  formulations?: Readonly<Record<string, Formulation<A>>>;
}

/** What all records have in common, whatever their attributes. */
export type AnyOpDefinition = Omit<OpDefinition<never>, 'attributes'> & {
  attributes: Readonly<Record<string, 'optional' | 'required'>>;
};

/** The input at `index`, or null where it is left out. */
export function inputAt(inputs: readonly (Value | null)[], index: number): Value | null {
  return inputs[index] ?? null;
}

/** NumPy broadcasting. Throws ShapeError where the shapes do not fit together. */
export function broadcast(name: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new ShapeError(name, `shapes that broadcast`, `${shapeText(a)} and ${shapeText(b)}`);
    return x === 1 ? y : x;
  });
}

/** An axis counted from the front. Throws ShapeError where it is outside the rank. */
export function normalAxis(name: string, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (normal < 0 || normal >= rank) throw new ShapeError(name, `an axis in [−${rank}, ${rank})`, String(axis));
  return normal;
}

/** The elements of a constant input as numbers. Throws where the value is not an initializer: shapes must be static. */
export function constantNumbers(name: string, value: Value | null, role: string): number[] {
  if (!value?.constant)
    throw new FoveaError('unsupported', `${name}: "${role}" must be a constant; only static shapes are supported.`, {
      node: name,
    });
  return Array.from(value.constant.data as ArrayLike<number | bigint>, Number);
}

export function expectRank(name: string, value: Value, rank: number): void {
  if (value.shape.length !== rank) throw new ShapeError(name, `rank ${rank}`, value.shape);
}
