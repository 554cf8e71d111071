/** What a brush covers between two places of the pointer, as rows of each column. A pixel is covered by its middle. */
import type { Span } from '../../../src-main/contract/geometry/rle.ts';

export interface BrushPlace {
  readonly x: number;
  readonly y: number;
  readonly sizePx: number;
}

/**
 * Columns of a stroke from one place to the next. Round: the hull of two circles (of two sizes where a pen's pressure
 * changed). Square: the hull of two squares. Both are convex, so that a column has one span.
 */
export function eachStrokeColumn(
  from: BrushPlace,
  to: BrushPlace,
  shape: 'round' | 'square',
  each: (x: number, ...span: Span) => void,
): void {
  // The smallest brush still paints the pixel that it points at.
  const [r1, r2] = [Math.max(0.5, from.sizePx / 2), Math.max(0.5, to.sizePx / 2)];
  const x1 = Math.ceil(Math.min(from.x - r1, to.x - r2) - 0.5);
  const x2 = Math.floor(Math.max(from.x + r1, to.x + r2) - 0.5);
  const edges = shape === 'square' ? hullOfSquares(from, r1, to, r2) : tangents(from, r1, to, r2);
  for (let column = x1; column <= x2; column++) {
    const x = column + 0.5;
    let [top, bottom] = [Infinity, -Infinity];
    const cover = (y: number): void => {
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    };
    if (shape === 'round') {
      circleAt(x, from, r1, cover);
      circleAt(x, to, r2, cover);
    }
    for (const [ax, ay, bx, by] of edges) {
      if (x < Math.min(ax, bx) || x > Math.max(ax, bx)) continue;
      if (ax === bx) {
        cover(ay);
        cover(by);
      } else {
        cover(ay + ((x - ax) / (bx - ax)) * (by - ay));
      }
    }
    const [first, end] = [Math.ceil(top - 0.5), Math.floor(bottom - 0.5) + 1];
    if (end > first) each(column, first, end);
  }
}

function circleAt(x: number, { x: cx, y: cy }: BrushPlace, radius: number, cover: (y: number) => void): void {
  const squared = radius * radius - (x - cx) * (x - cx);
  if (squared < 0) return;
  const half = Math.sqrt(squared);
  cover(cy - half);
  cover(cy + half);
}

type Edge = readonly [ax: number, ay: number, bx: number, by: number];

/** The two outer tangents of two circles; none where one holds the other. */
function tangents(a: BrushPlace, ra: number, b: BrushPlace, rb: number): Edge[] {
  const distance = Math.hypot(b.x - a.x, b.y - a.y);
  if (distance <= Math.abs(ra - rb) || distance === 0) return [];
  const along = Math.atan2(b.y - a.y, b.x - a.x);
  const tilt = Math.acos((ra - rb) / distance);
  return [along + tilt, along - tilt].map((angle) => {
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return [a.x + ra * cos, a.y + ra * sin, b.x + rb * cos, b.y + rb * sin];
  });
}

/** Edges of both squares and the lines between their corners: their hull's outline is among them. */
function hullOfSquares(a: BrushPlace, ra: number, b: BrushPlace, rb: number): Edge[] {
  const corners = (at: BrushPlace, r: number): [number, number][] => [
    [at.x - r, at.y - r],
    [at.x + r, at.y - r],
    [at.x + r, at.y + r],
    [at.x - r, at.y + r],
  ];
  const [ofA, ofB] = [corners(a, ra), corners(b, rb)];
  const edges: Edge[] = [];
  for (let at = 0; at < 4; at++) {
    const [p, q] = [ofA[at], ofA[(at + 1) % 4]];
    const [s, t] = [ofB[at], ofB[(at + 1) % 4]];
    if (!p || !q || !s || !t) continue;
    edges.push([...p, ...q], [...s, ...t], [...p, ...s]);
  }
  return edges;
}
