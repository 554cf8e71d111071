/** Trash, versions, health, saved views, relinking and labels as tiles, over real folders. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { mediaUrl } from '../../src-main/contract/media-url.ts';
import type { DatasetId, ImageId } from '../../src-main/contract/model/ids.ts';
import type { TrashItem } from '../../src-main/contract/model/library.ts';
import { recordRunVersion } from '../../src-main/services/library/record-version.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { everything, importFolder } from '../helpers/import-folder.ts';
import { createProjectFixture, type ProjectFixture, mediaOf } from '../helpers/service-fixture.ts';
import { addRun } from '../helpers/store-fixture.ts';

interface Library {
  fixture: ProjectFixture;
  datasetId: DatasetId;
  ids: ImageId[];
  folder: string;
}

/** Four images in YOLO: two with cats and dogs, one that shows nothing, one that nobody labelled. */
async function library(options: { copyFiles?: boolean } = {}): Promise<Library> {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'pets');
  const picture = await photo({ widthPx: 400, heightPx: 200 });
  await writeFiles(folder, {
    'data.yaml': 'train: images/train\nval: images/val\nnames: [cat, dog, horse]\n',
    'images/train/a.jpg': picture,
    'images/train/b.jpg': picture,
    'images/val/c.jpg': picture,
    'images/val/d.jpg': picture,
    'labels/train/a.txt': '0 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.1 0.1\n1 0.25 0.25 0.1 0.1\n',
    'labels/train/b.txt': '0 0.5 0.5 0.99 0.99\n0 0.5 0.5 0.005 0.005\n0 0.95 0.5 0.2 0.2\n',
    'labels/val/c.txt': '',
  });
  const { datasetId, images } = await importFolder(fixture, folder, options);
  return { fixture, datasetId, ids: images.map(({ imageId }) => imageId), folder };
}

