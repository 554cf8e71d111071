/**
 * What a run trains on, as plain data: which images of which pack files belong to each split, and their labels. The
 * store's owner writes it; the training process reads it. A run folder keeps it as data.json, so a run can be
 * understood without the database.
 */

/** A file of `count` images of one size: uint8, [count, channels, heightPx, widthPx], row-major, no header. */
export interface ImagePack {
  /** Absolute path. */
  file: string;
  count: number;
  channels: number;
  heightPx: number;
  widthPx: number;
}

/** Where images lie: parallel arrays, one entry an image. */
export interface PackRows {
  /** Index into `packs`. */
  packs: number[];
  /** Image index inside that pack. */
  rows: number[];
}

/** Parallel arrays, one entry an image. */
export interface SplitData extends PackRows {
  /** Ids in the project's database, for leading from a prediction back to its image. */
  imageIds: number[];
  /** Category ordinal, 0-based; empty where the images of the split have labels of another kind. */
  labels: number[];
  /** For segmentation: masks of one channel and of the images' size, a category ordinal a pixel, 255 where none counts. */
  masks?: PackRows;
}

export interface TrainingData {
  categories: string[];
  packs: ImagePack[];
  train: SplitData;
  evaluation: SplitData;
}
