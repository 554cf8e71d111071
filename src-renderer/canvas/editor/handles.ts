/** Where a selection can be taken hold of, and what pulling there makes of its shapes. Pure. */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import type { Shape } from '../../../src-main/contract/model/annotation.ts';
import type { ImagePoint } from '../viewport.ts';
import { boundsOfAll } from './shape-bounds.ts';
import { scaleShape, turnShape, upright } from './shape-edits.ts';
import type { Cursor, Handle, HandleKind, Label, Modifiers } from './types.ts';

/** Of a shape's outline: one point at a time. Larger outlines are edited zoomed in, by a brush, or simplified first. */
const MOST_VERTICES = 3000;
const MOST_MIDPOINTS = 300;
/** A resized selection keeps some extent. */
const LEAST_SIDE_PX = 1;

type Side = Exclude<HandleKind, 'rotate' | 'vertex' | 'midpoint' | 'keypoint'>;

/** Which edges a handle pulls: -1 left or top, 1 right or bottom. */
const pulls: Record<Side, readonly [x: -1 | 0 | 1, y: -1 | 0 | 1]> = {
  nw: [-1, -1],
  n: [0, -1],
  ne: [1, -1],
  e: [1, 0],
  se: [1, 1],
  s: [0, 1],
  sw: [-1, 1],
  w: [-1, 0],
};
const sides = Object.keys(pulls) as Side[];

export const isSide = (kind: HandleKind): kind is Side => kind in pulls;

export type HandleMode = 'points' | 'transform';

/** `active`: the vertex that keys act on. `reach`: how far outside the box the handle to turn it is. */
export function handlesOf(
  labels: readonly Label[],
  mode: HandleMode,
  active: readonly number[] | null,
  reach: number,
): Handle[] {
  const [only] = labels;
  if (only === undefined) return [];
  if (labels.length === 1 && mode === 'points') {
    if (only.shape.kind === 'polygon') return vertexHandles(only, only.shape.parts, active);
    if (only.shape.kind === 'keypoints') return keypointHandles(only, only.shape.points);
  }
  return boxHandles(labels, only, reach);
}

function vertexHandles(
  label: Label,
  parts: Extract<Shape, { kind: 'polygon' }>['parts'],
  active: readonly number[] | null,
): Handle[] {
  const rings = parts.flatMap(({ outer, holes }, part) =>
    [outer, ...holes].map((ring, place) => ({ ring, part, place })),
  );
  const count = rings.reduce((sum, { ring }) => sum + ring.length / 2, 0);
  if (count > MOST_VERTICES) return [];
  const { annotationId } = label;
  return rings.flatMap(({ ring, part, place }) =>
    Array.from({ length: ring.length / 2 }, (_, vertex): Handle[] => {
      const [x = 0, y = 0] = [ring[vertex * 2], ring[vertex * 2 + 1]];
      const next = ((vertex + 1) * 2) % ring.length;
      const path = [part, place, vertex];
      const isActive = active !== null && path.every((value, at) => active[at] === value);
      const middle: Handle[] =
        count > MOST_MIDPOINTS
          ? []
          : [
              {
                kind: 'midpoint',
                annotationId,
                x: (x + (ring[next] ?? 0)) / 2,
                y: (y + (ring[next + 1] ?? 0)) / 2,
                path,
                active: false,
              },
            ];
      return [{ kind: 'vertex', annotationId, x, y, path, active: isActive }, ...middle];
    }).flat(),
  );
}

function keypointHandles({ annotationId }: Label, points: Extract<Shape, { kind: 'keypoints' }>['points']): Handle[] {
  return points.flatMap(({ x, y, visibility }, place): Handle[] =>
    visibility === 0 ? [] : [{ kind: 'keypoint', annotationId, x, y, path: [place], active: false }],
  );
}

function boxHandles(labels: readonly Label[], first: Label, reach: number): Handle[] {
  const frame = frameOf(labels);
  if (frame === null) return [];
  const { annotationId } = first;
  const handles = sides.map((kind): Handle => {
    const [x, y] = frame.at(pulls[kind][0], pulls[kind][1]);
    return { kind, annotationId, x, y, active: false };
  });
  const turns = labels.every(
    ({ shape }) => shape.kind === 'rotated-box' || shape.kind === 'polygon' || shape.kind === 'keypoints',
  );
  if (!turns) return handles;
  const [x, y] = frame.at(0, -1, reach);
  return [...handles, { kind: 'rotate', annotationId, x, y, active: false }];
}

