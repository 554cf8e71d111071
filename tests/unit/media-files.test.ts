/** Pictures of images that are files of their own. */
import { existsSync, readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { mediaUrl } from '../../src-main/contract/media-url.ts';
import { smallPicturesMax, splitPictures } from '../../src-main/contract/model/small-pictures.ts';
import type { ImageId } from '../../src-main/contract/model/ids.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { createProjectFixture, type ProjectFixture, mediaOf } from '../helpers/service-fixture.ts';

interface Files {
  fixture: ProjectFixture;
  folder: string;
  media: ReturnType<typeof mediaOf>;
  projectId: string;
  /** By file name. */
  ids: Map<string, ImageId>;
}

async function importPhotos(files: Record<string, Uint8Array>): Promise<Files> {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'photos');
  await writeFiles(folder, files);
  const { handlers, opened, ended } = fixture;
  const { projectId } = opened.project;
  const request = { projectId, path: folder, format: 'images' as const, name: 'Photos' };
  const { datasetId } = await ended(await handlers['dataset.import'](request));
  const filter = { splits: [], categoryIds: [] };
  const { items } = await handlers['image.list']({ projectId, datasetId: datasetId!, filter, offset: 0, limit: 100 });
  const media = mediaOf(fixture);
  return { fixture, folder, media, projectId, ids: new Map(items.map(({ name, imageId }) => [name, imageId])) };
}

/** Where in the picture the red corner is: "left top", "right top" … */
async function redCorner(body: Uint8Array): Promise<string> {
  const { data, info } = await sharp(body).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const isRed = (x: number, y: number): boolean => (data[(y * info.width + x) * 3] ?? 0) > 128;
  const [left, right] = [3, info.width - 4];
  const corners = { 'left top': [left, 3], 'right top': [right, 3], 'left bottom': [left, info.height - 4] } as const;
  return Object.entries(corners).find(([, [x, y]]) => isRed(x, y))?.[0] ?? 'elsewhere';
}

test('thumbnails are upright, and kept on disk until their data set goes', async () => {
  const large = { widthPx: 600, heightPx: 300 };
  const { fixture, media, projectId, ids } = await importPhotos({
    'plain.jpg': await photo(large),
    'turned.jpg': await photo({ ...large, orientation: 6 }),
  });
  for (const [name, size, corner] of [
    ['plain.jpg', [256, 128], 'left top'],
    ['turned.jpg', [128, 256], 'right top'],
  ] as const) {
    const { body, contentType } = await media(mediaUrl.thumbnail(projectId, ids.get(name)!));
    const { width, height, format } = await sharp(body).metadata();
    expect([width, height, format, contentType]).toEqual([...size, 'webp', 'image/webp']);
    expect(await redCorner(body)).toBe(corner);
  }
  const kept = join(fixture.opened.folder, 'cache', 'thumbnails');
  expect(readdirSync(kept, { recursive: true }).filter((name) => String(name).endsWith('.webp'))).toHaveLength(2);
  // Another start of the app finds it there, even where the file is gone.
  const later = mediaOf(fixture);
  await rm(join(fixture.scratch, 'photos'), { recursive: true });
  expect((await later(mediaUrl.thumbnail(projectId, ids.get('plain.jpg')!))).body.length).toBeGreaterThan(100);
  const [dataset] = fixture.opened.store.datasets.list();
  await fixture.handlers['dataset.delete']({
    projectId: fixture.opened.project.projectId,
    datasetId: dataset!.datasetId,
  });
  await fixture.handlers['trash.empty']({ projectId: fixture.opened.project.projectId, item: null });
  expect(existsSync(join(kept, String(dataset!.datasetId)))).toBe(false);
});

test('a page gets what it can show as it is, and everything else upright as PNG', async () => {
  const jpeg = await photo();
  const { media, projectId, ids } = await importPhotos({
    'a.jpg': jpeg,
    'b.tif': await photo({}, 'tiff'),
    'c.webp': await photo({ orientation: 6 }, 'webp'),
  });
  const image = (name: string) => media(mediaUrl.image(projectId, ids.get(name)!));
  expect(await image('a.jpg')).toEqual({ contentType: 'image/jpeg', body: jpeg, immutable: false });
  const tiff = await image('b.tif');
  expect(tiff.contentType).toBe('image/png');
  expect((await sharp(tiff.body).metadata()).width).toBe(40);
  const turned = await image('c.webp');
  expect((await sharp(turned.body).metadata()).width).toBe(30);
  expect(await redCorner(turned.body)).toBe('right top');
});

test('a file that is gone or no image any more says so', async () => {
  const { folder, media, projectId, ids } = await importPhotos({
    'a.jpg': await photo(),
    'b.tif': await photo({}, 'tiff'),
  });
  await rm(join(folder, 'a.jpg'));
  await writeFile(join(folder, 'b.tif'), 'text now');
  const [a, b] = [ids.get('a.jpg')!, ids.get('b.tif')!];
  await expect(media(mediaUrl.image(projectId, a))).rejects.toMatchObject({ code: 'not-found' });
  await expect(media(mediaUrl.thumbnail(projectId, a))).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining('is not there any more') as string,
  });
  await expect(media(mediaUrl.thumbnail(projectId, b))).rejects.toMatchObject({ code: 'bad-input' });
  await expect(media(mediaUrl.sheet(projectId, [a]))).rejects.toMatchObject({ code: 'unsupported' });
});

test('small pictures come joined and upright, and one that is gone leaves the others', async () => {
  const large = { widthPx: 600, heightPx: 300 };
  const { folder, media, projectId, ids } = await importPhotos({
    'a.jpg': await photo(large),
    'b.jpg': await photo(large),
    'c.jpg': await photo({ ...large, orientation: 6 }),
  });
  await rm(join(folder, 'b.jpg'));
  const address = mediaUrl.small(
    projectId,
    ['c.jpg', 'b.jpg', 'a.jpg'].map((name) => ids.get(name)!),
  );
  const read = async () => splitPictures((await media(address)).body.slice().buffer as ArrayBuffer);
  const [turned, gone, plain] = await read();
  expect(gone).toBeNull();
  const sizes = await Promise.all(
    [turned, plain].map(async (bytes) => {
      const { width, height } = await sharp(bytes!).metadata();
      return [width, height];
    }),
  );
  expect(sizes).toEqual([
    [64, 128],
    [128, 64],
  ]);
  expect(await read()).toEqual([turned, null, plain]); // from the disk
  const many = Array.from({ length: smallPicturesMax + 1 }, () => ids.get('a.jpg')!);
  await expect(media(mediaUrl.small(projectId, many))).rejects.toMatchObject({ code: 'not-found' });
});

test('the cover of a project shows files too, and leaves a gone one out', async () => {
  const { folder, media, projectId } = await importPhotos({ 'a.jpg': await photo(), 'b.jpg': await photo() });
  await rm(join(folder, 'b.jpg'));
  const { body } = await media(mediaUrl.cover(projectId));
  const { data, info } = await sharp(body).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number): number[] => [...data.subarray((20 * info.width + x) * 3, (20 * info.width + x) * 3 + 3)];
  expect(at(50)).not.toEqual([0, 0, 0]);
  expect(at(64 + 50)).toEqual([0, 0, 0]);
});
