/** Every format of labels, out and in again over real files: what it can hold comes back, what it cannot was said before. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { rasterisePolygon } from '../../src-main/contract/geometry/polygon.ts';
import { encodeRle, rleIou, type Rle } from '../../src-main/contract/geometry/rle.ts';
import type { AnnotationFlag, Attributes, Shape } from '../../src-main/contract/model/annotation.ts';
import { exportFormats, type ExportFormat } from '../../src-main/contract/model/dataset-export.ts';
import type { DatasetFormat, Split } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { labelRow } from '../../src-main/store/label-row.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { importFolder } from '../helpers/import-folder.ts';
import { realData } from '../helpers/real-data.ts';
import { createProjectFixture, type ProjectFixture } from '../helpers/service-fixture.ts';
import { insertImages } from '../helpers/insert-images.ts';

const size = { widthPx: 40, heightPx: 30 };
/** Not in alphabetical order; all of them fit on one line. */
const CLASSES = ['zebra', 'ant & "co" <x>', 'Ünïcode 猫', '../up', 'it’s: #1'];

interface Label {
  category: number;
  shape: Shape;
  flags: AnnotationFlag[];
  attributes: Attributes;
}

let picture: Buffer;
beforeAll(async () => {
  picture = await photo(size);
});

/** A data set whose labels are exactly these: image by image, the third one seen by nobody. */
async function datasetOf(fixture: ProjectFixture, images: readonly (readonly Label[] | null)[]): Promise<DatasetId> {
  const { opened, scratch } = fixture;
  const folder = join(scratch, 'images');
  const names = images.map((_, index) => `photo “${index}” & co.jpg`);
  await writeFiles(folder, Object.fromEntries(names.map((name) => [name, picture])));
  const { datasets } = opened.store;
  const datasetId = datasets.begin({ name: 'Labels', format: 'images', source: folder, createdAt: '' });
  const categoryIds = datasets.addCategories(datasetId, CLASSES);
  datasets.setImageRoot(datasetId, folder);
  insertImages(
    opened.store,
    datasetId,
    images.map((labels, index) => ({
      ...{ path: names[index]!, name: names[index]!, split: (['train', 'val', 'test'] as const)[index % 3]!, ...size },
      ...{ channels: 3, mediaType: 'image/jpeg', orientation: 1, sizeBytes: picture.length, modifiedMs: 0 },
      review: labels === null ? ('to-do' as const) : ('done' as const),
      labels: (labels ?? []).map(labelRow),
    })),
    categoryIds,
  );
  datasets.publish(datasetId);
  return datasetId;
}

async function roundTrip(fixture: ProjectFixture, datasetId: DatasetId, format: ExportFormat, as: DatasetFormat) {
  const { handlers, opened, ended, scratch } = fixture;
  const { projectId } = opened.project;
  const { losses } = await handlers['dataset.exportReport']({ projectId, datasetId, format });
  const folder = join(scratch, `out-${format}`);
  expect(await ended(await handlers['dataset.export']({ projectId, datasetId, format, folder }))).toMatchObject({
    state: 'done',
  });
  const { report, datasetId: again, images } = await importFolder(fixture, folder);
  expect(report.format).toBe(as);
  const { categories } = opened.store.datasets.get(again);
  return {
    folder,
    losses,
    failures: report.failures,
    classes: categories.map(({ name }) => name),
    images: images
      .map(({ imageId, name, split, review }) => ({
        file: name.slice(name.lastIndexOf('/') + 1),
        split: split as Split,
        review,
        labels: opened.store.annotations.ofImage(imageId).map(({ shape, flags, attributes, categoryId }) => ({
          ...{ shape, flags, attributes },
          category: categories.find((category) => category.categoryId === categoryId)!.ordinal,
        })),
      }))
      .sort((a, b) => a.file.localeCompare(b.file)),
  };
}

function expectLabels(found: readonly Label[], wanted: readonly Label[], digits = 4): void {
  expect(found.map(({ category, flags, attributes }) => ({ category, flags, attributes }))).toEqual(
    wanted.map(({ category, flags, attributes }) => ({ category, flags, attributes })),
  );
  found.forEach(({ shape }, index) => expectShape(shape, wanted[index]!.shape, digits));
}

