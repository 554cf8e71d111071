/** Facts about single rings and lines: flat lists x0, y0, x1, y1 … in image pixels. */
import type { Ring } from '../../../src-main/contract/geometry/polygon.ts';

export interface NearestOnLine {
  readonly distance: number;
  readonly x: number;
  readonly y: number;
  /** Place of the point that the segment begins with. */
  readonly segment: number;
}

/** The nearest place on a ring (`closed`) or an open line; null without points. */
export function nearestOnLine(line: Ring, x: number, y: number, closed: boolean): NearestOnLine | null {
  let best: NearestOnLine | null = null;
  const count = line.length / 2;
  const segments = closed ? count : Math.max(1, count - 1);
  for (let segment = 0; segment < segments && count > 0; segment++) {
    const next = (segment + 1) % count;
    const [ax = 0, ay = 0, bx = 0, by = 0] = [
      line[segment * 2],
      line[segment * 2 + 1],
      line[next * 2],
      line[next * 2 + 1],
    ];
    const [dx, dy] = [bx - ax, by - ay];
    const squared = dx * dx + dy * dy;
    const t = squared === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / squared));
    const [px, py] = [ax + t * dx, ay + t * dy];
    const distance = Math.hypot(x - px, y - py);
    if (best === null || distance < best.distance) best = { distance, x: px, y: py, segment };
  }
  return best;
}

/** Fewer points, none of those left out farther than `tolerance` from the line that is left (Douglas and Peucker, 1973). */
export function simplifyLine(line: Ring, tolerance: number): number[] {
  const count = line.length / 2;
  if (count < 3) return [...line];
  const keep = new Uint8Array(count);
  keep[0] = keep[count - 1] = 1;
  const open: [number, number][] = [[0, count - 1]];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const [first, last] = range;
    const chord = [line[first * 2] ?? 0, line[first * 2 + 1] ?? 0, line[last * 2] ?? 0, line[last * 2 + 1] ?? 0];
    let [farthest, distance] = [-1, tolerance];
    for (let at = first + 1; at < last; at++) {
      const away = nearestOnLine(chord, line[at * 2] ?? 0, line[at * 2 + 1] ?? 0, false)?.distance ?? 0;
      if (away > distance) [farthest, distance] = [at, away];
    }
    if (farthest === -1) continue;
    keep[farthest] = 1;
    open.push([first, farthest], [farthest, last]);
  }
  return line.filter((_, at) => keep[at >> 1] === 1);
}

/** A ring is cut at its first point and the one farthest from it; what is too thin to stay a ring is left as it is. */
export function simplifyRing(ring: Ring, tolerance: number): number[] {
  let [far, distance] = [0, -1];
  for (let at = 0; at < ring.length; at += 2) {
    const away = Math.hypot((ring[at] ?? 0) - (ring[0] ?? 0), (ring[at + 1] ?? 0) - (ring[1] ?? 0));
    if (away > distance) [far, distance] = [at, away];
  }
  const there = simplifyLine(ring.slice(0, far + 2), tolerance);
  const back = simplifyLine([...ring.slice(far), ring[0] ?? 0, ring[1] ?? 0], tolerance);
  const simplified = [...there.slice(0, -2), ...back.slice(0, -2)];
  return simplified.length >= 6 ? simplified : [...ring];
}
