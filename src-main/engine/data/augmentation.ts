/**
 * What chance does to a training image that its graph moves by itself: mirrored left to right, shifted by whole pixels.
 * Drawn per epoch from the seed alone, so that the position in training is all that a checkpoint has to keep of it.
 */
import { noAugmentation, type AugmentationConfig } from '../../contract/model/run-images.ts';
import type { RunConfig, Task } from '../../contract/model/run.ts';
import { Random } from './random.ts';

/** Numbers of one image: mirrored (0 or 1), pixels to the right, pixels down. */
export const drawsPerImage = 3;

/** What a graph can do. */
const movedByGraph: ReadonlySet<keyof AugmentationConfig> = new Set(['flipHorizontal', 'shift']);

/** Whose labels a graph cannot move with their images. */
const movedBefore: ReadonlySet<Task> = new Set<Task>(['instance-segmentation', 'pose']);

/** Where images are made anew before they reach the graph, which then has nothing left to move. */
export function isMadeAnew({ augmentation, task }: Pick<RunConfig, 'augmentation' | 'task'>): boolean {
  const names = Object.keys(noAugmentation) as (keyof AugmentationConfig)[];
  const isAsked = (name: keyof AugmentationConfig): boolean =>
    name !== 'closeMosaicEpochs' && augmentation[name] !== noAugmentation[name];
  return names.some((name) => isAsked(name) && (movedBefore.has(task) || !movedByGraph.has(name)));
}

/** What is left for the graph. */
export const graphAugmentation = (config: Pick<RunConfig, 'augmentation' | 'task'>): AugmentationConfig =>
  isMadeAnew(config) ? noAugmentation : config.augmentation;

/** Whether a graph has something to move. */
export const isAugmented = ({ flipHorizontal, shift }: AugmentationConfig): boolean => flipHorizontal > 0 || shift > 0;

/** [count, 3], a row for each image of the split in its order. */
export function augmentationDraws(config: AugmentationConfig, count: number, seed: number, epoch: number): Int32Array {
  const random = Random.derive(seed, 'augment', epoch);
  const draws = new Int32Array(count * drawsPerImage);
  const pixels = (): number => (config.shift === 0 ? 0 : random.below(2 * config.shift + 1) - config.shift);
  for (let image = 0; image < count; image++) {
    const mirrored = Number(config.flipHorizontal > 0 && random.uniform() < config.flipHorizontal);
    draws.set([mirrored, pixels(), pixels()], image * drawsPerImage);
  }
  return draws;
}
