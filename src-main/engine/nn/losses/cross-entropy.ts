/** Cross-entropy of softmax, or of the sigmoid of a single logit. */
import { FoveaError } from '../../../contract/errors.ts';
import type { Builder } from '../../graph/builder.ts';
import type { Value } from '../../graph/types.ts';
import {
  asCategories,
  atLeast,
  isBinary,
  labelIs,
  meanOverLabels,
  ordinals,
  total,
  type ConfigOf,
  type LossDefinition,
  type LossInputs,
} from './definition.ts';

/**
 * −Σ w[label]·log p[label] / Σ w[label] over the labels that count, as PyTorch's cross_entropy; with a single logit
 * softplus(x) − t·x, as its binary_cross_entropy_with_logits with the class weights as weights.
 */
export const crossEntropy: LossDefinition<ConfigOf<'cross-entropy'>> = {
  build: (inputs, { classWeights }) => {
    const { g, logits } = inputs;
    const classes = isBinary(logits) ? 2 : logits.shape[1]!;
    if (classWeights && classWeights.length !== classes)
      throw new FoveaError(
        'invalid-request',
        `The cross-entropy has weights for ${classWeights.length} classes, but there are ${classes}.`,
      );
    if (isBinary(logits)) return binary(inputs, classWeights);
    const counted = classWeights ? g.mul(inputs.targets, asCategories(g, classWeights, logits)) : inputs.targets;
    const sum = total(g, g.mul(g.op('LogSoftmax', [logits], { axis: 1 }), counted));
    return g.neg(g.div(sum, atLeast(g, total(g, counted), 1e-12)));
  },
};

function binary(inputs: LossInputs, classWeights: readonly number[] | null): Value {
  const { g, logits, targets, valid } = inputs;
  const each = g.sub(g.op('Softplus', [logits]), g.mul(logits, targets));
  if (!classWeights) return meanOverLabels(inputs, g.mul(each, valid));
  const [ofZero, ofOne] = classWeights as [number, number];
  const weights = g.mul(valid, g.add(g.scale(targets, ofOne - ofZero), g.float(ofZero)));
  return g.div(total(g, g.mul(each, weights)), atLeast(g, total(g, weights), 1e-12));
}

/**
 * The loss of classification, −1/N · Σ log softmax(logits)[label]. logits: [N, C]; labels: int64 [N], 0-based; a scalar.
 * NOTE (differs from the formula): with `softmaxBeforeLoss` the softmax is applied twice, as some tutorials do.
 */
export function classificationLoss(
  g: Builder,
  logits: Value,
  labels: Value,
  { softmaxBeforeLoss }: { softmaxBeforeLoss: boolean },
): Value {
  const [n, categories] = logits.shape as [number, number];
  const scores = softmaxBeforeLoss ? g.op('Softmax', [logits], { axis: 1 }) : logits;
  const logProbabilities = g.op('LogSoftmax', [scores], { axis: 1 });
  const oneHot = labelIs(g, labels, ordinals(categories)); // [N, C]
  return g.scale(g.reduceSum(g.mul(logProbabilities, oneHot), [0, 1]), -1 / n);
}
