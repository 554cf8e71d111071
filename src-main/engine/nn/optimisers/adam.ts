/**
 * Adam, and AdamW with decoupled weight decay, in PyTorch's form. Sources: Kingma & Ba 2015; Loshchilov & Hutter 2019.
 */
import type { Value } from '../../graph/types.ts';
import { moveTowards, withPenalty, type ConfigOf, type OptimiserDefinition, type UpdateContext } from './definition.ts';

type AdamConfig = ConfigOf<'adam'> | ConfigOf<'adamw'>;

const slots = (): readonly string[] => ['firstMoment', 'secondMoment'];

/** c·η/(1 − β₁ᵗ) and c·ε with c = √(1 − β₂ᵗ): PyTorch's fraction times c/c, a multiplication less for each weight. */
function corrections({ beta1, beta2, epsilon }: AdamConfig, learningRate: number, update: number): readonly number[] {
  const c = Math.sqrt(1 - beta2 ** update);
  return [(c * learningRate) / (1 - beta1 ** update), c * epsilon];
}

// m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p − (c·η/(1−β₁ᵗ))·m / (√v + c·ε)
function step(
  { beta1, beta2 }: AdamConfig,
  { g, parameter, gradient, slots: [m, v], numbers: [rate, epsilon] }: UpdateContext,
): { parameter: Value; slots: readonly Value[] } {
  const first = moveTowards(g, m!, gradient, beta1);
  const second = moveTowards(g, v!, g.mul(gradient, gradient), beta2);
  const change = g.div(g.mul(first, rate!), g.add(g.sqrt(second), epsilon!));
  return { parameter: g.sub(parameter, change), slots: [first, second] };
}

export const adam: OptimiserDefinition<ConfigOf<'adam'>> = {
  slots,
  stepNumbers: corrections,
  update: (config, context) => {
    const { g, gradient, parameter } = context;
    return step(config, { ...context, gradient: withPenalty(g, gradient, parameter, config.weightDecay) });
  },
};

// p ← (1 − η·λ)·p, then Adam's step
export const adamw: OptimiserDefinition<ConfigOf<'adamw'>> = {
  slots,
  stepNumbers: (config, learningRate, update) => [
    ...corrections(config, learningRate, update),
    1 - learningRate * config.weightDecay,
  ],
  update: (config, context) => {
    const { g, parameter, numbers } = context;
    return step(config, {
      ...context,
      parameter: config.weightDecay === 0 ? parameter : g.mul(parameter, numbers[2]!),
    });
  },
};
