/** What a decoder needs to know of an encoder. */
import type { LayerSpec } from '../nn/network.ts';

export interface Encoder {
  layers: readonly LayerSpec[];
  /** Paths of the last layers at strides 2, 4, 8, 16 and 32. */
  stages: readonly string[];
  /** Channels of each stage. */
  channels: readonly number[];
}
