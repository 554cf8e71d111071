/**
 * Draws boxes, polygons and keypoints: one path for all labels of a colour that do not lie over another colour, because
 * thousands of strokes of their own take many times as long. Masks are not drawn here; see mask-picture.ts.
 */
import type { Ring } from '../../../src-main/contract/geometry/polygon.ts';
import { rotatedBoxCorners, type Shape } from '../../../src-main/contract/model/annotation.ts';
import { drawInImage, type Viewport } from '../viewport.ts';
import type { CanvasLabel, LabelStyle } from './canvas-label.ts';
import { inLayers } from './label-layers.ts';

interface Batch {
  colour: string;
  dashed: boolean;
  /** Boxes are filled more faintly than outlines of objects. Null: there are none. */
  boxes: Path2D | null;
  areas: Path2D | null;
  /** Joints of skeletons, and lines between them, which have no inside. */
  lines: Path2D | null;
  joints: Path2D | null;
}

const boxFillShare = 1 / 3;
const jointRadiusPx = 3.5;
const dashPx = [6, 4];

/** In the labels' order: what lies over a label of another colour is drawn over it. */
export function drawOutlines(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  viewport: Viewport,
  labels: readonly CanvasLabel[],
  { fillOpacity, lineWidthPx }: LabelStyle,
): void {
  context.save();
  drawInImage(context, viewport);
  context.lineWidth = lineWidthPx / viewport.scale;
  context.lineJoin = 'round';
  for (const layer of inLayers(labels, lookOf, lineWidthPx / viewport.scale)) {
    for (const { colour, dashed, boxes, areas, lines, joints } of collect(layer, viewport.scale)) {
      context.strokeStyle = context.fillStyle = colour;
      context.setLineDash(dashed ? dashPx.map((px) => px / viewport.scale) : []);
      if (fillOpacity > 0) {
        context.globalAlpha = fillOpacity * boxFillShare;
        if (boxes !== null) context.fill(boxes);
        context.globalAlpha = fillOpacity;
        if (areas !== null) context.fill(areas);
        context.globalAlpha = 1;
      }
      for (const path of [boxes, areas, lines]) if (path !== null) context.stroke(path);
      if (joints !== null) context.fill(joints);
    }
  }
  context.restore();
}

function lookOf({ dashed, colour }: CanvasLabel): string {
  return `${dashed} ${colour}`;
}

function collect(labels: Iterable<CanvasLabel>, scale: number): Iterable<Batch> {
  const batches = new Map<string, Batch>();
  for (const label of labels) {
    const { colour, dashed } = label;
    const look = lookOf(label);
    const batch = batches.get(look) ?? { colour, dashed, boxes: null, areas: null, lines: null, joints: null };
    batches.set(look, batch);
    addShape(batch, label, scale);
  }
  return batches.values();
}

function addShape(batch: Batch, { shape, bounds, skeleton }: CanvasLabel, scale: number): void {
  switch (shape.kind) {
    case 'classification':
    case 'mask':
      return;
    case 'bbox': {
      const [x1, y1, x2, y2] = shape.bboxXyxy;
      return (batch.boxes ??= new Path2D()).rect(x1, y1, x2 - x1, y2 - y1);
    }
    case 'rotated-box':
      return addRing((batch.boxes ??= new Path2D()), rotatedBoxCorners(shape), true, 0);
    case 'polygon': {
      const [x1, y1, x2, y2] = bounds;
      const areas = (batch.areas ??= new Path2D());
      const isDot = Math.max(x2 - x1, y2 - y1) * scale < 2;
      if (isDot) return areas.rect(x1, y1, x2 - x1, y2 - y1);
      // Corners that fall into one screen pixel are drawn once.
      const leastStep = 0.7 / scale;
      for (const { outer, holes } of shape.parts) {
        addRing(areas, outer, true, leastStep);
        for (const hole of holes) addRing(areas, hole, false, leastStep);
      }
      return;
    }
    case 'keypoints':
      return addKeypoints(batch, shape, skeleton, scale);
  }
}

/**
 * The ring in one direction, whichever it was drawn in: by the nonzero rule overlapping objects of one path then add up,
 * and only holes, which run the other way, are cut out.
 */
function addRing(path: Path2D, ring: Ring, clockwise: boolean, leastStep: number): void {
  const points = ring.length / 2;
  if (points < 2) return;
  const forwards = isClockwise(ring) === clockwise;
  const at = (step: number): number => 2 * (forwards ? step : points - 1 - step);
  let [lastX, lastY] = [ring[at(0)] ?? 0, ring[at(0) + 1] ?? 0];
  path.moveTo(lastX, lastY);
  for (let step = 1; step < points; step++) {
    const [x, y] = [ring[at(step)] ?? 0, ring[at(step) + 1] ?? 0];
    if (Math.abs(x - lastX) < leastStep && Math.abs(y - lastY) < leastStep) continue;
    path.lineTo(x, y);
    [lastX, lastY] = [x, y];
  }
  path.closePath();
}

function isClockwise(ring: Ring): boolean {
  let doubledArea = 0;
  let [lastX, lastY] = [ring[ring.length - 2] ?? 0, ring[ring.length - 1] ?? 0];
  for (let at = 0; at + 1 < ring.length; at += 2) {
    const [x, y] = [ring[at] ?? 0, ring[at + 1] ?? 0];
    doubledArea += lastX * y - x * lastY;
    [lastX, lastY] = [x, y];
  }
  return doubledArea >= 0;
}

function addKeypoints(
  batch: Batch,
  { points, bboxXyxy }: Extract<Shape, { kind: 'keypoints' }>,
  skeleton: CanvasLabel['skeleton'],
  scale: number,
): void {
  const lines = (batch.lines ??= new Path2D());
  const joints = (batch.joints ??= new Path2D());
  if (bboxXyxy !== null)
    (batch.boxes ??= new Path2D()).rect(bboxXyxy[0], bboxXyxy[1], bboxXyxy[2] - bboxXyxy[0], bboxXyxy[3] - bboxXyxy[1]);
  const shown = (index: number) => {
    const point = points[index];
    return point !== undefined && point.visibility > 0 ? point : null;
  };
  for (const [from, to] of skeleton) {
    const [a, b] = [shown(from), shown(to)];
    if (a === null || b === null) continue;
    lines.moveTo(a.x, a.y);
    lines.lineTo(b.x, b.y);
  }
  const radius = jointRadiusPx / scale;
  points.forEach((_, index) => {
    const point = shown(index);
    if (point === null) return;
    // A hidden joint is a ring, a visible one a disc.
    const path = point.visibility === 2 ? joints : lines;
    path.moveTo(point.x + radius, point.y);
    path.arc(point.x, point.y, radius, 0, 2 * Math.PI);
  });
}
