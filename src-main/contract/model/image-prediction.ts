/** What a trained network says of image files that belong to no data set, as it stands in the file that a prediction writes. */
import type { BboxXyxy } from '../geometry/box.ts';
import type { Rle } from '../geometry/rle.ts';

/** Categories are ordinals in `classes`; coordinates are px of the upright file. */
export type Said =
  /** One share a class. */
  | { kind: 'category'; probabilities: number[] }
  /** The pixels of each class that occurs. */
  | { kind: 'masks'; masks: { category: number; rle: Rle }[] }
  /** After suppression, the best first. */
  | { kind: 'boxes'; boxes: { category: number; score: number; bboxXyxy: BboxXyxy }[] };

export interface PredictedFile {
  file: string;
  widthPx: number;
  heightPx: number;
  said: Said;
}

export interface PredictionDocument {
  run: string;
  checkpoint: string;
  epoch: number;
  task: string;
  classes: string[];
  images: PredictedFile[];
  failures: { file: string; reason: string }[];
}
