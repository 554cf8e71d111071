/**
 * Polygons that lie side by side and have points of their borders in common: which points are the same one, and the way
 * along a border from one place to another. Pure, apart from what the document is asked.
 */
import type { Shape } from '../../../src-main/contract/model/annotation.ts';
import type { ImagePoint } from '../viewport.ts';
import { changeVertex } from './handles.ts';
import type { LabelDocument } from './label-document.ts';
import { nearestOnLine } from './rings.ts';
import type { Label } from './types.ts';

/** Points nearer than that are one: coordinates are kept to a hundredth of a pixel. */
const SAME_POINT_PX = 0.02;
/** A place that was found on an edge may be off by the rounding of the edge's ends. */
const ON_EDGE_PX = 0.05;

type Polygon = Extract<Shape, { kind: 'polygon' }>;

/** Part, ring and place of a vertex. */
type VertexPath = readonly [part: number, ring: number, vertex: number];

export interface SharedPoint {
  readonly label: Label;
  readonly path: VertexPath;
}

interface RingOfLabel {
  readonly label: Label;
  readonly part: number;
  readonly place: number;
  readonly ring: readonly number[];
}

function ringsNear(document: LabelDocument, { x, y }: { x: number; y: number }, reach: number): RingOfLabel[] {
  return document
    .query([x - reach, y - reach, x + reach, y + reach])
    .flatMap((label) =>
      label.shape.kind === 'polygon' && document.isEditable(label.annotationId)
        ? label.shape.parts.flatMap(({ outer, holes }, part) =>
            [outer, ...holes].map((ring, place) => ({ label, part, place, ring })),
          )
        : [],
    );
}

/** Vertices of all polygons that can be edited at this very place. */
export function verticesAt(document: LabelDocument, at: { x: number; y: number }): SharedPoint[] {
  return ringsNear(document, at, SAME_POINT_PX).flatMap(({ label, part, place, ring }) =>
    Array.from({ length: ring.length / 2 }, (_, vertex) => vertex)
      .filter((vertex) => isSame(ring, vertex, at))
      .map((vertex): SharedPoint => ({ label, path: [part, place, vertex] })),
  );
}

/** Edges of all polygons that can be edited between these two vertices; the path is that of the vertex before. */
export function edgesBetween(document: LabelDocument, a: ImagePoint, b: ImagePoint): SharedPoint[] {
  return ringsNear(document, a, SAME_POINT_PX).flatMap(({ label, part, place, ring }) => {
    const count = ring.length / 2;
    return Array.from({ length: count }, (_, vertex) => vertex)
      .filter((vertex) => {
        const next = (vertex + 1) % count;
        return (isSame(ring, vertex, a) && isSame(ring, next, b)) || (isSame(ring, vertex, b) && isSame(ring, next, a));
      })
      .map((vertex): SharedPoint => ({ label, path: [part, place, vertex] }));
  });
}

function isSame(ring: readonly number[], vertex: number, { x, y }: { x: number; y: number }): boolean {
  return Math.hypot((ring[vertex * 2] ?? NaN) - x, (ring[vertex * 2 + 1] ?? NaN) - y) <= SAME_POINT_PX;
}

/**
 * The shapes of labels that have a point in common, with that point elsewhere, one more after it (`insert`), or without it.
 * A ring that would lose its third point keeps it. By label, in the order of the points.
 */
export function changeShared(
  points: readonly SharedPoint[],
  how: { to: ImagePoint; insert: boolean } | 'delete',
): Map<Label, Polygon> {
  const changed = new Map<Label, Polygon>();
  // From the last place to the first, so that what is inserted or taken out does not move the others.
  for (const { label, path } of points.toSorted((a, b) => b.path[2] - a.path[2])) {
    const shape = changed.get(label) ?? label.shape;
    if (shape.kind !== 'polygon') continue;
    const next = changeVertex(shape, path, how);
    if (next !== null && ringCount(next) === ringCount(shape)) changed.set(label, next);
  }
  return changed;
}

function ringCount({ parts }: Polygon): number {
  return parts.reduce((sum, { holes }) => sum + 1 + holes.length, 0);
}

/** A place on the border of a label. */
export interface BorderPlace {
  readonly label: Label;
  readonly x: number;
  readonly y: number;
}

