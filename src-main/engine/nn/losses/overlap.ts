/**
 * Losses of overlap: how well what the network says covers what the labels say, for each category over the whole batch,
 * then the mean over all categories. A category that no label of the batch shows adds 0. Sources: Milletari et al. 2016
 * (Dice), Rahman & Wang 2016 (Jaccard), Salehi et al. 2017 (Tversky), Abraham & Khan 2018 (its exponent).
 */
import type { Builder } from '../../graph/builder.ts';
import type { Value } from '../../graph/types.ts';
import {
  atLeast,
  dotPerCategory,
  perCategory,
  probabilities,
  type ConfigOf,
  type LossDefinition,
  type LossInputs,
} from './definition.ts';

/** The least denominator. */
const epsilon = 1e-7;

/** Of each category, [C]. */
interface Overlap {
  /** Σ p·t */
  intersection: Value;
  /** Σ p and Σ t, over the labels that count. */
  predicted: Value;
  expected: Value;
}

/** mean over categories of [category occurs] · (1 − numerator / denominator) */
function overlapLoss(
  inputs: LossInputs,
  smooth: number,
  parts: (g: Builder, overlap: Overlap) => { numerator: Value; denominator: Value },
): Value {
  const { g, targets, valid } = inputs;
  const counted = g.mul(probabilities(inputs), valid);
  const expected = perCategory(g, targets);
  const intersection = dotPerCategory(g, counted, targets);
  const { numerator, denominator } = parts(g, { intersection, predicted: perCategory(g, counted), expected });
  const smoothed = (value: Value): Value => (smooth === 0 ? value : g.add(value, g.float(smooth)));
  const score = g.div(smoothed(numerator), atLeast(g, smoothed(denominator), epsilon));
  const occurs = g.cast(g.op('Greater', [expected, g.float(0)]), 'float32');
  return g.reduceMean(g.mul(g.sub(g.float(1), score), occurs), [0]);
}

// 2·Σpt / (Σp + Σt)
export const dice: LossDefinition<ConfigOf<'dice'>> = {
  build: (inputs, { smooth }) =>
    overlapLoss(inputs, smooth, (g, { intersection, predicted, expected }) => ({
      numerator: g.scale(intersection, 2),
      denominator: g.add(predicted, expected),
    })),
};

// Σpt / (Σp + Σt − Σpt)
export const jaccard: LossDefinition<ConfigOf<'jaccard'>> = {
  build: (inputs, { smooth }) =>
    overlapLoss(inputs, smooth, (g, { intersection, predicted, expected }) => ({
      numerator: intersection,
      denominator: g.sub(g.add(predicted, expected), intersection),
    })),
};

// (mean of 1 − Σpt / (Σpt + α·Σp(1 − t) + β·Σ(1 − p)t))^γ
export const tversky: LossDefinition<ConfigOf<'tversky'>> = {
  build: (inputs, { alpha, beta, gamma, smooth }) => {
    const mean = overlapLoss(inputs, smooth, (g, { intersection, predicted, expected }) => {
      const falsePositives = g.scale(g.sub(predicted, intersection), alpha);
      const falseNegatives = g.scale(g.sub(expected, intersection), beta);
      return { numerator: intersection, denominator: g.add(intersection, g.add(falsePositives, falseNegatives)) };
    });
    const { g } = inputs;
    // Not of 0, where a γ below 1 has no slope.
    return gamma === 1 ? mean : g.op('Pow', [atLeast(g, mean, epsilon), g.float(gamma)]);
  },
};
