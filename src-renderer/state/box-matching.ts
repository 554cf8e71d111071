/** Stored detections of one image as they count at some confidence and overlap, and which objects they find. Pure. */
import type { BboxXyxy } from '../../src-main/contract/geometry/box.ts';
import { nonMaxSuppression } from '../../src-main/contract/geometry/non-max-suppression.ts';
import type { DetectionSettings, ImageBoxes } from '../../src-main/contract/model/run-results.ts';

export type Outcome =
  /** Finds an object of its class. */
  | 'right'
  /** Lies on an object of another class. */
  | 'mixed-up'
  /** Finds nothing. */
  | 'made-up';

export interface ShownDetection {
  bboxXyxy: BboxXyxy;
  /** Ordinal. */
  category: number;
  score: number;
  outcome: Outcome;
}

export interface ShownObject {
  bboxXyxy: BboxXyxy;
  category: number;
  crowd: boolean;
  /** Some detection of its class lies on it. A crowd is not to be found. */
  found: boolean;
}

export interface ShownBoxes {
  detections: readonly ShownDetection[];
  objects: readonly ShownObject[];
}

const candidateWidth = 6;
const objectWidth = 7;
const matchIou = 0.5;
const mostShown = 300;

/** Joined are pairs that overlap by more than half, the closest first and whatever their classes, each box once. */
export function shownBoxes({ candidates, objects }: ImageBoxes, settings: DetectionSettings): ShownBoxes {
  const count = candidates.length / candidateWidth;
  const rows = Array.from({ length: count }, (_, i) =>
    candidates.subarray(i * candidateWidth, (i + 1) * candidateWidth),
  );
  const kept = nonMaxSuppression(
    {
      bboxXyxy: Float32Array.from({ length: 4 * count }, (_, i) => rows[i >> 2]![i % 4]!),
      scores: Float32Array.from(rows, (row) => row[4]!),
      categories: Int32Array.from(rows, (row) => row[5]!),
    },
    { ...settings, maxDetections: mostShown, classAgnostic: false },
  );
  const detections = Array.from(kept, (index) => {
    const [x1, y1, x2, y2, score, category] = rows[index]! as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return { bboxXyxy: [x1, y1, x2, y2] as const satisfies BboxXyxy, score, category };
  });
  const there = Array.from({ length: objects.length / objectWidth }, (_, i) => {
    const row = objects.subarray(i * objectWidth, (i + 1) * objectWidth);
    const [category, x1, y1, x2, y2, , crowd] = row as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return { bboxXyxy: [x1, y1, x2, y2] as const satisfies BboxXyxy, category, crowd: crowd === 1 };
  });
  const pairs = detections
    .flatMap((detection, d) =>
      there.map((object, o) => ({ d, o, overlap: object.crowd ? 0 : iou(detection.bboxXyxy, object.bboxXyxy) })),
    )
    .filter(({ overlap }) => overlap > matchIou)
    .sort((a, b) => b.overlap - a.overlap);
  const objectOf = new Map<number, number>();
  const taken = new Set<number>();
  for (const { d, o } of pairs) {
    if (objectOf.has(d) || taken.has(o)) continue;
    objectOf.set(d, o);
    taken.add(o);
  }
  const found = new Set<number>();
  const shown = detections.map((detection, d): ShownDetection => {
    const object = objectOf.get(d);
    if (object === undefined) return { ...detection, outcome: 'made-up' };
    if (there[object]!.category !== detection.category) return { ...detection, outcome: 'mixed-up' };
    found.add(object);
    return { ...detection, outcome: 'right' };
  });
  return { detections: shown, objects: there.map((object, o) => ({ ...object, found: found.has(o) })) };
}

function iou(a: BboxXyxy, b: BboxXyxy): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: BboxXyxy): number => (box[2] - box[0]) * (box[3] - box[1]);
  const common = width * height;
  return common / (area(a) + area(b) - common);
}
