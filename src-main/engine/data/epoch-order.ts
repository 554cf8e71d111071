/** The order in which an epoch goes through the training images: one permutation an epoch, from the seed alone. */
import { permutation, Random } from './random.ts';

/** Places in the split. */
export const epochOrder = (imageCount: number, seed: number, epoch: number): Uint32Array =>
  permutation(imageCount, Random.derive(seed, 'shuffle', epoch));
