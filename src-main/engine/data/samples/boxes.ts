/**
 * Boxes of a sample: each goes with its image, is cut off where the image and the input end, and is dropped where too
 * little of it is left to be learned from.
 */
import { bboxArea, type BboxXyxy } from '../../../contract/geometry/box.ts';
import { toNetwork, type Letterbox, type SizePx } from '../letterbox.ts';
import { objectColumns, type ObjectLabels } from '../training-data.ts';
import { boundsAfter, moved } from './affine.ts';
import type { SampleRecipe } from './recipe.ts';

export interface SampleBox {
  category: number;
  /** px of the network's input */
  bboxXyxy: BboxXyxy;
}

/** A box is kept with at least this share of it in sight, and sides of more than this. */
const leastShare = 0.1;
const leastSidePx = 2;

/** Objects of one image, told apart from the group labels, which no box can be learned from. */
export function learnedObjects({ counts, rows }: ObjectLabels): SampleBox[][] {
  const width = objectColumns.length;
  const iscrowd = objectColumns.indexOf('iscrowd');
  let object = 0;
  return counts.map((count) => {
    const boxes: SampleBox[] = [];
    for (const end = object + count; object < end; object++) {
      const at = object * width;
      if (rows[at + iscrowd] !== 0) continue;
      boxes.push({ category: rows[at]!, bboxXyxy: [rows[at + 1]!, rows[at + 2]!, rows[at + 3]!, rows[at + 4]!] });
    }
    return boxes;
  });
}

/** `objectsOf`, `placementOf`: of an image by its place in the split; boxes in px of the original. */
export function sampleBoxes(
  { tiles, motion }: SampleRecipe,
  network: SizePx,
  objectsOf: (position: number) => readonly SampleBox[],
  placementOf: (position: number) => Letterbox,
): SampleBox[] {
  const all: BboxXyxy = [0, 0, network.widthPx, network.heightPx];
  return tiles.flatMap(({ position, offset, windowXyxy }) =>
    objectsOf(position).flatMap(({ category, bboxXyxy }) => {
      const whole = boundsAfter(moved(...offset), toNetwork(placementOf(position), bboxXyxy));
      const onCanvas = intersection(whole, windowXyxy);
      const inInput = boundsAfter(motion, onCanvas);
      const seen = intersection(inInput, all);
      const share = (bboxArea(onCanvas) / bboxArea(whole)) * (bboxArea(seen) / bboxArea(inInput));
      const isLarge = seen[2] - seen[0] > leastSidePx && seen[3] - seen[1] > leastSidePx;
      return isLarge && share > leastShare ? [{ category, bboxXyxy: seen }] : [];
    }),
  );
}

function intersection(a: BboxXyxy, b: BboxXyxy): BboxXyxy {
  const [x1, y1] = [Math.max(a[0], b[0]), Math.max(a[1], b[1])];
  return [x1, y1, Math.max(x1, Math.min(a[2], b[2])), Math.max(y1, Math.min(a[3], b[3]))];
}

/** Into float32 [capacity, 6]: 1, category, x1, y1, x2, y2; the largest where there are more, zeros where there are fewer. */
export function writeBoxRows(boxes: readonly SampleBox[], rows: Float32Array, capacity: number): void {
  const kept =
    boxes.length <= capacity
      ? boxes
      : boxes.toSorted((a, b) => bboxArea(b.bboxXyxy) - bboxArea(a.bboxXyxy)).slice(0, capacity);
  rows.fill(0);
  kept.forEach(({ category, bboxXyxy }, at) => rows.set([1, category, ...bboxXyxy], at * boxRowWidth));
}
export const boxRowWidth = 6;
