/** Which categories a detector takes for which, with the background as one more. */
import { invariant } from '../../contract/errors.ts';
import { iouXywh, type Detections, type GroundTruths } from './detection-pairs.ts';

export interface ConfusionSettings {
  scoreThreshold: number;
  iouThreshold: number;
}

/**
 * counts[groundTruth][predicted], both in the order of the categories with the background last: its row holds detections of
 * nothing, its column objects that nobody found. In each image the pairs whose IoU is greater than the threshold are
 * joined, the closest first and whatever their categories, each box once; of equal ones the detection listed first.
 * Detections count from the score threshold on. Crowds count nowhere, nor does a detection that lies in one.
 */
export function detectionConfusion(
  groundTruths: GroundTruths,
  detections: Detections,
  categoryCount: number,
  { scoreThreshold, iouThreshold }: ConfusionSettings,
): readonly (readonly number[])[] {
  const counts = Array.from({ length: categoryCount + 1 }, () => new Array<number>(categoryCount + 1).fill(0));
  const count = (groundTruth: number, predicted: number): void => {
    const row = counts[groundTruth];
    invariant(
      row && row[predicted] !== undefined,
      `category ${groundTruth} or ${predicted} is none of ${categoryCount}`,
    );
    row[predicted]++;
  };
  const objectsOf = rowsByImage(groundTruths.image);
  const detectionsOf = rowsByImage(detections.image);
  for (const image of new Set([...objectsOf.keys(), ...detectionsOf.keys()])) {
    const objects = objectsOf.get(image) ?? [];
    const found = (detectionsOf.get(image) ?? []).filter((row) => detections.score[row]! >= scoreThreshold);
    const overlap = (detection: number, object: number): number =>
      iouXywh(detections.bboxXywh, detection, groundTruths.bboxXywh, object, groundTruths.iscrowd[object] === 1);
    const single = objects.filter((row) => groundTruths.iscrowd[row] === 0);
    const crowds = objects.filter((row) => groundTruths.iscrowd[row] === 1);
    const owner = joinClosest(found, single, overlap, iouThreshold);
    for (const detection of found) {
      const object = owner.get(detection);
      if (object !== undefined) count(groundTruths.category[object]!, detections.category[detection]!);
      else if (!crowds.some((crowd) => overlap(detection, crowd) > iouThreshold))
        count(categoryCount, detections.category[detection]!);
    }
    const joined = new Set(owner.values());
    for (const object of single) if (!joined.has(object)) count(groundTruths.category[object]!, categoryCount);
  }
  return counts;
}

function rowsByImage(images: Int32Array): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  images.forEach((image, row) => {
    const list = rows.get(image);
    if (list) list.push(row);
    else rows.set(image, [row]);
  });
  return rows;
}

/** Object by detection. */
function joinClosest(
  detections: readonly number[],
  objects: readonly number[],
  overlap: (detection: number, object: number) => number,
  threshold: number,
): Map<number, number> {
  const pairs = detections
    .flatMap((detection) => objects.map((object) => ({ detection, object, iou: overlap(detection, object) })))
    .filter(({ iou }) => iou > threshold)
    .sort((a, b) => b.iou - a.iou);
  const owner = new Map<number, number>();
  const taken = new Set<number>();
  for (const { detection, object } of pairs) {
    if (owner.has(detection) || taken.has(object)) continue;
    owner.set(detection, object);
    taken.add(object);
  }
  return owner;
}
