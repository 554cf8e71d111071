/**
 * How alike two sets of keypoints are: COCO's object keypoint similarity, and what it means for its measures of poses.
 *   OKS = mean over the labelled points of exp(−d² / (2·(2σ)²·area))
 * with the area of the object and a σ a kind of point, which says how exactly people agree on it. An object without a
 * labelled point does not count, and what it lies near is not wrong: there d is the distance from its box made twice as large
 * on every side. Source: cocodataset.org, "Keypoint evaluation", and the published evaluation.
 */
import { invariant } from '../../contract/errors.ts';
import { numbersPerPoint } from '../../contract/geometry/keypoints.ts';
import type { Comparison, Detections, GroundTruths } from './detection-pairs.ts';

/** NumPy's spacing(1): COCO adds it to the area. */
const epsilon = Number.EPSILON;
/** COCO's, of an image and category. */
const mostPoses = 20;

/** [rows, K, 3] of each table, px of the image. */
export interface KeypointTables {
  groundTruths: Float64Array;
  detections: Float64Array;
}

export function keypointComparison(
  groundTruths: GroundTruths,
  detections: Detections,
  points: KeypointTables,
  sigmas: readonly number[],
): Comparison {
  const width = numbersPerPoint * sigmas.length;
  invariant(
    points.groundTruths.length === width * groundTruths.image.length &&
      points.detections.length === width * detections.image.length,
    'keypoints do not belong to the tables',
  );
  const labelled = Uint16Array.from(groundTruths.image, (_, row) =>
    labelledPoints(points.groundTruths, row * width, width),
  );
  return {
    similarity: (detection, object) => {
      const [found, wanted] = [detection * width, object * width];
      const box = labelled[object] === 0 ? enlarged(groundTruths.bboxXywh, object) : null;
      let sum = 0;
      sigmas.forEach((sigma, k) => {
        const at = numbersPerPoint * k;
        if (box === null && points.groundTruths[wanted + at + 2] === 0) return;
        const [x, y] = [points.detections[found + at]!, points.detections[found + at + 1]!];
        const dx = box ? beyond(x, box.x1, box.x2) : x - points.groundTruths[wanted + at]!;
        const dy = box ? beyond(y, box.y1, box.y2) : y - points.groundTruths[wanted + at + 1]!;
        const area = groundTruths.area[object]! + epsilon;
        sum += Math.exp(-(dx * dx + dy * dy) / (2 * sigma) ** 2 / area / 2);
      });
      return sum / (box ? sigmas.length : labelled[object]!);
    },
    // As COCO has it, of the box around the points that were found.
    detectionArea: (detection) => areaAround(points.detections, detection * width, width),
    isIgnored: (object) => labelled[object] === 0,
    mostDetections: mostPoses,
  };
}

function labelledPoints(points: Float64Array, first: number, width: number): number {
  let count = 0;
  for (let at = first + 2; at < first + width; at += numbersPerPoint) count += Number(points[at]! > 0);
  return count;
}

function enlarged(bboxXywh: Float64Array, row: number) {
  const [x, y, width, height] = bboxXywh.subarray(4 * row, 4 * row + 4) as unknown as [number, number, number, number];
  return { x1: x - width, y1: y - height, x2: x + 2 * width, y2: y + 2 * height };
}

const beyond = (value: number, low: number, high: number): number =>
  Math.max(0, low - value) + Math.max(0, value - high);

function areaAround(points: Float64Array, first: number, width: number): number {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = first; at < first + width; at += numbersPerPoint) {
    const [x, y] = [points[at]!, points[at + 1]!];
    [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x), Math.max(y2, y)];
  }
  return (x2 - x1) * (y2 - y1);
}
