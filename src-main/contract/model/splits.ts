/** Which images train and which measure: ways to divide a data set, and images that are on both sides. */
import * as v from 'valibot';
import { split } from './dataset.ts';
import { imageId, splitChangeId } from './ids.ts';

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
export const splitShares = v.pipe(
  v.object({ train: share, val: share, test: share }),
  v.check(({ train, val, test }) => Math.abs(train + val + test - 1) < 1e-6, 'The shares add up to 1.'),
);
export type SplitShares = v.InferOutput<typeof splitShares>;
const seed = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1));

export const splitPlan = v.variant('kind', [
  /** Every image is dealt out by chance. */
  v.object({ kind: v.literal('random'), seed, shares: splitShares }),
  /** By chance, but with each class in the same shares; an image counts for its rarest class. */
  v.object({ kind: v.literal('stratified'), seed, shares: splitShares }),
  /** By chance, but images of one folder stay together. */
  v.object({ kind: v.literal('folders'), seed, shares: splitShares }),
  /** In the order of the names: the first ones train, the last ones test. */
  v.object({ kind: v.literal('sorted'), shares: splitShares }),
  /** All of them into one split. */
  v.object({ kind: v.literal('set'), split }),
]);
export type SplitPlan = v.InferOutput<typeof splitPlan>;
export type SplitPlanKind = SplitPlan['kind'];

const counts = v.object({ train: v.number(), val: v.number(), test: v.number() });

/** What a plan would do. */
export const splitPreview = v.object({
  /** Images of the scope in each split afterwards. */
  counts,
  /** Images whose split would change. */
  moved: v.number(),
});
export type SplitPreview = v.InferOutput<typeof splitPreview>;

/** A change that was made and can be taken back, in any order. */
export const splitChange = v.object({
  changeId: splitChangeId,
  title: v.string(),
  madeAt: v.string(),
  moved: v.number(),
});
export type SplitChange = v.InferOutput<typeof splitChange>;

/** Images that are the same (`exact`: byte by byte) or look alike; `near` ones differ in at most a few bits of 64. */
export const duplicateGroup = v.object({
  kind: v.picklist(['exact', 'near']),
  images: v.array(v.object({ imageId, name: v.string(), split })),
});
export type DuplicateGroup = v.InferOutput<typeof duplicateGroup>;

export const duplicateReport = v.object({
  /** Images that were compared, of how many. */
  compared: v.number(),
  total: v.number(),
  /** Groups with images of more than one split first. At most a few hundred. */
  groups: v.array(duplicateGroup),
  groupCount: v.number(),
  /** Images that have a double in another split. */
  leakedImages: v.number(),
});
export type DuplicateReport = v.InferOutput<typeof duplicateReport>;

/** Whether a group has images of more than one split. */
export function isLeak({ images }: DuplicateGroup): boolean {
  return images.some((image) => image.split !== images[0]?.split);
}
