/**
 * Focal loss: cross-entropy in which a pixel counts the less the surer the network is of it. Each category is a question of
 * its own (a sigmoid, not softmax); the losses of the categories are added up. Source: Lin et al. 2017.
 */
import { meanOverLabels, type ConfigOf, type LossDefinition } from './definition.ts';

// With z = x·(1 − 2t): −log pₜ = softplus(z) and (1 − pₜ)^γ = e^(−γ·softplus(−z)), which no sureness makes 0/0.
export const focal: LossDefinition<ConfigOf<'focal'>> = {
  build: (inputs, { gamma, alpha }) => {
    const { g, logits, targets, valid } = inputs;
    const z = g.mul(logits, g.sub(g.float(1), g.scale(targets, 2)));
    const entropy = g.op('Softplus', [z]);
    const focus = gamma === 0 ? null : g.op('Exp', [g.scale(g.op('Softplus', [g.neg(z)]), -gamma)]);
    const focused = focus ? g.mul(entropy, focus) : entropy;
    // α·t + (1 − α)·(1 − t)
    const share = alpha === null ? null : g.add(g.scale(targets, 2 * alpha - 1), g.float(1 - alpha));
    return meanOverLabels(inputs, g.mul(share ? g.mul(focused, share) : focused, valid));
  },
};
