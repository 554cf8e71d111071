/** Where a point that is nearly at a corner, on an edge or in line with one belongs. Pure: what to snap to is given. */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import type { Ring } from '../../../src-main/contract/geometry/polygon.ts';
import { imagePoint, type ImagePoint } from '../viewport.ts';
import { nearestOnLine } from './rings.ts';

export interface SnapTargets {
  /** Rings of other shapes near the point: their vertices first, then their edges. */
  readonly rings: readonly Ring[];
  /** Boxes (and the image) whose sides a point may be in line with, however far along. */
  readonly boxes: readonly BboxXyxy[];
}

export interface Snapped {
  readonly point: ImagePoint;
  readonly guides: readonly { readonly axis: 'x' | 'y'; readonly at: number }[];
}

/** A vertex wins over an edge, an edge over being in line. The point itself where nothing is within `tolerance`. */
export function snapPoint(point: ImagePoint, { rings, boxes }: SnapTargets, tolerance: number): Snapped {
  const vertex = nearestVertex(rings, point, tolerance);
  if (vertex !== null) return { point: vertex, guides: [] };
  const x = nearestValue(
    boxes.flatMap(([x1, , x2]) => [x1, x2]),
    point.x,
    tolerance,
  );
  const y = nearestValue(
    boxes.flatMap(([, y1, , y2]) => [y1, y2]),
    point.y,
    tolerance,
  );
  const onEdge = x === null && y === null ? nearestEdge(rings, point, tolerance) : null;
  if (onEdge !== null) return { point: onEdge, guides: [] };
  return {
    point: imagePoint(x ?? point.x, y ?? point.y),
    guides: [
      ...(x === null ? [] : [{ axis: 'x' as const, at: x }]),
      ...(y === null ? [] : [{ axis: 'y' as const, at: y }]),
    ],
  };
}

function nearestVertex(rings: readonly Ring[], { x, y }: ImagePoint, tolerance: number): ImagePoint | null {
  let best: ImagePoint | null = null;
  let distance = tolerance;
  for (const ring of rings) {
    for (let at = 0; at + 1 < ring.length; at += 2) {
      const [vx, vy] = [ring[at] ?? 0, ring[at + 1] ?? 0];
      const away = Math.hypot(vx - x, vy - y);
      if (away <= distance) [best, distance] = [imagePoint(vx, vy), away];
    }
  }
  return best;
}

function nearestEdge(rings: readonly Ring[], { x, y }: ImagePoint, tolerance: number): ImagePoint | null {
  let best: ImagePoint | null = null;
  let distance = tolerance;
  for (const ring of rings) {
    const near = nearestOnLine(ring, x, y, true);
    if (near !== null && near.distance <= distance) [best, distance] = [imagePoint(near.x, near.y), near.distance];
  }
  return best;
}

function nearestValue(values: readonly number[], to: number, tolerance: number): number | null {
  let best: number | null = null;
  for (const value of values) {
    if (Math.abs(value - to) <= Math.min(tolerance, best === null ? tolerance : Math.abs(best - to))) best = value;
  }
  return best;
}
