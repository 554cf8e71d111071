/** Labels without their images: laid over the folder of the images, they are the data set again. */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Shape } from '../../src-main/contract/model/annotation.ts';
import { exportFormats, imagesAreLabels, type ExportFormat } from '../../src-main/contract/model/dataset-export.ts';
import type { Split } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { labelRow } from '../../src-main/store/label-row.ts';
import { writeCifar10 } from '../helpers/generated-data.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { everything, importFolder } from '../helpers/import-folder.ts';
import { insertImages } from '../helpers/insert-images.ts';
import { createProjectFixture, type ProjectFixture } from '../helpers/service-fixture.ts';

const size = { widthPx: 40, heightPx: 30 };
const classes = ['zebra', 'ant', '猫'];

interface Given {
  path: string;
  split: Split;
  /** Null where nobody labelled it. */
  boxes: readonly [category: number, x: number][] | null;
}

/** The same name in three folders, one of which is named as YOLO's tools want it. */
const images: readonly Given[] = [
  { path: 'day/photo “1”.jpg', split: 'train', boxes: [[2, 1], [0, 5]] }, // prettier-ignore
  { path: 'night/photo “1”.jpg', split: 'val', boxes: [[1, 3]] },
  { path: 'more/images/photo “1”.jpg', split: 'test', boxes: [[0, 9]] },
  { path: 'background.jpg', split: 'val', boxes: [] },
  { path: 'unseen.jpg', split: 'train', boxes: null },
];

const shapes: Partial<Record<ExportFormat, (x: number) => Shape>> = {
  'yolo-segment': (x) => ({ kind: 'polygon', parts: [{ outer: [x, 1, x + 9, 1, x + 9, 20, x, 20], holes: [] }] }),
  'yolo-obb': (x) => ({ kind: 'rotated-box', cx: x + 10, cy: 15, widthPx: 9, heightPx: 4, angleDegrees: 30 }),
  'yolo-pose': (x) => ({
    kind: 'keypoints',
    points: [{ x: x + 1, y: 4, visibility: 2 }],
    bboxXyxy: [x, 1, x + 9, 20],
  }),
};
const box = (x: number): Shape => ({ kind: 'bbox', bboxXyxy: [x, 1, x + 9, 20] });
const mask = (x: number): Shape => ({
  kind: 'mask',
  rle: { ...size, counts: [size.heightPx * x, 60, size.heightPx * (size.widthPx - x) - 60] },
});
const shapeOf = (format: ExportFormat): ((x: number) => Shape) =>
  shapes[format] ?? (format.startsWith('masks-') ? mask : box);

async function datasetOf({ opened, scratch }: ProjectFixture, given: readonly Given[], shape: (x: number) => Shape) {
  const folder = join(scratch, 'images');
  const picture = await photo(size);
  await writeFiles(folder, Object.fromEntries(given.map(({ path }) => [path, picture])));
  const { datasets } = opened.store;
  const datasetId = datasets.begin({ name: 'Labels', format: 'images', source: folder, createdAt: '' });
  const categoryIds = datasets.addCategories(datasetId, classes);
  datasets.setImageRoot(datasetId, folder);
  const rows = given.map(({ path, split, boxes }) => ({
    ...{ path, name: path, split, ...size, channels: 3, mediaType: 'image/jpeg', orientation: 1 },
    ...{ sizeBytes: picture.length, modifiedMs: 0, review: boxes === null ? ('to-do' as const) : ('done' as const) },
    labels: (boxes ?? []).map(([category, x]) => labelRow({ category, shape: shape(x), flags: [], attributes: {} })),
  }));
  insertImages(opened.store, datasetId, rows, categoryIds);
  datasets.publish(datasetId);
  return { datasetId, folder };
}

async function exportLabels(
  { handlers, opened, ended, scratch }: ProjectFixture,
  datasetId: DatasetId,
  format: ExportFormat,
) {
  const { projectId } = opened.project;
  const folder = join(scratch, `labels-${format}`);
  const request = { projectId, datasetId, format, images: 'none' as const };
  const report = await handlers['dataset.exportReport'](request);
  expect((await ended(await handlers['dataset.export']({ ...request, folder }))).error).toBeNull();
  return { report, folder };
}

