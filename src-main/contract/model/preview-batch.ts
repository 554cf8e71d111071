/** The first training images of an epoch as the network gets them, with their labels, to be looked at. */
import type { BboxXyxy } from '../geometry/box.ts';

export interface PreviewItem {
  /** uint8 [heightPx, widthPx, 3] */
  rgb: Uint8Array;
  /** uint8 [heightPx, widthPx], a class a pixel, 255 where nothing is learned; null where there are no masks. */
  mask: Uint8Array | null;
  /** px of the network's input */
  boxes: {
    category: number;
    bboxXyxy: BboxXyxy;
    /** x, y and visibility of each; empty where there are no poses. */
    points: Float32Array;
  }[];
  /** Of the image as a whole; null where labels are of another kind. */
  category: number | null;
}

export interface PreviewBatch {
  widthPx: number;
  heightPx: number;
  /** Names of the classes, in the order of the network's outputs. */
  classes: string[];
  items: PreviewItem[];
  /** Images that could not be read, with the reason. */
  failures: string[];
}
