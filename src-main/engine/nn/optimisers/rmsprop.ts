/** RMSprop, centred or not, with momentum, in PyTorch's form. Sources: Hinton's lecture 6e, 2012; Graves 2013. */
import type { Value } from '../../graph/types.ts';
import { moveTowards, withPenalty, type ConfigOf, type OptimiserDefinition } from './definition.ts';

type RmspropConfig = ConfigOf<'rmsprop'>;

// s ← αs + (1−α)g²;  centred: m ← αm + (1−α)g;  d = g / (√(s − m²) + ε), m = 0 where not centred
// p ← p − η·d, or with momentum b ← μ·b + d;  p ← p − η·b
export const rmsprop: OptimiserDefinition<RmspropConfig> = {
  slots: ({ centered, momentum }) => [
    'meanSquare',
    ...(centered ? ['mean'] : []),
    ...(momentum === 0 ? [] : ['momentum']),
  ],
  stepNumbers: (_config, learningRate) => [learningRate],
  update: (config, { g, parameter, gradient, slots, numbers: [rate] }) => {
    const { alpha, epsilon, momentum, centered, weightDecay } = config;
    const decayed = withPenalty(g, gradient, parameter, weightDecay);
    const meanSquare = moveTowards(g, slots[0]!, g.mul(decayed, decayed), alpha);
    const mean = centered ? moveTowards(g, slots[1]!, decayed, alpha) : null;
    // NOTE (differs from PyTorch): never below 0, where rounding puts the variance of a constant gradient.
    const variance: Value = mean ? g.op('Relu', [g.sub(meanSquare, g.mul(mean, mean))]) : meanSquare;
    const direction = g.div(decayed, g.add(g.sqrt(variance), g.float(epsilon)));
    const buffer = momentum === 0 ? null : g.add(g.scale(slots.at(-1)!, momentum), direction);
    return {
      parameter: g.sub(parameter, g.mul(buffer ?? direction, rate!)),
      slots: [meanSquare, mean, buffer].filter((slot) => slot !== null),
    };
  },
};
