/** Large images in overlapping tiles of a network's size: where they lie, what they show, and what becomes of their shares. */
import { describe, expect, test } from 'vitest';
import { cutTile, TileBlender, tileStarts } from '../../src-main/engine/data/tiles.ts';
import { seededRandom } from '../helpers/generated-data.ts';

describe('tileStarts', () => {
  test.each([
    [100, 256, 0.25, [0]],
    [256, 256, 0.25, [0]],
    [257, 256, 0.25, [0, 1]],
    [640, 256, 0, [0, 256, 384]],
    [640, 256, 0.5, [0, 128, 256, 384]],
    [641, 256, 0.5, [0, 128, 256, 384, 385]],
  ])('%d px in tiles of %d with %f in common', (length, tile, overlap, wanted) => {
    expect(tileStarts(length, tile, overlap)).toEqual(wanted);
  });

  test('every pixel is in a tile, and neighbours share what was asked for', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 200; round++) {
      const [tile, overlap] = [8 + Math.floor(64 * random()), 0.75 * random()];
      const length = tile + Math.floor(300 * random());
      const starts = tileStarts(length, tile, overlap);
      expect(starts[0]).toBe(0);
      expect(starts.at(-1)! + tile).toBe(length);
      starts.slice(1).forEach((start, i) => expect(start - starts[i]!).toBeLessThanOrEqual(tile * (1 - overlap) + 1));
    }
  });
});

test('a tile shows its part of the image, and grey where the image ends', () => {
  const image = { widthPx: 3, heightPx: 2 };
  const planes = Uint8Array.from({ length: 12 }, (_, i) => i);
  const target = new Uint8Array(2 * 2 * 2);
  cutTile(planes, image, { widthPx: 2, heightPx: 2 }, { leftPx: 1, topPx: 0 }, target);
  expect([...target]).toEqual([1, 2, 4, 5, 7, 8, 10, 11]);
  const larger = new Uint8Array(2 * 3 * 4);
  cutTile(planes, image, { widthPx: 4, heightPx: 3 }, { leftPx: 0, topPx: 0 }, larger);
  expect([...larger.subarray(0, 12)]).toEqual([0, 1, 2, 114, 3, 4, 5, 114, 114, 114, 114, 114]);
});

describe('TileBlender', () => {
  const tile = { widthPx: 8, heightPx: 6 };

  /** Each tile says what `say` says of a channel and a pixel of the image. */
  function blend(
    image: { widthPx: number; heightPx: number },
    overlap: number,
    say: (channel: number, x: number, y: number, tile: number) => number,
  ): Float32Array {
    const channels = 2;
    const blender = new TileBlender(image, tile, overlap, channels);
    const result = new Float32Array(channels * image.widthPx * image.heightPx);
    const tops = tileStarts(image.heightPx, tile.heightPx, overlap);
    let number = 0;
    tops.forEach((topPx, row) => {
      for (const leftPx of tileStarts(image.widthPx, tile.widthPx, overlap)) {
        const shares = Float32Array.from({ length: channels * 48 }, (_, i) =>
          say(Math.floor(i / 48), leftPx + (i % 8), topPx + (Math.floor(i / 8) % 6), number),
        );
        blender.add(shares, { leftPx, topPx });
        number++;
      }
      const means = blender.take(tops[row + 1] ?? image.heightPx);
      const pixels = means.length / channels;
      for (let channel = 0; channel < channels; channel++) {
        result.set(
          means.subarray(channel * pixels, (channel + 1) * pixels),
          channel * image.widthPx * image.heightPx + topPx * image.widthPx,
        );
      }
    });
    return result;
  }

  test.each([
    [{ widthPx: 21, heightPx: 17 }, 0.25],
    [{ widthPx: 8, heightPx: 6 }, 0.5],
    [{ widthPx: 5, heightPx: 19 }, 0.5],
    [{ widthPx: 30, heightPx: 4 }, 0],
  ])('tiles that agree give what they say: %o with %f in common', (image, overlap) => {
    const found = blend(image, overlap, (channel, x, y) => (channel === 0 ? x / 64 : y / 64));
    for (let y = 0; y < image.heightPx; y++) {
      for (let x = 0; x < image.widthPx; x++) {
        const at = y * image.widthPx + x;
        expect(found[at]).toBeCloseTo(x / 64, 6);
        expect(found[image.widthPx * image.heightPx + at]).toBeCloseTo(y / 64, 6);
      }
    }
  });

  test('tiles that differ pass smoothly into one another', () => {
    const image = { widthPx: 12, heightPx: 6 };
    const found = blend(image, 0.5, (_channel, _x, _y, number) => number);
    const row = [...found.subarray(24, 36)];
    expect(row.slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(row.slice(8)).toEqual([1, 1, 1, 1]);
    // Weights 7, 5, 3, 1 against 1, 3, 5, 7.
    row.slice(4, 8).forEach((value, i) => expect(value).toBeCloseTo((2 * i + 1) / 8, 6));
  });
});
