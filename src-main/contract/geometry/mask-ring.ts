/**
 * One ring for a whole mask, for formats that have only one. From part to part and into holes it goes there and back along the
 * same line, which encloses nothing. Each next ring is joined where it is nearest to those that are; a grid of the joined points
 * finds that place in about the time that its points are looked at.
 */
import { maskBorders } from './mask-outline.ts';
import type { Rle } from './rle.ts';

/** Flat x0, y0, x1, y1 …; empty for an empty mask. */
export function maskRing(rle: Rle): number[] {
  const rings = maskBorders(rle);
  const joined = new JoinedRings(rings);
  rings.forEach((_, index) => joined.join(index));
  return joined.ring();
}

/** Where a point is, and how far. */
interface Near {
  point: number;
  squared: number;
}

/** Points have numbers, ring after ring; behind them come those that stand at the ends of joining lines a second time. */
class JoinedRings {
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  /** The point after each on its ring. */
  readonly #next: Int32Array;
  /** Number of each ring's first point, and behind the last one that of the next free one. */
  readonly #first: number[] = [0];
  #count: number;
  readonly #grid: PointGrid;

  constructor(rings: readonly (readonly number[])[]) {
    for (const ring of rings) this.#first.push(this.#first.at(-1)! + ring.length / 2);
    this.#count = this.#first.at(-1)!;
    const most = this.#count + 2 * rings.length;
    [this.#x, this.#y, this.#next] = [new Float64Array(most), new Float64Array(most), new Int32Array(most)];
    rings.forEach((ring, index) => {
      const [first, end] = [this.#first[index]!, this.#first[index + 1]!];
      for (let point = first; point < end; point++) {
        this.#x[point] = ring[(point - first) * 2]!;
        this.#y[point] = ring[(point - first) * 2 + 1]!;
        this.#next[point] = point + 1 < end ? point + 1 : first;
      }
    });
    this.#grid = new PointGrid(this.#x, this.#y, this.#count);
  }

  join(ring: number): void {
    const [first, end] = [this.#first[ring]!, this.#first[ring + 1]!];
    if (ring > 0) this.#link({ first, end, ...this.#nearest(first, end) });
    for (let point = first; point < end; point++) this.#grid.add(point);
  }

  /** A point of those that are joined, and the one of the ring that is nearest to it. */
  #nearest(first: number, end: number): { at: number; place: number } {
    let [place, best]: [number, Near] = [first, { point: 0, squared: Infinity }];
    let atLeast = 0;
    for (let point = first; point < end; point++) {
      // From one point of a ring to the next no distance shrinks by more than the step.
      const before = point > first ? point - 1 : point;
      const step = Math.hypot(this.#x[point]! - this.#x[before]!, this.#y[point]! - this.#y[before]!);
      const found = this.#grid.nearest(this.#x[point]!, this.#y[point]!, Math.max(0, atLeast - step), best.squared);
      if (found !== null) [place, best] = [point, found];
      atLeast = Math.sqrt(best.squared);
    }
    return { at: best.point, place };
  }

  /** at → place → … → place again → at again → what came after `at`. */
  #link({ first, end, at, place }: { first: number; end: number; at: number; place: number }): void {
    const [placeAgain, atAgain] = [this.#again(place), this.#again(at)];
    this.#next[place === first ? end - 1 : place - 1] = placeAgain;
    this.#next[placeAgain] = atAgain;
    this.#next[atAgain] = this.#next[at]!;
    this.#next[at] = place;
  }

  #again(point: number): number {
    [this.#x[this.#count], this.#y[this.#count]] = [this.#x[point]!, this.#y[point]!];
    return this.#count++;
  }

  ring(): number[] {
    const ring: number[] = [];
    if (this.#count === 0) return ring;
    let point = 0;
    do {
      ring.push(this.#x[point]!, this.#y[point]!);
      point = this.#next[point]!;
    } while (point !== 0);
    return ring;
  }
}

/** Square cells with the points that were added, about one a cell when all are. */
class PointGrid {
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  readonly #cellPx: number;
  readonly #columns: number;
  readonly #rows: number;
  /** The last point that was added to each cell, and to each point the one before it in its cell; −1 for none. */
  readonly #last: Int32Array;
  readonly #earlier: Int32Array;

  /** Of the first `count` points, whose coordinates are ≥ 0. */
  constructor(x: Float64Array, y: Float64Array, count: number) {
    [this.#x, this.#y] = [x, y];
    let [width, height] = [1, 1];
    for (let point = 0; point < count; point++) {
      width = Math.max(width, x[point]!);
      height = Math.max(height, y[point]!);
    }
    this.#cellPx = Math.max(1, Math.sqrt((width * height) / Math.max(1, count)));
    this.#columns = Math.floor(width / this.#cellPx) + 1;
    this.#rows = Math.floor(height / this.#cellPx) + 1;
    this.#last = new Int32Array(this.#columns * this.#rows).fill(-1);
    this.#earlier = new Int32Array(count).fill(-1);
  }

  add(point: number): void {
    const cell = this.#of(this.#y[point]!) * this.#columns + this.#of(this.#x[point]!);
    this.#earlier[point] = this.#last[cell]!;
    this.#last[cell] = point;
  }

  /** Nearer than √`squared`, or null. Nothing is nearer than `atLeast`, which spares looking there. */
  nearest(x: number, y: number, atLeast: number, squared: number): Near | null {
    const [column, row] = [this.#of(x), this.#of(y)];
    const farthest = Math.max(this.#columns, this.#rows);
    let best: Near | null = null;
    // A cell `away` columns or rows off is at least away − 1 cells from here with all of itself, and at most √2 · (away + 1).
    for (let away = Math.floor(atLeast / this.#cellPx / Math.SQRT2); away < farthest; away++) {
      const nearest = Math.max(0, away - 1) * this.#cellPx;
      if (nearest * nearest >= (best?.squared ?? squared)) break;
      const [top, bottom] = [row - away, row + away];
      for (let r = Math.max(0, top); r <= Math.min(this.#rows - 1, bottom); r++) {
        const whole = r === top || r === bottom;
        for (let c = column - away; c <= column + away; c += whole ? 1 : Math.max(1, 2 * away)) {
          if (c < 0 || c >= this.#columns) continue;
          for (let point = this.#last[r * this.#columns + c]!; point >= 0; point = this.#earlier[point]!) {
            const off = (this.#x[point]! - x) ** 2 + (this.#y[point]! - y) ** 2;
            if (off < (best?.squared ?? squared)) best = { point, squared: off };
          }
        }
      }
    }
    return best;
  }

  #of(coordinate: number): number {
    return Math.floor(coordinate / this.#cellPx);
  }
}
