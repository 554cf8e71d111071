/**
 * Labels of an image: what was drawn, for which class, by whom. One model for tags, detection, segmentation and
 * keypoints; training, formats and the editor share it. Coordinates are image pixels as geometry/ defines them, after
 * the file's EXIF orientation.
 */
import * as v from 'valibot';
import type { BboxXyxy } from '../geometry/box.ts';
import { pointsBounds, polygonBounds } from '../geometry/polygon.ts';
import { rleBounds } from '../geometry/rle.ts';
import { annotationId, categoryId, runId } from './ids.ts';

const coordinate = v.pipe(v.number(), v.finite());
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const pixels = v.pipe(v.number(), v.integer(), v.minValue(1));
const ring = v.pipe(
  v.array(coordinate),
  v.minLength(6),
  v.check((values) => values.length % 2 === 0, 'A ring is a list of x, y pairs.'),
);

const bboxXyxy = v.tuple([coordinate, coordinate, coordinate, coordinate]);

const keypoint = v.object({
  x: coordinate,
  y: coordinate,
  /** COCO's: 0 not labelled (x and y mean nothing), 1 labelled but hidden, 2 visible. */
  visibility: v.picklist([0, 1, 2]),
});

const rle = v.object({ widthPx: pixels, heightPx: pixels, counts: v.array(v.number()) });

/** What a label covers; its class is beside it. */
export const shape = v.variant('kind', [
  /** The image as a whole has the class. */
  v.object({ kind: v.literal('classification') }),
  v.object({ kind: v.literal('bbox'), bboxXyxy }),
  /** Turned clockwise about its middle. */
  v.object({
    kind: v.literal('rotated-box'),
    cx: coordinate,
    cy: coordinate,
    widthPx: positive,
    heightPx: positive,
    angleDegrees: coordinate,
  }),
  v.object({
    kind: v.literal('polygon'),
    parts: v.pipe(v.array(v.object({ outer: ring, holes: v.array(ring) })), v.minLength(1)),
  }),
  v.object({
    kind: v.literal('mask'),
    rle,
  }),
  /** In the order of the class's skeleton; `bboxXyxy` is the object's box where the source gives one. */
  v.object({ kind: v.literal('keypoints'), points: v.array(keypoint), bboxXyxy: v.nullable(bboxXyxy) }),
]);
export type Shape = v.InferOutput<typeof shape>;
export type ShapeKind = Shape['kind'];

const shapeKinds = [
  'classification',
  'bbox',
  'rotated-box',
  'polygon',
  'mask',
  'keypoints',
] as const satisfies ShapeKind[];
export const shapeKind = v.picklist(shapeKinds);

/** `crowd`: a group that is not told apart (COCO's iscrowd). */
export const annotationFlags = ['occluded', 'truncated', 'difficult', 'crowd'] as const;
const annotationFlag = v.picklist(annotationFlags);
export type AnnotationFlag = v.InferOutput<typeof annotationFlag>;

export const flags = v.array(annotationFlag);

export const attributes = v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]));
export type Attributes = v.InferOutput<typeof attributes>;

/** Who made the label. A model's score is in [0, 1]. It stays when a person changes the label later. */
export const provenance = v.variant('by', [
  v.object({ by: v.literal('person') }),
  v.object({ by: v.literal('import') }),
  v.object({ by: v.literal('model'), runId, score: v.number() }),
]);
export type Provenance = v.InferOutput<typeof provenance>;

export const annotation = v.object({
  annotationId,
  categoryId,
  shape,
  flags,
  attributes,
  /** A person's words about this label; empty where there are none. */
  note: v.string(),
  /** Labels with a higher z are drawn above; of those that share one, the later id is. */
  z: v.number(),
  provenance,
  createdAt: v.string(),
  /** When it was last changed after it was made; null while nobody has. */
  updatedAt: v.nullable(v.string()),
});
export type Annotation = v.InferOutput<typeof annotation>;

/** What a grid needs to draw a label; `bboxXyxy` holds the shape. */
export const annotationSummary = v.object({
  annotationId,
  kind: shapeKind,
  categoryId,
  /** Absent for a class of the whole image. */
  bboxXyxy: v.optional(bboxXyxy),
  /** Only where the box does not say it all, and where the shape is small enough to come with a list of images. */
  shape: v.optional(shape),
});
export type AnnotationSummary = v.InferOutput<typeof annotationSummary>;

/** A shape that is too large for a list, as far as it can be seen in a small picture: geometry/mask-sketch.ts. */
const shapeSketch = v.object({ x: coordinate, y: coordinate, cellPx: positive, rle });
export const labelSketch = v.object({
  annotationId,
  /** The image's `labelVersion` that it is of. */
  version: v.number(),
  /** Null where there is nothing beside the box: of another kind, of an empty shape, or of one too large to be read. */
  sketch: v.nullable(shapeSketch),
});
export type LabelSketch = v.InferOutput<typeof labelSketch>;

/** An image without labels is "to-do" where nobody looked at it, and "done" where it shows nothing (background). */
export const reviewStates = ['to-do', 'needs-review', 'done', 'rejected'] as const;
export const reviewState = v.picklist(reviewStates);
export type ReviewState = v.InferOutput<typeof reviewState>;

/** Corners of a rotated box as x, y pairs, clockwise from its top left one before it was turned. */
export function rotatedBoxCorners(box: Extract<Shape, { kind: 'rotated-box' }>): number[] {
  const angle = (box.angleDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const corners = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ] as const;
  return corners.flatMap(([right, down]) => {
    const [dx, dy] = [(right * box.widthPx) / 2, (down * box.heightPx) / 2];
    return [box.cx + dx * cos - dy * sin, box.cy + dx * sin + dy * cos];
  });
}

/** The smallest box that holds the shape; null for a class of the whole image and for what covers nothing. */
export function shapeBounds(of: Shape): BboxXyxy | null {
  switch (of.kind) {
    case 'classification':
      return null;
    case 'bbox':
      return of.bboxXyxy;
    case 'rotated-box':
      return pointsBounds(rotatedBoxCorners(of));
    case 'polygon':
      return polygonBounds(of.parts);
    case 'mask':
      return rleBounds(of.rle);
    case 'keypoints':
      return (
        of.bboxXyxy ?? pointsBounds(of.points.filter(({ visibility }) => visibility > 0).flatMap(({ x, y }) => [x, y]))
      );
  }
}