/** By path: split, state of review, and each label's class and left side. */
function contentOf({ opened }: ProjectFixture, found: Awaited<ReturnType<typeof importFolder>>) {
  const { categories } = opened.store.datasets.get(found.datasetId);
  const place = new Map(categories.map(({ categoryId, ordinal }) => [categoryId, ordinal]));
  const content = found.images.map(({ imageId, name, split, review }) => {
    const labels = opened.store.annotations.ofImage(imageId).map(({ categoryId, shape }) => {
      const text = JSON.stringify(shape, (_, value: unknown) =>
        typeof value === 'number' ? Math.round(value * 100) / 100 : value,
      );
      return `${place.get(categoryId)} ${text}`;
    });
    return [name, { split, review, labels: labels.sort() }] as const;
  });
  return { classes: categories.map(({ name }) => name), images: Object.fromEntries(content) };
}

test.each(exportFormats.filter((format) => !imagesAreLabels.includes(format)))(
  '%s: labels over the images are the data set again',
  async (format) => {
    const fixture = await createProjectFixture();
    const shape = shapeOf(format);
    const { datasetId, folder: source } = await datasetOf(fixture, images, shape);
    const { report, folder } = await exportLabels(fixture, datasetId, format);
    expect(report).toMatchObject({ imageCount: 5, labelCount: 4 });
    const files = readdirSync(folder, { recursive: true }).map(String);
    expect(files.filter((file) => file.endsWith('.jpg'))).toEqual([]);
    cpSync(source, folder, { recursive: true });
    const again = await importFolder(fixture, folder);
    expect(again.report.failures).toEqual([]);
    const losesSplits = format === 'labelme' || format.startsWith('masks-');
    expect(report.losses.includes('Images that lose their split, which only a folder could say: 3.')).toBe(losesSplits);
    // COCO cannot say that nobody labelled an image, as the report told.
    const unseen = format === 'coco' ? 'done' : 'to-do';
    expect(contentOf(fixture, again)).toEqual({
      classes,
      images: Object.fromEntries(
        images.map(({ path, split, boxes }) => {
          const labels = (boxes ?? []).map(([category, x]) => `${category} ${JSON.stringify(shape(x))}`);
          const kept = losesSplits ? 'train' : split;
          return [path, { split: kept, review: boxes === null ? unseen : 'done', labels: labels.sort() }];
        }),
      ),
    });
  },
);

test('labels that would be in one file are told, and so are paths that no list can hold', async () => {
  const fixture = await createProjectFixture();
  const { datasetId } = await datasetOf(
    fixture,
    [
      { path: 'a/1.jpg', split: 'train', boxes: [[0, 1]] },
      { path: 'a/1.png', split: 'train', boxes: [[0, 2]] },
      { path: 'two\nlines.jpg', split: 'train', boxes: [[0, 3]] },
      { path: 'train.jpg', split: 'train', boxes: [[0, 4]] }, // its labels would be the list of the split
    ],
    box,
  );
  const { report, folder } = await exportLabels(fixture, datasetId, 'yolo-detect');
  expect(report.imageCount).toBe(1);
  expect(report.losses).toEqual([
    'Images whose file of labels another image of that name has, and that are left out: 2.',
    'Images with a line break in their path, which are left out: 1.',
  ]);
  expect(readFileSync(join(folder, 'train.txt'), 'utf8')).toBe('./a/1.jpg\n');
  expect(readFileSync(join(folder, 'a', '1.txt'), 'utf8')).toMatch(/^0 0\.1375 /);
  const coco = await exportLabels(fixture, datasetId, 'coco');
  expect(coco.report).toMatchObject({ imageCount: 4, losses: [] });
});

test('a folder for each class has no labels to be written alone, and images in packs are told of', async () => {
  const fixture = await createProjectFixture();
  const { handlers, opened, scratch } = fixture;
  await writeCifar10(join(scratch, 'cifar'), { perClass: 2, testPerClass: 1, seed: 3 });
  const { datasetId } = await importFolder(fixture, join(scratch, 'cifar'));
  const request = { projectId: opened.project.projectId, datasetId, images: 'none' as const };
  await expect(handlers['dataset.exportReport']({ ...request, format: 'image-folders' })).rejects.toMatchObject({
    code: 'unsupported',
  });
  const { losses } = await handlers['dataset.exportReport']({ ...request, format: 'cvat', filter: everything });
  expect(losses).toEqual(['Images that are no files, so that labels alone do not say whose they are: 30.']);
});
