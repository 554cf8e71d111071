/** What goes on inside a trained network: its layers with what they make of images. */

/** Values of a layer over some images. */
export interface LayerActivations {
  /** Module path: "conv1". */
  path: string;
  kind: string;
  /** Without the batch axis. */
  shape: number[];
  /** Paths of the layers that it reads; "" is the image. */
  sources: string[];
  mean: number;
  deviation: number;
  min: number;
  max: number;
  /** Share of values that are exactly 0. */
  zeros: number;
  /** Counts of equally wide bins from min to max. */
  histogram: Uint32Array;
}

export interface NetworkInside {
  /** Epochs done when the checkpoint was written. */
  epoch: number;
  /** Of the evaluation split, that the values are of. */
  imageIds: number[];
  layers: LayerActivations[];
}

/** What a layer makes of one image. */
export interface FeatureMaps {
  layer: string;
  /** [C, H, W]; of a layer without a place, [C, 1, 1]. */
  shape: [channels: number, height: number, width: number];
  /** [C, H, W], 0 … 255 between the channel's limits. */
  values: Uint8Array;
  /** [C, 2]: smallest and largest value of each channel. */
  limits: Float32Array;
}
