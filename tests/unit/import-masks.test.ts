/** Mask images as labels: found beside their images, read by value, palette or colour, and turned where the image is. */
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { decodeRle, encodeRle, rleArea, rleProblem } from '../../src-main/contract/geometry/rle.ts';
import type { ImageId } from '../../src-main/contract/model/ids.ts';
import { masksByValue, orientMask, pngPalette } from '../../src-main/formats/mask-pixels.ts';
import { parseMaskTable } from '../../src-main/formats/mask-table.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { importFolder } from '../helpers/import-folder.ts';
import { realData } from '../helpers/real-data.ts';
import { createProjectFixture, type ProjectFixture } from '../helpers/service-fixture.ts';

const size = { widthPx: 4, heightPx: 3 };
let picture: Buffer;
beforeAll(async () => {
  picture = await photo(size, 'png');
});

function greyPng(values: readonly number[], { widthPx, heightPx } = size): Promise<Buffer> {
  return sharp(Uint8Array.from(values), { raw: { width: widthPx, height: heightPx, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

function colourPng(colours: readonly (readonly number[])[], palette = false): Promise<Buffer> {
  const raw = { width: size.widthPx, height: size.heightPx, channels: 3 as const };
  return sharp(Uint8Array.from(colours.flat()), { raw }).png({ palette, dither: 0 }).toBuffer();
}

/** "class: pixels set" for each label of the image. */
async function masksOf({ handlers, opened }: ProjectFixture, imageId: ImageId): Promise<Record<string, string>> {
  const { projectId } = opened.project;
  const [set] = await handlers['dataset.list']({ projectId });
  const labels = await handlers['image.annotations']({ projectId, imageId });
  return Object.fromEntries(
    labels.map(({ categoryId, shape }) => {
      const name = set!.categories.find((category) => category.categoryId === categoryId)!.name;
      expect(shape.kind).toBe('mask');
      if (shape.kind !== 'mask') return [name, ''];
      expect(rleProblem(shape.rle)).toBeNull();
      return [name, [...decodeRle(shape.rle)].join('')];
    }),
  );
}

const values = [0, 0, 1, 1, 2, 2, 1, 1, 0, 255, 255, 0];

test('values without a table: 0 is no class, 255 beside small numbers neither', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'values');
  await writeFiles(folder, { 'images/a.png': picture, 'images/b.png': picture, 'masks/a.png': await greyPng(values) });
  const { report, images } = await importFolder(fixture, folder);
  expect(report).toMatchObject({ format: 'masks', categories: ['class 1', 'class 2'], labelCounts: [1, 1] });
  expect(report.failures).toEqual([
    { source: 'masks', reason: 'The value 255 is taken for pixels that have no class.' },
  ]);
  expect(images.map(({ name, review }) => [name, review])).toEqual([
    ['images/a.png', 'done'],
    ['images/b.png', 'to-do'],
  ]);
  expect(await masksOf(fixture, images[0]!.imageId)).toEqual({ 'class 1': '001100110000', 'class 2': '000011000000' });
});

test('a binary mask is one class, however its white is written', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'binary');
  const white = values.map((value) => (value > 0 ? 255 : 0));
  await writeFiles(folder, {
    'train/image/1.png': picture,
    'train/label/1.png': await greyPng(white),
    'test/1.png': picture,
  });
  const { report, images } = await importFolder(fixture, folder);
  expect(report).toMatchObject({ categories: ['foreground'], splitCounts: { train: 1, test: 1 }, unlabelledCount: 1 });
  const labelled = images.find(({ split }) => split === 'train')!;
  expect(await masksOf(fixture, labelled.imageId)).toEqual({ foreground: '001111110110' });
});

test('colours with a table; a colour that is in no table is told, a background is no class', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'colours');
  const [road, sky, odd, none] = [
    [128, 64, 128],
    [70, 130, 180],
    [1, 2, 3],
    [0, 0, 0],
  ];
  const drawn = [road!, road!, sky!, odd!, ...Array<number[]>(8).fill(none!)];
  await writeFiles(folder, {
    'class_dict.csv': 'name,r,g,b\nunlabelled,0,0,0\nroad,128,64,128\nsky,70,130,180\n',
    'photos/a.png': picture,
    'photos/b.png': picture,
    'photo_masks/a_mask.png': await colourPng(drawn),
    'photo_masks/b_mask.png': await colourPng(drawn, true),
  });
  const { report, images } = await importFolder(fixture, folder);
  expect(report.categories).toEqual(['road', 'sky']);
  expect(report.failures.map(({ reason }) => reason)).toContain(
    '#010203 stand in no table of classes; these pixels get no class.',
  );
  // The second file has a palette, in an order of its own; the table's colours say what is meant.
  for (const { imageId } of images) {
    expect(await masksOf(fixture, imageId)).toEqual({ road: '110000000000', sky: '001000000000' });
  }
});

test('a mask of another size is left out and said; one drawn without the EXIF orientation is turned', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'turned');
  await writeFiles(folder, {
    'images/a.jpg': await photo({ ...size, orientation: 6 }),
    'images/b.jpg': await photo({ widthPx: 9, heightPx: 9 }),
    'masks/a.png': await greyPng([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    'masks/b.png': await greyPng(values),
    'masks/c.png': await greyPng(values),
  });
  const { report, images } = await importFolder(fixture, folder, { format: 'masks' });
  expect(report.failures.map(({ source, reason }) => `${source}: ${reason}`)).toEqual([
    'masks/c.png: There is no image for this mask; it is left out.',
    'masks: The value 255 is taken for pixels that have no class.',
    'masks/a.png: The mask was drawn without the EXIF orientation of its image; it is turned with it.',
    'masks/b.png: The mask is 4 × 3 px, the image 9 × 9 px; the mask is left out.',
  ]);
  // The file's top left pixel is the upright image's top right one: 3 wide, 4 high.
  expect(await masksOf(fixture, images[0]!.imageId)).toEqual({ 'class 1': '001000000000' });
  expect(images[1]).toMatchObject({ review: 'to-do', annotations: [] });
});

