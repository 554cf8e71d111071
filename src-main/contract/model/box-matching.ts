/** Stored detections of one image as they count at some confidence and overlap, and which objects they find. Pure. */
import { bboxAt, bboxIou, type BboxXyxy } from '../geometry/box.ts';
import { nonMaxSuppression } from '../geometry/non-max-suppression.ts';
import type { DetectionSettings, ImageBoxes } from './run-results.ts';

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
  /** Its row among the candidates. */
  index: number;
}

export interface ShownObject {
  bboxXyxy: BboxXyxy;
  category: number;
  crowd: boolean;
  /** Its row among the objects. */
  index: number;
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
  const column = (index: number, of: number): number => candidates[index * candidateWidth + of]!;
  const kept = nonMaxSuppression(
    {
      bboxXyxy: Float32Array.from({ length: 4 * count }, (_, i) => column(i >> 2, i % 4)),
      scores: Float32Array.from({ length: count }, (_, i) => column(i, 4)),
      categories: Int32Array.from({ length: count }, (_, i) => column(i, 5)),
    },
    { ...settings, maxDetections: mostShown, classAgnostic: false },
  );
  const detections = Array.from(kept, (index) => ({
    bboxXyxy: bboxAt(candidates, index * candidateWidth),
    score: column(index, 4),
    category: column(index, 5),
    index,
  }));
  const there = Array.from({ length: objects.length / objectWidth }, (_, i) => {
    const at = i * objectWidth;
    return { bboxXyxy: bboxAt(objects, at + 1), category: objects[at]!, crowd: objects[at + 6] === 1, index: i };
  });
  const pairs = detections
    .flatMap((detection, d) =>
      there.map((object, o) => ({ d, o, overlap: object.crowd ? 0 : bboxIou(detection.bboxXyxy, object.bboxXyxy) })),
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
