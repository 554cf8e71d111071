/** Cutting a polygon in two along a line. */
import {
  pointsBounds,
  polygonArea,
  polygonBounds,
  ringContains,
  type PolygonPart,
} from '../../../src-main/contract/geometry/polygon.ts';
import { combinePolygons, type PolygonParts } from './polygon-booleans.ts';
import { nearestOnLine } from './rings.ts';

/** Smaller pieces are leavings of rounding. */
const SMALLEST_PIECE_PX2 = 0.05;

/**
 * The two sides of an open line through a polygon, the larger first; both share the line as their border. Null where the
 * line leaves it in one piece: it must begin and end outside, or on the border.
 */
export function splitPolygon(
  parts: readonly PolygonPart[],
  line: readonly number[],
): [PolygonParts, PolygonParts] | null {
  const ends = [line.slice(0, 2), line.slice(-2)] as const;
  if (ends.some(([x = 0, y = 0]) => isInside(parts, x, y))) return null;
  const side = sideOf(parts, line);
  const [inside, outside] = [combinePolygons('intersect', parts, side), combinePolygons('subtract', parts, side)].map(
    (pieces) => pieces.filter((piece) => polygonArea([piece]) > SMALLEST_PIECE_PX2),
  );
  if (!inside?.length || !outside?.length) return null;
  return polygonArea(inside) >= polygonArea(outside) ? [inside, outside] : [outside, inside];
}

function isInside(parts: readonly PolygonPart[], x: number, y: number): boolean {
  return parts.some(({ outer, holes }) => {
    if (!ringContains(outer, x, y) || holes.some((hole) => ringContains(hole, x, y))) return false;
    return (nearestOnLine(outer, x, y, true)?.distance ?? 0) > 0.5;
  });
}

/** All that lies on one hand of the line: its ends run on straight to far outside, and join around there. */
function sideOf(parts: readonly PolygonPart[], line: readonly number[]): PolygonParts {
  const bounds = polygonBounds(parts) ?? [0, 0, 0, 0];
  const [x1, y1, x2, y2] = pointsBounds([...bounds, ...line]) ?? bounds;
  const [cx, cy] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const far = 2 * Math.hypot(x2 - x1, y2 - y1) + 10;
  const outward = (x: number, y: number, fromX: number, fromY: number): number => {
    const angle = Math.atan2(y - fromY, x - fromX);
    return Math.atan2(y + Math.sin(angle) * far - cy, x + Math.cos(angle) * far - cx);
  };
  const [ax = 0, ay = 0, bx = 0, by = 0] = line.slice(0, 4);
  const [yx = 0, yy = 0, zx = 0, zy = 0] = line.slice(-4);
  const begin = outward(ax, ay, bx, by);
  const end = outward(zx, zy, yx, yy);
  const turn = (((begin - end) % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI);
  const around: number[] = [];
  const steps = 12;
  for (let step = 0; step <= steps; step++) {
    const angle = end + (turn * step) / steps;
    around.push(cx + Math.cos(angle) * far, cy + Math.sin(angle) * far);
  }
  return [{ outer: [...line, ...around], holes: [] }];
}
