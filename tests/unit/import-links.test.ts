/** Data sets whose labels and images are in different folders, and folders that hold several data sets at once. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { placesBeside, readLinks, throughLinks } from '../../src-main/services/import/folder-links.ts';
import { openSource } from '../../src-main/services/import/source.ts';
import { photo } from '../helpers/generated-images.ts';
import { realData } from '../helpers/real-data.ts';
import { createProjectFixture, temporaryFolder } from '../helpers/service-fixture.ts';

const names = 'names: [cat, dog]';

/** Files by their path; an image where the content is null. */
async function folderWith(files: Readonly<Record<string, string | null>>): Promise<string> {
  const folder = await temporaryFolder();
  const picture = await photo({ widthPx: 20, heightPx: 10 });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), content ?? picture);
  }
  return folder;
}

const shared = {
  'images/train/a.jpg': null,
  'images/val/b.jpg': null,
  'boxes/config.yaml': `path: .\ntrain: images/train\nval: images/val\n${names}`,
  // As git and zip tools write a link where the file system has none.
  'boxes/images': '../images',
  'boxes/labels/train/a.txt': '1 0.5 0.5 0.5 0.5\n',
  'boxes/labels/train/lost.txt': '1 0.5 0.5 0.5 0.5\n',
  'outlines/config.yaml': `train: images/train\nval: images/val\n${names}`,
  'outlines/images': '../images\n',
  'outlines/labels/val/b.txt': '0 0.1 0.1 0.9 0.1 0.9 0.9\n',
  'private/c.jpg': null,
};

test('a link that was written as text leads to the images, and the labels stay beside it', async () => {
  const folder = await folderWith(shared);
  const fixture = await createProjectFixture();
  const report = await fixture.handlers['dataset.inspect']({ path: folder });
  expect(report).toMatchObject({
    format: 'yolo',
    labelSource: 'boxes/config.yaml',
    labelSources: ['boxes/config.yaml', 'outlines/config.yaml'],
    categories: ['cat', 'dog'],
    splitCounts: { train: 1, val: 1, test: 0 },
    labelCounts: [0, 1],
    unlabelledCount: 1,
  });
  expect(report.failures).toEqual([
    { source: 'boxes/labels/train/lost.txt', reason: 'There is no image for this label file; it is left out.' },
  ]);
  const labelSource = 'outlines/config.yaml';
  const other = await fixture.handlers['dataset.inspect']({ path: folder, format: 'yolo', labelSource });
  expect(other).toMatchObject({ labelSource, labelCounts: [1, 0], failures: [] });
  expect(other.kindCounts).toEqual([{ kind: 'polygon', count: 1 }]);
});

test('a folder whose images are beside it is read with them, and with nothing else around it', async () => {
  const folder = await folderWith(shared);
  const source = await openSource(join(folder, 'boxes'));
  expect(source).toMatchObject({ name: 'boxes', folder });
  expect(source.entries.map(({ path }) => path).filter((path) => path.endsWith('.jpg'))).toEqual([
    'images/train/a.jpg',
    'images/val/b.jpg',
  ]);
  const fixture = await createProjectFixture();
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  for (const copyFiles of [false, true]) {
    const name = `boxes ${copyFiles}`;
    const path = join(folder, 'boxes');
    const job = await handlers['dataset.import']({ projectId, path, format: 'yolo', name, copyFiles });
    expect(await fixture.ended(job)).toMatchObject({ state: 'done' });
  }
  const datasets = await handlers['dataset.list']({ projectId });
  for (const { datasetId } of datasets) {
    const filter = { splits: [], categoryIds: [] };
    const { items } = await handlers['image.list']({ projectId, datasetId, filter, offset: 0, limit: 10 });
    expect(items.map(({ name, annotations }) => [name, annotations.length])).toEqual([
      ['images/train/a.jpg', 1],
      ['images/val/b.jpg', 0],
    ]);
  }
});

