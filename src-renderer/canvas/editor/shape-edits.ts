/** Pure changes of shapes: moved, scaled, turned, tidied up before they are kept. None changes a shape in place. */
import { clipBbox, type BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import { polygonArea, type PolygonPart, type Ring } from '../../../src-main/contract/geometry/polygon.ts';
import { columnSpans, rleArea, rleFromColumns, type Rle } from '../../../src-main/contract/geometry/rle.ts';
import { rotatedBoxCorners, type Shape } from '../../../src-main/contract/model/annotation.ts';
import { clipPolygon } from './polygon-booleans.ts';
import { boundsOf } from './shape-bounds.ts';
import type { EditorImage } from './types.ts';

/** Smaller boxes and areas are slips of the hand. */
const SMALLEST_SIDE_PX = 0.5;
const SMALLEST_AREA_PX2 = 0.25;

type Point = readonly [x: number, y: number];

/** A hundredth of a pixel is finer than anybody can point. */
function roundPx(value: number): number {
  return Math.round(value * 100) / 100;
}

/** All points of a shape through a function; masks only by whole pixels (see `moveShape`). */
function mapPoints(
  shape: Exclude<Shape, { kind: 'mask' | 'classification' | 'rotated-box' }>,
  map: (x: number, y: number) => Point,
): Shape {
  const mapRing = (ring: Ring): number[] => {
    const mapped: number[] = [];
    for (let at = 0; at + 1 < ring.length; at += 2) mapped.push(...map(ring[at] ?? 0, ring[at + 1] ?? 0));
    return mapped;
  };
  const mapBox = ([x1, y1, x2, y2]: BboxXyxy): [number, number, number, number] => [...map(x1, y1), ...map(x2, y2)];
  switch (shape.kind) {
    case 'bbox':
      return { kind: 'bbox', bboxXyxy: upright(mapBox(shape.bboxXyxy)) };
    case 'polygon':
      return { kind: 'polygon', parts: mapParts(shape.parts, mapRing) };
    case 'keypoints':
      return {
        kind: 'keypoints',
        points: shape.points.map((point) => {
          const [x, y] = map(point.x, point.y);
          return point.visibility === 0 ? point : { ...point, x, y };
        }),
        bboxXyxy: shape.bboxXyxy === null ? null : upright(mapBox(shape.bboxXyxy)),
      };
  }
}

export function mapParts(
  parts: readonly PolygonPart[],
  mapRing: (ring: Ring) => number[],
): { outer: number[]; holes: number[][] }[] {
  return parts.map(({ outer, holes }) => ({ outer: mapRing(outer), holes: holes.map(mapRing) }));
}

/** The same box with its corners the right way round. */
export function upright([xa, ya, xb, yb]: BboxXyxy): [number, number, number, number] {
  return [Math.min(xa, xb), Math.min(ya, yb), Math.max(xa, xb), Math.max(ya, yb)];
}

/** A mask moves by whole pixels; what would leave the image is lost, so callers keep it inside. */
export function moveShape(shape: Shape, dx: number, dy: number): Shape {
  switch (shape.kind) {
    case 'classification':
      return shape;
    case 'rotated-box':
      return { ...shape, cx: shape.cx + dx, cy: shape.cy + dy };
    case 'mask':
      return { kind: 'mask', rle: moveRle(shape.rle, Math.round(dx), Math.round(dy)) };
    default:
      return mapPoints(shape, (x, y) => [x + dx, y + dy]);
  }
}

function moveRle(rle: Rle, dx: number, dy: number): { widthPx: number; heightPx: number; counts: number[] } {
  const spans = columnSpans(rle);
  const moved = rleFromColumns(rle, (x) =>
    (spans.get(x - dx) ?? []).flatMap(([first, end]): [number, number][] => {
      const [from, to] = [Math.max(0, first + dy), Math.min(rle.heightPx, end + dy)];
      return from < to ? [[from, to]] : [];
    }),
  );
  return { ...moved, counts: [...moved.counts] };
}

/** What takes box `from` to box `to`, applied to the shape. Masks are sampled at the nearest pixel. */
export function scaleShape(shape: Shape, from: BboxXyxy, to: BboxXyxy): Shape {
  const [sx, sy] = [(to[2] - to[0]) / (from[2] - from[0] || 1), (to[3] - to[1]) / (from[3] - from[1] || 1)];
  const map = (x: number, y: number): Point => [to[0] + (x - from[0]) * sx, to[1] + (y - from[1]) * sy];
  switch (shape.kind) {
    case 'classification':
      return shape;
    case 'rotated-box': {
      const [cx, cy] = map(shape.cx, shape.cy);
      // Along the box's own axes, as far as a turned box can follow.
      const angle = (shape.angleDegrees * Math.PI) / 180;
      const stretch = (along: number, across: number): number => Math.hypot(along * sx, across * sy);
      return {
        ...shape,
        cx,
        cy,
        widthPx: shape.widthPx * stretch(Math.cos(angle), Math.sin(angle)),
        heightPx: shape.heightPx * stretch(Math.sin(angle), Math.cos(angle)),
      };
    }
    case 'mask':
      return { kind: 'mask', rle: scaleRle(shape.rle, from, to) };
    default:
      return mapPoints(shape, map);
  }
}

function scaleRle(rle: Rle, from: BboxXyxy, to: BboxXyxy): { widthPx: number; heightPx: number; counts: number[] } {
  const spans = columnSpans(rle);
  const [width, height] = [to[2] - to[0], to[3] - to[1]];
  const sy = height / (from[3] - from[1]);
  const scaled = rleFromColumns(rle, (x) => {
    const u = (x + 0.5 - to[0]) / width;
    if (u < 0 || u >= 1) return [];
    const column = Math.floor(from[0] + u * (from[2] - from[0]));
    return (spans.get(column) ?? []).flatMap(([first, end]): [number, number][] => {
      const [a, b] = [to[1] + (first - from[1]) * sy, to[1] + (end - from[1]) * sy];
      const [low, high] = [Math.max(0, Math.round(a)), Math.min(rle.heightPx, Math.round(b))];
      return low < high ? [[low, high]] : [];
    });
  });
  return { ...scaled, counts: [...scaled.counts] };
}

/** Turned clockwise about a point. An upright box becomes a turned one; masks and tags stay as they are. */
export function turnShape(shape: Shape, about: { x: number; y: number }, degrees: number): Shape {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const turn = (x: number, y: number): Point => {
    const [dx, dy] = [x - about.x, y - about.y];
    return [about.x + dx * cos - dy * sin, about.y + dx * sin + dy * cos];
  };
  switch (shape.kind) {
    case 'classification':
    case 'mask':
      return shape;
    case 'bbox': {
      const [x1, y1, x2, y2] = shape.bboxXyxy;
      const [cx, cy] = turn((x1 + x2) / 2, (y1 + y2) / 2);
      return {
        kind: 'rotated-box',
        cx,
        cy,
        widthPx: x2 - x1,
        heightPx: y2 - y1,
        angleDegrees: normaliseDegrees(degrees),
      };
    }
    case 'rotated-box': {
      const [cx, cy] = turn(shape.cx, shape.cy);
      return { ...shape, cx, cy, angleDegrees: normaliseDegrees(shape.angleDegrees + degrees) };
    }
    case 'keypoints':
      return { ...(mapPoints({ ...shape, bboxXyxy: null }, turn) as typeof shape), bboxXyxy: null };
    case 'polygon':
      return mapPoints(shape, turn);
  }
}

/** In (-180, 180]. */
export function normaliseDegrees(degrees: number): number {
  const turned = ((degrees % 360) + 360) % 360;
  return turned > 180 ? turned - 360 : turned;
}

/** The move nearest to (dx, dy) that keeps a box in the image; a box larger than the image may cover it all. */
export function moveInside(bounds: BboxXyxy, dx: number, dy: number, image: EditorImage): Point {
  const along = (low: number, high: number, most: number, by: number): number => {
    const [least, greatest] = [Math.min(-low, most - high), Math.max(-low, most - high)];
    return Math.min(greatest, Math.max(least, by));
  };
  return [along(bounds[0], bounds[2], image.widthPx, dx), along(bounds[1], bounds[3], image.heightPx, dy)];
}

/**
 * The shape as it is kept: coordinates rounded, cut to the image where asked, rings without repeated points and empty
 * parts. Null where nothing is left of it.
 */
export function tidyShape(shape: Shape, image: EditorImage, clip: boolean): Shape | null {
  switch (shape.kind) {
    case 'classification':
      return shape;
    case 'bbox': {
      const box = upright(shape.bboxXyxy);
      const [x1, y1, x2, y2] = clip ? clipBbox(box, image) : box;
      const kept: [number, number, number, number] = [roundPx(x1), roundPx(y1), roundPx(x2), roundPx(y2)];
      const tooSmall = kept[2] - kept[0] < SMALLEST_SIDE_PX || kept[3] - kept[1] < SMALLEST_SIDE_PX;
      return tooSmall ? null : { kind: 'bbox', bboxXyxy: kept };
    }
    case 'rotated-box': {
      const [widthPx, heightPx] = [roundPx(shape.widthPx), roundPx(shape.heightPx)];
      if (widthPx < SMALLEST_SIDE_PX || heightPx < SMALLEST_SIDE_PX) return null;
      if (clip && !touchesImage(shape, image)) return null;
      const angleDegrees = roundPx(normaliseDegrees(shape.angleDegrees));
      return { ...shape, cx: roundPx(shape.cx), cy: roundPx(shape.cy), widthPx, heightPx, angleDegrees };
    }
    case 'polygon': {
      const inside = clip && leavesImage(shape, image) ? clipPolygon(shape.parts, image) : shape.parts;
      const parts = inside.flatMap((part) => tidyPart(part) ?? []);
      return parts.length === 0 ? null : { kind: 'polygon', parts };
    }
    case 'mask':
      return rleArea(shape.rle) === 0 ? null : shape;
    case 'keypoints': {
      if (shape.points.every(({ visibility }) => visibility === 0)) return null;
      const inside = (value: number, most: number): number =>
        roundPx(clip ? Math.min(most, Math.max(0, value)) : value);
      const points = shape.points.map(({ x, y, visibility }) =>
        visibility === 0
          ? { x: 0, y: 0, visibility }
          : { x: inside(x, image.widthPx), y: inside(y, image.heightPx), visibility },
      );
      const box = shape.bboxXyxy === null ? null : tidyShape({ kind: 'bbox', bboxXyxy: shape.bboxXyxy }, image, clip);
      return { kind: 'keypoints', points, bboxXyxy: box?.kind === 'bbox' ? box.bboxXyxy : null };
    }
  }
}

function leavesImage(shape: Shape, image: EditorImage): boolean {
  const bounds = boundsOf(shape);
  return bounds !== null && (bounds[0] < 0 || bounds[1] < 0 || bounds[2] > image.widthPx || bounds[3] > image.heightPx);
}

function touchesImage(shape: Extract<Shape, { kind: 'rotated-box' }>, image: EditorImage): boolean {
  const corners = rotatedBoxCorners(shape);
  const part = { outer: corners, holes: [] };
  return !leavesImage(shape, image) || polygonArea(clipPolygon([part], image)) >= SMALLEST_AREA_PX2;
}

function tidyPart({ outer, holes }: PolygonPart): { outer: number[]; holes: number[][] } | null {
  const ring = tidyRing(outer);
  if (ring === null) return null;
  return { outer: ring, holes: holes.flatMap((hole) => (tidyRing(hole) === null ? [] : [tidyRing(hole) ?? []])) };
}

/** Rounded, without repeated points; null where it has no area. */
function tidyRing(ring: Ring): number[] | null {
  const kept: number[] = [];
  for (let at = 0; at + 1 < ring.length; at += 2) {
    const [x, y] = [roundPx(ring[at] ?? 0), roundPx(ring[at + 1] ?? 0)];
    if (kept.at(-2) !== x || kept.at(-1) !== y) kept.push(x, y);
  }
  while (kept.length > 2 && kept[0] === kept.at(-2) && kept[1] === kept.at(-1)) kept.length -= 2;
  if (kept.length < 6) return null;
  return spannedArea(kept) < SMALLEST_AREA_PX2 ? null : kept;
}

/** Area, or for a ring that crosses itself (whose signed area may cancel out) a bound from its parts. */
function spannedArea(ring: readonly number[]): number {
  const whole = polygonArea([{ outer: ring, holes: [] }]);
  if (whole >= SMALLEST_AREA_PX2) return whole;
  let largest = 0;
  for (let at = 2; at + 3 < ring.length; at += 2) {
    const triangle = [ring[0] ?? 0, ring[1] ?? 0, ...ring.slice(at, at + 4)];
    largest = Math.max(largest, polygonArea([{ outer: triangle, holes: [] }]));
  }
  return largest;
}
