/** Every kind of image that a person may have: brought in, shown small and whole, upright and in its right colours. */
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { mediaUrl } from '../../src-main/contract/media-url.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { importFolder } from '../helpers/import-folder.ts';
import { createProjectFixture, mediaOf } from '../helpers/service-fixture.ts';

async function shown(files: Record<string, Uint8Array>) {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'kinds');
  await writeFiles(folder, files);
  const { report, images } = await importFolder(fixture, folder);
  const media = mediaOf(fixture);
  const { projectId } = fixture.opened.project;
  const picture = async (name: string, kind: 'thumbnail' | 'image') => {
    const image = images.find((other) => other.name === name)!;
    const { body } = await media(mediaUrl[kind](projectId, image.imageId));
    // As a page does: upright, and without a colour profile of 16 bit.
    const raw = sharp(body, { pages: 1 }).autoOrient().toColourspace('srgb').removeAlpha().raw({ depth: 'uchar' });
    const { data, info } = await raw.toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) => {
      const start = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * info.channels;
      return [0, 1, 2].map((channel) => data[start + Math.min(channel, info.channels - 1)]!);
    };
    return { size: [info.width, info.height], at };
  };
  return { report, images, picture };
}

const isRed = ([red = 0, green = 255, blue = 255]: number[]) => red > 180 && green < 90 && blue < 90;

test('JPEG, PNG, WebP, TIFF, GIF and AVIF, also under a wrong ending', { timeout: 60_000 }, async () => {
  const formats = ['jpeg', 'png', 'webp', 'tiff', 'gif', 'avif'] as const;
  const files: Record<string, Uint8Array> = {};
  for (const format of formats) {
    files[`right.${format}`] = await photo({ widthPx: 400, heightPx: 200 }, format);
    files[`wrong-${format}.${format === 'jpeg' ? 'png' : 'jpg'}`] = files[`right.${format}`]!;
  }
  const { report, images, picture } = await shown(files);
  expect(report.failures.filter(({ reason }) => !/ending|named|content/i.test(reason))).toEqual([]);
  expect(images).toHaveLength(12);
  for (const { name, widthPx, heightPx, channels } of images) {
    expect([name, widthPx, heightPx, channels]).toEqual([name, 400, 200, 3]);
    const small = await picture(name, 'thumbnail');
    expect([name, ...small.size]).toEqual([name, 256, 128]);
    expect([name, isRed(small.at(0.1, 0.1)), isRed(small.at(0.9, 0.9))]).toEqual([name, true, false]);
    const whole = await picture(name, 'image');
    expect([name, ...whole.size, isRed(whole.at(0.1, 0.1))]).toEqual([name, 400, 200, true]);
  }
});

test('of an animated GIF the first picture', async () => {
  const frame = (background: string) => ({ create: { width: 20, height: 10, channels: 3 as const, background } });
  const frames = await Promise.all(['#ff0000', '#0000ff'].map((colour) => sharp(frame(colour)).png().toBuffer()));
  const gif = await sharp(frames, { join: { animated: true } })
    .gif({ delay: [100, 100] })
    .toBuffer();
  const { images, picture } = await shown({ 'moving.gif': gif });
  expect([images[0]!.widthPx, images[0]!.heightPx]).toEqual([20, 10]);
  for (const kind of ['thumbnail', 'image'] as const) {
    const { size, at } = await picture('moving.gif', kind);
    expect([kind, ...size, isRed(at(0.5, 0.5))]).toEqual([kind, 20, 10, true]);
  }
});

test('16 bit, grey and grey of 16 bit keep their brightness', async () => {
  const deep = (value: number, channels: 1 | 3) => {
    const pixels = Uint16Array.from({ length: 30 * 20 * channels }, () => value);
    const raw = sharp(pixels, { raw: { width: 30, height: 20, channels } });
    return raw.toColourspace(channels === 1 ? 'grey16' : 'rgb16');
  };
  const { images, picture } = await shown({
    'colour.png': await deep(0x8000, 3).png().toBuffer(),
    'colour.tif': await deep(0x8000, 3).tiff().toBuffer(),
    'grey16.png': await deep(0x8000, 1).png().toBuffer(),
    'grey16.tif': await deep(0x8000, 1).tiff().toBuffer(),
    'grey.png': await sharp(Buffer.alloc(600, 128), { raw: { width: 30, height: 20, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer(),
  });
  expect(images.map(({ name, channels }) => [name, channels])).toEqual([
    ['colour.png', 3],
    ['colour.tif', 3],
    ['grey.png', 1],
    ['grey16.png', 1],
    ['grey16.tif', 1],
  ]);
  for (const { name } of images) {
    for (const kind of ['thumbnail', 'image'] as const) {
      const { at } = await picture(name, kind);
      for (const value of at(0.5, 0.5)) expect(Math.abs(value - 128), `${name} ${kind}`).toBeLessThanOrEqual(2);
    }
  }
});

test('all eight EXIF orientations, of JPEG, PNG, WebP and TIFF', { timeout: 60_000 }, async () => {
  // Where the red corner of the file lies in the upright picture.
  const corner: Record<number, [x: number, y: number]> = {
    1: [0.1, 0.1], 2: [0.9, 0.1], 3: [0.9, 0.9], 4: [0.1, 0.9], 5: [0.1, 0.1], 6: [0.9, 0.1], 7: [0.9, 0.9], 8: [0.1, 0.9],
  }; // prettier-ignore
  const files: Record<string, Uint8Array> = {};
  for (const format of ['jpeg', 'png', 'webp', 'tiff'] as const) {
    for (let orientation = 1; orientation <= 8; orientation++) {
      files[`${format}-${orientation}.${format}`] = await photo({ widthPx: 60, heightPx: 40, orientation }, format);
    }
  }
  const { images, picture } = await shown(files);
  expect(images).toHaveLength(32);
  for (const { name, widthPx, heightPx } of images) {
    const orientation = Number(/-(\d)/.exec(name)![1]);
    const [x, y] = corner[orientation]!;
    expect([name, widthPx, heightPx]).toEqual([name, ...(orientation >= 5 ? [40, 60] : [60, 40])]);
    for (const kind of ['thumbnail', 'image'] as const) {
      const { size, at } = await picture(name, kind);
      expect([name, kind, ...size, isRed(at(x, y)), isRed(at(1 - x, 1 - y))]).toEqual([
        name,
        kind,
        widthPx,
        heightPx,
        true,
        false,
      ]);
    }
  }
});

test('200 megapixels come in, and are shown small and in tiles', { timeout: 120_000 }, async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'huge');
  const [widthPx, heightPx] = [16_000, 12_500];
  const huge = await sharp({ create: { width: widthPx, height: heightPx, channels: 3, background: '#3060a0' } })
    .jpeg({ quality: 60 })
    .toBuffer();
  await writeFiles(folder, { 'huge.jpg': huge });
  const { images } = await importFolder(fixture, folder);
  expect([images[0]!.widthPx, images[0]!.heightPx]).toEqual([widthPx, heightPx]);
  const media = mediaOf(fixture);
  const { projectId } = fixture.opened.project;
  const { imageId } = images[0]!;
  const small = await sharp((await media(mediaUrl.thumbnail(projectId, imageId))).body).metadata();
  expect([small.width, small.height]).toEqual([256, 200]);
  const { body } = await media(mediaUrl.tile(projectId, imageId, 0, 31, 24));
  const { data, info } = await sharp(body).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([widthPx - 31 * 512, heightPx - 24 * 512]);
  expect(Math.abs(data[0]! - 0x30)).toBeLessThan(6);
});
