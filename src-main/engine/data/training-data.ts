/**
 * What a run trains on, as plain data: which images of which pack files belong to each split, and their labels. The
 * store's owner writes it; the training process reads it. A run folder keeps it as data.json, so a run can be
 * understood without the database.
 */
import type { InputFit } from '../../contract/model/run-images.ts';

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

/** Objects of a split's images, image after image. Boxes are in px of the upright original, not of the pack's image. */
export interface ObjectLabels {
  /** How many objects each image has. */
  counts: number[];
  /** `objectColumns` of each object. */
  rows: number[];
}
/** `area` in px², of the outline where there is one; `iscrowd` 1 for a group that is not told apart, else 0. */
export const objectColumns = ['category', 'x1', 'y1', 'x2', 'y2', 'area', 'iscrowd'] as const;

/** Parallel arrays, one entry an image. */
export interface SplitData extends PackRows {
  /** Ids in the project's database, for leading from a prediction back to its image. */
  imageIds: number[];
  /** Category ordinal, 0-based; empty where the images of the split have labels of another kind. */
  labels: number[];
  /** Width and height of each upright original, px: [images, 2]. Absent where the images are as they are. */
  sizesPx?: number[];
  /** For segmentation: masks of one channel and of the images' size, a category ordinal a pixel, 255 where none counts. */
  masks?: PackRows;
  /** For detection. */
  objects?: ObjectLabels;
}

export interface TrainingData {
  categories: string[];
  /** How originals became images of the packs' size; `placementOf` (letterbox.ts) says where each lies. Absent where they are as they are. */
  fit?: InputFit;
  packs: ImagePack[];
  train: SplitData;
  evaluation: SplitData;
}
