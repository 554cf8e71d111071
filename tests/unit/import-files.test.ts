/** Folders of photographs with labels, from dry run to rows: recognised, reported, referenced or copied, and gone when deleted. */
import { existsSync, readdirSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { mediaUrl } from '../../src-main/contract/media-url.ts';
import type { ImageSummary } from '../../src-main/contract/model/dataset.ts';
import { writeArchive } from '../helpers/generated-data.ts';
import { photo, writeFiles, writeZip } from '../helpers/generated-images.ts';
import { importFolder, type Imported } from '../helpers/import-folder.ts';
import { createProjectFixture, type ProjectFixture, mediaOf } from '../helpers/service-fixture.ts';

let picture: Buffer;
beforeAll(async () => {
  picture = await photo();
});

/** What an image shows, in words: "train a/b.jpg 40×30 done: cat bbox 1,2,3,4". */
function inWords({ images }: Imported, names: readonly string[], firstCategory: number): string[] {
  return images.map(({ split, name, widthPx, heightPx, review, annotations }) => {
    const labels = annotations.map(({ categoryId, kind, bboxXyxy }) =>
      [
        names[categoryId - firstCategory],
        kind,
        ...(bboxXyxy ? [bboxXyxy.map((value) => Math.round(value)).join()] : []),
      ].join(' '),
    );
    return `${split} ${name} ${widthPx}×${heightPx} ${review}: ${labels.join('; ')}`;
  });
}

async function describe(fixture: ProjectFixture, imported: Imported): Promise<string[]> {
  const { handlers, opened } = fixture;
  const list = await handlers['dataset.list']({ projectId: opened.project.projectId });
  const { categories } = list.find(({ datasetId }) => datasetId === imported.datasetId)!;
  return inWords(imported, imported.report.categories, categories[0]?.categoryId ?? 0);
}

test('YOLO with data.yaml: background, unlabelled, labels without an image, and a broken line', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'yolo');
  await writeFiles(folder, {
    'data.yaml': 'path: ../datasets/yolo\ntrain: images/train\nval: ../images/val\nnames: [cat, dog]\n',
    'images/train/a.jpg': picture,
    'images/train/b.jpg': picture,
    'images/train/c.jpg': picture,
    'images/val/d “ü” \n.jpg': picture,
    'labels/train/a.txt': '0 0.5 0.5 0.5 0.5\n7 0.5 0.5 0.1 0.1\n0 x 0.5 0.1 0.1\n1 0.1 0.1 0.2 0.1 0.2 0.2',
    'labels/train/b.txt': '',
    'labels/train/gone.txt': '0 0.5 0.5 0.1 0.1',
    'labels/val/d “ü” \n.txt': '1 0.5 0.5 1 1',
  });
  const imported = await importFolder(fixture, folder);
  expect(imported.report).toMatchObject({
    format: 'yolo',
    importable: true,
    categories: ['cat', 'dog'],
    splitCounts: { train: 3, val: 1, test: 0 },
    labelCounts: [1, 2],
    backgroundCount: 1,
    unlabelledCount: 1,
  });
  expect(imported.report.failures).toEqual([
    { source: 'labels/train/a.txt', line: 3, reason: 'A coordinate is not a number.' },
    { source: 'labels/train/gone.txt', reason: 'There is no image for this label file; it is left out.' },
    { source: 'labels/train/a.txt', line: 2, reason: 'There is no class 7 in the list of classes.' },
  ]);
  expect(await describe(fixture, imported)).toEqual([
    'train images/train/a.jpg 40×30 done: cat bbox 10,8,30,23; dog polygon 4,3,8,6',
    'train images/train/b.jpg 40×30 done: ',
    'train images/train/c.jpg 40×30 to-do: ',
    'val images/val/d “ü” \n.jpg 40×30 done: dog bbox 0,0,40,30',
  ]);
});

test('YOLO without data.yaml: classes named in classes.txt, splits by folder', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'plain');
  await writeFiles(folder, {
    'train/images/a.jpg': picture,
    'train/labels/a.txt': '2 0.5 0.5 0.5 0.5',
    'valid/images/b.jpg': picture,
    'valid/labels/b.txt': '0 0.5 0.5 0.5 0.5',
    'classes.txt': 'cat\ndog\n',
  });
  const imported = await importFolder(fixture, folder);
  expect(imported.report).toMatchObject({ format: 'yolo', categories: ['cat', 'dog', '2'], failures: [] });
  expect(imported.images.map(({ split }) => split)).toEqual(['train', 'val']);
});

