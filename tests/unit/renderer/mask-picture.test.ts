import { expect, test } from 'vitest';
import { decodeRle, encodeRle, type Rle } from '../../../src-main/contract/geometry/rle.ts';
import { maskOwners, paintMasks } from '../../../src-renderer/canvas/drawing/mask-picture.ts';
import { seededRandom } from '../../helpers/generated-data.ts';

const size = { widthPx: 37, heightPx: 23 };
const random = seededRandom(3);
const blob = (): Rle => {
  const pixels = Uint8Array.from({ length: size.widthPx * size.heightPx }, () => (random() < 0.4 ? 1 : 0));
  return encodeRle(pixels, size);
};
const painted = (rle: Rle, rgb: [number, number, number] = [10, 20, 30]) => ({ rle, rgb });

test.each([
  ['the whole', { x: 0, y: 0, step: 1, columns: 37, rows: 23 }],
  ['a part', { x: 5, y: 7, step: 1, columns: 20, rows: 9 }],
  ['every third pixel', { x: 0, y: 0, step: 3, columns: 13, rows: 8 }],
  ['every fourth pixel of a part', { x: 8, y: 4, step: 4, columns: 7, rows: 4 }],
])('shows the mask that is on top at each sample: %s', (_, region) => {
  const masks = [blob(), blob(), blob()];
  const pixels = masks.map(decodeRle);
  const expected: number[] = [];
  for (let row = 0; row < region.rows; row++) {
    for (let column = 0; column < region.columns; column++) {
      const [x, y] = [region.x + column * region.step, region.y + row * region.step];
      expected.push(pixels.findLastIndex((mask) => mask[y * size.widthPx + x] === 1) + 1);
    }
  }
  const owners = maskOwners(
    masks.map((rle) => painted(rle)),
    region,
  );
  expect([...owners]).toEqual(expected);
});

test('paints edges opaque and insides as opaque as asked', () => {
  const square = new Uint8Array(25);
  for (const y of [1, 2, 3]) for (const x of [1, 2, 3]) square[y * 5 + x] = 1;
  const rle = encodeRle(square, { widthPx: 5, heightPx: 5 });
  const rgba = paintMasks([painted(rle)], { x: 0, y: 0, step: 1, columns: 5, rows: 5 }, 0.5);
  const at = (x: number, y: number) => [...rgba.subarray((y * 5 + x) * 4, (y * 5 + x) * 4 + 4)];
  expect(at(0, 0)).toEqual([0, 0, 0, 0]);
  expect(at(1, 1)).toEqual([10, 20, 30, 255]);
  expect(at(2, 2)).toEqual([10, 20, 30, 128]);
});
