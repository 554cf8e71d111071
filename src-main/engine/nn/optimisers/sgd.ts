/** Stochastic gradient descent with momentum, in PyTorch's form. Source: Sutskever et al. 2013. */
import { withPenalty, type ConfigOf, type OptimiserDefinition } from './definition.ts';

// b ← μ·b + g;  p ← p − η·b, or with Nesterov p − η·(g + μ·b)
export const sgd: OptimiserDefinition<ConfigOf<'sgd'>> = {
  slots: ({ momentum }) => (momentum === 0 ? [] : ['momentum']),
  stepNumbers: (_config, learningRate) => [learningRate],
  update: ({ momentum, nesterov, weightDecay }, { g, parameter, gradient, slots: [buffer], numbers: [rate] }) => {
    const decayed = withPenalty(g, gradient, parameter, weightDecay);
    if (!buffer) return { parameter: g.sub(parameter, g.mul(decayed, rate!)), slots: [] };
    const moved = g.add(g.scale(buffer, momentum), decayed);
    const direction = nesterov ? g.add(decayed, g.scale(moved, momentum)) : moved;
    return { parameter: g.sub(parameter, g.mul(direction, rate!)), slots: [moved] };
  },
};
