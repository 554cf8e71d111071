/**
 * Optimisers as records: which values they keep per parameter, which numbers they want fed at each step, and the
 * update as a graph over flat vectors. Numbers equal PyTorch's torch.optim. Sources: Sutskever et al. 2013 (SGD with
 * momentum as PyTorch has it), Kingma & Ba 2015 (Adam).
 */
import type { OptimiserConfig } from '../../contract/model/run.ts';
import type { Builder } from '../graph/builder.ts';
import type { Value } from '../graph/types.ts';

export interface UpdateContext {
  g: Builder;
  /** All [P]. */
  parameter: Value;
  gradient: Value;
  slots: readonly Value[];
  /** Scalars in the order of `stepNumbers`. */
  numbers: readonly Value[];
}

export interface OptimiserDefinition<C> {
  /** Names of the vectors kept beside the parameters; they start at zero. */
  slots(config: C): readonly string[];
  /** What changes from step to step. `step` counts from 1 since this optimiser began. */
  stepNumbers(config: C, learningRate: number, step: number): readonly number[];
  update(config: C, context: UpdateContext): { parameter: Value; slots: readonly Value[] };
}

type ConfigOf<K extends OptimiserConfig['kind']> = Extract<OptimiserConfig, { kind: K }>;

/** L2 regularisation as PyTorch's SGD and Adam apply it: the penalty's gradient joins the gradient. */
function withDecay(g: Builder, gradient: Value, parameter: Value, weightDecay: number): Value {
  return weightDecay === 0 ? gradient : g.add(gradient, g.scale(parameter, weightDecay));
}

// b ← μ·b + g;  p ← p − η·b, or with Nesterov p − η·(g + μ·b)
const sgd: OptimiserDefinition<ConfigOf<'sgd'>> = {
  slots: ({ momentum }) => (momentum === 0 ? [] : ['momentum']),
  stepNumbers: (_config, learningRate) => [learningRate],
  update: ({ momentum, nesterov, weightDecay }, { g, parameter, gradient, slots: [buffer], numbers: [rate] }) => {
    const decayed = withDecay(g, gradient, parameter, weightDecay);
    if (!buffer) return { parameter: g.sub(parameter, g.mul(decayed, rate!)), slots: [] };
    const moved = g.add(g.scale(buffer, momentum), decayed);
    const direction = nesterov ? g.add(decayed, g.scale(moved, momentum)) : moved;
    return { parameter: g.sub(parameter, g.mul(direction, rate!)), slots: [moved] };
  },
};

// m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p − (η/(1−β₁ᵗ))·m / (√v/√(1−β₂ᵗ) + ε)
const adam: OptimiserDefinition<ConfigOf<'adam'>> = {
  slots: () => ['firstMoment', 'secondMoment'],
  stepNumbers: ({ beta1, beta2 }, learningRate, step) => [
    learningRate / (1 - beta1 ** step),
    1 / Math.sqrt(1 - beta2 ** step),
  ],
  update: ({ beta1, beta2, epsilon, weightDecay }, { g, parameter, gradient, slots, numbers: [rate, correction] }) => {
    const decayed = withDecay(g, gradient, parameter, weightDecay);
    const first = g.add(g.scale(slots[0]!, beta1), g.scale(decayed, 1 - beta1));
    const second = g.add(g.scale(slots[1]!, beta2), g.scale(g.mul(decayed, decayed), 1 - beta2));
    const denominator = g.add(g.mul(g.sqrt(second), correction!), g.float(epsilon));
    return { parameter: g.sub(parameter, g.div(g.mul(first, rate!), denominator)), slots: [first, second] };
  },
};

const OPTIMISERS = { sgd, adam } as const satisfies {
  [K in OptimiserConfig['kind']]: OptimiserDefinition<ConfigOf<K>>;
};

/** The record for a configuration's kind. */
export function optimiserFor(config: OptimiserConfig): OptimiserDefinition<OptimiserConfig> {
  return OPTIMISERS[config.kind] as unknown as OptimiserDefinition<OptimiserConfig>;
}