test('COCO: sparse ids, crowd, several parts, an image that is listed but not there, a name that leads out', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'coco');
  const annotations = [
    { id: 1, image_id: 5, category_id: 90, bbox: [1, 2, 3, 4], iscrowd: 0 },
    {
      id: 2,
      image_id: 5,
      category_id: 3,
      segmentation: [
        [0, 0, 9, 0, 9, 9],
        [20, 20, 25, 20, 25, 25],
      ],
      iscrowd: 0,
    },
    { id: 3, image_id: 6, category_id: 3, segmentation: { size: [30, 40], counts: [30, 60, 1110] }, iscrowd: 1 },
    { id: 4, image_id: 6, category_id: 4, bbox: [1, 1, 1, 1] },
    { id: 5, image_id: 99, category_id: 3, bbox: [1, 1, 1, 1] },
    { id: 6, image_id: 6, category_id: 3, segmentation: { size: [40, 30], counts: [1200] } },
  ];
  await writeFiles(folder, {
    'annotations/instances_val2017.json': JSON.stringify({
      images: [
        { id: 5, file_name: 'a.jpg', width: 40, height: 30 },
        { id: 6, file_name: 'b.jpg' },
        { id: 7, file_name: '../../../../etc/passwd' },
      ],
      categories: [
        { id: 90, name: 'dog' },
        { id: 3, name: 'cat' },
      ],
      annotations,
    }),
    'val2017/a.jpg': picture,
    'val2017/b.jpg': picture,
    'train2017/a.jpg': picture,
  });
  const imported = await importFolder(fixture, folder);
  expect(imported.report).toMatchObject({ format: 'coco', categories: ['cat', 'dog'], labelCounts: [2, 1] });
  expect(imported.report.failures.map(({ reason }) => reason)).toEqual([
    'The image “../../../../etc/passwd” is not in the folder that was chosen; it is left out.',
    '1 annotations belong to an image 99 that is not listed.',
    'There is no category 4.',
    'A mask is 30 × 40 px, the image 40 × 30 px; it is left out.',
  ]);
  expect(await describe(fixture, imported)).toEqual([
    'val val2017/a.jpg 40×30 done: dog bbox 1,2,4,6; cat polygon 0,0,25,25',
    'val val2017/b.jpg 40×30 done: cat mask 1,0,3,30',
  ]);
  const { handlers, opened } = fixture;
  const imageId = imported.images[1]!.imageId;
  const [label] = await handlers['image.annotations']({ projectId: opened.project.projectId, imageId });
  expect(label).toMatchObject({
    shape: { kind: 'mask', rle: { widthPx: 40, heightPx: 30, counts: [30, 60, 1110] } },
    flags: ['crowd'],
    provenance: { by: 'import' },
    updatedAt: null,
  });
  const sourceIds = opened.store.database.prepare('SELECT source_id FROM category ORDER BY ordinal').pluck().all();
  expect(sourceIds).toEqual([3, 90]);
});

test('Pascal VOC with split lists, chosen by one of its files', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'voc');
  const xml = (name: string): string =>
    `<annotation><filename>x.jpg</filename><size><width>30</width><height>40</height></size><object><name>${name}</name>` +
    '<difficult>1</difficult><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object></annotation>';
  await writeFiles(folder, {
    'Annotations/a.xml': xml('dog'),
    'Annotations/b.xml': xml('cat'),
    'Annotations/broken.xml': '<annotation>',
    'JPEGImages/a.jpg': picture,
    'JPEGImages/b.jpg': picture,
    'JPEGImages/c.jpg': picture,
    'ImageSets/Main/train.txt': 'a\n',
    'ImageSets/Main/val.txt': 'b\n',
  });
  const imported = await importFolder(fixture, join(folder, 'Annotations', 'a.xml'));
  expect(imported.report).toMatchObject({ format: 'voc', categories: ['cat', 'dog'], unlabelledCount: 1 });
  expect(imported.report.failures.map(({ source, reason }) => `${source}: ${reason}`)).toEqual([
    expect.stringContaining('Annotations/broken.xml: Annotations/broken.xml: line 1') as string,
    'Annotations/a.xml: The file says 30 × 40 px, the image is 40 × 30 px. Its boxes may have been drawn without the EXIF orientation.',
    expect.stringContaining('Annotations/b.xml: The file says') as string,
  ]);
  expect(await describe(fixture, imported)).toEqual([
    'train JPEGImages/a.jpg 40×30 done: dog bbox 0,0,10,20',
    'val JPEGImages/b.jpg 40×30 done: cat bbox 0,0,10,20',
    'train JPEGImages/c.jpg 40×30 to-do: ',
  ]);
});

