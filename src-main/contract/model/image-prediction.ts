/**
 * What a trained network says of image files that belong to no data set: as it is kept and looked at (`Seen`, before anything
 * is decided that a person may still change), and as it stands in the file that a prediction writes (`Said`).
 */
import * as v from 'valibot';
import type { BboxXyxy } from '../geometry/box.ts';
import { cellMaskRle, decodeCellMask } from '../geometry/cell-mask.ts';
import { encodeRle, type MaskSize, type Rle } from '../geometry/rle.ts';
import { nonMaxSuppression } from '../geometry/non-max-suppression.ts';
import type { DetectionSettings, ImageMasks } from './run-results.ts';

export interface FoundBox {
  /** Ordinal. */
  category: number;
  score: number;
  bboxXyxy: BboxXyxy;
  /** Where the network says masks of single objects: bytes as in geometry/cell-mask.ts. */
  mask?: number[];
  /** x, y (px of the image) and how sure it is that it is there, of each point, where the network says points. */
  keypoints?: number[];
}

/** What is written of it: a mask in pixels of the file. */
export interface SaidBox extends Omit<FoundBox, 'mask'> {
  rle?: Rle;
}

/** Categories are ordinals in the run's classes; coordinates are px of the upright file. */
export type Said =
  /** One share a class. */
  | { kind: 'category'; probabilities: number[] }
  /** The pixels of each class that occurs. */
  | { kind: 'masks'; masks: { category: number; rle: Rle }[] }
  /** After suppression, the best first. */
  | { kind: 'boxes'; boxes: SaidBox[] };

export type SeenMasks = Omit<ImageMasks, 'groundTruth' | 'confidence'> & { confidence: Uint8Array };

export type Seen =
  | Extract<Said, { kind: 'category' }>
  /** At the network's own size, or at the image's where it was looked at in tiles. */
  | { kind: 'masks'; masks: SeenMasks }
  /** Before suppression, in no order. */
  | { kind: 'boxes'; boxes: FoundBox[] };

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

/** Large images are looked at in parts of the network's size that overlap by this share of their sides. */
export const tiling = v.object({ overlap: v.pipe(v.number(), v.minValue(0), v.maxValue(0.75)) });
export type Tiling = v.InferOutput<typeof tiling>;

const mostBoxes = 300;

/** `size`: of the file. */
export function saidOf(seen: Seen, settings: DetectionSettings, size: MaskSize): Said {
  if (seen.kind === 'boxes') {
    const boxes = suppressed(seen.boxes, settings).map(({ mask, ...box }): SaidBox =>
      mask ? { ...box, rle: cellMaskRle(decodeCellMask(Uint8Array.from(mask)), size) } : box,
    );
    return { kind: 'boxes', boxes };
  }
  return seen.kind === 'masks' ? { kind: 'masks', masks: masksOf(categoriesAt(seen.masks, size), size) } : seen;
}

/** Those that are sure enough, and of those that overlap only the best; the best first. */
export function suppressed(boxes: readonly FoundBox[], settings: DetectionSettings): FoundBox[] {
  const candidates = {
    bboxXyxy: Float32Array.from(boxes.flatMap(({ bboxXyxy }) => bboxXyxy)),
    scores: Float32Array.from(boxes, ({ score }) => score),
    categories: Int32Array.from(boxes, ({ category }) => category),
  };
  const kept = nonMaxSuppression(candidates, { ...settings, maxDetections: mostBoxes, classAgnostic: false });
  return Array.from(kept, (index) => boxes[index]!);
}

/** A category a pixel of the file: that of the mask's pixel in which its middle lies. Row by row. */
export function categoriesAt(masks: SeenMasks, { widthPx, heightPx }: MaskSize): Uint8Array {
  const [x1, y1, x2, y2] = masks.placement;
  const within = (value: number, size: number): number => Math.min(size - 1, Math.max(0, Math.floor(value)));
  const columns = Uint32Array.from({ length: widthPx }, (_, x) =>
    within(((x + 0.5 - x1) / (x2 - x1)) * masks.widthPx, masks.widthPx),
  );
  const categories = new Uint8Array(widthPx * heightPx);
  for (let y = 0; y < heightPx; y++) {
    const row = within(((y + 0.5 - y1) / (y2 - y1)) * masks.heightPx, masks.heightPx) * masks.widthPx;
    for (let x = 0; x < widthPx; x++) categories[y * widthPx + x] = masks.predicted[row + columns[x]!]!;
  }
  return categories;
}

function masksOf(categories: Uint8Array, size: MaskSize): { category: number; rle: Rle }[] {
  const shown = [...new Set(categories)].sort((a, b) => a - b);
  return shown.map((category) => ({
    category,
    rle: encodeRle(
      categories.map((own) => Number(own === category)),
      size,
    ),
  }));
}
