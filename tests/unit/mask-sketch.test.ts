/** Masks and polygons in cells: against bitmaps reduced by plain counting, and what may never be lost or take long. */
import { expect, test } from 'vitest';
import {
  gridOver,
  reduceRle,
  sketchCells,
  sketchMask,
  sketchPolygon,
} from '../../src-main/contract/geometry/mask-sketch.ts';
import { polygonBounds, rasterisePolygon } from '../../src-main/contract/geometry/polygon.ts';
import { decodeRle, encodeRle, rleArea, rleBounds, type Rle } from '../../src-main/contract/geometry/rle.ts';
import { seededRandom } from '../helpers/generated-data.ts';

const seed = 20261129;

/** Rectangles of mask and background over each other. */
function drawn(random: () => number): Rle {
  const upTo = (most: number): number => Math.floor(random() * most);
  const [widthPx, heightPx] = [1 + upTo(90), 1 + upTo(90)];
  const mask = new Uint8Array(widthPx * heightPx);
  for (let count = upTo(8); count >= 0; count--) {
    const [left, top, value] = [upTo(widthPx), upTo(heightPx), upTo(3) > 0 ? 1 : 0];
    const [right, bottom] = [left + 1 + upTo(widthPx - left), top + 1 + upTo(random() < 0.3 ? 1 : heightPx - top)];
    for (let y = top; y < bottom; y++) mask.fill(value, y * widthPx + left, y * widthPx + right);
  }
  return encodeRle(mask, { widthPx, heightPx });
}

/** The same by the mask's pixels, one after the other. */
function reducedPlainly(rle: Rle, cellPx: number): number[] {
  const [x1, y1, x2, y2] = rleBounds(rle)!;
  const [columns, rows] = [Math.ceil((x2 - x1) / cellPx), Math.ceil((y2 - y1) / cellPx)];
  const covered = new Array<number>(columns * rows).fill(0);
  decodeRle(rle).forEach((value, pixel) => {
    const [x, y] = [pixel % rle.widthPx, Math.floor(pixel / rle.widthPx)];
    if (value === 1) covered[Math.floor((y - y1) / cellPx) * columns + Math.floor((x - x1) / cellPx)]! += 1;
  });
  const cells = covered.map((count) => (count >= cellPx / 2 ? 1 : 0));
  return cells.some((cell) => cell === 1) ? cells : covered.map((count) => Math.min(1, count));
}

