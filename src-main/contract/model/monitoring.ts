/** What a run keeps for those who watch it. None of it changes what is learned. */
import * as v from 'valibot';

/** What is measured of the layers once an epoch: the lengths of their weights and gradients; also how their values spread. */
const layerMonitoring = v.picklist(['nothing', 'norms', 'histograms']);

export const monitoringConfig = v.object({
  /** Predictions and kernels of past epochs take at most this much of the disk; where more come, they are thinned out evenly. 0 keeps none. */
  historyMegabytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Documents from before it was measured do not say it. */
  layers: v.optional(layerMonitoring, 'norms'),
});
export const usualMonitoring: v.InferOutput<typeof monitoringConfig> = { historyMegabytes: 200, layers: 'norms' };

/** The past epochs that can still be looked at, ascending. */
export const runHistory = v.object({
  /** Those with what was said of every image. */
  predictions: v.array(v.number()),
  /** Those with kernels. */
  kernels: v.array(v.number()),
  sizeBytes: v.number(),
  limitBytes: v.number(),
});
export type RunHistory = v.InferOutput<typeof runHistory>;

/** A run's layers through its epochs. A number that was not measured or is none is NaN. */
export interface LayerNorms {
  /** In the network's order; `values`: how many numbers it has; whether there are histograms of it. */
  tensors: { name: string; values: number; hasHistograms: boolean }[];
  /** Ascending. */
  epochs: Float64Array;
  /** Euclidean lengths, [epochs, tensors]; of the gradients the mean over a few updates of the epoch, before clipping. */
  weightNorms: Float32Array;
  gradientNorms: Float32Array;
}

/** How the values of a tensor spread in each epoch, over so many equal bins between its least and its greatest. */
export interface Spread {
  /** [epochs] */
  low: Float32Array;
  high: Float32Array;
  /** [epochs, bins], 65535 for all of the values. */
  shares: Uint16Array;
}

export interface TensorSpread {
  name: string;
  bins: number;
  epochs: Float64Array;
  weights: Spread;
  /** Of the epoch's last update. */
  gradients: Spread;
}