test('labelme beside its images', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'lm');
  const shapes = [
    {
      label: 'cat',
      points: [
        [1, 1],
        [9, 1],
        [9, 9],
      ],
      shape_type: 'polygon',
      flags: { shy: true },
    },
  ];
  await writeFiles(folder, {
    'a.jpg': picture,
    'a.json': JSON.stringify({ version: '5', shapes, imagePath: 'a.jpg', imageData: null }),
    'b.jpg': picture,
  });
  const imported = await importFolder(fixture, folder);
  expect(imported.report).toMatchObject({ format: 'labelme', failures: [] });
  expect(await describe(fixture, imported)).toEqual([
    'train a.jpg 40×30 done: cat polygon 1,1,9,9',
    'train b.jpg 40×30 to-do: ',
  ]);
});

test('a folder a class, and the same read as plain images where the person says so', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'pets');
  await writeFiles(folder, {
    'train/class 10/a.jpg': picture,
    'train/class 2/b.jpg': picture,
    'test/class 2/c.jpg': picture,
  });
  const classes = await importFolder(fixture, folder);
  expect(classes.report).toMatchObject({
    format: 'image-folders',
    categories: ['class 2', 'class 10'],
    labelCounts: [2, 1],
  });
  expect(await describe(fixture, classes)).toEqual([
    'test test/class 2/c.jpg 40×30 done: class 2 classification',
    'train train/class 10/a.jpg 40×30 done: class 10 classification',
    'train train/class 2/b.jpg 40×30 done: class 2 classification',
  ]);
  const plain = await importFolder(fixture, folder, { format: 'images' });
  expect(plain.report).toMatchObject({ format: 'images', categories: [], unlabelledCount: 3 });
});

test('EXIF orientation, wrong endings, and images that are empty, cut off, damaged or something else', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'mixed');
  const large = await photo({ widthPx: 300, heightPx: 200 });
  const png = await photo({}, 'png');
  await writeFiles(folder, {
    'avif.avif': await photo({}, 'avif'),
    'cut.jpg': large.subarray(0, large.length / 2),
    'cut.png': png.subarray(0, png.length / 2),
    'empty.jpg': '',
    'gif.gif': await photo({}, 'gif'),
    'noise.png': 'no image at all',
    'page.jpg': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
    'tiff.tif': await photo({}, 'tiff'),
    'trailing.jpg': Buffer.concat([picture, Buffer.alloc(5000)]),
    'turned.jpg': await photo({ orientation: 6 }),
    'webp.png': await photo({}, 'webp'),
  });
  const { report, images } = await importFolder(fixture, folder);
  expect(images.map(({ name, widthPx, heightPx }) => `${name} ${widthPx}×${heightPx}`)).toEqual([
    'avif.avif 40×30',
    'gif.gif 40×30',
    'tiff.tif 40×30',
    'trailing.jpg 40×30',
    'turned.jpg 30×40',
    'webp.png 40×30',
  ]);
  expect(report.failures.map(({ source, reason }) => `${source}: ${reason.split('(')[0]!.trim()}`)).toEqual([
    'cut.jpg: The image is cut off: its end is missing.',
    'cut.png: The image is cut off: its end is missing.',
    'empty.jpg: The file is empty.',
    'noise.png: The content is no image of a known format',
    'page.jpg: The file is svg, which this version does not read.',
  ]);
  const facts = fixture.opened.store.database.prepare('SELECT orientation, media_type FROM image ORDER BY id').raw();
  expect(facts.all()).toEqual([
    [1, 'image/avif'],
    [1, 'image/gif'],
    [1, 'image/tiff'],
    [1, 'image/jpeg'],
    [6, 'image/jpeg'],
    [1, 'image/webp'],
  ]);
});

test('a folder in which no image can be used is refused and leaves nothing', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'bad');
  await writeFiles(folder, { 'a.jpg': '' });
  const { handlers, opened, ended } = fixture;
  const report = await handlers['dataset.inspect']({ path: folder });
  expect(report).toMatchObject({ format: 'images', importable: false, failureCount: 1 });
  const { projectId } = opened.project;
  const job = await ended(await handlers['dataset.import']({ projectId, path: folder, format: 'images', name: 'Bad' }));
  expect(job.error?.message).toBe('None of the images could be used. a.jpg: The file is empty.');
  expect(opened.store.datasets.leftovers()).toEqual([]);
});

