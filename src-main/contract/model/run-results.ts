/**
 * What a run's network says of the images of its evaluation split, in the form in which a window looks at it: a score an
 * image for every task, and what each task has beside it. Arrays are parallel, in evaluation order.
 */
import * as v from 'valibot';
import type { BboxXyxy } from '../geometry/box.ts';
import type { CellCounts } from './segmentation-measures.ts';
import type { TrainedClass } from './trained-classes.ts';

/** [0, 1] */
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** How well each image was done, in [0, 1]; NaN where there is nothing to measure in it. */
export interface ImageScores {
  /** Epochs done when the predictions were made. */
  epoch: number;
  /** What the score is, in words: "probability of the true class". */
  meaning: string;
  imageIds: Float64Array;
  scores: Float64Array;
  /** 1 where the image is right, 0 where not; null where the person says from which score on it is. */
  right: Uint8Array | null;
}

/** Of a segmentation. */
export interface PixelResults {
  epoch: number;
  /** In the order of the network's outputs; `pairs` and masks speak of them by ordinal. */
  classes: TrainedClass[];
  /** Classes before it are merely what is left: their pixels are not measured. */
  firstCounted: number;
  imageIds: Float64Array;
  pairs: CellCounts;
}

/** One image's masks, a class ordinal a pixel, row by row; 255 in the ground truth is not counted. */
export interface ImageMasks {
  widthPx: number;
  heightPx: number;
  predicted: Uint8Array;
  /** How sure the network is of each pixel, 255 for 1; null in predictions from before this was kept. */
  confidence: Uint8Array | null;
  /** Null where what the run was measured by is gone. */
  groundTruth: Uint8Array | null;
  /** What the masks cover of the upright image, in its pixels; beyond its edges where there were bars around it. */
  placement: BboxXyxy;
}

/** Which detections count: at least this sure, and of boxes that overlap more only the best. */
export const detectionSettings = v.object({ scoreThreshold: share, iouThreshold: share });
export type DetectionSettings = v.InferOutput<typeof detectionSettings>;
export const usualDetectionSettings: DetectionSettings = { scoreThreshold: 0.25, iouThreshold: 0.7 };

/** One image of a detection, in pixels of the upright image. */
export interface ImageBoxes {
  /** Before overlaps are sorted out, the best first: [D, 6], x1, y1, x2, y2, score, class ordinal. */
  candidates: Float32Array;
  /** [G, 7]: class ordinal, x1, y1, x2, y2, area, iscrowd. */
  objects: Float64Array;
  /** Null where the network says boxes only. */
  head: HeadSaid | null;
}

/**
 * What a detector says of each object beside its box. Masks are as in geometry/cell-mask.ts; keypoints are float32, little-endian,
 * `numbersPerPoint` a point, px of the upright image.
 */
export type HeadKind = 'masks' | 'keypoints';
export interface HeadSaid {
  kind: HeadKind;
  /** Beside the candidates and the objects. */
  candidates: Payloads;
  objects: Payloads;
}

/** Bytes of each of some things, one behind the other. */
export interface Payloads {
  /** Where each one's begin, and behind the last the number of all: [n + 1]. */
  starts: Uint32Array;
  bytes: Uint8Array;
}
export const payloadAt = ({ starts, bytes }: Payloads, index: number): Uint8Array =>
  bytes.subarray(starts[index], starts[index + 1]);

export function joinPayloads(parts: readonly Uint8Array[]): Payloads {
  const starts = new Uint32Array(parts.length + 1);
  parts.forEach(({ length }, i) => (starts[i + 1] = starts[i]! + length));
  const bytes = new Uint8Array(starts[parts.length]!);
  parts.forEach((part, i) => bytes.set(part, starts[i]));
  return { starts, bytes };
}

/** Sizes of objects by area in the image, COCO's: below 32² px, below 96² px, from there on. Bits, for `ClassAnswers.sizes`. */
export const objectSizes = { small: 1, medium: 2, large: 4 } as const;
export type ObjectSize = keyof typeof objectSizes;

/** What each class was called, image by image, for every task. */
export interface ClassAnswers {
  epoch: number;
  /** Of objects with the background behind the last. */
  classes: TrainedClass[];
  /** What is counted. */
  unit: 'images' | 'pixels' | 'objects';
  imageIds: Float64Array;
  /** Pairs of classes, truth and answer. */
  cells: CellCounts;
  /** Which sizes of objects each image has; null where nothing has a size. */
  sizes: Uint8Array | null;
  /** Of each class, precision at recalls 0, 0.01 … 1, null where it does not occur; null where no answer has a confidence. */
  precisionAtRecall: (readonly number[] | null)[] | null;
}

/** In [0, 1]; null where no object counts. */
interface ApMeasures {
  readonly ap: number | null;
  readonly ap50: number | null;
  readonly ap75: number | null;
  readonly apSmall: number | null;
  readonly apMedium: number | null;
  readonly apLarge: number | null;
  readonly ar100: number | null;
}

interface CurveValues {
  readonly precision: readonly (number | null)[];
  readonly recall: readonly number[];
  readonly f1: readonly number[];
}

/** By one way to compare detections with objects. */
export interface MatchMeasures {
  all: ApMeasures;
  /** In the order of the classes; precision at recalls 0, 0.01 … 1 and a similarity of 0.5. */
  perCategory: readonly (ApMeasures & {
    readonly precisionAtRecall: readonly number[] | null;
    readonly objects: number;
  })[];
  confidences: readonly number[];
  /** Means over the classes, one entry a confidence; null without objects. */
  curves: CurveValues | null;
  /** Where the mean F1 is greatest. */
  best: Readonly<{ confidence: number; precision: number | null; recall: number; f1: number }> | null;
}

/** Of a detection, over all images. Measures and curves take every detection into account, confusion and scores the sure ones. */
export interface DetectionMeasures extends MatchMeasures {
  epoch: number;
  /** Of what the network says beside boxes; null where it says nothing. */
  head: (MatchMeasures & { kind: HeadKind }) | null;
  /** Objects of each class that were called each class, by image; behind the last class stands the background. */
  cells: CellCounts;
  imageIds: Float64Array;
  /** F1 of each image; NaN where there is nothing to find and nothing found. */
  scores: Float64Array;
}

/** With the classes that their ordinals speak of, and the background behind them. */
export interface DetectionReport extends DetectionMeasures {
  classes: TrainedClass[];
}
