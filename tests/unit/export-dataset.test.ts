/** Data sets written for other tools: told what is lost, there whole or not at all, and the same when they are read again. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ExportFormat } from '../../src-main/contract/model/dataset-export.ts';
import type { DatasetFormat } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { writeCifar10 } from '../helpers/generated-data.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { createProjectFixture, type ProjectFixture } from '../helpers/service-fixture.ts';

const everything = { splits: [], categoryIds: [] };

async function importFrom(fixture: ProjectFixture, path: string, format: DatasetFormat, name: string) {
  const { handlers, opened, ended } = fixture;
  const { projectId } = opened.project;
  const job = await ended(await handlers['dataset.import']({ projectId, path, format, name }));
  expect(job.error).toBeNull();
  return job.datasetId!;
}

async function exportTo(fixture: ProjectFixture, datasetId: DatasetId, format: ExportFormat, folder: string) {
  const { handlers, opened, ended } = fixture;
  return ended(await handlers['dataset.export']({ projectId: opened.project.projectId, datasetId, format, folder }));
}

/** Everything that a round trip has to keep, without ids. */
async function contentOf({ handlers, opened }: ProjectFixture, datasetId: DatasetId) {
  const { projectId } = opened.project;
  const { items } = await handlers['image.list']({ projectId, datasetId, filter: everything, offset: 0, limit: 100 });
  const { categories } = opened.store.datasets.get(datasetId);
  const nameOf = new Map(categories.map(({ categoryId, name }) => [categoryId, name]));
  const images = items.map(({ imageId, name, split, review }) => ({
    file: name.slice(name.lastIndexOf('/') + 1),
    split,
    review,
    labels: opened.store.annotations
      .ofImage(imageId)
      .map(({ shape, flags, attributes, categoryId }) => ({ shape, flags, attributes, name: nameOf.get(categoryId) })),
  }));
  return {
    classes: categories.map(({ name }) => name),
    sourceIds: opened.store.datasets.sourceIds(datasetId),
    images: images.sort((a, b) => a.file.localeCompare(b.file)),
  };
}

async function cocoFixture(): Promise<{ fixture: ProjectFixture; datasetId: DatasetId }> {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'coco');
  const image = await photo();
  const annotations = [
    { id: 1, image_id: 1, category_id: 90, bbox: [1, 2, 3, 4], attributes: { colour: 'red' } },
    {
      id: 2,
      image_id: 1,
      category_id: 3,
      segmentation: [
        [0, 0, 9, 0, 9, 9],
        [20, 20, 25, 20, 25, 25],
      ],
    },
    { id: 3, image_id: 2, category_id: 3, segmentation: { size: [30, 40], counts: [30, 60, 5, 5, 1100] }, iscrowd: 1 },
    {
      id: 4,
      image_id: 2,
      category_id: 3,
      bbox: [1, 1, 9, 9],
      keypoints: [3, 4, 2, 0, 0, 0, 5, 6, 1],
      num_keypoints: 2,
    },
  ];
  await writeFiles(folder, {
    'a.json': JSON.stringify({
      images: [
        { id: 1, file_name: 'a “1”.jpg' },
        { id: 2, file_name: 'b.jpg' },
        { id: 3, file_name: 'background.jpg' },
      ],
      categories: [
        { id: 90, name: 'dog: "big"' },
        { id: 3, name: 'cat' },
      ],
      annotations,
    }),
    'train/a “1”.jpg': image,
    'val/b.jpg': image,
    'val/background.jpg': image,
  });
  return { fixture, datasetId: await importFrom(fixture, folder, 'coco', 'First') };
}

test('COCO: import, export, import gives the same labels, classes and numbers', async () => {
  const { fixture, datasetId } = await cocoFixture();
  const { handlers, opened, scratch } = fixture;
  const { projectId } = opened.project;
  expect(await handlers['dataset.exportReport']({ projectId, datasetId, format: 'coco' })).toEqual({
    imageCount: 3,
    labelCount: 4,
    losses: [],
  });
  const out = join(scratch, 'out');
  expect(await exportTo(fixture, datasetId, 'coco', out)).toMatchObject({ state: 'done', done: 3, datasetId: null });
  expect(readdirSync(out, { recursive: true }).sort()).toEqual(
    [
      ...['annotations', 'annotations/instances_train.json', 'annotations/instances_val.json', 'images'],
      ...['images/train', 'images/train/a “1”.jpg', 'images/val', 'images/val/b.jpg', 'images/val/background.jpg'],
    ].sort(),
  );
  const again = await importFrom(fixture, out, 'coco', 'Second');
  expect(await contentOf(fixture, again)).toEqual(await contentOf(fixture, datasetId));
});

