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
  /** For poses: x, y (px of the original) and visibility (0: not labelled) of each of an object's points. */
  points?: number[];
}
/** In a map of objects; 255, where there is no image, is no object either. */
export const noObject = 0;
/** Objects of one image that its map can tell apart, the first ones. */
export const mostMapped = 254;
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
  /**
   * Masks of one channel and of the images' size. For segmentation a category ordinal a pixel, 255 where none counts; beside
   * objects 1 + the place of the object that it shows among the image's, `noObject` where it shows none.
   */
  masks?: PackRows;
  /** For detection. */
  objects?: ObjectLabels;
}

/** The points that make a pose, the same for all classes. */
export interface PoseLayout {
  pointCount: number;
  /** Which point each one becomes in a mirrored image, the left eye the right one; null where nothing says so. */
  mirrored: number[] | null;
}

export interface TrainingData {
  categories: string[];
  /** For poses. */
  pose?: PoseLayout;
  /** How originals became images of the packs' size; `placementOf` (letterbox.ts) says where each lies. Absent where they are as they are. */
  fit?: InputFit;
  packs: ImagePack[];
  train: SplitData;
  evaluation: SplitData;
}
