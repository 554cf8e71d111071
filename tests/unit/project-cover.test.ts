import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { mediaUrl } from '../../src-main/contract/media-url.ts';
import { createProjectFixture, type ProjectFixture, mediaOf } from '../helpers/service-fixture.ts';

const size = { channels: 1, heightPx: 2, widthPx: 2 };

/** Two grey images: black and white above, then all 100. */
async function addImages({ opened }: ProjectFixture): Promise<void> {
  const { store, folder } = opened;
  const datasetId = store.datasets.begin({ name: 'P', format: 'idx', source: '', createdAt: '' });
  const categoryIds = store.datasets.addCategories(datasetId, ['a']);
  const packId = store.datasets.addPack(datasetId, { file: 'p.u8', count: 2, ...size });
  store.images.insert({
    ...{ datasetId, split: 'train', packId, firstRow: 0, ...size, sourceFile: 'x', firstNumber: 0, categoryIds },
    labels: Uint8Array.of(0, 0),
  });
  store.datasets.publish(datasetId);
  await mkdir(join(folder, 'packs'));
  await writeFile(join(folder, 'packs', 'p.u8'), Uint8Array.of(0, 255, 50, 60, 100, 100, 100, 100));
}

test('an open project’s cover is a mosaic of its first images', async () => {
  const fixture = await createProjectFixture();
  const media = mediaOf(fixture);
  const address = mediaUrl.cover(fixture.opened.project.projectId);
  await expect(media(address)).rejects.toMatchObject({ code: 'not-found' });
  await addImages(fixture);
  const { contentType, immutable, body } = await media(address);
  expect({ contentType, immutable }).toEqual({ contentType: 'image/png', immutable: false });
  const { data, info } = await sharp(body).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, info.channels]).toEqual([512, 256, 3]);
  const pixel = (x: number, y: number) => [...data.subarray((y * 512 + x) * 3, (y * 512 + x) * 3 + 3)];
  // Enlarged without smoothing: each pixel of the first image covers a quarter of the first cell.
  expect([pixel(0, 0), pixel(31, 31), pixel(32, 0), pixel(63, 63)]).toEqual(
    [0, 0, 255, 60].map((grey) => [grey, grey, grey]),
  );
  expect(pixel(64, 0)).toEqual([100, 100, 100]);
  expect(pixel(128, 0)).toEqual([0, 0, 0]);
});

test('the cover is kept when the project closes, and shown while it is closed', async () => {
  const fixture = await createProjectFixture();
  await addImages(fixture);
  const { projectId, path } = fixture.opened.project;
  await fixture.close();
  const media = mediaOf(fixture, (id) => Promise.resolve(id === projectId ? path : null));
  const { body } = await media(mediaUrl.cover(projectId));
  expect(Buffer.from(body).equals(await readFile(join(path, 'cache', 'cover.png')))).toBe(true);
  expect((await sharp(body).metadata()).width).toBe(512);
  await expect(media(mediaUrl.cover('11111111-2222-4333-8444-555555555555'))).rejects.toMatchObject({
    code: 'not-found',
  });
});
