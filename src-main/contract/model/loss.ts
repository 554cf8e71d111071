/**
 * Losses as settings. A pixel loss looks at every pixel's category (or an image's, where there is one label an image);
 * the engine's `nn/losses` defines each kind.
 */
import * as v from 'valibot';

const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const nonNegative = v.pipe(v.number(), v.finite(), v.minValue(0));
/** [0, 1] */
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

export const pixelLoss = v.variant('kind', [
  v.object({
    kind: v.literal('cross-entropy'),
    /** One factor a category, in their order; null treats all alike. */
    classWeights: v.nullable(v.array(nonNegative)),
  }),
  /** `smooth` is added to the numerator and the denominator. */
  v.object({ kind: v.literal('dice'), smooth: nonNegative }),
  v.object({ kind: v.literal('jaccard'), smooth: nonNegative }),
  v.object({
    kind: v.literal('tversky'),
    /** Weight of false positives, and of false negatives. */
    alpha: nonNegative,
    beta: nonNegative,
    /** Exponent of the loss; above 1 it looks at what is still badly segmented. */
    gamma: positive,
    smooth: nonNegative,
  }),
  v.object({
    kind: v.literal('focal'),
    /** How much less a pixel counts the surer the network is of it; 0 is cross-entropy. */
    gamma: nonNegative,
    /** Weight of pixels that show the category, against 1 − alpha of the others; null weighs both with 1. */
    alpha: v.nullable(share),
  }),
  v.object({ kind: v.literal('lovasz') }),
]);
export type PixelLoss = v.InferOutput<typeof pixelLoss>;

export const lossConfig = v.variant('kind', [
  /** Of classification. */
  v.object({
    kind: v.literal('cross-entropy'),
    /** Some tutorials apply softmax twice (once in the network, once in the loss); off is the correct formula. */
    softmaxBeforeLoss: v.boolean(),
  }),
  /** Of segmentation: the sum of its terms, each times its weight. */
  v.object({
    kind: v.literal('sum'),
    /** Of two categories: one logit that is high where the second is (sigmoid), instead of one logit each (softmax). */
    binary: v.boolean(),
    terms: v.pipe(v.array(v.object({ weight: positive, loss: pixelLoss })), v.minLength(1)),
  }),
  /** Of detection: CIoU of the boxes, cross-entropy of the categories, and the sides' distributions, each times its gain. */
  v.object({
    kind: v.literal('detection'),
    boxGain: nonNegative,
    categoryGain: nonNegative,
    distributionGain: nonNegative,
  }),
  /** Of poses: as of detection, and where an object's points are and which of them are labelled. */
  v.object({
    kind: v.literal('pose'),
    boxGain: nonNegative,
    categoryGain: nonNegative,
    distributionGain: nonNegative,
    positionGain: nonNegative,
    visibilityGain: nonNegative,
  }),
]);
export type LossConfig = v.InferOutput<typeof lossConfig>;