test('referenced files stay where they are; copies go with their data set', async () => {
  const fixture = await createProjectFixture();
  const { handlers, opened } = fixture;
  const folder = join(fixture.scratch, 'set');
  await writeFiles(folder, { 'cats/a.jpg': picture, 'dogs/b.jpg': picture });
  const referenced = await importFolder(fixture, folder);
  const copied = await importFolder(fixture, folder, { copyFiles: true });
  const copies = join(opened.folder, 'images', `dataset-${copied.datasetId}`);
  expect(readdirSync(copies, { recursive: true }).sort()).toEqual(['cats', 'cats/a.jpg', 'dogs', 'dogs/b.jpg']);
  await rm(join(folder, 'cats'), { recursive: true });
  const { projectId } = opened.project;
  const file = (image: ImageSummary) => opened.store.images.pixelSource(image.imageId);
  expect(file(referenced.images[0]!)).toMatchObject({ kind: 'file', file: { root: folder, path: 'cats/a.jpg' } });
  expect(file(copied.images[0]!)).toMatchObject({ file: { root: join('images', `dataset-${copied.datasetId}`) } });
  for (const { datasetId } of [referenced, copied]) await handlers['dataset.delete']({ projectId, datasetId });
  await handlers['trash.empty']({ projectId, item: null });
  expect(existsSync(copies)).toBe(false);
  expect(existsSync(join(folder, 'dogs', 'b.jpg'))).toBe(true);
});

test('a file that changes while it is looked at is reported, not imported as it was', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'set');
  await writeFiles(folder, { 'a.jpg': picture, 'b.jpg': picture });
  const report = await fixture.handlers['dataset.inspect']({ path: folder });
  expect(report.failureCount).toBe(0);
  await writeFile(join(folder, 'a.jpg'), 'now it is text');
  const { images } = await importFolder(fixture, folder);
  expect(images.map(({ name }) => name)).toEqual(['b.jpg']);
});

test('an import that is cancelled at any moment leaves nothing', { timeout: 60_000 }, async () => {
  const fixture = await createProjectFixture();
  const { handlers, opened, ended, scratch } = fixture;
  const { projectId } = opened.project;
  const path = join(scratch, 'many');
  const names = Array.from({ length: 300 }, (_, index) => `${index % 2 === 0 ? 'cats' : 'dogs'}/${index}.jpg`);
  await writeFiles(path, Object.fromEntries(names.map((name) => [name, picture])));
  const request = { projectId, path, format: 'image-folders' as const, name: 'Many', copyFiles: true };
  for (let attempt = 0; attempt < 5; attempt++) {
    const job = await handlers['dataset.import'](request);
    await delay(100 + attempt * 90);
    await handlers['job.cancel']({ jobId: job.jobId });
    const { state, datasetId } = await ended(job);
    if (state === 'done') {
      await handlers['dataset.delete']({ projectId, datasetId: datasetId! });
      await handlers['trash.empty']({ projectId, item: null });
    }
    expect(opened.store.datasets.leftovers()).toEqual([]);
    expect(opened.store.images.count()).toBe(0);
    expect(readdirSync(opened.folder, { recursive: true }).filter((name) => String(name).endsWith('.jpg'))).toEqual([]);
  }
  expect((await ended(await handlers['dataset.import'](request))).state).toBe('done');
});

test('an image with thousands of labels, and labels with very long outlines, come in whole', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'dense');
  const ring = (points: number): string =>
    Array.from({ length: 2 * points }, (_, at) => ((at * 37) % 1000) / 1000).join(' ');
  const long = Array.from({ length: 5 }, () => `1 ${ring(20_000)}`);
  await writeFiles(folder, {
    'data.yaml': 'train: images\nnames: [a, b]\n',
    'images/1.jpg': picture,
    'images/2.jpg': picture,
    'images/3.jpg': picture,
    'labels/1.txt': [...Array.from({ length: 1000 }, () => '0 0.5 0.5 0.1 0.1'), ...long].join('\n'),
    'labels/2.txt': long.join('\n'),
    'labels/3.txt': '0 0.5 0.5 0.1 0.1',
  });
  const { images } = await importFolder(fixture, folder);
  expect(images.map(({ annotations }) => annotations.length)).toEqual([1005, 5, 1]);
  const [first] = images;
  const shapes = fixture.opened.store.annotations.ofImage(first!.imageId).map(({ shape }) => shape);
  expect(shapes.slice(0, 1000).every(({ kind }) => kind === 'bbox')).toBe(true);
  expect(shapes[1004]).toMatchObject({ kind: 'polygon', parts: [{ outer: { length: 40_000 } }] });
});