test('images go to the trash with their labels, and come back as they were', async () => {
  const { fixture, datasetId, ids } = await library();
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  const list = async () =>
    (await handlers['image.list']({ projectId, datasetId, filter: everything, offset: 0, limit: 9 })).items;
  const before = await list();
  const labelsBefore = opened.store.annotations.ofImage(ids[0]!);
  const item = await handlers['image.trash']({ projectId, datasetId, imageIds: [ids[0]!, ids[2]!, 777 as ImageId] });
  expect(item).toMatchObject({ kind: 'images', title: opened.store.datasets.get(datasetId).name, imageCount: 2 });
  expect((await list()).map(({ imageId }) => imageId)).toEqual([ids[1], ids[3]]);
  expect(opened.store.datasets.get(datasetId).splitCounts).toEqual({ train: 1, val: 1, test: 0 });
  await expect(handlers['image.get']({ projectId, imageId: ids[0]! })).rejects.toMatchObject({ code: 'not-found' });
  expect(await handlers['trash.list']({ projectId })).toEqual([item]);
  const { entryId } = item as Extract<TrashItem, { kind: 'images' }>;
  await handlers['trash.restore']({ projectId, item: { kind: 'images', entryId } });
  expect(await list()).toEqual(before);
  expect(opened.store.annotations.ofImage(ids[0]!)).toEqual(labelsBefore);
  const counts = opened.store.database.prepare('SELECT label_count FROM image ORDER BY id').pluck().all();
  expect(counts).toEqual([3, 3, 0, 0]);
  expect(await handlers['trash.list']({ projectId })).toEqual([]);
  await expect(handlers['trash.restore']({ projectId, item: { kind: 'images', entryId } })).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('a data set comes back from the trash, under a free name; emptying is for good', async () => {
  const { fixture, datasetId } = await library({ copyFiles: true });
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  const { name } = opened.store.datasets.get(datasetId);
  const copies = join(opened.folder, 'images');
  await handlers['dataset.delete']({ projectId, datasetId });
  expect(await handlers['dataset.list']({ projectId })).toEqual([]);
  expect(opened.store.images.count()).toBe(0);
  expect(await handlers['trash.list']({ projectId })).toMatchObject([
    { kind: 'dataset', datasetId, title: name, imageCount: 4 },
  ]);
  const other = opened.store.datasets.begin({ name, format: 'images', source: '', createdAt: '' });
  opened.store.datasets.publish(other);
  await handlers['trash.restore']({ projectId, item: { kind: 'dataset', datasetId } });
  expect((await handlers['dataset.list']({ projectId })).map((one) => one.name)).toEqual([name, `${name} (2)`]);
  await handlers['dataset.delete']({ projectId, datasetId });
  expect(existsSync(join(copies, `dataset-${datasetId}`))).toBe(true);
  await handlers['trash.empty']({ projectId, item: null });
  expect(readdirSync(copies)).toEqual([]);
  expect(await handlers['trash.list']({ projectId })).toEqual([]);
  const left = opened.store.database.prepare('SELECT count(*) FROM image').pluck().get();
  expect(left).toBe(0);
});

test('images that go for good take their copies in the project with them, and no other file', async () => {
  const { fixture, datasetId, ids, folder } = await library({ copyFiles: true });
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  const files = (root: string): string[] =>
    readdirSync(root, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.jpg'))
      .sort();
  const copies = join(opened.folder, 'images', `dataset-${datasetId}`);
  const before = { copies: files(copies), source: files(folder) };
  expect(before.copies).toHaveLength(4);
  const trashed = await handlers['image.trash']({ projectId, datasetId, imageIds: [ids[0]!, ids[3]!] });
  const { entryId } = trashed as Extract<TrashItem, { kind: 'images' }>;
  const item = { kind: 'images', entryId } as const;
  const sizeOf = (name: string): number => statSync(join(copies, name)).size;
  const names = [ids[0]!, ids[3]!].map((id) => pathOf(opened, entryId, id));
  expect(await handlers['trash.size']({ projectId, item })).toEqual({
    sizeBytes: sizeOf(names[0]!) + sizeOf(names[1]!),
  });
  expect(files(copies)).toEqual(before.copies);
  await handlers['trash.empty']({ projectId, item });
  expect(files(copies)).toEqual(before.copies.filter((name) => !names.includes(name)));
  expect(files(folder)).toEqual(before.source);
  await expect(handlers['trash.empty']({ projectId, item })).rejects.toMatchObject({ code: 'not-found' });
});

function pathOf({ store }: ProjectFixture['opened'], entryId: number, imageId: ImageId): string {
  const find = store.database.prepare(`SELECT image ->> 'path' FROM trashed_image WHERE entry_id = ? AND image_id = ?`);
  return find.pluck().get(entryId, imageId) as string;
}

test(
  'the same state has the same hash wherever it is; a change is told apart and compared',
  { timeout: 180_000 },
  async () => {
    const { fixture, datasetId, ids, folder } = await library();
    const { handlers, opened, ended, workers } = fixture;
    const { projectId } = opened.project;
    const freeze = async (id: DatasetId) => {
      expect(await ended(await handlers['version.freeze']({ projectId, datasetId: id }))).toMatchObject({
        state: 'done',
      });
      return (await handlers['version.list']({ projectId, datasetId: id }))[0]!;
    };
    const first = await freeze(datasetId);
    expect(first).toMatchObject({
      imageCount: 4,
      labelCount: 6,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect(await freeze(datasetId)).toEqual(first);
    const elsewhere = join(fixture.scratch, 'elsewhere');
    await cp(folder, elsewhere, { recursive: true });
    const twin = await importFolder(fixture, elsewhere);
    expect((await freeze(twin.datasetId)).hash).toBe(first.hash);

    const [removed, relabelled, moved] = [ids[3]!, ids[0]!, ids[1]!];
    await handlers['image.trash']({ projectId, datasetId, imageIds: [removed] });
    const [label] = opened.store.annotations.ofImage(relabelled);
    const dog = opened.store.datasets.get(datasetId).categories[1]!.categoryId;
    await handlers['annotation.relabel']({
      projectId,
      gestureId: 'g',
      annotationIds: [label!.annotationId],
      categoryId: dog,
    });
    const plan = { kind: 'set', split: 'test' } as const;
    await handlers['split.assign']({ projectId, datasetId, filter: everything, imageIds: [moved], plan });
    const second = await freeze(datasetId);
    expect(second.hash).not.toBe(first.hash);
    for (const versionId of [second.versionId, null]) {
      const compared = await handlers['version.compare']({
        projectId,
        datasetId,
        first: first.versionId,
        second: versionId,
      });
      expect(compared.counts).toEqual({ added: 0, removed: 1, labels: 1, splits: 1, pixels: 0, same: 1 });
      expect([compared.removed[0]!.imageId, compared.labels[0]!.imageId]).toEqual([removed, relabelled]);
      expect(compared.splits).toEqual([{ imageId: moved, name: 'images/train/b.jpg', split: 'test', before: 'train' }]);
    }
    await recordRunVersion(opened, workers, addRun(opened.store, datasetId, 'A run'), datasetId);
    const versions = await handlers['version.list']({ projectId, datasetId });
    expect(versions.map(({ hash, runs }) => [hash, runs])).toEqual([
      [second.hash, ['A run']],
      [first.hash, []],
    ]);
  },
);

test('health: every number leads to its images', async () => {
  const { fixture, datasetId } = await library();
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  const health = await handlers['dataset.health']({ projectId, datasetId });
  expect(health).toMatchObject({
    imageCount: 4,
    labelCount: 6,
    kinds: [{ kind: 'bbox', count: 6, query: 'kind:bbox' }],
  });
  expect(health.classes.map(({ name, labels, images }) => [name, labels, images])).toEqual([
    ['cat', 4, 2],
    ['dog', 2, 1],
    ['horse', 0, 0],
  ]);
  expect(health.pairs).toEqual([{ first: 'cat', second: 'dog', images: 1, share: 0.5, query: 'class:cat class:dog' }]);
  expect(health.findings.map(({ kind, count }) => `${kind} ${count}`).sort()).toEqual(
    ['background 1', 'doubled 1', 'huge 1', 'outside 1', 'rare 2', 'tiny 1', 'unlabelled 1', 'unused 1'].sort(),
  );
  expect(Math.max(...health.positions)).toBe(2 + 1 + 1); // the two dogs, the cat of a, the huge one of b
  const imagesOf = async (query: string) =>
    (await handlers['image.list']({ projectId, datasetId, filter: { ...everything, query }, offset: 0, limit: 9 }))
      .items;
  for (const { query, kind, count } of health.findings.filter((finding) => finding.query !== '')) {
    const found = await imagesOf(query);
    expect(found.length, `${kind}: ${query}`).toBeGreaterThan(0);
    if (['unlabelled', 'background', 'tiny', 'huge', 'outside', 'doubled'].includes(kind))
      expect(found, kind).toHaveLength(count);
  }
  for (const bars of [health.labelsPerImage, health.imageSizes, health.imageAspects]) {
    expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(4);
    for (const { query, count, label } of bars) expect(await imagesOf(query), label).toHaveLength(count);
  }
  for (const bars of [health.boxSizes, health.aspects]) {
    expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(6);
    for (const { query, count } of bars) expect((await imagesOf(query)).length > 0, query).toBe(count > 0);
  }
});

test('views are kept under names, and the newest of a name counts', async () => {
  const { fixture, datasetId } = await library();
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  const view = { filter: { ...everything, query: 'class:cat' }, order: { by: 'labels' as const, descending: true } };
  await handlers['view.save']({
    projectId,
    datasetId,
    name: 'Cats',
    ...view,
    order: { by: 'name', descending: false },
  });
  const saved = await handlers['view.save']({ projectId, datasetId, name: 'cats', ...view });
  expect(await handlers['view.list']({ projectId, datasetId })).toEqual([{ ...saved, name: 'cats', ...view }]);
  await handlers['view.delete']({ projectId, viewId: saved.viewId });
  expect(await handlers['view.list']({ projectId, datasetId })).toEqual([]);
});

test('lists are sorted both ways, and page by page', async () => {
  const { fixture, datasetId, ids } = await library();
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  const list = async (by: 'name' | 'labels' | 'added', descending: boolean, offset = 0) =>
    (
      await handlers['image.list']({
        projectId,
        datasetId,
        filter: everything,
        order: { by, descending },
        offset,
        limit: 2,
      })
    ).items;
  expect((await list('name', true)).map(({ imageId }) => imageId)).toEqual([ids[3], ids[2]]);
  expect((await list('added', true, 2)).map(({ imageId }) => imageId)).toEqual([ids[1], ids[0]]);
  expect((await list('labels', false)).map(({ annotations }) => annotations.length)).toEqual([0, 0]);
});

test('a folder that was moved is found again; one without the images is refused', async () => {
  const { fixture, datasetId, ids, folder } = await library();
  const { handlers, opened, scratch } = fixture;
  const { projectId } = opened.project;
  const moved = join(scratch, 'moved');
  await cp(folder, moved, { recursive: true });
  await rm(folder, { recursive: true });
  await rm(join(moved, 'images', 'val', 'd.jpg'));
  const look = { projectId, datasetId, folder: moved };
  expect(await handlers['dataset.relink']({ ...look, apply: false })).toEqual({
    ...{ found: 3, missing: ['images/val/d.jpg'], missingCount: 1, changedCount: 0 },
  });
  expect(opened.store.images.pixelSource(ids[0]!)).toMatchObject({ file: { root: folder } });
  await handlers['dataset.relink']({ ...look, apply: true });
  expect(opened.store.images.pixelSource(ids[0]!)).toMatchObject({ file: { root: moved } });
  const error = await handlers['dataset.relink']({ ...look, folder: scratch, apply: true }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'bad-input' });
  expect(opened.store.images.pixelSource(ids[0]!)).toMatchObject({ file: { root: moved } });
});

test('labels of a class as tiles: cut out with a little around them, given another class or removed at once', async () => {
  const { fixture, datasetId, ids } = await library();
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  const [cat, dog] = opened.store.datasets.get(datasetId).categories.map(({ categoryId }) => categoryId);
  const tiles = (categoryId: typeof cat) =>
    handlers['label.list']({ projectId, datasetId, filter: everything, categoryId: categoryId!, offset: 0, limit: 10 });
  const cats = await tiles(cat);
  expect([cats.total, cats.items.map(({ imageId }) => imageId)]).toEqual([4, [ids[0], ids[1], ids[1], ids[1]]]);
  expect(cats.items[0]!.bboxXyxy.map(Math.round)).toEqual([100, 50, 300, 150]);
  const media = mediaOf(fixture);
  const { body, contentType } = await media(mediaUrl.crop(projectId, cats.items[0]!.annotationId));
  const { width, height } = await sharp(body).metadata();
  expect([contentType, width]).toEqual(['image/webp', 242]); // 200 px, a tenth and one more on both sides
  expect(height).toBe(142);

  const annotationIds = cats.items.slice(1).map(({ annotationId }) => annotationId);
  await handlers['annotation.relabel']({ projectId, gestureId: 'one', annotationIds, categoryId: dog! });
  expect([(await tiles(cat)).total, (await tiles(dog)).total]).toEqual([1, 5]);
  await handlers['annotation.relabel']({ projectId, gestureId: 'two', annotationIds, categoryId: null });
  expect((await tiles(dog)).total).toBe(2);
  await handlers['annotation.undo']({ projectId, gestureId: 'u1', target: null });
  await handlers['annotation.undo']({ projectId, gestureId: 'u2', target: null });
  expect((await tiles(cat)).items).toEqual(cats.items);
});
