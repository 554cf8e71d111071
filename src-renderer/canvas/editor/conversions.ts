/** One kind of shape as another, and shapes united, subtracted, intersected. Null where nothing is left, or it makes no sense. */
import { maskOutline } from '../../../src-main/contract/geometry/mask-outline.ts';
import { mergeRle } from '../../../src-main/contract/geometry/rle.ts';
import { rasterisePolygon } from '../../../src-main/contract/geometry/polygon.ts';
import { rotatedBoxCorners, type Shape } from '../../../src-main/contract/model/annotation.ts';
import { boxRing } from './hit-test.ts';
import { subtractRle, type MaskShape } from './mask-spans.ts';
import { combinePolygons, type BooleanOperation, type PolygonParts } from './polygon-booleans.ts';
import { simplifyRing } from './rings.ts';
import { boundsOf } from './shape-bounds.ts';
import { mapParts } from './shape-edits.ts';
import type { EditorImage } from './types.ts';

export type PolygonShape = Extract<Shape, { kind: 'polygon' }>;

/** Exact for masks and polygons that came from masks; of other polygons the pixels whose middle they hold. */
export function toMask(shape: Shape, image: EditorImage): MaskShape | null {
  if (shape.kind === 'mask') return shape;
  const parts = polygonParts(shape);
  if (parts === null) return null;
  const { widthPx, heightPx, counts } = rasterisePolygon(parts, image);
  return counts.length < 2 ? null : { kind: 'mask', rle: { widthPx, heightPx, counts: [...counts] } };
}

/**
 * Exact: a mask's outline follows the borders of its pixels. With `tolerance` above 0 (image px) outlines of masks have
 * fewer points and are that much off.
 */
export function toPolygon(shape: Shape, tolerance = 0): PolygonShape | null {
  const parts = polygonParts(shape);
  if (parts === null || parts.length === 0) return null;
  if (shape.kind !== 'mask' || tolerance === 0) return { kind: 'polygon', parts };
  return { kind: 'polygon', parts: mapParts(parts, (ring) => simplifyRing(ring, tolerance)) };
}

/** The upright box around it. */
export function toBox(shape: Shape): Extract<Shape, { kind: 'bbox' }> | null {
  const bounds = boundsOf(shape);
  return bounds === null ? null : { kind: 'bbox', bboxXyxy: [...bounds] };
}

function polygonParts(shape: Shape): PolygonParts | null {
  switch (shape.kind) {
    case 'classification':
    case 'keypoints':
      return null;
    case 'bbox':
      return [{ outer: boxRing(shape.bboxXyxy), holes: [] }];
    case 'rotated-box':
      return [{ outer: rotatedBoxCorners(shape), holes: [] }];
    case 'polygon':
      return shape.parts;
    case 'mask':
      return maskOutline(shape.rle);
  }
}

/** The result is a mask where the first shape is one, else a polygon. Null where nothing is left. */
export function combineShapes(
  operation: BooleanOperation,
  first: Shape,
  others: readonly Shape[],
  image: EditorImage,
): MaskShape | PolygonShape | null {
  return first.kind === 'mask'
    ? combineAsMasks(operation, first, others, image)
    : combineAsPolygons(operation, first, others);
}

function combineAsMasks(
  operation: BooleanOperation,
  first: MaskShape,
  others: readonly Shape[],
  image: EditorImage,
): MaskShape | null {
  const masks = others.map((shape) => toMask(shape, image));
  let { rle } = first;
  for (const mask of masks) {
    if (mask === null) {
      if (operation === 'intersect') return null;
    } else if (operation === 'subtract') {
      rle = subtractRle(rle, mask.rle);
    } else {
      const { widthPx, heightPx, counts } = mergeRle(rle, [mask.rle], operation === 'union' ? 'union' : 'intersection');
      rle = { widthPx, heightPx, counts: [...counts] };
    }
  }
  return rle.counts.length < 2 ? null : { kind: 'mask', rle };
}

function combineAsPolygons(operation: BooleanOperation, first: Shape, others: readonly Shape[]): PolygonShape | null {
  let parts = polygonParts(first) ?? [];
  for (const other of others) parts = combinePolygons(operation, parts, polygonParts(other) ?? []);
  return parts.length === 0 ? null : { kind: 'polygon', parts };
}
