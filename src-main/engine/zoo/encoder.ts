/** What a decoder needs to know of an encoder. */
import type { LayerSpec } from '../nn/network.ts';

export interface Encoder {
  layers: readonly LayerSpec[];
  /** Paths of the last layers at strides 2, 4, 8, 16 and 32. */
  stages: readonly string[];
  /** Channels of each stage. */
  channels: readonly number[];
}

/**
 * How convolutions that halve the image pad it: as TensorFlow's "same" (the odd pixel at the end), alike on both sides, or
 * as the encoder's best-known weights have it.
 */
export const paddingChoices = ['usual', 'same', 'symmetric'] as const;
export type PaddingChoice = (typeof paddingChoices)[number];