/** Equal, with numbers to so many digits behind the point. */
function expectShape(found: Shape, wanted: Shape, digits: number): void {
  const [numbers, otherNumbers]: [number[], number[]] = [[], []];
  const without = (value: unknown, list: number[]): unknown =>
    JSON.parse(JSON.stringify(value), (_, item: unknown) =>
      typeof item === 'number' ? list.push(item) && 0 : item,
    ) as unknown;
  expect(without(found, numbers)).toEqual(without(wanted, otherNumbers));
  numbers.forEach((value, at) => expect(value).toBeCloseTo(otherNumbers[at]!, digits));
}

function label(category: number, shape: Shape, more: Partial<Label> = {}): Label {
  return { category, shape, flags: [], attributes: {}, ...more };
}

function maskOf(inside: (x: number, y: number) => boolean): Extract<Shape, { kind: 'mask' }> {
  const pixels = Uint8Array.from({ length: size.widthPx * size.heightPx }, (_, at) =>
    Number(inside(at % size.widthPx, Math.floor(at / size.widthPx))),
  );
  const rle = encodeRle(pixels, size);
  return { kind: 'mask', rle: { ...size, counts: [...rle.counts] } };
}

const box = label(1, { kind: 'bbox', bboxXyxy: [1.25, 2.5, 20, 29.75] });
const turned = label(2, { kind: 'rotated-box', cx: 20, cy: 15, widthPx: 12, heightPx: 6, angleDegrees: 30 });
const outline = label(3, { kind: 'polygon', parts: [{ outer: [1, 1, 9.5, 2, 8, 9, 3, 7.25, 0.5, 4], holes: [] }] });
/** A ring with a hole in it, and a second part. */
const ring = label(
  0,
  maskOf((x, y) => (Math.hypot(x - 12, y - 14) < 10 && Math.hypot(x - 12, y - 14) > 4) || x > 34),
);
const pose = label(4, {
  kind: 'keypoints',
  points: [
    { x: 3, y: 4, visibility: 2 },
    { x: 0, y: 0, visibility: 0 },
    { x: 9, y: 8.5, visibility: 1 },
  ],
  bboxXyxy: [2, 3, 12, 10],
});
const tag = label(2, { kind: 'classification' });

test('Pascal VOC: boxes, flags and pose; the order of the classes stays', async () => {
  const fixture = await createProjectFixture();
  const labelled = label(1, box.shape, { flags: ['occluded', 'difficult'], attributes: { pose: 'Left' } });
  const datasetId = await datasetOf(fixture, [[labelled, label(0, box.shape)], [], null]);
  const again = await roundTrip(fixture, datasetId, 'voc', 'voc');
  expect([again.losses, again.failures]).toEqual([[], []]);
  expect(again.classes).toEqual(CLASSES);
  expect(again.images.map(({ split, review }) => [split, review])).toEqual([
    ['train', 'done'],
    ['val', 'done'],
    ['test', 'to-do'],
  ]);
  expectLabels(again.images[0]!.labels, [labelled, label(0, box.shape)]);
});

