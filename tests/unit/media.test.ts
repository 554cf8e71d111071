import { truncateSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test, vi } from 'vitest';
import { mediaUrl } from '../../src-main/contract/media-url.ts';
import { ByteCache } from '../../src-main/services/byte-cache.ts';
import { Limiter } from '../../src-main/services/limiter.ts';
import { createProjectFixture, type ProjectFixture, mediaOf } from '../helpers/service-fixture.ts';

interface Picture {
  fixture: ProjectFixture;
  projectId: string;
  imageId: number;
  /** uint8 [2, channels, heightPx, widthPx]; the picture is the second. */
  planes: Uint8Array;
  packFile: string;
}

async function addPictures(channels: number, heightPx: number, widthPx: number): Promise<Picture> {
  const fixture = await createProjectFixture();
  const { store, folder, project } = fixture.opened;
  const planes = Uint8Array.from({ length: 2 * channels * heightPx * widthPx }, (_, index) => (index * 7) % 256);
  const datasetId = store.datasets.begin({ name: 'P', format: 'idx', source: '', createdAt: '' });
  const categoryIds = store.datasets.addCategories(datasetId, ['a']);
  const size = { channels, heightPx, widthPx };
  const packId = store.datasets.addPack(datasetId, { file: 'p.u8', count: 2, ...size });
  store.images.insert({
    ...{ datasetId, split: 'train', packId, firstRow: 0, ...size, sourceFile: 'x', firstNumber: 0, categoryIds },
    labels: Uint8Array.of(0, 0),
  });
  store.datasets.publish(datasetId);
  const packFile = join(folder, 'packs', 'p.u8');
  await mkdir(join(folder, 'packs'));
  writeFileSync(packFile, planes);
  return { fixture, projectId: project.projectId, imageId: store.images.idRange(datasetId)!.last, planes, packFile };
}

/** Decoded pixels, [H, W, C]. */
async function decode(png: Uint8Array): Promise<{ width: number; height: number; channels: number; data: Buffer }> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data };
}

test('a colour picture comes pixel for pixel, with its planes woven together', async () => {
  const { fixture, projectId, imageId, planes } = await addPictures(3, 4, 6);
  const media = mediaOf(fixture);
  for (const kind of ['thumbnail', 'image'] as const) {
    const { contentType, immutable, body } = await media(mediaUrl[kind](projectId, imageId));
    expect({ contentType, immutable }).toEqual({ contentType: 'image/png', immutable: true });
    const { width, height, channels, data } = await decode(body);
    expect({ width, height, channels }).toEqual({ width: 6, height: 4, channels: 3 });
    const second = planes.subarray(72);
    const woven = Array.from({ length: 72 }, (_, at) => second[(at % 3) * 24 + Math.floor(at / 3)]);
    expect([...data]).toEqual(woven);
  }
});

test('a grey picture stays grey', async () => {
  const { fixture, projectId, imageId, planes } = await addPictures(1, 5, 3);
  const { body } = await mediaOf(fixture)(mediaUrl.image(projectId, imageId));
  expect((await sharp(body).metadata()).channels).toBe(1);
  expect([...(await sharp(body).extractChannel(0).raw().toBuffer())]).toEqual([...planes.subarray(15)]);
});

test('a thumbnail of a large picture is at most 256 px, the picture keeps its size', async () => {
  const { fixture, projectId, imageId } = await addPictures(3, 300, 600);
  const media = mediaOf(fixture);
  const thumbnail = await decode((await media(mediaUrl.thumbnail(projectId, imageId))).body);
  expect([thumbnail.width, thumbnail.height]).toEqual([256, 128]);
  const image = await decode((await media(mediaUrl.image(projectId, imageId))).body);
  expect([image.width, image.height]).toEqual([600, 300]);
});