test(`random masks are reduced as their pixels are (seed ${seed})`, () => {
  const random = seededRandom(seed);
  let compared = 0;
  for (let round = 0; round < 400; round++) {
    const rle = drawn(random);
    const bounds = rleBounds(rle);
    if (bounds === null) continue;
    for (const cellPx of [1, 2, 3, 7, 15, 16, 40]) {
      expect([...reduceRle(rle, gridOver(bounds, cellPx))], `round ${round}, cells of ${cellPx}`).toEqual(
        reducedPlainly(rle, cellPx),
      );
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(2000);
});

/** A 12-megapixel image, most of it background. */
const large = { widthPx: 4000, heightPx: 3000 };
function largeMask(inside: (x: number, y: number) => boolean): Rle {
  const mask = new Uint8Array(large.widthPx * large.heightPx);
  for (let y = 0, at = 0; y < large.heightPx; y++)
    for (let x = 0; x < large.widthPx; x++, at++) if (inside(x, y)) mask[at] = 1;
  return encodeRle(mask, large);
}

/** The sketch over the image again, in its pixels. */
function placed({ x: left, y: top, cellPx, rle }: NonNullable<ReturnType<typeof sketchMask>>) {
  const cells = decodeRle(rle);
  return (x: number, y: number): boolean => {
    const [column, row] = [Math.floor((x - left) / cellPx), Math.floor((y - top) / cellPx)];
    return (
      column >= 0 && row >= 0 && column < rle.widthPx && row < rle.heightPx && cells[row * rle.widthPx + column] === 1
    );
  };
}

test('a ring with a ragged border keeps its hole, its place and nearly its area', () => {
  const random = seededRandom(seed);
  const radius = (x: number, y: number): number => Math.hypot(x - 2100, y - 1400) + 12 * random();
  const rle = largeMask((x, y) => radius(x, y) > 500 && radius(x, y) < 1200);
  const sketch = sketchMask(rle)!;
  expect(sketch.rle.widthPx).toBeGreaterThan(sketchCells / 2);
  expect(Math.max(sketch.rle.widthPx, sketch.rle.heightPx)).toBeLessThanOrEqual(sketchCells);
  const isIn = placed(sketch);
  expect([isIn(2100, 1400), isIn(2100, 700), isIn(2100, 2200), isIn(1000, 2500)]).toEqual([false, true, true, false]);
  const area = rleArea(sketch.rle) * sketch.cellPx ** 2;
  expect(area / rleArea(rle)).toBeGreaterThan(0.99);
  expect(area / rleArea(rle)).toBeLessThan(1.04);
});

test('a line one pixel wide stays in one piece, whichever way it goes', () => {
  for (const slope of [0, 0.37, 1, 2.6]) {
    const points = Array.from({ length: 2500 }, (_, x) => [300 + x, Math.round(20 + slope * x)] as const);
    const inside = points.filter(([, y]) => y < large.heightPx);
    const rows = new Map(inside.map(([x, y]) => [x, y]));
    const sketch = sketchMask(
      largeMask((x, y) => {
        const at = rows.get(x);
        // As steep as it goes, each column holds all rows to the next point.
        return at !== undefined && y >= at && y < Math.max(at + 1, rows.get(x + 1) ?? 0);
      }),
    )!;
    const { widthPx, heightPx } = sketch.rle;
    const cells = decodeRle(sketch.rle);
    // Every column has a cell, and one that touches a cell of the column before.
    let before: number[] = [];
    for (let column = 0; column < widthPx; column++) {
      const here = Array.from({ length: heightPx }, (_, row) => row).filter(
        (row) => cells[row * widthPx + column] === 1,
      );
      expect(here.length, `slope ${slope}, column ${column}`).toBeGreaterThan(0);
      if (column > 0) {
        expect(
          here.some((row) => before.some((other) => Math.abs(other - row) <= 1)),
          `slope ${slope}, column ${column}`,
        ).toBe(true);
      }
      before = here;
    }
  }
});

test('specks are left out, unless there is nothing else; nothing is made of an empty mask', () => {
  const disc = (x: number, y: number): boolean => Math.hypot(x - 1000, y - 1000) < 600;
  const withSpeck = sketchMask(largeMask((x, y) => disc(x, y) || (x === 3500 && y === 1000)))!;
  expect(placed(withSpeck)(3500, 1000)).toBe(false);
  const specks = sketchMask(largeMask((x, y) => (x === 100 && y === 100) || (x === 3500 && y === 2000)))!;
  expect(rleArea(specks.rle)).toBe(2);
  expect(placed(specks)(3500, 2000)).toBe(true);
  expect(sketchMask({ ...large, counts: [large.widthPx * large.heightPx] })).toBeNull();
});

test('noise over twelve megapixels makes no more than its cells', () => {
  const random = seededRandom(seed);
  const counts = Array.from({ length: 4_000_000 }, () => 1 + Math.floor(2 * random()));
  const rest = large.widthPx * large.heightPx - counts.reduce((sum, count) => sum + count, 0);
  const noise = { ...large, counts: [...counts.slice(0, -1), counts.at(-1)! + rest] };
  const startMs = performance.now();
  const sketch = sketchMask(noise)!;
  expect(performance.now() - startMs).toBeLessThan(5000);
  expect(sketch.rle.widthPx * sketch.rle.heightPx).toBeLessThanOrEqual(sketchCells ** 2);
  expect(sketch.rle.counts.length).toBeLessThanOrEqual(sketchCells ** 2 + 1);
});

test('a polygon keeps parts, holes and lines, beside the middles of its cells', () => {
  const random = seededRandom(seed);
  const box = (x1: number, y1: number, x2: number, y2: number): number[] => [x1, y1, x2, y1, x2, y2, x1, y2];
  for (let round = 0; round < 50; round++) {
    const [x, y] = [1000 * random() - 200, 1000 * random()];
    const parts = [
      { outer: box(x, y, x + 1400, y + 900), holes: [box(x + 300, y + 200, x + 700, y + 600)] },
      { outer: box(x + 1500, y, x + 1500.5, y + 800), holes: [] },
    ];
    const sketch = sketchPolygon(parts)!;
    expect([sketch.x, sketch.y]).toEqual([polygonBounds(parts)![0], polygonBounds(parts)![1]]);
    const isIn = placed(sketch);
    const cellMiddle = sketch.cellPx / 2;
    expect([isIn(x + 100, y + 100), isIn(x + 500, y + 400), isIn(x + 1450, y + 400)]).toEqual([true, false, false]);
    for (let down = cellMiddle; down < 800; down += sketch.cellPx) expect(isIn(x + 1500.2, y + down)).toBe(true);
    // No cell is lost whose middle lies inside.
    const onGrid = parts.map(({ outer, holes }) => {
      const scaled = (ring: number[]): number[] =>
        ring.map((value, i) => (value - (i % 2 === 0 ? sketch.x : sketch.y)) / sketch.cellPx);
      return { outer: scaled(outer), holes: holes.map(scaled) };
    });
    const middles = decodeRle(rasterisePolygon(onGrid, sketch.rle));
    expect(decodeRle(sketch.rle).findIndex((cell, i) => cell < middles[i]!)).toBe(-1);
  }
  expect(sketchPolygon([{ outer: [5, 5, 5, 5, 5, 5], holes: [] }])).toBeNull();
  expect(sketchPolygon([{ outer: [5, 5, 5, 9, 5, 7], holes: [] }])!.rle).toMatchObject({ widthPx: 1, heightPx: 256 });
});