test('CVAT: everything comes back but the box around keypoints; holes become masks of the same pixels', async () => {
  const fixture = await createProjectFixture();
  const holed: Shape = {
    kind: 'polygon',
    parts: [{ outer: [1, 1, 30, 1, 30, 25, 1, 25], holes: [[5, 5, 20, 5, 20, 20]] }],
  };
  const withAll = label(1, box.shape, {
    flags: ['occluded'],
    attributes: { 'a "b" <c>': 'x & y\nz', count: 3, sure: true },
  });
  const datasetId = await datasetOf(fixture, [
    [withAll, turned, outline, ring, pose, tag, label(0, holed)],
    [label(1, box.shape, { flags: ['truncated'] })],
    null,
  ]);
  const again = await roundTrip(fixture, datasetId, 'cvat', 'cvat');
  expect([...again.losses].sort()).toEqual([
    'Labels that lose some of their flags (occluded, truncated, difficult, crowd): 1.',
    'Outlines with holes or several parts that become masks: 1.',
    'Sets of keypoints that lose their box: 1.',
  ]);
  expect(again.classes).toEqual(CLASSES);
  const found = again.images[0]!.labels;
  expectLabels(found.slice(0, 4), [withAll, turned, outline, ring]);
  expectLabels([found[4]!, found[5]!], [label(4, { ...pose.shape, bboxXyxy: null } as Shape), tag]);
  const rle = (found[6]!.shape as Extract<Shape, { kind: 'mask' }>).rle;
  expect(rleIou(rle, rasterisePolygon(holed.kind === 'polygon' ? holed.parts : [], size))).toBe(1);
  expect(again.images[2]).toMatchObject({ review: 'to-do', labels: [] });
});

test('labelme: outlines, boxes and masks with holes and parts; true and false stay', async () => {
  const fixture = await createProjectFixture();
  const two: Shape = { kind: 'polygon', parts: [{ outer: [1, 1, 9, 2, 8, 9], holes: [] }, { outer: [20, 20, 29, 20, 29, 29], holes: [] }] }; // prettier-ignore
  const sure = label(1, box.shape, { attributes: { sure: true, checked: false } });
  const datasetId = await datasetOf(fixture, [[sure, outline, ring, label(3, two)], [], null]);
  const again = await roundTrip(fixture, datasetId, 'labelme', 'labelme');
  expect([again.losses, again.failures]).toEqual([[], []]);
  expect(again.classes).toEqual(CLASSES);
  expectLabels(again.images[0]!.labels, [sure, outline, ring, label(3, two)]);
});

test('YOLO rotated boxes', async () => {
  const fixture = await createProjectFixture();
  const datasetId = await datasetOf(fixture, [
    [turned, label(0, { ...turned.shape, angleDegrees: -75 } as Shape), box],
    [],
    null,
  ]);
  const again = await roundTrip(fixture, datasetId, 'yolo-obb', 'yolo');
  expect(again.losses).toEqual(['Boxes that become rotated boxes of 0 degrees: 1.']);
  const upright: Shape = {
    kind: 'rotated-box',
    cx: 10.625,
    cy: 16.125,
    widthPx: 18.75,
    heightPx: 27.25,
    angleDegrees: 0,
  };
  const expected = [turned, label(0, { ...turned.shape, angleDegrees: -75 } as Shape), label(1, upright)];
  expectLabels(again.images[0]!.labels, expected);
  expect(again.classes).toEqual(CLASSES);
});

test('YOLO keypoints', async () => {
  const fixture = await createProjectFixture();
  const datasetId = await datasetOf(fixture, [[pose, box], [], null]);
  const again = await roundTrip(fixture, datasetId, 'yolo-pose', 'yolo');
  expect([again.losses, again.failures]).toEqual([[], []]);
  expect(readFileSync(join(again.folder, 'data.yaml'), 'utf8')).toContain('kpt_shape: [3, 3]');
  expectLabels(again.images[0]!.labels, [pose, box]);
});

test.each(['masks-index', 'masks-palette', 'masks-colour'] as const)(
  '%s: IoU 1.0 with holes and parts',
  async (format) => {
    const fixture = await createProjectFixture();
    const other = label(
      4,
      maskOf((x, y) => Math.hypot(x - 12, y - 14) <= 4),
    );
    const datasetId = await datasetOf(fixture, [[ring, other], [], null]);
    const again = await roundTrip(fixture, datasetId, format, 'masks');
    expect([again.losses, again.failures]).toEqual([[], []]);
    expect(again.classes).toEqual(CLASSES);
    expectLabels(again.images[0]!.labels, [ring, other]);
    expect(again.images.map(({ review }) => review)).toEqual(['done', 'done', 'to-do']);
  },
);

