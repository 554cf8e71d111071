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

/** Parallel arrays, one entry an image. */
export interface SplitData {
  /** Ids in the project's database, for leading from a prediction back to its image. */
  imageIds: number[];
  /** Index into `packs`. */
  packs: number[];
  /** Image index inside that pack. */
  rows: number[];
  /** Category ordinal, 0-based. */
  labels: number[];
}

export interface TrainingData {
  categories: string[];
  packs: ImagePack[];
  train: SplitData;
  evaluation: SplitData;
}
