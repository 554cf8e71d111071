/** Images of a split come as asked for, whatever their order in the packs and whether they are kept in memory. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SplitImages } from '../../src-main/engine/data/split-images.ts';
import type { ImagePack, SplitData } from '../../src-main/engine/data/training-data.ts';

let folder: string;
let packs: ImagePack[];

/** Images of 1×1×2 bytes: the pack's letter, then the image's number. */
const image = (pack: number, row: number): [number, number] => [65 + pack, row];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-split-'));
  packs = [0, 1].map((pack) => ({ file: join(folder, `${pack}.u8`), count: 6, channels: 1, heightPx: 1, widthPx: 2 }));
  for (const [pack, { file }] of packs.entries()) {
    await writeFile(file, Uint8Array.from(Array.from({ length: 6 }, (_, row) => image(pack, row)).flat()));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const split = (places: [pack: number, row: number][]): SplitData => ({
  imageIds: places.map((_, i) => i + 1),
  packs: places.map(([pack]) => pack),
  rows: places.map(([, row]) => row),
  labels: places.map(() => 0),
});

const orders: Record<string, [number, number][]> = {
  'one after another': [
    [0, 0],
    [0, 1],
    [0, 2],
    [0, 3],
  ],
  'from the middle, with gaps': [
    [0, 2],
    [0, 3],
    [0, 5],
  ],
  backwards: [
    [0, 3],
    [0, 2],
    [0, 1],
  ],
  'packs in turn': [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ],
  'runs of several packs': [
    [1, 4],
    [1, 5],
    [0, 0],
    [0, 1],
    [0, 4],
    [1, 0],
  ],
  'an image twice': [
    [0, 1],
    [0, 1],
    [0, 2],
  ],
};

describe.each([
  ['in memory', 2 ** 20],
  ['batch by batch', 1],
])('%s', (_, limitBytes) => {
  test.each(Object.entries(orders))('%s', async (_name, places) => {
    const images = await SplitImages.open(split(places), packs, limitBytes);
    try {
      expect([images.count, images.imageShape]).toEqual([places.length, [1, 1, 2]]);
      const positions = [places.length - 1, 0, 1, 0];
      const feed = await images.feed(positions);
      const seen = Array.from(feed.rows, (row) => [...feed.images.subarray(row * 2, row * 2 + 2)]);
      expect(seen).toEqual(positions.map((position) => image(...places[position]!)));
      expect(feed.images.length).toBe(images.feedRows(positions.length) * 2);
    } finally {
      await images.close();
    }
  });
});

test('feeds of images in memory are one and the same array', async () => {
  const images = await SplitImages.open(split(orders['packs in turn']!), packs);
  expect((await images.feed([0])).images).toBe((await images.feed([1])).images);
  await images.close();
});