test('YOLO: what is lost is told before, and the rest comes back', async () => {
  const { fixture, datasetId } = await cocoFixture();
  const { handlers, opened, scratch } = fixture;
  const { projectId } = opened.project;
  const { losses } = await handlers['dataset.exportReport']({ projectId, datasetId, format: 'yolo-segment' });
  expect(losses).toEqual([
    'Boxes that stay boxes among the outlines: 1.',
    'Labels that lose their attributes: 1.',
    'Outlines of several parts that become an object for each part: 1.',
    'Masks that become outlines along their pixels: 1.',
    'Labels that lose their flags (occluded, truncated, difficult, crowd): 1.',
    'Sets of keypoints that become the box around them: 1.',
    'Classes keep their order, but are numbered from 0 without gaps.',
  ]);
  const out = join(scratch, 'out');
  await mkdir(out);
  expect(await exportTo(fixture, datasetId, 'yolo-segment', out)).toMatchObject({ state: 'done' });
  expect(readFileSync(join(out, 'labels', 'val', 'background.txt'), 'utf8')).toBe('');
  const again = await contentOf(fixture, await importFrom(fixture, out, 'yolo', 'Second'));
  expect(again.classes).toEqual(['cat', 'dog: "big"']);
  expect(again.images.map(({ file, split, labels }) => [file, split, labels.length])).toEqual([
    ['a “1”.jpg', 'train', 3],
    ['b.jpg', 'val', 2],
    ['background.jpg', 'val', 0],
  ]);
});

test('files that are gone or have another size than at their import are told of before', async () => {
  const { fixture, datasetId } = await cocoFixture();
  const { handlers, opened, scratch } = fixture;
  const { projectId } = opened.project;
  const lossesWith = async (images: 'copy' | 'none') =>
    (await handlers['dataset.exportReport']({ projectId, datasetId, format: 'coco', images })).losses;
  const resized =
    'Images whose size in pixels changed since they were imported, while their labels are for the size before: 1.';
  await writeFiles(join(scratch, 'coco'), {
    'val/b.jpg': await photo({ widthPx: 80, heightPx: 60 }),
    // Other bytes alone are no other size.
    'val/background.jpg': Buffer.concat([await photo(), Buffer.alloc(9)]),
  });
  expect(await lossesWith('copy')).toEqual([resized]);
  await rm(join(scratch, 'coco', 'val', 'background.jpg'));
  expect(await lossesWith('copy')).toEqual(['Images whose file is gone, so that they cannot be copied: 1.', resized]);
  expect(await lossesWith('none')).toContain(resized);
  expect((await lossesWith('none')).join()).not.toMatch(/gone/);
});

test('an image that nobody labelled has no label file, and names that meet are told apart', async () => {
  const fixture = await createProjectFixture();
  const image = await photo();
  const folder = join(fixture.scratch, 'set');
  await writeFiles(folder, { 'x/a.jpg': image, 'y/a.jpg': image, 'y/A.png': await photo({}, 'png') });
  const datasetId = await importFrom(fixture, folder, 'images', 'Plain');
  const out = join(fixture.scratch, 'out');
  await exportTo(fixture, datasetId, 'yolo-detect', out);
  expect(existsSync(join(out, 'labels'))).toBe(false);
  expect(readdirSync(join(out, 'images', 'train')).sort()).toEqual(['A-2.png', 'a-3.jpg', 'a.jpg'].sort());
  const { losses } = await fixture.handlers['dataset.exportReport']({
    projectId: fixture.opened.project.projectId,
    datasetId,
    format: 'coco',
  });
  expect(losses).toEqual(['Unlabelled images that cannot be told from images that show nothing: 3.']);
});

test('a folder with something in it is not touched, and a failed export leaves nothing', async () => {
  const { fixture, datasetId } = await cocoFixture();
  const { scratch } = fixture;
  const full = join(scratch, 'full');
  await writeFiles(full, { 'precious.txt': 'mine' });
  await expect(exportTo(fixture, datasetId, 'coco', full)).rejects.toThrow(`${full} is not empty`);
  expect(readdirSync(full)).toEqual(['precious.txt']);
  await rm(join(scratch, 'coco', 'val', 'background.jpg'));
  const before = readdirSync(scratch).sort();
  const failed = await exportTo(fixture, datasetId, 'coco', join(scratch, 'never'));
  expect(failed).toMatchObject({ state: 'failed', error: { code: 'not-found' } });
  expect(readdirSync(scratch).sort()).toEqual(before);
});

