/** What lies under a point. A line that is near wins over an area around; of areas the smallest, so that nothing is out of reach. */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import { polygonArea, ringContains } from '../../../src-main/contract/geometry/polygon.ts';
import { rotatedBoxCorners, type Shape } from '../../../src-main/contract/model/annotation.ts';
import type { ImagePoint } from '../viewport.ts';
import type { LabelDocument } from './label-document.ts';
import { maskContains } from './mask-spans.ts';
import { nearestOnLine } from './rings.ts';
import { boundsOf } from './shape-bounds.ts';
import type { Label } from './types.ts';

/** The label that a click at this point means; null where there is none. Hidden and locked ones are passed over. */
export function hitTest(document: LabelDocument, point: ImagePoint, tolerance: number): Label | null {
  const near: BboxXyxy = [point.x - tolerance, point.y - tolerance, point.x + tolerance, point.y + tolerance];
  let inside: { label: Label; area: number } | null = null;
  for (const label of document.query(near).reverse()) {
    if (!document.isEditable(label.annotationId)) continue;
    if (distanceToOutline(label.shape, point) <= tolerance) return label;
    if (!shapeContains(label.shape, point)) continue;
    const area = boundsArea(label.shape);
    if (inside === null || area < inside.area) inside = { label, area };
  }
  return inside?.label ?? null;
}

/** Outlines of a shape as rings: what a pointer can be near to. A mask has none. */
export function outlineRings(shape: Shape): readonly (readonly number[])[] {
  switch (shape.kind) {
    case 'classification':
    case 'mask':
      return [];
    case 'bbox':
      return [boxRing(shape.bboxXyxy)];
    case 'rotated-box':
      return [rotatedBoxCorners(shape)];
    case 'polygon':
      return shape.parts.flatMap(({ outer, holes }) => [outer, ...holes]);
    case 'keypoints':
      return shape.bboxXyxy === null ? [] : [boxRing(shape.bboxXyxy)];
  }
}

export function boxRing([x1, y1, x2, y2]: BboxXyxy): number[] {
  return [x1, y1, x2, y1, x2, y2, x1, y2];
}

/** In image px; Infinity for a shape without an outline. */
function distanceToOutline(shape: Shape, { x, y }: ImagePoint): number {
  let distance = Infinity;
  for (const ring of outlineRings(shape)) {
    distance = Math.min(distance, nearestOnLine(ring, x, y, true)?.distance ?? Infinity);
  }
  if (shape.kind === 'keypoints') {
    for (const point of shape.points) {
      if (point.visibility > 0) distance = Math.min(distance, Math.hypot(point.x - x, point.y - y));
    }
  }
  return distance;
}

export function shapeContains(shape: Shape, { x, y }: ImagePoint): boolean {
  switch (shape.kind) {
    case 'classification':
      return false;
    case 'mask':
      return maskContains(shape.rle, Math.floor(x), Math.floor(y));
    case 'polygon':
      return shape.parts.some(
        ({ outer, holes }) => ringContains(outer, x, y) && !holes.some((hole) => ringContains(hole, x, y)),
      );
    default:
      return outlineRings(shape).some((ring) => ringContains(ring, x, y));
  }
}

function boundsArea(shape: Shape): number {
  if (shape.kind === 'polygon') return polygonArea(shape.parts);
  const box = boundsOf(shape);
  return box === null ? Infinity : (box[2] - box[0]) * (box[3] - box[1]);
}
