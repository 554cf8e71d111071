/**
 * Detections beside the objects of their image and category, and who finds whom. Follows COCO's evaluation, also where it is
 * strange: a detection takes the object that it overlaps most, but an object that does not count only if none that counts
 * is left for it, and a crowd may be taken by any number of detections.
 */
import { invariant } from '../../contract/errors.ts';

/** Objects of all images, one entry each in every list. */
export interface GroundTruths {
  /** Ordinal of the image. */
  readonly image: Int32Array;
  /** Ordinal of the category. */
  readonly category: Int32Array;
  /** [G, 4] in image px. */
  readonly bboxXywh: Float64Array;
  /** px²; of the outline where there is one, else of the box. */
  readonly area: Float64Array;
  /** 1 for a crowd: it is not to be found, and what lies in it is not wrong. */
  readonly iscrowd: Uint8Array;
}

/** Detections of all images. Where scores are equal, the one listed first comes first. */
export interface Detections {
  readonly image: Int32Array;
  readonly category: Int32Array;
  /** [D, 4] in image px. */
  readonly bboxXywh: Float64Array;
  readonly score: Float64Array;
}

/** Rows of a table by category, in order of image and, within one, as listed. */
export interface CategoryPairs {
  /** Rows of the detections, by image, then by falling score, at most the wanted number an image. */
  readonly detections: Int32Array;
  /** Place of each of them in its image, from 0. */
  readonly rank: Int32Array;
  readonly score: Float64Array;
  /** px² */
  readonly detectionArea: Float64Array;
  readonly groundTruths: Int32Array;
  /** 1 where an object does not count whatever its size. */
  readonly isIgnored: Uint8Array;
  readonly images: readonly ImagePairs[];
}
interface ImagePairs {
  /** Ranges of `detections` and `groundTruths`. */
  readonly firstDetection: number;
  readonly detectionCount: number;
  readonly firstGroundTruth: number;
  readonly groundTruthCount: number;
  /** [detectionCount, groundTruthCount] */
  readonly similarities: Float64Array;
}

/** What is compared of a detection and an object of the same image and category, by their rows. */
export interface Comparison {
  /** In [0, 1]; of what lies in a crowd, the share of the detection. */
  similarity(detection: number, groundTruth: number): number;
  /** px²; a detection that finds nothing counts among those of this size. */
  detectionArea(detection: number): number;
  /** Beside crowds: not to be found, and not wrong to find. */
  isIgnored(groundTruth: number): boolean;
  /** So many of an image and category count, the best. */
  readonly mostDetections: number;
}

/** How far boxes overlap. */
export function boxComparison(groundTruths: GroundTruths, detections: Detections): Comparison {
  const { bboxXywh } = detections;
  return {
    similarity: (detection, groundTruth) =>
      iouXywh(bboxXywh, detection, groundTruths.bboxXywh, groundTruth, groundTruths.iscrowd[groundTruth] === 1),
    detectionArea: (detection) => bboxXywh[4 * detection + 2]! * bboxXywh[4 * detection + 3]!,
    isIgnored: () => false,
    mostDetections: 100,
  };
}

/** IoU of box i of a and box j of b; of what lies in a crowd, the share of a's area. 0 where they only touch. */
export function iouXywh(a: Float64Array, i: number, b: Float64Array, j: number, crowd: boolean): number {
  const width = a[4 * i + 2]!;
  const height = a[4 * i + 3]!;
  const width2 = b[4 * j + 2]!;
  const height2 = b[4 * j + 3]!;
  const w = Math.min(a[4 * i]! + width, b[4 * j]! + width2) - Math.max(a[4 * i]!, b[4 * j]!);
  if (w <= 0) return 0;
  const h = Math.min(a[4 * i + 1]! + height, b[4 * j + 1]! + height2) - Math.max(a[4 * i + 1]!, b[4 * j + 1]!);
  if (h <= 0) return 0;
  const common = w * h;
  const own = width * height;
  return common / (crowd ? own : own + width2 * height2 - common);
}

/** One entry for each of 0 … categoryCount − 1. Throws where a row names no image or category. */
export function pairByCategory(
  groundTruths: GroundTruths,
  detections: Detections,
  categoryCount: number,
  comparison: Comparison,
  mostDetections = comparison.mostDetections,
): CategoryPairs[] {
  const { image, score } = detections;
  const objectRows = rowsByCategory(groundTruths, categoryCount, (a, b) => a - b);
  const detectionRows = rowsByCategory(detections, categoryCount, (a, b) => score[b]! - score[a]! || a - b);
  return detectionRows.map((rows, category) => {
    const rank = new Int32Array(rows.length);
    for (let i = 1; i < rows.length; i++) rank[i] = image[rows[i]!] === image[rows[i - 1]!] ? rank[i - 1]! + 1 : 0;
    const kept = rows.filter((_, i) => rank[i]! < mostDetections);
    const objects = objectRows[category]!;
    return {
      detections: kept,
      rank: rank.filter((place) => place < mostDetections),
      score: Float64Array.from(kept, (row) => score[row]!),
      detectionArea: Float64Array.from(kept, (row) => comparison.detectionArea(row)),
      groundTruths: objects,
      isIgnored: Uint8Array.from(objects, (row) => Number(comparison.isIgnored(row))),
      images: pairImages(groundTruths, objects, detections, kept, comparison),
    };
  });
}

