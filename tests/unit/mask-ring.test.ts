/** One ring for a mask of many pieces: it holds the mask's pixels, and joins them by lines as short as trying all of them finds. */
import { describe, expect, test } from 'vitest';
import { maskBorders } from '../../src-main/contract/geometry/mask-outline.ts';
import { maskRing } from '../../src-main/contract/geometry/mask-ring.ts';
import { ringContains } from '../../src-main/contract/geometry/polygon.ts';
import { decodeRle, encodeRle, type Rle } from '../../src-main/contract/geometry/rle.ts';
import { seededRandom } from '../helpers/generated-data.ts';

/** "#" is a pixel of the mask. */
function drawn(rows: readonly string[]): Rle {
  const widthPx = rows[0]!.length;
  const pixels = Uint8Array.from(rows.join(''), (letter) => (letter === '#' ? 1 : 0));
  return encodeRle(pixels, { widthPx, heightPx: rows.length });
}

function noise(widthPx: number, heightPx: number, share: number, seed: number): Rle {
  const random = seededRandom(seed);
  const pixels = Uint8Array.from({ length: widthPx * heightPx }, () => (random() < share ? 1 : 0));
  return encodeRle(pixels, { widthPx, heightPx });
}

/** Wide blocks far apart, with holes: long rings, and empty cells between them. */
function blocks(sidePx: number): Rle {
  const pixels = Uint8Array.from({ length: sidePx * sidePx }, (_, at) => {
    const [x, y] = [at % sidePx, Math.floor(at / sidePx)];
    const inBlock = x % 40 < 7 && y % 30 < 9;
    return inBlock && !(x % 40 === 3 && y % 30 === 4) ? 1 : 0;
  });
  return encodeRle(pixels, { widthPx: sidePx, heightPx: sidePx });
}

function pixelsOf(ring: readonly number[], { widthPx, heightPx }: Rle): Uint8Array {
  return Uint8Array.from({ length: widthPx * heightPx }, (_, at) =>
    ringContains(ring, (at % widthPx) + 0.5, Math.floor(at / widthPx) + 0.5) ? 1 : 0,
  );
}

const pointsOf = (ring: readonly number[]): (readonly [number, number])[] =>
  Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i]!, ring[2 * i + 1]!] as const);

function lengthOf(ring: readonly number[]): number {
  const points = pointsOf(ring);
  return points.reduce((sum, [x, y], at) => {
    const [nextX, nextY] = points[(at + 1) % points.length]!;
    return sum + Math.hypot(nextX - x, nextY - y);
  }, 0);
}

/** How long the joining lines must be, there and back, each ring nearest to all before it. */
function shortestJoins(rings: readonly (readonly number[])[]): number {
  const before = pointsOf(rings[0] ?? []);
  return rings.slice(1).reduce((sum, ring) => {
    const points = pointsOf(ring);
    const nearest = points.reduce(
      (least, [x, y]) => before.reduce((found, [bx, by]) => Math.min(found, Math.hypot(bx - x, by - y)), least),
      Infinity,
    );
    before.push(...points);
    return sum + 2 * nearest;
  }, 0);
}

const masks: [string, Rle][] = [
  ['one piece', drawn(['.##.', '.##.'])],
  ['two pieces', drawn(['##...', '##..#'])],
  ['pieces that touch at a corner', drawn(['##..', '##..', '..##', '..##'])],
  ['a hole', drawn(['####', '#..#', '####'])],
  ['an island in a hole', drawn(['#####', '#...#', '#.#.#', '#...#', '#####'])],
  ['a single line', drawn(['#.#.##.#...#'])],
  ['a single column', drawn(['#', '.', '#', '#', '.', '.', '#'])],
  ['blocks with holes', blocks(200)],
  ...[0.05, 0.3, 0.6, 0.95].map((share, seed): [string, Rle] => [`noise, ${share}`, noise(61, 47, share, seed + 1)]),
  ['a few pixels far apart', noise(400, 150, 0.0005, 9)],
];

describe('the ring of a mask', () => {
  test.each(masks)('of %s holds its pixels', (_, rle) => {
    expect(pixelsOf(maskRing(rle), rle)).toEqual(decodeRle(rle));
  });

  test.each(masks)('of %s is joined where it is nearest', (_, rle) => {
    const rings = maskBorders(rle);
    const borders = rings.reduce((sum, ring) => sum + lengthOf(ring), 0);
    expect(lengthOf(maskRing(rle)) - borders).toBeCloseTo(shortestJoins(rings), 6);
  });

  test('of an empty mask is empty', () => {
    expect(maskRing(drawn(['...', '...']))).toEqual([]);
  });
});
