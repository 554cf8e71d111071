/**
 * Upright boxes in image pixels. x runs right, y down; (0, 0) is the top left corner of the first pixel, and x2/y2 are
 * exclusive, so that a box of one pixel is [x, y, x + 1, y + 1] and widths are plain differences.
 */

export type BboxXyxy = readonly [x1: number, y1: number, x2: number, y2: number];
export type BboxXywh = readonly [x: number, y: number, width: number, height: number];
export type BboxCxcywh = readonly [cx: number, cy: number, width: number, height: number];

/** The four numbers of a flat list that begin at `start`. */
export const bboxAt = (numbers: ArrayLike<number>, start: number): BboxXyxy => [
  numbers[start]!,
  numbers[start + 1]!,
  numbers[start + 2]!,
  numbers[start + 3]!,
];

export function xywhToXyxy([x, y, width, height]: BboxXywh): BboxXyxy {
  return [x, y, x + width, y + height];
}

export function xyxyToXywh([x1, y1, x2, y2]: BboxXyxy): BboxXywh {
  return [x1, y1, x2 - x1, y2 - y1];
}

export function cxcywhToXyxy([cx, cy, width, height]: BboxCxcywh): BboxXyxy {
  return [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2];
}

export function xyxyToCxcywh([x1, y1, x2, y2]: BboxXyxy): BboxCxcywh {
  return [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1];
}

/** 0 where the box is turned inside out. */
export function bboxArea([x1, y1, x2, y2]: BboxXyxy): number {
  return Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
}

/** Intersection over union, in [0, 1]; 0 where the union is empty. Source: COCO's definition. */
export function bboxIou(a: BboxXyxy, b: BboxXyxy): number {
  const overlap = bboxArea([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  const union = bboxArea(a) + bboxArea(b) - overlap;
  return union > 0 ? overlap / union : 0;
}

/** The part of the box that lies in the image; may have no area. */
export function clipBbox([x1, y1, x2, y2]: BboxXyxy, image: { widthPx: number; heightPx: number }): BboxXyxy {
  const inside = (value: number, most: number): number => Math.min(most, Math.max(0, value));
  return [inside(x1, image.widthPx), inside(y1, image.heightPx), inside(x2, image.widthPx), inside(y2, image.heightPx)];
}
