/**
 * What chance does to each training image. Drawn per epoch from the seed alone, so that the position in training is all
 * that a checkpoint has to keep of it.
 */
import type { AugmentationConfig } from '../../contract/model/run.ts';
import { Random } from './random.ts';

/** Numbers of one image: mirrored (0 or 1), pixels to the right, pixels down. */
export const drawsPerImage = 3;

export const isAugmented = ({ flip, shift }: AugmentationConfig): boolean => flip || shift > 0;

/** [count, 3], a row for each image of the split in its order. */
export function augmentationDraws(config: AugmentationConfig, count: number, seed: number, epoch: number): Int32Array {
  const random = Random.derive(seed, 'augment', epoch);
  const draws = new Int32Array(count * drawsPerImage);
  const pixels = (): number => (config.shift === 0 ? 0 : random.below(2 * config.shift + 1) - config.shift);
  for (let image = 0; image < count; image++) {
    const mirrored = config.flip ? random.below(2) : 0;
    draws.set([mirrored, pixels(), pixels()], image * drawsPerImage);
  }
  return draws;
}