test.each(['zip', 'tar', 'tar.gz'] as const)(
  'a .%s of photographs with labels is unpacked into the project',
  async (ending) => {
    const fixture = await createProjectFixture();
    const { opened, scratch } = fixture;
    const folder = join(scratch, 'packed');
    await writeFiles(folder, {
      'data.yaml': 'train: images\nnames: [cat]\n',
      'images/a ü.jpg': picture,
      'images/b.jpg': picture,
      'labels/a ü.txt': '0 0.5 0.5 0.5 0.5',
      '__MACOSX/._a.jpg': 'x',
    });
    const archive = join(scratch, `my pets.${ending}`);
    if (ending === 'zip') await writeZip(folder, archive, ['../evil.jpg', '/etc/evil.jpg']);
    else await writeArchive(folder, archive, '.');
    const { report, images, datasetId } = await importFolder(fixture, archive);
    expect(report).toMatchObject({ format: 'yolo', suggestedName: 'my pets', labelCounts: [1], failures: [] });
    expect(images.map(({ name, annotations }) => [name, annotations.length])).toEqual([
      ['images/a ü.jpg', 1],
      ['images/b.jpg', 0],
    ]);
    const copies = join(opened.folder, 'images', `dataset-${datasetId}`);
    expect(readdirSync(copies, { recursive: true }).sort()).toEqual(['images', 'images/a ü.jpg', 'images/b.jpg']);
    await rm(archive);
    const { contentType } = await mediaOf(fixture)(mediaUrl.thumbnail(opened.project.projectId, images[0]!.imageId));
    expect(contentType).toBe('image/webp');
    expect(readdirSync(scratch).filter((name) => name.includes('evil'))).toEqual([]);
  },
);

test('an archive that is cut off is refused with its reason', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'set');
  await writeFiles(folder, { 'cats/a.jpg': picture, 'dogs/b.jpg': picture });
  const archive = join(fixture.scratch, 'cut.zip');
  await writeZip(folder, archive, []);
  await truncate(archive, 400);
  await expect(fixture.handlers['dataset.inspect']({ path: archive })).rejects.toMatchObject({ code: 'bad-input' });
});

test('BMP and 16-bit images, and ones with the wrong ending', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'kinds');
  const deep = await sharp({ create: { width: 8, height: 6, channels: 3, background: '#804020' } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  const bmp = bmpFile(5, 3);
  await writeFiles(folder, {
    'a.bmp': bmp,
    'b.png': bmp,
    'c.png': deep,
    'd.bmp': picture,
    'e.bmp': bmp.subarray(0, 60),
  });
  const { report, images } = await importFolder(fixture, folder);
  expect(images.map(({ name, widthPx, heightPx }) => [name, widthPx, heightPx])).toEqual([
    ['a.bmp', 5, 3],
    ['b.png', 5, 3],
    ['c.png', 8, 6],
    ['d.bmp', 40, 30],
  ]);
  expect(report.failures.map(({ source }) => source)).toEqual(['e.bmp']);
  const media = mediaOf(fixture);
  const { projectId } = fixture.opened.project;
  const colours = [];
  for (const { imageId } of images.slice(0, 3)) {
    const { body } = await media(mediaUrl.thumbnail(projectId, imageId));
    const { data } = await sharp(body).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    colours.push([...data.subarray(0, 3)].map((value) => Math.round(value / 16)));
  }
  expect(colours).toEqual([[13, 6, 3], [13, 6, 3], [8, 4, 2]]); // prettier-ignore
});

/** A 24-bit BMP with the plain header that most programs write, all of one colour: 200, 100, 50. */
function bmpFile(widthPx: number, heightPx: number): Buffer {
  const rowBytes = Math.ceil((widthPx * 3) / 4) * 4;
  const file = Buffer.alloc(54 + rowBytes * heightPx);
  file.write('BM', 0, 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(widthPx, 18);
  file.writeInt32LE(heightPx, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < heightPx; y++)
    for (let x = 0; x < widthPx; x++) file.set([50, 100, 200], 54 + y * rowBytes + x * 3);
  return file;
}