test('a sheet holds its images in the order of the address', async () => {
  const { fixture, projectId, imageId, planes } = await addPictures(3, 2, 3);
  const { body } = await mediaOf(fixture)(mediaUrl.sheet(projectId, [imageId, imageId - 1]));
  const { width, height, data } = await decode(body);
  expect([width, height]).toEqual([6, 3]); // two cells of 3 px
  const pixel = (x: number, y: number): number[] => [...data.subarray((y * 6 + x) * 3, (y * 6 + x) * 3 + 3)];
  expect(pixel(0, 0)).toEqual([planes[18], planes[24], planes[30]]);
  expect(pixel(5, 1)).toEqual([planes[5], planes[11], planes[17]]);
  expect(pixel(5, 2)).toEqual([0, 0, 0]); // the cell is higher than the image
});

test('no address but those of pictures in open projects is answered', async () => {
  const { fixture, projectId, imageId } = await addPictures(3, 4, 4);
  const media = mediaOf(fixture);
  const closed = '11111111-2222-4333-8444-555555555555';
  for (const path of [
    `media/${closed}/image/${imageId}`,
    `media/${projectId}/image/99`,
    `media/${projectId}/image/0`,
    `media/${projectId}/image/-1`,
    `media/${projectId}/image/1e3`,
    `media/${projectId}/image/${imageId}/..`,
    `media/${projectId}/../project.sqlite`,
    `media/${projectId}/image/${imageId}?x=1`,
    `media/${projectId}/poster/${imageId}`,
    `media/${projectId}/image/${imageId}.${imageId}`,
    `media/${projectId}/sheet`,
    `media/${projectId}/sheet/${Array(101).fill(imageId).join('.')}`,
    `media/${projectId}/sheet/${imageId}.99`,
    `media/${closed}/cover`,
    `media/../../etc/passwd`,
    `/media/${projectId}/image/${imageId}`,
    `media/${projectId.toUpperCase()}/image/${imageId}`,
    '',
  ]) {
    await expect(media(path), path).rejects.toMatchObject({ code: 'not-found' });
  }
});

test('a picture of a deleted data set is gone, also where it was shown before', async () => {
  const { fixture, projectId, imageId } = await addPictures(3, 4, 4);
  const media = mediaOf(fixture);
  const address = mediaUrl.thumbnail(projectId, imageId);
  await media(address);
  const { store, project } = fixture.opened;
  const [dataset] = store.datasets.list();
  await fixture.handlers['dataset.delete']({ projectId: project.projectId, datasetId: dataset!.datasetId });
  await expect(media(address)).rejects.toMatchObject({ code: 'not-found' });
});

test('a pack that was cut off says so', async () => {
  const { fixture, projectId, imageId, packFile } = await addPictures(3, 4, 4);
  truncateSync(packFile, 60);
  await expect(mediaOf(fixture)(mediaUrl.image(projectId, imageId))).rejects.toMatchObject({
    code: 'bad-input',
    message: `${packFile}: ends inside image 1. The file is damaged; import the data set again.`,
  });
});

test('the cache keeps what was used last, shares work in progress, and does not keep failures', async () => {
  const cache = new ByteCache<Uint8Array>(10, ({ length }) => length);
  const make = vi.fn((size: number) => Promise.resolve(new Uint8Array(size)));
  const get = (key: string, size: number): Promise<Uint8Array> => cache.get(key, () => make(size));
  await Promise.all([get('a', 4), get('a', 4)]);
  await get('b', 4);
  expect(make).toHaveBeenCalledTimes(2);
  await get('a', 4);
  await get('c', 4); // b was used least lately and goes
  await get('a', 4);
  expect(make).toHaveBeenCalledTimes(3);
  await get('b', 4);
  expect(make).toHaveBeenCalledTimes(4);
  await expect(cache.get('d', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await get('d', 1)).toHaveLength(1);
});

test('the limiter lets no more through than it may, in order, and goes on after a failure', async () => {
  const limiter = new Limiter(2);
  const started: number[] = [];
  let inside = 0;
  const work = (number: number) =>
    limiter.run(async () => {
      started.push(number);
      expect(++inside).toBeLessThanOrEqual(2);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside--;
      if (number === 1) throw new Error('first fails');
    });
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map(work));
  expect(started).toEqual([1, 2, 3, 4, 5]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', ...Array<string>(4).fill('fulfilled')]);
});
