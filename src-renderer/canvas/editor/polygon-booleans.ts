/**
 * Union, difference and intersection of polygons with parts and holes, by Clipper (integers inside, a thousandth of a
 * pixel here), which is exact where floating-point sweeps fail. Inside a part the even-odd rule holds and parts are
 * united, as in contract/geometry/polygon.ts.
 */
import {
  Clipper64,
  ClipType,
  FillRule,
  PathType,
  PolyTree64,
  type Path64,
  type Paths64,
  type PolyPath64,
} from 'clipper2-ts';
import type { PolygonPart, Ring } from '../../../src-main/contract/geometry/polygon.ts';
import type { EditorImage } from './types.ts';

const STEPS_A_PIXEL = 1000;

export type PolygonParts = { outer: number[]; holes: number[][] }[];

const operations = {
  union: ClipType.Union,
  subtract: ClipType.Difference,
  intersect: ClipType.Intersection,
} as const;
export type BooleanOperation = keyof typeof operations;

/** What is left may be nothing. Rings that cross themselves come back as rings that do not. */
export function combinePolygons(
  operation: BooleanOperation,
  subject: readonly PolygonPart[],
  clip: readonly PolygonPart[],
): PolygonParts {
  return run(operation, united(subject), united(clip));
}

/** The part of the polygon that lies in the image. */
export function clipPolygon(parts: readonly PolygonPart[], { widthPx, heightPx }: EditorImage): PolygonParts {
  const outer = [0, 0, widthPx, 0, widthPx, heightPx, 0, heightPx];
  return combinePolygons('intersect', parts, [{ outer, holes: [] }]);
}

/** Each part by the even-odd rule first, so that parts which overlap do not cancel each other. */
function united(parts: readonly PolygonPart[]): Paths64 {
  const all = parts.flatMap(({ outer, holes }) =>
    pathsOf(run('union', [outer, ...holes].map(toPath), [], FillRule.EvenOdd)),
  );
  return parts.length > 1 ? pathsOf(run('union', all, [])) : all;
}

function run(
  operation: BooleanOperation,
  subject: Paths64,
  clip: Paths64,
  rule: FillRule = FillRule.NonZero,
): PolygonParts {
  const clipper = new Clipper64();
  // Points on a straight line are the person's, and shared borders need them.
  clipper.preserveCollinear = true;
  clipper.addPaths(subject, PathType.Subject, false);
  if (clip.length > 0) clipper.addPaths(clip, PathType.Clip, false);
  const tree = new PolyTree64();
  clipper.execute(operations[operation], rule, tree);
  const parts: PolygonParts = [];
  collect(tree, parts);
  return parts;
}

/** Outer rings and holes alternate with the depth. */
function collect(node: PolyPath64, parts: PolygonParts): void {
  for (let at = 0; at < node.count; at++) {
    const outer = node.child(at);
    const holes: number[][] = [];
    for (let inner = 0; inner < outer.count; inner++) {
      const hole = outer.child(inner);
      holes.push(fromPath(hole.polygon ?? []));
      collect(hole, parts);
    }
    parts.push({ outer: fromPath(outer.polygon ?? []), holes });
  }
}

/** Outer rings run one way and holes the other, as Clipper gave them. */
function pathsOf(parts: PolygonParts): Paths64 {
  return parts.flatMap(({ outer, holes }) => [outer, ...holes].map(toPath));
}

function toPath(ring: Ring): Path64 {
  const path: Path64 = [];
  for (let at = 0; at + 1 < ring.length; at += 2) {
    path.push({ x: Math.round((ring[at] ?? 0) * STEPS_A_PIXEL), y: Math.round((ring[at + 1] ?? 0) * STEPS_A_PIXEL) });
  }
  return path;
}

function fromPath(path: Path64): number[] {
  return path.flatMap(({ x, y }) => [x / STEPS_A_PIXEL, y / STEPS_A_PIXEL]);
}
