/** Large images as tiles: cut in a worker process, upright, pixel for pixel where they were, kept until their file changes. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { mediaUrl } from '../../src-main/contract/media-url.ts';
import { levelSize, tileLevels, tilePx } from '../../src-main/contract/model/tiles.ts';
import { writeFiles } from '../helpers/generated-images.ts';
import { importFolder } from '../helpers/import-folder.ts';
import { createProjectFixture, mediaOf } from '../helpers/service-fixture.ts';

const [widthPx, heightPx] = [8200, 4000];

/** Its left half dark, its right half light, with a red square of 100 px in its left top corner. */
async function large(orientation?: number): Promise<Buffer> {
  const fill = (width: number, height: number, background: string) =>
    sharp({ create: { width, height, channels: 3, background } })
      .png()
      .toBuffer();
  return sharp({ create: { width: widthPx, height: heightPx, channels: 3, background: '#202020' } })
    .composite([
      { input: await fill(widthPx / 2, heightPx, '#e0e0e0'), left: widthPx / 2, top: 0 },
      { input: await fill(100, 100, '#ff0000'), left: 0, top: 0 },
    ])
    .withMetadata(orientation === undefined ? {} : { orientation })
    .jpeg()
    .toBuffer();
}

test('levels halve down to one tile', () => {
  expect(tileLevels({ widthPx, heightPx })).toBe(6);
  expect(levelSize({ widthPx, heightPx }, 5)).toEqual({ widthPx: 257, heightPx: 125 });
  expect(tileLevels({ widthPx: 512, heightPx: 5 })).toBe(1);
});

test('tiles of a turned image are upright, and made once', { timeout: 60_000 }, async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'large');
  await writeFiles(folder, {
    'turned.jpg': await large(3),
    'small.png': await sharp({ create: { width: 9, height: 9, channels: 3, background: '#fff' } })
      .png()
      .toBuffer(),
  });
  const { images } = await importFolder(fixture, folder);
  const { projectId } = fixture.opened.project;
  const turned = images.find(({ name }) => name === 'turned.jpg')!.imageId;
  const small = images.find(({ name }) => name === 'small.png')!.imageId;
  const media = mediaOf(fixture);
  const tile = async (level: number, column: number, row: number) => {
    const { body, contentType } = await media(mediaUrl.tile(projectId, turned, level, column, row));
    expect(contentType).toBe('image/jpeg');
    const { data, info } = await sharp(body).raw().toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
    return { width: info.width, height: info.height, at };
  };
  // Upside down: the red square is at the lower right, on dark ground. All at once, as a window asks for them.
  const [first, last, small5] = await Promise.all([tile(0, 0, 0), tile(0, 16, 7), tile(5, 0, 0)]);
  expect([first.width, first.height]).toEqual([tilePx, tilePx]);
  expect([last.width, last.height]).toEqual([widthPx - 16 * tilePx, heightPx - 7 * tilePx]);
  expect(first.at(5, 5).every((value) => value > 200)).toBe(true);
  const [red = 0, green = 255] = last.at(last.width - 5, last.height - 5);
  expect([red > 240, green < 20]).toEqual([true, true]);
  expect([small5.width, small5.height]).toEqual([257, 125]);
  const kept = join(
    fixture.opened.folder,
    'cache',
    'tiles',
    String(fixture.opened.store.datasets.list()[0]!.datasetId),
  );
  expect(readdirSync(kept)).toHaveLength(1);
  expect(readdirSync(join(kept, readdirSync(kept)[0]!)).sort()).toEqual(['0', '1', '2', '3', '4', '5']);

  await expect(media(mediaUrl.tile(projectId, turned, 0, 17, 0))).rejects.toMatchObject({ code: 'not-found' });
  await expect(media(mediaUrl.tile(projectId, turned, 6, 0, 0))).rejects.toMatchObject({ code: 'not-found' });
  await expect(media(mediaUrl.tile(projectId, small, 0, 0, 0))).rejects.toMatchObject({ code: 'not-found' });

  const preview = await sharp((await media(mediaUrl.preview(projectId, turned))).body).metadata();
  expect([preview.width, preview.height]).toEqual([2048, 999]);

  // Another file under the name has tiles of its own.
  await writeFiles(folder, { 'turned.jpg': await large() });
  expect((await tile(0, 0, 0)).at(5, 5)[0]).toBeGreaterThan(240);
  expect(readdirSync(kept)).toHaveLength(2);
  await fixture.handlers['dataset.delete']({
    projectId,
    datasetId: fixture.opened.store.datasets.list()[0]!.datasetId,
  });
  await fixture.handlers['trash.empty']({ projectId, item: null });
  expect(existsSync(kept)).toBe(false);
});

test('a file that is cut off says so, and leaves nothing behind', { timeout: 60_000 }, async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'large');
  const whole = await large();
  await writeFiles(folder, { 'a.jpg': whole });
  const { images } = await importFolder(fixture, folder);
  await writeFiles(folder, { 'a.jpg': whole.subarray(0, whole.length / 2) });
  const { projectId } = fixture.opened.project;
  const media = mediaOf(fixture);
  await expect(media(mediaUrl.tile(projectId, images[0]!.imageId, 0, 0, 0))).rejects.toThrow(/a\.jpg/);
  const kept = join(fixture.opened.folder, 'cache', 'tiles');
  const left = existsSync(kept) ? readdirSync(kept, { recursive: true, withFileTypes: true }) : [];
  expect(left.filter((entry) => entry.isFile())).toEqual([]);
});