/** Rows of each category, sorted by image and then by `order`. */
function rowsByCategory(
  { image, category }: { image: Int32Array; category: Int32Array },
  categoryCount: number,
  order: (a: number, b: number) => number,
): Int32Array[] {
  const lists = Array.from({ length: categoryCount }, (): number[] => []);
  category.forEach((ordinal, row) => {
    const list = lists[ordinal];
    invariant(list && image[row]! >= 0, `row ${row} has category ${ordinal} and image ${image[row]}`);
    list.push(row);
  });
  return lists.map((rows) => Int32Array.from(rows).sort((a, b) => image[a]! - image[b]! || order(a, b)));
}

function pairImages(
  groundTruths: GroundTruths,
  objects: Int32Array,
  detections: Detections,
  rows: Int32Array,
  { similarity }: Comparison,
): ImagePairs[] {
  const pairs: ImagePairs[] = [];
  let [d, g] = [0, 0];
  while (d < rows.length || g < objects.length) {
    const image = Math.min(detections.image[rows[d]!] ?? Infinity, groundTruths.image[objects[g]!] ?? Infinity);
    const [firstDetection, firstGroundTruth] = [d, g];
    while (d < rows.length && detections.image[rows[d]!] === image) d++;
    while (g < objects.length && groundTruths.image[objects[g]!] === image) g++;
    const [detectionCount, groundTruthCount] = [d - firstDetection, g - firstGroundTruth];
    const similarities = new Float64Array(detectionCount * groundTruthCount);
    let place = 0;
    for (let i = firstDetection; i < d; i++) {
      for (let j = firstGroundTruth; j < g; j++) similarities[place++] = similarity(rows[i]!, objects[j]!);
    }
    pairs.push({ firstDetection, detectionCount, firstGroundTruth, groundTruthCount, similarities });
  }
  return pairs;
}

export const outcomes = { wrong: 0, right: 1, ignored: 2 } as const;

export interface CategoryMatches {
  /** For each threshold what became of each detection of the pairs, an outcome each. */
  readonly outcomes: readonly Uint8Array[];
  /** Objects that are to be found. */
  readonly positives: number;
}

/** areaRange: px², both ends included; objects outside do not count, nor do detections that find none. */
export function match(
  pairs: CategoryPairs,
  groundTruths: GroundTruths,
  thresholds: readonly number[],
  [smallest, largest]: readonly [number, number],
): CategoryMatches {
  const outside = (area: number): boolean => area < smallest || area > largest;
  const crowd = Uint8Array.from(pairs.groundTruths, (row) => groundTruths.iscrowd[row]!);
  const ignored = Uint8Array.from(pairs.groundTruths, (row, i) =>
    crowd[i] === 1 || pairs.isIgnored[i] === 1 || outside(groundTruths.area[row]!) ? 1 : 0,
  );
  const withBoth = pairs.images.filter(({ detectionCount, groundTruthCount }) => detectionCount * groundTruthCount > 0);
  const found = thresholds.map((threshold) => {
    const result = Uint8Array.from(pairs.detectionArea, (area) => (outside(area) ? outcomes.ignored : outcomes.wrong));
    for (const image of withBoth) matchImage(image, crowd, ignored, threshold, result);
    return result;
  });
  return { outcomes: found, positives: ignored.reduce((sum, flag) => sum + 1 - flag, 0) };
}

/** Writes the outcomes of those that find an object into `result`. */
function matchImage(
  image: ImagePairs,
  crowd: Uint8Array,
  ignored: Uint8Array,
  threshold: number,
  result: Uint8Array,
): void {
  const { firstDetection, detectionCount, firstGroundTruth, groundTruthCount, similarities } = image;
  const least = Math.min(threshold, 1 - 1e-10);
  const taken = new Uint8Array(groundTruthCount);
  for (let d = 0; d < detectionCount; d++) {
    // The closest of those that count, and of the others; the last of equal ones.
    let counting = -1;
    let other = -1;
    for (let g = 0; g < groundTruthCount; g++) {
      const row = firstGroundTruth + g;
      const similarity = similarities[d * groundTruthCount + g]!;
      if (similarity < least || (taken[g] === 1 && crowd[row] === 0)) continue;
      if (ignored[row] === 0) {
        if (counting < 0 || similarity >= similarities[d * groundTruthCount + counting]!) counting = g;
      } else if (other < 0 || similarity >= similarities[d * groundTruthCount + other]!) other = g;
    }
    const chosen = counting >= 0 ? counting : other;
    if (chosen < 0) continue;
    taken[chosen] = 1;
    result[firstDetection + d] = counting >= 0 ? outcomes.right : outcomes.ignored;
  }
}
