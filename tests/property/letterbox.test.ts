/** Images of any shape lie within the network's input, and boxes come back from it. A failure names the seed. */
import { expect, test } from 'vitest';
import { letterbox, toImage, toNetwork } from '../../src-main/engine/data/letterbox.ts';
import { seededRandom } from '../helpers/generated-data.ts';

const SEED = Number(process.env['FOVEA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
console.log(`letterbox: FOVEA_TEST_SEED=${SEED}`);

const sizeOf = (random: () => number, most: number) => ({
  widthPx: 1 + Math.floor(random() * random() * most),
  heightPx: 1 + Math.floor(random() * random() * most),
});

test.each(Array.from({ length: 200 }, (_, index) => (SEED + index) >>> 0))('seed %i', (seed) => {
  const random = seededRandom(seed);
  const image = sizeOf(random, 8000);
  const network = { widthPx: 32 * (1 + Math.floor(random() * 40)), heightPx: 32 * (1 + Math.floor(random() * 40)) };
  const box = letterbox(image, network);
  const { resized, leftPx, topPx } = box;

  const bars = { x: network.widthPx - resized.widthPx, y: network.heightPx - resized.heightPx };
  expect(Math.min(bars.x, bars.y), 'it touches two opposite sides').toBe(0);
  expect([leftPx, topPx], 'it is centred').toEqual([Math.floor(bars.x / 2), Math.floor(bars.y / 2)]);
  const scale = Math.min(network.widthPx / image.widthPx, network.heightPx / image.heightPx);
  for (const [side, whole] of [
    [resized.widthPx, image.widthPx],
    [resized.heightPx, image.heightPx],
  ] as const) {
    expect(Number.isInteger(side) && side >= 1).toBe(true);
    if (side > 1) expect(Math.abs(side - whole * scale)).toBeLessThanOrEqual(0.5 + 1e-9);
  }

  const whole = toNetwork(box, [0, 0, image.widthPx, image.heightPx]);
  expect(whole).toEqual([leftPx, topPx, leftPx + resized.widthPx, topPx + resized.heightPx]);
  const within = (most: number): number => (1.4 * random() - 0.2) * most;
  const bboxXyxy = [image.widthPx, image.heightPx, image.widthPx, image.heightPx].map(within);
  const back = toImage(box, toNetwork(box, bboxXyxy as [number, number, number, number]));
  const tolerancePx = 1e-8;
  back.forEach((side, i) => expect(Math.abs(side - bboxXyxy[i]!)).toBeLessThanOrEqual(tolerancePx));
});

test('an odd bar has its extra px on the right', () => {
  const box = letterbox({ widthPx: 61, heightPx: 64 }, { widthPx: 64, heightPx: 64 });
  expect(box).toMatchObject({ resized: { widthPx: 61, heightPx: 64 }, leftPx: 1, topPx: 0 });
  expect(toNetwork(box, [0, 0, 61, 64])).toEqual([1, 0, 62, 64]);
});

test('a size that is none is refused', () => {
  expect(() => letterbox({ widthPx: 0, heightPx: 5 }, { widthPx: 64, heightPx: 64 })).toThrow('no letterbox');
});