/** The box that handles sit on: a single turned box's own, else the upright one around all. `at` takes -1, 0 or 1. */
function frameOf(labels: readonly Label[]): { at(x: number, y: number, beyond?: number): [number, number] } | null {
  const [only] = labels;
  if (labels.length === 1 && only?.shape.kind === 'rotated-box') {
    const { cx, cy, widthPx, heightPx, angleDegrees } = only.shape;
    const angle = (angleDegrees * Math.PI) / 180;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return {
      at(x, y, beyond = 0) {
        const [dx, dy] = [(x * widthPx) / 2, (y * heightPx) / 2 + y * beyond];
        return [cx + dx * cos - dy * sin, cy + dx * sin + dy * cos];
      },
    };
  }
  const bounds = boundsOfAll(labels.map(({ shape }) => shape));
  if (bounds === null) return null;
  const [x1, y1, x2, y2] = bounds;
  return {
    at: (x, y, beyond = 0) => [(x1 + x2 + x * (x2 - x1)) / 2, (y1 + y2 + y * (y2 - y1)) / 2 + y * beyond],
  };
}

/** The nearest handle within `tolerance`; points win over midpoints, so that they can always be moved. */
export function handleAt(handles: readonly Handle[], { x, y }: ImagePoint, tolerance: number): Handle | null {
  let best: Handle | null = null;
  let least = Infinity;
  for (const handle of handles) {
    const distance = Math.hypot(handle.x - x, handle.y - y);
    const rank = handle.kind === 'midpoint' ? distance + tolerance : distance;
    if (distance <= tolerance && rank < least) [best, least] = [handle, rank];
  }
  return best;
}

export function handleCursor({ kind }: Handle, shapes: readonly Shape[]): Cursor {
  if (kind === 'rotate') return 'rotate';
  if (kind === 'midpoint') return 'copy';
  if (!isSide(kind)) return 'move';
  const [only] = shapes;
  const turned = shapes.length === 1 && only?.kind === 'rotated-box' ? only.angleDegrees : 0;
  const [x, y] = pulls[kind];
  const direction = ((((Math.atan2(y, x) * 180) / Math.PI + turned) % 180) + 180) % 180;
  const cursors = ['ew-resize', 'nwse-resize', 'ns-resize', 'nesw-resize'] as const;
  return cursors[Math.round(direction / 45) % 4] ?? 'move';
}

/** Shapes pulled by a side or corner to a point. Shift keeps the proportions, Alt the middle. */
export function resizeShapes(shapes: readonly Shape[], kind: Side, to: ImagePoint, modifiers: Modifiers): Shape[] {
  const [only] = shapes;
  if (shapes.length === 1 && only?.kind === 'rotated-box') return [resizeTurnedBox(only, kind, to, modifiers)];
  const from = boundsOfAll(shapes);
  if (from === null) return [...shapes];
  const box = pulledBox(from, pulls[kind], to.x, to.y, modifiers);
  return shapes.map((shape) => scaleShape(shape, from, box));
}

