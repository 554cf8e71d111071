/**
 * The outline of a mask along the borders of its pixels. Nothing is lost: the polygon holds the middles of exactly the
 * mask's pixels. Pixels that touch at a corner only are parts of their own.
 */
import { pointsBounds, polygonArea, ringContains } from './polygon.ts';
import { columnSpans, type Rle, type Span } from './rle.ts';

interface Part {
  outer: number[];
  holes: number[][];
}

/** Directed with the mask on its right hand, seen with y down: outer rings run clockwise, holes the other way. */
interface Edge {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  used: boolean;
}

/** Outer rings and those of holes, from the left to the right. Empty for an empty mask. */
export function maskBorders(rle: Rle): number[][] {
  return linkEdges(borderEdges(rle));
}

/** Empty for an empty mask. */
export function maskOutline(rle: Rle): Part[] {
  const rings = maskBorders(rle);
  const outers = rings.filter((ring) => isClockwise(ring)).map((outer) => ({ outer, holes: [] as number[][] }));
  const found = outers.map((part) => ({ part, bounds: pointsBounds(part.outer)!, area: polygonArea([part]) }));
  found.sort((a, b) => a.area - b.area);
  for (const hole of rings) {
    if (isClockwise(hole)) continue;
    // A hole's first edge has the mask on its right; half a pixel to that side lies in the part that the hole is of.
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = hole;
    const [ux, uy] = [Math.sign(x2 - x1), Math.sign(y2 - y1)];
    const [x, y] = [x1 + ux / 2 - uy / 2, y1 + uy / 2 + ux / 2];
    const owner = found.find(
      ({ bounds: [bx1, by1, bx2, by2], part }) =>
        x > bx1 && x < bx2 && y > by1 && y < by2 && ringContains(part.outer, x, y),
    );
    owner?.part.holes.push(hole);
  }
  return outers;
}

function borderEdges(rle: Rle): Edge[] {
  const edges: Edge[] = [];
  const add = (x1: number, y1: number, x2: number, y2: number): void =>
    void edges.push({ x1, y1, x2, y2, used: false });
  const spans = columnSpans(rle);
  for (let x = 0; x <= rle.widthPx; x++) {
    const [left, here] = [spans.get(x - 1) ?? [], spans.get(x) ?? []];
    for (const [first, end] of here) {
      add(x, first, x + 1, first);
      add(x + 1, end, x, end);
    }
    for (const [first, end] of without(here, left)) add(x, end, x, first);
    for (const [first, end] of without(left, here)) add(x, first, x, end);
  }
  return edges;
}

/** Rows of `spans` that are not in `others`, both in order. A border is cut where the other side's spans begin and end. */
function without(spans: readonly Span[], others: readonly Span[]): Span[] {
  const left: Span[] = [];
  for (const [first, end] of spans) {
    let from = first;
    for (const [otherFirst, otherEnd] of others) {
      if (otherEnd <= from) continue;
      if (otherFirst >= end) break;
      if (otherFirst > from) left.push([from, otherFirst]);
      from = Math.max(from, otherEnd);
    }
    if (from < end) left.push([from, end]);
  }
  return left;
}

/** Rings without the points on straight stretches. */
function linkEdges(edges: readonly Edge[]): number[][] {
  const byStart = new Map<string, Edge[]>();
  for (const edge of edges) {
    const key = `${edge.x1},${edge.y1}`;
    const known = byStart.get(key);
    if (known) known.push(edge);
    else byStart.set(key, [edge]);
  }
  const rings: number[][] = [];
  for (const start of edges) {
    if (start.used) continue;
    const ring: number[] = [];
    let edge: Edge | undefined = start;
    while (edge !== undefined && !edge.used) {
      edge.used = true;
      ring.push(edge.x1, edge.y1);
      edge = nextEdge(edge, byStart.get(`${edge.x2},${edge.y2}`) ?? []);
    }
    rings.push(withoutStraightPoints(ring));
  }
  return rings;
}

/** Where two corners meet, the right turn: it stays at the pixel. */
function nextEdge(edge: Edge, candidates: readonly Edge[]): Edge | undefined {
  const free = candidates.filter(({ used }) => !used);
  if (free.length < 2) return free[0];
  const [dx, dy] = [Math.sign(edge.x2 - edge.x1), Math.sign(edge.y2 - edge.y1)];
  return free.find(({ x1, y1, x2, y2 }) => Math.sign(x2 - x1) === -dy && Math.sign(y2 - y1) === dx) ?? free[0];
}

function withoutStraightPoints(ring: readonly number[]): number[] {
  const kept: number[] = [];
  const count = ring.length / 2;
  const at = (index: number): [number, number] => {
    const place = ((index + count) % count) * 2;
    return [ring[place] ?? 0, ring[place + 1] ?? 0];
  };
  for (let index = 0; index < count; index++) {
    const [[ax, ay], [bx, by], [cx, cy]] = [at(index - 1), at(index), at(index + 1)];
    if ((bx - ax) * (cy - by) !== (by - ay) * (cx - bx)) kept.push(bx, by);
  }
  return kept;
}

function isClockwise(ring: readonly number[]): boolean {
  let doubled = 0;
  for (let at = 0; at < ring.length; at += 2) {
    const next = at + 2 < ring.length ? at + 2 : 0;
    doubled += (ring[at] ?? 0) * (ring[next + 1] ?? 0) - (ring[next] ?? 0) * (ring[at + 1] ?? 0);
  }
  return doubled > 0;
}
