/** What an optimiser is: one record with the values it keeps, the numbers it is fed, and its update as a graph. */
import type { OptimiserConfig } from '../../../contract/model/run.ts';
import type { Builder } from '../../graph/builder.ts';
import type { Value } from '../../graph/types.ts';

export interface UpdateContext {
  g: Builder;
  /** All [P]. */
  parameter: Value;
  gradient: Value;
  /** In the order of `slots`. */
  slots: readonly Value[];
  /** Scalars in the order of `stepNumbers`. */
  numbers: readonly Value[];
}

export interface OptimiserDefinition<C> {
  /** Names of the vectors kept beside the parameters; they start at zero. */
  slots(config: C): readonly string[];
  /** What changes from update to update. `update` counts from 1 since this optimiser began. */
  stepNumbers(config: C, learningRate: number, update: number): readonly number[];
  /** Appends one update. Parameters that do not decay come with a weight decay of 0 in `config`. */
  update(config: C, context: UpdateContext): { parameter: Value; slots: readonly Value[] };
}

export type ConfigOf<K extends OptimiserConfig['kind']> = Extract<OptimiserConfig, { kind: K }>;

/** L2 regularisation as PyTorch's SGD, Adam and RMSprop apply it: the penalty's gradient joins the gradient. */
export function withPenalty(g: Builder, gradient: Value, parameter: Value, weightDecay: number): Value {
  return weightDecay === 0 ? gradient : g.add(gradient, g.scale(parameter, weightDecay));
}

/** a ← factor·a + (1 − factor)·b */
export function moveTowards(g: Builder, average: Value, value: Value, factor: number): Value {
  return g.add(g.scale(average, factor), g.scale(value, 1 - factor));
}