test('masks whose images are beside them, by what the YAML file says', async () => {
  const folder = await folderWith({
    'images/train/a.jpg': null,
    'classes/config.yaml': 'train:\n  images: ../images/train\n  masks: masks/train\nclasses:\n  0: none\n  1: cat\n',
    'classes/masks/train/a.png': null,
  });
  const source = await openSource(join(folder, 'classes'));
  expect(source.entries.map(({ path }) => path).sort()).toEqual([
    'classes/config.yaml',
    'classes/masks/train/a.png',
    'images/train/a.jpg',
  ]);
});

test('no link leads farther than to what is directly beside the folder', async () => {
  const folder = await folderWith({
    'a/b/up': '../..',
    'a/b/far': '../../secret',
    'a/b/absolute': '/etc',
    'a/b/beside': '../beside/',
    'a/b/text': 'a note\n../beside',
    'a/b/gone': '../gone',
    'a/b/data.yaml': 'train: ../../secret\nval: "../beside"\ntest: ..\nother: [../beside/deeper, ../a.jpg]',
    'a/beside/deeper/x.txt': '',
    'secret/x.txt': '',
  });
  const inside = join(folder, 'a', 'b');
  const { entries } = await openSource(inside);
  const own = ['absolute', 'beside', 'data.yaml', 'far', 'gone', 'text', 'up'].map((name) => `b/${name}`);
  expect(entries.map(({ path }) => path).sort()).toEqual([...own, 'beside/deeper/x.txt']);
  const files = [...own.map((path) => ({ path: path.slice(2), sizeBytes: 10 }))];
  const links = await readLinks(inside, files);
  expect(Object.fromEntries(links)).toEqual({
    up: '../..',
    far: '../../secret',
    beside: '../beside',
    gone: '../gone',
  });
  expect(await placesBeside(inside, files, links)).toEqual(['beside', 'beside/deeper']);
  expect(throughLinks('beside/x', links)).toBe('../beside/x');
  expect(throughLinks('besides/x', links)).toBe('besides/x');
});

test('panoptic COCO is told of, and does not stand before what can be read', async () => {
  const folder = await folderWith({
    'train/a.jpg': null,
    'panoptic.json': JSON.stringify({
      images: [{ id: 1, file_name: 'a.jpg', width: 20, height: 10 }],
      annotations: [{ image_id: 1, file_name: 'a.png', segments_info: [{ id: 5, category_id: 1 }] }],
      categories: [{ id: 1, name: 'cat' }],
    }),
  });
  const { handlers } = await createProjectFixture();
  expect(await handlers['dataset.inspect']({ path: folder })).toMatchObject({ format: 'images' });
  const coco = await handlers['dataset.inspect']({ path: folder, format: 'coco' });
  expect(coco).toMatchObject({ format: 'coco', importable: false, failureCount: 1 });
  expect(coco.failures[0]?.reason).toContain('1 annotations are panoptic');
});

const coco128 = realData('coco128');

test.skipIf(coco128 === null)('coco128: its root and each of its data sets', { timeout: 120_000 }, async () => {
  const { handlers } = await createProjectFixture();
  const inspect = (path: string, labelSource?: string) =>
    handlers['dataset.inspect']({
      path: join(coco128!, path),
      ...(labelSource === undefined ? {} : { format: 'yolo' as const, labelSource }),
    });
  const counted = { train: 128, val: 128, test: 0 };
  const outlines = { format: 'yolo', splitCounts: counted, kindCounts: [{ kind: 'polygon', count: 1458 }] };
  const boxes = { format: 'yolo', splitCounts: counted, kindCounts: [{ kind: 'bbox', count: 1827 }], failureCount: 2 };
  const sources = ['instance_segmentation/config.yaml', 'object_detection/config.yaml'];
  expect(await inspect('')).toMatchObject({ ...outlines, labelSources: sources, labelSource: sources[0] });
  expect(await inspect('', sources[1])).toMatchObject({ ...boxes, labelSource: sources[1] });
  expect(await inspect('instance_segmentation')).toMatchObject({ ...outlines, unlabelledCount: 56 });
  expect(await inspect('object_detection')).toMatchObject({ ...boxes, unlabelledCount: 2 });
  expect(await inspect('semantic_segmentation')).toMatchObject({ format: 'masks', splitCounts: counted });
});
