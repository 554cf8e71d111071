/** From a detector's candidates to a table of detections as COCO's measures read it: image by image, overlapping boxes sorted out. */
import { bboxAt, xyxyToXywh } from '../../contract/geometry/box.ts';
import type { Detections, GroundTruths } from './detection-pairs.ts';
import {
  nonMaxSuppression,
  type BoxCandidates,
  type SuppressionSettings,
} from '../../contract/geometry/non-max-suppression.ts';

/** As detectors are validated. */
export const validationSettings: SuppressionSettings = {
  scoreThreshold: 0.001,
  iouThreshold: 0.7,
  maxDetections: 300,
  classAgnostic: false,
};

/** category, x1, y1, x2, y2, area, iscrowd */
const objectWidth = 7;

export interface ImageSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Takes image by image; what reaches beyond an image is cut off, after the overlaps were looked at. */
export class DetectionTable {
  private readonly image: number[] = [];
  private readonly category: number[] = [];
  private readonly bboxXywh: number[] = [];
  private readonly score: number[] = [];

  /** image: its ordinal; candidates: in px of the image. The indices of those that stay, in their order in the table. */
  add(image: number, candidates: BoxCandidates, settings: SuppressionSettings, size: ImageSize): Int32Array {
    const staying = nonMaxSuppression(candidates, settings);
    for (const kept of staying) {
      const side = (index: number, most: number): number =>
        Math.min(most, Math.max(0, candidates.bboxXyxy[4 * kept + index]!));
      const [x1, y1] = [side(0, size.widthPx), side(1, size.heightPx)];
      const [x2, y2] = [side(2, size.widthPx), side(3, size.heightPx)];
      this.image.push(image);
      this.category.push(candidates.categories[kept]!);
      this.bboxXywh.push(x1, y1, x2 - x1, y2 - y1);
      this.score.push(candidates.scores[kept]!);
    }
    return staying;
  }

  detections(): Detections {
    return {
      image: Int32Array.from(this.image),
      category: Int32Array.from(this.category),
      bboxXywh: Float64Array.from(this.bboxXywh),
      score: Float64Array.from(this.score),
    };
  }
}

/** counts: objects of each image; rows: [objects, 7]. */
export function groundTruthTable(counts: ArrayLike<number>, rows: ArrayLike<number>): GroundTruths {
  const total = rows.length / objectWidth;
  const table: GroundTruths = {
    image: new Int32Array(total),
    category: new Int32Array(total),
    bboxXywh: new Float64Array(4 * total),
    area: new Float64Array(total),
    iscrowd: new Uint8Array(total),
  };
  let object = 0;
  for (let image = 0; image < counts.length; image++) {
    for (let i = 0; i < counts[image]!; i++, object++) {
      const at = objectWidth * object;
      table.image[object] = image;
      table.category[object] = rows[at]!;
      table.bboxXywh.set(xyxyToXywh(bboxAt(rows, at + 1)), 4 * object);
      table.area[object] = rows[at + 5]!;
      table.iscrowd[object] = rows[at + 6]!;
    }
  }
  return table;
}
