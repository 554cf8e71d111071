/**
 * Polygons of several parts, each with holes, in image pixels. A ring is a flat list x0, y0, x1, y1 … without the first
 * point again at its end. Inside a part the even-odd rule holds; parts are united.
 */
import type { BboxXyxy } from './box.ts';
import { type Rle, rleFromColumns } from './rle.ts';

export type Ring = readonly number[];

export interface PolygonPart {
  readonly outer: Ring;
  readonly holes: readonly Ring[];
}

/** Signed area by the shoelace formula; positive where the ring runs clockwise as seen on the screen (y down). */
function signedArea(ring: Ring): number {
  let doubled = 0;
  const end = ring.length;
  for (let at = 0; at < end; at += 2) {
    const next = at + 2 < end ? at + 2 : 0;
    doubled += (ring[at] ?? 0) * (ring[next + 1] ?? 0) - (ring[next] ?? 0) * (ring[at + 1] ?? 0);
  }
  return doubled / 2;
}

/** Outer rings less their holes, in px²; right for rings that neither cross nor overlap each other. */
export function polygonArea(parts: readonly PolygonPart[]): number {
  return parts.reduce((sum, { outer, holes }) => {
    const cut = holes.reduce((total, hole) => total + Math.abs(signedArea(hole)), 0);
    return sum + Math.max(0, Math.abs(signedArea(outer)) - cut);
  }, 0);
}

/** By the even-odd rule. */
export function ringContains(ring: Ring, x: number, y: number): boolean {
  let inside = false;
  for (let at = 0, before = ring.length - 2; at < ring.length; before = at, at += 2) {
    const [xa = 0, ya = 0] = [ring[at], ring[at + 1]];
    const [xb = 0, yb = 0] = [ring[before], ring[before + 1]];
    if (ya > y !== yb > y && x < ((xb - xa) * (y - ya)) / (yb - ya) + xa) inside = !inside;
  }
  return inside;
}

/** The smallest box around all points; null without points. */
export function pointsBounds(coordinates: Iterable<number>): BboxXyxy | null {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  let isX = true;
  for (const value of coordinates) {
    if (isX) [x1, x2] = [Math.min(x1, value), Math.max(x2, value)];
    else [y1, y2] = [Math.min(y1, value), Math.max(y2, value)];
    isX = !isX;
  }
  return x1 <= x2 && y1 <= y2 ? [x1, y1, x2, y2] : null;
}

export function polygonBounds(parts: readonly PolygonPart[]): BboxXyxy | null {
  return pointsBounds(parts.flatMap(({ outer }) => outer));
}

/**
 * The pixels whose middle lies inside. NOTE (differs from COCO): pycocotools draws the outline on a five times finer grid
 * and includes pixels that it touches on one side; here a pixel belongs to the polygon that holds its centre, so that
 * neighbours which share a border never share a pixel.
 */
export function rasterisePolygon(parts: readonly PolygonPart[], size: { widthPx: number; heightPx: number }): Rle {
  const columns = parts.map((part) => crossings([part.outer, ...part.holes], size.widthPx));
  return rleFromColumns(size, (x) => {
    const spans: [number, number][] = [];
    for (const ofPart of columns) {
      const ys = ofPart.get(x)?.sort((a, b) => a - b) ?? [];
      for (let at = 0; at + 1 < ys.length; at += 2) {
        // The first centre at or below each crossing.
        const first = Math.max(0, Math.ceil((ys[at] ?? 0) - 0.5));
        const end = Math.min(size.heightPx, Math.ceil((ys[at + 1] ?? 0) - 0.5));
        if (end > first) spans.push([first, end]);
      }
    }
    return spans;
  });
}

/** Where the rings cross the middle line of each column of pixels. */
function crossings(rings: readonly Ring[], widthPx: number): Map<number, number[]> {
  const byColumn = new Map<number, number[]>();
  for (const ring of rings) {
    for (let at = 0; at < ring.length; at += 2) {
      const next = at + 2 < ring.length ? at + 2 : 0;
      const [xa = 0, ya = 0] = [ring[at], ring[at + 1]];
      const [xb = 0, yb = 0] = [ring[next], ring[next + 1]];
      // Half-open, so that a vertex on a middle line counts for one of its two edges.
      const first = Math.max(0, Math.ceil(Math.min(xa, xb) - 0.5));
      const end = Math.min(widthPx, Math.ceil(Math.max(xa, xb) - 0.5));
      for (let x = first; x < end; x++) {
        const y = ya + ((x + 0.5 - xa) / (xb - xa)) * (yb - ya);
        const known = byColumn.get(x);
        if (known) known.push(y);
        else byColumn.set(x, [y]);
      }
    }
  }
  return byColumn;
}