test('all masks of an image in one pass equal one mask at a time', () => {
  const random = seededRandom(5);
  for (let round = 0; round < 200; round++) {
    const shape = { widthPx: 1 + Math.floor(random() * 9), heightPx: 1 + Math.floor(random() * 9) };
    const pixels = Uint32Array.from({ length: shape.widthPx * shape.heightPx }, () => Math.floor(random() * 4));
    const masks = masksByValue({ ...shape, values: pixels });
    for (let value = 0; value < 4; value++) {
      const own = encodeRle(
        Uint8Array.from(pixels, (one) => Number(one === value)),
        shape,
      );
      if (rleArea(own) === 0) expect(masks.has(value)).toBe(false);
      else expect(masks.get(value)).toEqual(own);
    }
  }
});

test('masks are turned as the codec turns images', async () => {
  const pixels = Uint8Array.from({ length: 12 }, (_, index) => index * 20);
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await sharp(pixels, { raw: { width: 4, height: 3, channels: 1 } })
      .withMetadata({ orientation })
      .png()
      .toBuffer();
    const { data, info } = await sharp(file)
      .autoOrient()
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const turned = orientMask({ ...size, values: Uint32Array.from(pixels) }, orientation);
    expect([turned.widthPx, turned.heightPx], String(orientation)).toEqual([info.width, info.height]);
    expect([...turned.values], String(orientation)).toEqual([...data]);
  }
});

test('tables in the spellings of other tools', () => {
  const names = (file: string, text: string, hint = 'masks') =>
    parseMaskTable(file, text, hint)?.classes.map(({ name, value, colour }) => [name, value, colour]);
  const lists = { classes2: ['a', 'b'], classes24: [{ id: 7, name: 'c', rgb: [1, 2, 3] }] };
  expect(names('classes.json', JSON.stringify(lists), 'masks24')).toEqual([['c', 7, 0x010203]]);
  expect(names('classes.json', JSON.stringify(lists), 'masks2')).toEqual([
    ['a', 0, null],
    ['b', 1, null],
  ]);
  expect(names('config.yaml', 'train: x\nclasses:\n  0: unlabeled\n  13: stop sign\n')).toEqual([
    ['unlabeled', 0, null],
    ['stop sign', 13, null],
  ]);
  expect(names('labelmap.txt', '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:64,0,0::\n')).toEqual([
    ['background', 0, 0],
    ['cat', 1, 0x400000],
  ]);
  expect(names('palette.json', '{"cat": [64, 0, 0], "dog": "#00ff00"}')).toBeUndefined();
  expect(names('palette.json', '{"palette": {"cat": [64, 0, 0], "dog": [0, 255, 0]}}')).toEqual([
    ['cat', 0, 0x400000],
    ['dog', 1, 0x00ff00],
  ]);
  expect(names('a/labels.txt', '0 0.5 0.5 0.1 0.1\n')).toBeUndefined();
  expect(() => parseMaskTable('classes.json', '{"a": [', 'masks')).toThrow(
    'classes.json: the table of classes cannot be read',
  );
});

test('palettes are read from the file, whatever the decoder makes of them', async () => {
  const file = await colourPng(Array(12).fill([9, 8, 7]), true);
  expect(pngPalette(file)).toContain(0x090807);
  expect(pngPalette(picture)).toBeNull();
  expect(pngPalette(file.subarray(0, 40))).toBeNull();
});

const drone = realData('drone');
const membrane = realData('membrane');
const coco128 = realData('coco128');

test.skipIf(drone === null)(
  'drone: two sets of masks, their table and a choice between them',
  { timeout: 60_000 },
  async () => {
    const fixture = await createProjectFixture();
    const { handlers } = fixture;
    const first = await handlers['dataset.inspect']({ path: drone! });
    expect(first).toMatchObject({
      format: 'masks',
      labelSource: 'masks5',
      labelSources: ['masks5', 'masks24'],
      categories: ['obstacles', 'water', 'soft-surfaces', 'moving-objects', 'landing-zones'],
      splitCounts: { train: 80, val: 0, test: 0 },
      failures: [],
    });
    const other = await handlers['dataset.inspect']({ path: drone!, format: 'masks', labelSource: 'masks24' });
    expect(other).toMatchObject({ labelSource: 'masks24', failures: [] });
    expect(other.categories.slice(0, 3)).toEqual(['paved-area', 'dirt', 'grass']);
  },
);

test.skipIf(membrane === null)('membrane: binary masks beside training images', { timeout: 60_000 }, async () => {
  const { handlers } = await createProjectFixture();
  expect(await handlers['dataset.inspect']({ path: membrane! })).toMatchObject({
    format: 'masks',
    categories: ['foreground'],
    splitCounts: { train: 30, val: 0 },
    labelCounts: [30],
    failures: [],
  });
});

test.skipIf(coco128 === null)('coco128: masks in a folder far from the images', { timeout: 120_000 }, async () => {
  const { handlers } = await createProjectFixture();
  const report = await handlers['dataset.inspect']({ path: coco128!, format: 'masks' });
  expect(report).toMatchObject({
    labelSource: 'semantic_segmentation/masks',
    splitCounts: { train: 128, val: 128, test: 0 },
    unlabelledCount: 56,
    failures: [],
  });
  expect(report.categories.slice(0, 2)).toEqual(['person', 'bicycle']);
});
