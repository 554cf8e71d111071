/**
 * Boxes of a sample: each goes with its image, is cut off where the image and the input end, and is dropped where too
 * little of it is left to be learned from.
 */
import { bboxArea, bboxAt, type BboxXyxy } from '../../../contract/geometry/box.ts';
import { toNetwork, type Letterbox, type SizePx } from '../letterbox.ts';
import { mostMapped, noObject, objectColumns, type ObjectLabels } from '../training-data.ts';
import { boundsAfter, moved } from './affine.ts';
import type { SampleRecipe } from './recipe.ts';

/** An object of one of a split's images. */
export interface LearnedObject {
  category: number;
  bboxXyxy: BboxXyxy;
  /** Its place among all objects of its image. */
  object: number;
}

/** px of the network's input */
export interface SampleBox extends LearnedObject {
  /** The place of the recipe's tile that shows it. */
  tile: number;
}

/** A box is kept with at least this share of it in sight, and sides of more than this. */
const leastShare = 0.1;
const leastSidePx = 2;

/** Objects of one image, told apart from the group labels, which no box can be learned from. */
export function learnedObjects({ counts, rows }: ObjectLabels): LearnedObject[][] {
  const width = objectColumns.length;
  const iscrowd = objectColumns.indexOf('iscrowd');
  let object = 0;
  return counts.map((count) => {
    const boxes: LearnedObject[] = [];
    const first = object;
    for (const end = first + count; object < end; object++) {
      const at = object * width;
      if (rows[at + iscrowd] !== 0) continue;
      boxes.push({ category: rows[at]!, bboxXyxy: bboxAt(rows, at + 1), object: object - first });
    }
    return boxes;
  });
}

/** `objectsOf`, `placementOf`: of an image by its place in the split; boxes in px of the original. */
export function sampleBoxes(
  { tiles, motion }: SampleRecipe,
  network: SizePx,
  objectsOf: (position: number) => readonly LearnedObject[],
  placementOf: (position: number) => Letterbox,
): SampleBox[] {
  const all: BboxXyxy = [0, 0, network.widthPx, network.heightPx];
  return tiles.flatMap(({ position, offset, windowXyxy }, tile) =>
    objectsOf(position).flatMap(({ category, bboxXyxy, object }) => {
      const whole = boundsAfter(moved(...offset), toNetwork(placementOf(position), bboxXyxy));
      const onCanvas = intersection(whole, windowXyxy);
      const inInput = boundsAfter(motion, onCanvas);
      const seen = intersection(inInput, all);
      const share = (bboxArea(onCanvas) / bboxArea(whole)) * (bboxArea(seen) / bboxArea(inInput));
      const isLarge = seen[2] - seen[0] > leastSidePx && seen[3] - seen[1] > leastSidePx;
      return isLarge && share > leastShare ? [{ category, bboxXyxy: seen, object, tile }] : [];
    }),
  );
}

function intersection(a: BboxXyxy, b: BboxXyxy): BboxXyxy {
  const [x1, y1] = [Math.max(a[0], b[0]), Math.max(a[1], b[1])];
  return [x1, y1, Math.max(x1, Math.min(a[2], b[2])), Math.max(y1, Math.min(a[3], b[3]))];
}

/** Those that there is room for, in the order of their rows: the largest where there are more. */
export function keptBoxes(boxes: readonly SampleBox[], capacity: number): readonly SampleBox[] {
  return boxes.length <= capacity
    ? boxes
    : boxes.toSorted((a, b) => bboxArea(b.bboxXyxy) - bboxArea(a.bboxXyxy)).slice(0, capacity);
}

/** Into float32 [capacity, 6]: 1, category, x1, y1, x2, y2; zeros behind them. */
export function writeBoxRows(kept: readonly SampleBox[], rows: Float32Array): void {
  rows.fill(0);
  kept.forEach(({ category, bboxXyxy }, at) => rows.set([1, category, ...bboxXyxy], at * boxRowWidth));
}
export const boxRowWidth = 6;

/** What the objects of each tile's image are called in the sample's map: 1 + their row, and `noObject` where they have none. */
export function objectNumbers(kept: readonly SampleBox[], tiles: number): Uint8Array[] {
  const tables = Array.from({ length: tiles }, () => new Uint8Array(256).fill(noObject));
  kept.slice(0, mostMapped).forEach(({ tile, object }, row) => {
    if (object < mostMapped) tables[tile]![object + 1] = row + 1;
  });
  return tables;
}
