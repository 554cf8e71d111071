/** What a project keeps of its pictures on disk, and how much of it. */
import { existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { PictureCache, thumbnailFolder, tilesFolder } from '../../src-main/services/picture-cache.ts';
import { createCacheHandlers, PictureCaches } from '../../src-main/services/picture-caches.ts';
import { createProjectFixture, temporaryFolder } from '../helpers/service-fixture.ts';

const datasetId = 1 as DatasetId;
const thumbnail = (number: number): string => join(thumbnailFolder(datasetId), '0', `${number}.webp`);
const bytes = (count: number) => () => Promise.resolve(new Uint8Array(count).fill(7));

/** As if it had been looked at so many days ago. */
function age(folder: string, path: string, days: number): void {
  const at = new Date(Date.now() - days * 86_400_000);
  utimesSync(join(folder, path), at, at);
}

test('what was not looked at for longest goes first, tiles of an image as a whole', async () => {
  const folder = await temporaryFolder();
  const limit = { bytes: 10_000 };
  const cache = new PictureCache(folder, () => Promise.resolve(limit.bytes));
  for (let number = 1; number <= 5; number++) {
    await cache.file(thumbnail(number), bytes(1000));
    age(folder, thumbnail(number), 10 - number);
  }
  const tiles = join(tilesFolder(datasetId), '9-100-200');
  mkdirSync(join(folder, tiles, '0'), { recursive: true });
  writeFileSync(join(folder, tiles, '0', '0_0.jpeg'), new Uint8Array(4000));
  await cache.added(tiles);
  expect(await cache.usage()).toBe(9000);
  age(folder, tiles, 20);
  // The oldest thumbnail is looked at, as in a later session.
  const later = new PictureCache(folder, () => Promise.resolve(limit.bytes));
  let made = 0;
  await later.file(thumbnail(1), () => Promise.resolve(new Uint8Array(++made)));
  expect(made).toBe(0);
  const usedMs = (): number => statSync(join(folder, thumbnail(1))).mtimeMs;
  await expect.poll(usedMs).toBeGreaterThan(Date.now() - 86_400_000); // the use is noted beside
  limit.bytes = 5500;
  await later.file(thumbnail(6), bytes(1000));
  // 10,000 are 5,050 more than wanted: the tiles, then 2 and 3.
  expect(existsSync(join(folder, tiles))).toBe(false);
  expect([1, 2, 3, 4, 5, 6].filter((number) => existsSync(join(folder, thumbnail(number))))).toEqual([1, 4, 5, 6]);
  expect(await later.usage()).toBe(4000);
});

test('a damaged or lost file is made again; a place that cannot be written to is no failure', async () => {
  const folder = await temporaryFolder();
  const cache = new PictureCache(folder, () => Promise.resolve(1e9));
  await cache.file(thumbnail(1), bytes(10));
  writeFileSync(join(folder, thumbnail(1)), '');
  expect(await cache.file(thumbnail(1), bytes(12))).toHaveLength(12);
  writeFileSync(join(folder, 'blocked'), 'a file where a folder should be');
  const nowhere = new PictureCache(join(folder, 'blocked'), () => Promise.resolve(1e9));
  expect(await nowhere.file(thumbnail(1), bytes(3))).toHaveLength(3);
  expect(await nowhere.usage()).toBe(0);
});

test('a person sees the size, lowers the limit, and empties the cache', async () => {
  const { projects, opened } = await createProjectFixture();
  const { projectId } = opened.project;
  const settings = { theme: 'system' as const, projectsFolder: '', view: {}, cacheLimitMegabytes: 50 };
  const caches = new PictureCaches(() => Promise.resolve(settings));
  const handlers = createCacheHandlers(projects, caches);
  await caches.of(opened.folder).file(thumbnail(1), bytes(30_000_000));
  await caches.of(opened.folder).file(thumbnail(2), bytes(15_000_000));
  expect(await handlers['cache.usage']({ projectId })).toEqual({ usedBytes: 45_000_000, limitBytes: 50_000_000 });
  age(opened.folder, thumbnail(1), 1);
  settings.cacheLimitMegabytes = 40;
  expect(await handlers['cache.usage']({ projectId })).toEqual({ usedBytes: 15_000_000, limitBytes: 40_000_000 });
  expect(await handlers['cache.empty']({ projectId })).toEqual({ usedBytes: 0, limitBytes: 40_000_000 });
  expect(existsSync(join(opened.folder, thumbnail(2)))).toBe(false);
});