test('a link stands for the folder that it leads to; one that leads nowhere, and a file, are refused at once', async () => {
  const { fixture, datasetId } = await cocoFixture();
  const [real, link] = [join(fixture.scratch, 'real'), join(fixture.scratch, 'link')];
  await mkdir(real);
  await symlink('real', link);
  expect(await exportTo(fixture, datasetId, 'coco', link)).toMatchObject({ state: 'done' });
  expect(readdirSync(real).sort()).toEqual(['annotations', 'images']);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  const nowhere = join(fixture.scratch, 'nowhere');
  await symlink('gone', nowhere);
  const message = `${nowhere} is a link to gone, which does not exist`;
  await expect(exportTo(fixture, datasetId, 'coco', nowhere)).rejects.toThrow(message);
  const file = join(fixture.scratch, 'file');
  await writeFiles(fixture.scratch, { file: 'mine' });
  for (const folder of [file, join(file, 'below')]) {
    await expect(exportTo(fixture, datasetId, 'coco', folder)).rejects.toThrow(
      `${folder} is a file, or lies below one`,
    );
  }
  expect(readFileSync(file, 'utf8')).toBe('mine');
});

test('somebody else’s folder under the name that an export is written to first is left alone', async () => {
  const { fixture, datasetId } = await cocoFixture();
  const [out, inTheWay] = [join(fixture.scratch, 'out'), join(fixture.scratch, '.out.part')];
  await writeFiles(inTheWay, { 'precious.txt': 'mine' });
  const refused = await exportTo(fixture, datasetId, 'coco', out);
  expect(refused).toMatchObject({ state: 'failed', error: { code: 'already-exists' } });
  expect(refused.error?.message).toContain(`${inTheWay} is in the way`);
  expect(readFileSync(join(inTheWay, 'precious.txt'), 'utf8')).toBe('mine');
  // What an export left that was killed goes with the next one.
  await rm(join(inTheWay, 'precious.txt'));
  await writeFiles(inTheWay, { '.fovea-export': '', 'images/a.jpg': 'half' });
  expect(await exportTo(fixture, datasetId, 'coco', out)).toMatchObject({ state: 'done' });
  expect(existsSync(inTheWay)).toBe(false);
  expect(readdirSync(out).sort()).toEqual(['annotations', 'images']);
});

test('names that only some file systems tell apart get different ones', async () => {
  const fixture = await createProjectFixture();
  const image = await photo();
  const folder = join(fixture.scratch, 'set');
  const names = ['x/é.jpg', 'y/e\u0301.jpg', 'z/É.jpg'];
  await writeFiles(folder, Object.fromEntries(names.map((name) => [name, image])));
  const datasetId = await importFrom(fixture, folder, 'images', 'Plain');
  const out = join(fixture.scratch, 'out');
  await exportTo(fixture, datasetId, 'coco', out);
  const written = readdirSync(join(out, 'images', 'train')).map((name) => name.normalize('NFC').toLowerCase());
  expect(written.sort()).toEqual(['é-2.jpg', 'é-3.jpg', 'é.jpg'].sort());
});

test('images in packs go out as PNG files, in folders of their class', async () => {
  const fixture = await createProjectFixture();
  await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 5, testPerClass: 1, seed: 3 });
  const datasetId = await importFrom(fixture, join(fixture.scratch, 'cifar'), 'cifar10', 'Packed');
  const out = join(fixture.scratch, 'out');
  expect(await exportTo(fixture, datasetId, 'image-folders', out)).toMatchObject({ state: 'done', done: 60 });
  const [before, after] = [
    await contentOf(fixture, datasetId),
    await contentOf(fixture, await importFrom(fixture, out, 'image-folders', 'Again')),
  ];
  expect(after.classes).toEqual(before.classes); // airplane, automobile … : not in alphabetical order
  const classesOf = ({ images }: typeof before) =>
    images.map(({ split, labels }) => `${split} ${labels[0]!.name}`).sort();
  expect(classesOf(after)).toEqual(classesOf(before));
});