/** The vertex within `tolerance`, else the place on an edge; null where no polygon's border is so near. */
export function borderPlace(document: LabelDocument, point: ImagePoint, tolerance: number): BorderPlace | null {
  let best: (BorderPlace & { rank: number }) | null = null;
  for (const { label, ring } of ringsNear(document, point, tolerance)) {
    for (let at = 0; at + 1 < ring.length; at += 2) {
      const [x, y] = [ring[at] ?? 0, ring[at + 1] ?? 0];
      const distance = Math.hypot(x - point.x, y - point.y);
      if (distance <= tolerance && (best === null || distance < best.rank)) best = { label, x, y, rank: distance };
    }
    const near = nearestOnLine(ring, point.x, point.y, true);
    if (near === null || near.distance > tolerance) continue;
    // Behind every vertex that is near enough.
    const rank = tolerance + near.distance;
    if (best === null || rank < best.rank) best = { label, x: near.x, y: near.y, rank };
  }
  return best;
}

/** Vertices of a border between two places of it, without these; null where no border goes through both. */
export function alongBorder(
  document: LabelDocument,
  from: { x: number; y: number },
  to: BorderPlace,
  longer: boolean,
): number[] | null {
  const own = ringsNear(document, to, ON_EDGE_PX).filter(({ label }) => label === to.label);
  for (const { ring } of own) {
    const [start, end] = [nearestOnLine(ring, from.x, from.y, true), nearestOnLine(ring, to.x, to.y, true)];
    if (start === null || end === null || start.distance > ON_EDGE_PX || end.distance > ON_EDGE_PX) continue;
    const forwards = verticesBetween(ring, start, end);
    const backwards = reversed(verticesBetween(ring, end, start));
    const [one, other] = [
      lengthOf([start.x, start.y, ...forwards, end.x, end.y]),
      lengthOf([start.x, start.y, ...backwards, end.x, end.y]),
    ];
    return one <= other !== longer ? forwards : backwards;
  }
  return null;
}

interface OnRing {
  readonly x: number;
  readonly y: number;
  readonly segment: number;
}

/** In the ring's direction; a vertex that one of the places is at does not count. */
function verticesBetween(ring: readonly number[], start: OnRing, end: OnRing): number[] {
  const count = ring.length / 2;
  const along = (place: OnRing): number =>
    Math.hypot(place.x - (ring[place.segment * 2] ?? 0), place.y - (ring[place.segment * 2 + 1] ?? 0));
  const isAhead = start.segment === end.segment && along(end) >= along(start);
  const steps = isAhead ? 0 : (end.segment - start.segment + count) % count || count;
  const between: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const vertex = (start.segment + step) % count;
    const [x, y] = [ring[vertex * 2] ?? 0, ring[vertex * 2 + 1] ?? 0];
    const isEnd = [start, end].some((place) => Math.hypot(place.x - x, place.y - y) <= SAME_POINT_PX);
    if (!isEnd) between.push(x, y);
  }
  return between;
}

function reversed(points: readonly number[]): number[] {
  const turned: number[] = [];
  for (let at = points.length - 2; at >= 0; at -= 2) turned.push(points[at] ?? 0, points[at + 1] ?? 0);
  return turned;
}

function lengthOf(line: readonly number[]): number {
  let length = 0;
  for (let at = 2; at + 1 < line.length; at += 2) {
    length += Math.hypot((line[at] ?? 0) - (line[at - 2] ?? 0), (line[at + 1] ?? 0) - (line[at - 1] ?? 0));
  }
  return length;
}

/** The polygon with every one of these points that lies on an edge of it, and at no vertex, as a vertex; null where none does. */
export function withPointsOnEdges(shape: Polygon, points: readonly number[]): Polygon | null {
  let changed: Polygon | null = null;
  for (let at = 0; at + 1 < points.length; at += 2) {
    const [x, y] = [Math.round((points[at] ?? 0) * 100) / 100, Math.round((points[at + 1] ?? 0) * 100) / 100];
    const now: Polygon = changed ?? shape;
    for (const [part, { outer, holes }] of now.parts.entries()) {
      for (const [place, ring] of [outer, ...holes].entries()) {
        const near = nearestOnLine(ring, x, y, true);
        if (near === null || near.distance > ON_EDGE_PX) continue;
        const next = (near.segment + 1) % (ring.length / 2);
        if (isSame(ring, near.segment, { x, y }) || isSame(ring, next, { x, y })) continue;
        changed = changeVertex(now, [part, place, near.segment], { to: { x, y } as ImagePoint, insert: true });
      }
    }
  }
  return changed;
}