test('COCO: run lengths compressed, keypoints and crowds', async () => {
  const fixture = await createProjectFixture();
  const crowd = label(0, ring.shape, { flags: ['crowd'] });
  const datasetId = await datasetOf(fixture, [[crowd, pose, outline], [], null]);
  const again = await roundTrip(fixture, datasetId, 'coco', 'coco');
  expectLabels(again.images[0]!.labels, [crowd, pose, outline]);
  const file = JSON.parse(readFileSync(join(again.folder, 'annotations', 'instances_train.json'), 'utf8')) as {
    annotations: { segmentation: { counts: unknown } }[];
  };
  expect(typeof file.annotations[0]!.segmentation.counts).toBe('string');
});

test('every format says what becomes of every kind, and what it writes can be read', { timeout: 120_000 }, async () => {
  const fixture = await createProjectFixture();
  const everything = [box, turned, outline, ring, pose, tag].map((one) => ({
    ...one,
    flags: ['crowd' as const],
    attributes: { n: 1 },
  }));
  const datasetId = await datasetOf(fixture, [everything, [], null]);
  const { handlers, opened, ended, scratch } = fixture;
  const { projectId } = opened.project;
  for (const format of exportFormats) {
    const { losses } = await handlers['dataset.exportReport']({ projectId, datasetId, format });
    expect(losses, format).not.toEqual([]);
    const folder = join(scratch, `all-${format}`);
    const job = await ended(await handlers['dataset.export']({ projectId, datasetId, format, folder }));
    expect(job.error, format).toBeNull();
    const report = await handlers['dataset.inspect']({ path: folder });
    expect(report.importable, format).toBe(true);
    expect(report.failures, format).toEqual([]);
  }
});

test('only what was labelled, and only one split', async () => {
  const fixture = await createProjectFixture();
  const { handlers, opened } = fixture;
  const datasetId = await datasetOf(fixture, [[box], [], null, [box, box], null, null]);
  const request = { projectId: opened.project.projectId, datasetId, format: 'coco' as const };
  expect(await handlers['dataset.exportReport']({ ...request, labelledOnly: true })).toMatchObject({
    imageCount: 3,
    labelCount: 3,
  });
  const filter = { splits: ['val' as const], categoryIds: [] };
  expect(await handlers['dataset.exportReport']({ ...request, filter })).toMatchObject({
    imageCount: 2,
    labelCount: 0,
  });
});

test('random masks of any density survive every format that holds masks', { timeout: 120_000 }, async () => {
  const random = seededRandom(77);
  const fixture = await createProjectFixture();
  const masks = Array.from({ length: 9 }, () => {
    const density = random();
    return [
      label(
        Math.floor(random() * CLASSES.length),
        maskOf(() => random() < density),
      ),
    ];
  });
  const datasetId = await datasetOf(fixture, masks);
  for (const [format, as] of [
    ['coco', 'coco'],
    ['cvat', 'cvat'],
    ['labelme', 'labelme'],
    ['masks-index', 'masks'],
    ['masks-palette', 'masks'],
  ] as const) {
    // prettier-ignore
    const again = await roundTrip(fixture, datasetId, format, as);
    again.images.forEach(({ labels }, index) => {
      const [wanted] = masks[index]!;
      const rle = (labels[0]!.shape as { rle: Rle }).rle;
      expect(rleIou(rle, (wanted!.shape as { rle: Rle }).rle), `${format} ${index}`).toBe(1);
    });
  }
});

const bccd = realData('bccd/BCCD');

test.skipIf(bccd === null)('bccd: VOC in and out again', { timeout: 120_000 }, async () => {
  const fixture = await createProjectFixture();
  const { opened } = fixture;
  const first = await importFolder(fixture, bccd!);
  const again = await roundTrip(fixture, first.datasetId, 'voc', 'voc');
  expect(again.losses).toEqual([]);
  const before = opened.store.datasets.get(first.datasetId);
  expect(again.classes).toEqual(before.categories.map(({ name }) => name));
  const labels = (images: readonly { labels: unknown[] }[]) => images.reduce((sum, one) => sum + one.labels.length, 0);
  expect(labels(again.images)).toBeGreaterThan(500); // of the first hundred images
});
