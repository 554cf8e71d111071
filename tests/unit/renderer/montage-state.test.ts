import { expect, test } from 'vitest';
import type { ImageSummary } from '../../../src-main/contract/model/dataset.ts';
import type { DatasetId, ImageId, ProjectId } from '../../../src-main/contract/model/ids.ts';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { DatasetBrowser, samplePlaces } from '../../../src-renderer/state/dataset-browser.svelte.ts';
import { MontageState } from '../../../src-renderer/state/montage-state.svelte.ts';

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

function montageOf(total: number): MontageState {
  const call = (_name: string, { offset, limit }: { offset: number; limit: number }) =>
    Promise.resolve({
      total,
      items: Array.from({ length: Math.min(limit, total - offset) }, (_, step) => ({
        imageId: (offset + step + 1) as ImageId,
      })) as ImageSummary[],
    });
  const filter = { splits: [], categoryIds: [] };
  const browser = new DatasetBrowser({ call } as unknown as Api, '' as ProjectId, 1 as DatasetId, filter);
  return new MontageState(browser);
}

test('pages of 64, the last one as short as it is', async () => {
  const montage = montageOf(150);
  expect(montage.tiles).toHaveLength(64);
  montage.want();
  await settled();
  expect(montage.tiles[63]).toMatchObject({ place: 63, image: { imageId: 64 } });
  montage.turn(-1);
  expect(montage.start).toBe(0);
  montage.turn(1);
  montage.turn(1);
  expect(montage.start).toBe(128);
  expect(montage.tiles).toHaveLength(22);
  montage.turn(1);
  expect(montage.start).toBe(128);
});

test('a sample takes its images from all over the list, and order comes back', async () => {
  const montage = montageOf(10_000);
  montage.want();
  await settled();
  let draw = 0;
  await montage.shuffle(() => (draw++ % 16) / 16);
  expect(montage.tiles).toHaveLength(64);
  for (const { place, image } of montage.tiles) expect(image?.imageId).toBe(place + 1);
  expect(montage.tiles.at(-1)!.place).toBeGreaterThan(9000);
  montage.inOrder();
  expect(montage.tiles[5]?.place).toBe(5);
});

test('a sample has distinct places in rising order, all of them where there are fewer', () => {
  const places = samplePlaces(100, 64, Math.random);
  expect(new Set(places).size).toBe(64);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places.every((place) => place >= 0 && place < 100)).toBe(true);
  expect(samplePlaces(3, 64, () => 0.5)).toEqual([0, 1, 2]);
});

test('every place is drawn about as often as any other', () => {
  const counts = Array<number>(10).fill(0);
  let state = 1;
  // Park–Miller: the test draws the same numbers each time.
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let round = 0; round < 5000; round++) for (const place of samplePlaces(10, 3, random)) counts[place]! += 1;
  for (const count of counts) expect(Math.abs(count - 1500)).toBeLessThan(130);
});