function pulledBox(
  from: BboxXyxy,
  [pullX, pullY]: readonly [number, number],
  x: number,
  y: number,
  { shift, alt }: Modifiers,
): BboxXyxy {
  const [cx, cy] = [(from[0] + from[2]) / 2, (from[1] + from[3]) / 2];
  const [width, height] = [Math.max(from[2] - from[0], 1e-6), Math.max(from[3] - from[1], 1e-6)];
  /** What stays where it is. */
  const [fixedX, fixedY] = [alt ? cx : pullX < 0 ? from[2] : from[0], alt ? cy : pullY < 0 ? from[3] : from[1]];
  let [w, h] = [pullX === 0 ? width : x - fixedX, pullY === 0 ? height : y - fixedY];
  if (alt) [w, h] = [pullX === 0 ? width : 2 * w, pullY === 0 ? height : 2 * h];
  if (shift) {
    const scale = Math.max(pullX === 0 ? 0 : Math.abs(w) / width, pullY === 0 ? 0 : Math.abs(h) / height);
    [w, h] = [Math.sign(w || pullX || 1) * width * scale, Math.sign(h || pullY || 1) * height * scale];
  }
  if (Math.abs(w) < LEAST_SIDE_PX) w = LEAST_SIDE_PX * (pullX < 0 ? -1 : 1);
  if (Math.abs(h) < LEAST_SIDE_PX) h = LEAST_SIDE_PX * (pullY < 0 ? -1 : 1);
  const along = (fixed: number, pull: number, size: number, middle: number): readonly [number, number] => {
    if (alt || pull === 0) return [middle - Math.abs(size) / 2, middle + Math.abs(size) / 2];
    return [fixed, fixed + size];
  };
  const [xa, xb] = along(fixedX, pullX, w, cx);
  const [ya, yb] = along(fixedY, pullY, h, cy);
  return upright([xa, ya, xb, yb]);
}

function resizeTurnedBox(
  box: Extract<Shape, { kind: 'rotated-box' }>,
  kind: Side,
  to: ImagePoint,
  modifiers: Modifiers,
): Shape {
  const angle = (box.angleDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [dx, dy] = [to.x - box.cx, to.y - box.cy];
  // In the box's own frame, where it is upright about (0, 0).
  const own: BboxXyxy = [-box.widthPx / 2, -box.heightPx / 2, box.widthPx / 2, box.heightPx / 2];
  const [x1, y1, x2, y2] = pulledBox(own, pulls[kind], dx * cos + dy * sin, -dx * sin + dy * cos, modifiers);
  const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
  return {
    ...box,
    cx: box.cx + mx * cos - my * sin,
    cy: box.cy + mx * sin + my * cos,
    widthPx: x2 - x1,
    heightPx: y2 - y1,
  };
}

/** Shapes turned about the middle of the box around them, from one pointer to another; Shift goes by steps of 15°. */
export function turnShapes(
  shapes: readonly Shape[],
  from: ImagePoint,
  to: ImagePoint,
  { shift }: Modifiers,
): { shapes: Shape[]; degrees: number } {
  const [only] = shapes;
  const bounds = boundsOfAll(shapes);
  if (bounds === null) return { shapes: [...shapes], degrees: 0 };
  const about = { x: (bounds[0] + bounds[2]) / 2, y: (bounds[1] + bounds[3]) / 2 };
  const angle = (point: ImagePoint): number => (Math.atan2(point.y - about.y, point.x - about.x) * 180) / Math.PI;
  let degrees = angle(to) - angle(from);
  if (shift) {
    const base = shapes.length === 1 && only?.kind === 'rotated-box' ? only.angleDegrees : 0;
    degrees = Math.round((base + degrees) / 15) * 15 - base;
  }
  return { shapes: shapes.map((shape) => turnShape(shape, about, degrees)), degrees };
}

/** A polygon with one vertex elsewhere, one more (`insert`), or one fewer; null where a ring would be too small. */
export function changeVertex(
  shape: Extract<Shape, { kind: 'polygon' }>,
  [part = 0, ring = 0, vertex = 0]: readonly number[],
  how: { to: ImagePoint; insert: boolean } | 'delete',
): Extract<Shape, { kind: 'polygon' }> | null {
  const points = how === 'delete' ? [] : [how.to.x, how.to.y];
  const [at, count] = how === 'delete' ? [vertex * 2, 2] : how.insert ? [vertex * 2 + 2, 0] : [vertex * 2, 2];
  const changed = (values: readonly number[]): number[] => values.toSpliced(at, count, ...points);
  const parts = shape.parts.map(({ outer, holes }, place) => {
    if (place !== part) return { outer, holes };
    if (ring === 0) return { outer: changed(outer), holes };
    return { outer, holes: holes.map((hole, index) => (index === ring - 1 ? changed(hole) : hole)) };
  });
  // A ring that loses its third point goes with it.
  const left = parts.flatMap(({ outer, holes }) =>
    outer.length < 6 ? [] : [{ outer, holes: holes.filter((hole) => hole.length >= 6) }],
  );
  return left.length === 0 ? null : { kind: 'polygon', parts: left };
}
