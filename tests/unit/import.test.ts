/** Imports from end to end: real files, the real worker thread, the real database. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { DatasetFormat } from '../../src-main/contract/model/dataset.ts';
import type { CategoryId, DatasetId } from '../../src-main/contract/model/ids.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import {
  CIFAR10_NAMES,
  writeArchive,
  writeCifar10,
  writeIdx,
  type GeneratedCifar10,
} from '../helpers/generated-data.ts';
import { createProjectFixture, type ProjectFixture } from '../helpers/service-fixture.ts';
import { addRun } from '../helpers/store-fixture.ts';

const TRAIN_FILES = [
  'data_batch_1.bin',
  'data_batch_2.bin',
  'data_batch_3.bin',
  'data_batch_4.bin',
  'data_batch_5.bin',
];

async function runImport(
  fixture: ProjectFixture,
  path: string,
  format: DatasetFormat,
  name = 'Imported',
): Promise<Job> {
  const { projectId } = fixture.opened.project;
  return fixture.ended(await fixture.handlers['dataset.import']({ projectId, path, format, name }));
}

const packFiles = (fixture: ProjectFixture): string[] => {
  const folder = join(fixture.opened.folder, 'packs');
  return existsSync(folder) ? readdirSync(folder).sort() : [];
};

/** Nothing of an import is left: no data set, no row, no file. */
function expectNothing(fixture: ProjectFixture): void {
  const { database, datasets } = fixture.opened.store;
  expect(datasets.list()).toEqual([]);
  for (const table of ['dataset', 'category', 'pack', 'image', 'annotation']) {
    expect(database.prepare(`SELECT count(*) FROM ${table}`).pluck().get(), table).toBe(0);
  }
  expect(packFiles(fixture)).toEqual([]);
}

/** Labels and pixels of a split in the order in which they were generated. */
function expected(data: GeneratedCifar10, files: readonly string[]): { labels: number[]; pixels: Buffer } {
  const images = files.map((file) => data.files.get(file)!);
  return {
    labels: images.flatMap(({ labels }) => [...labels]),
    pixels: Buffer.concat(images.map(({ pixels }) => pixels)),
  };
}

/** Class indices of a split in the order of the data set. */
function storedLabels({ opened }: ProjectFixture, datasetId: DatasetId, split: 'train' | 'test'): (number | null)[] {
  const { images, training, annotations, datasets } = opened.store;
  const ids = training.imagesInRange(datasetId, split, images.idRange(datasetId)!).map(({ imageId }) => imageId);
  const labels = annotations.ofImages(ids);
  const ordinals = new Map(datasets.categories(datasetId).map(({ categoryId, ordinal }) => [categoryId, ordinal]));
  return ids.map((imageId) => ordinals.get(labels.get(imageId)?.[0]?.categoryId ?? (0 as CategoryId)) ?? null);
}

function expectWhole(fixture: ProjectFixture, datasetId: DatasetId, data: GeneratedCifar10): void {
  const dataset = fixture.opened.store.datasets.get(datasetId);
  expect(dataset.categories.map(({ name }) => name)).toEqual(CIFAR10_NAMES);
  expect(dataset.splitCounts).toEqual({ train: data.trainCount, val: 0, test: data.testCount });
  expect(dataset.imageSize).toEqual({ widthPx: 32, heightPx: 32, channels: 3 });
  const train = expected(data, TRAIN_FILES);
  const test = expected(data, ['test_batch.bin']);
  expect(storedLabels(fixture, datasetId, 'train')).toEqual(train.labels);
  expect(storedLabels(fixture, datasetId, 'test')).toEqual(test.labels);
  const pack = (split: string): Buffer =>
    readFileSync(join(fixture.opened.folder, 'packs', `dataset-${datasetId}-${split}.u8`));
  expect(pack('train').equals(train.pixels)).toBe(true);
  expect(pack('test').equals(test.pixels)).toBe(true);
}

test('a folder, a .tar.gz and a .tar with the files in another order give the same data set', async () => {
  const fixture = await createProjectFixture();
  const data = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 33, seed: 1 });
  for (const archive of ['c.tar.gz', 'c.tar']) await writeArchive(data.folder, join(fixture.scratch, archive));
  for (const [index, path] of ['cifar', 'c.tar.gz', 'c.tar'].entries()) {
    const job = await runImport(fixture, join(fixture.scratch, path), 'cifar10', `From ${path}`);
    expect(job).toMatchObject({
      state: 'done',
      step: 'Done',
      error: null,
      datasetId: index + 1,
      done: 390,
      total: 390,
    });
    expectWhole(fixture, job.datasetId!, data);
  }
  expect(packFiles(fixture)).toHaveLength(6);
  const { projectId } = fixture.opened.project;
  const listed = await fixture.handlers['dataset.list']({ projectId });
  expect(listed.map(({ name, source }) => [name, source])).toEqual(
    ['c.tar', 'c.tar.gz', 'cifar'].map((name) => [`From ${name}`, join(fixture.scratch, name)]),
  );
});

test('images are named after their file and number, and can be listed, filtered and counted', async () => {
  const fixture = await createProjectFixture();
  const data = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 10, testPerClass: 3, seed: 2 });
  const { datasetId } = await runImport(fixture, data.folder, 'cifar10');
  const inDataset = { projectId: fixture.opened.project.projectId, datasetId: datasetId! };
  const any = { splits: [], categoryIds: [] };
  const page = await fixture.handlers['image.list']({ ...inDataset, filter: any, offset: 98, limit: 4 });
  expect(page.total).toBe(130);
  expect(page.items.map(({ name, split }) => [name, split])).toEqual([
    ['data_batch_5.bin #18', 'train'],
    ['data_batch_5.bin #19', 'train'],
    ['test_batch.bin #0', 'test'],
    ['test_batch.bin #1', 'test'],
  ]);
  const [, automobile] = fixture.opened.store.datasets.categories(datasetId!);
  const filter = { splits: ['test' as const], categoryIds: [automobile!.categoryId] };
  expect(
    (await fixture.handlers['image.list']({ ...inDataset, filter, offset: 0, limit: 50 })).items.map(
      ({ name }) => name,
    ),
  ).toEqual(
    [...data.files.get('test_batch.bin')!.labels].flatMap((label, index) =>
      label === 1 ? [`test_batch.bin #${index}`] : [],
    ),
  );
  const facets = await fixture.handlers['dataset.facets']({ ...inDataset, filter });
  expect(facets.total).toBe(3);
  expect(facets.bySplit).toEqual([
    { split: 'train', count: 10 },
    { split: 'val', count: 0 },
    { split: 'test', count: 3 },
  ]);
  expect(facets.byCategory.map(({ count }) => count)).toEqual(Array(10).fill(3));
  const first = page.items[2]!;
  expect(await fixture.handlers['image.get']({ projectId: inDataset.projectId, imageId: first.imageId })).toEqual(
    first,
  );
});

test.each([false, true])('IDX files, compressed: %s', async (gzip) => {
  const fixture = await createProjectFixture();
  const data = await writeIdx(join(fixture.scratch, 'digits'), { perClass: 5, testPerClass: 2, seed: 3, gzip });
  const job = await runImport(fixture, data.folder, 'idx', 'Digits');
  expect(job).toMatchObject({ state: 'done', done: 70, total: 70 });
  const dataset = fixture.opened.store.datasets.get(job.datasetId!);
  expect(dataset.categories.map(({ name }) => name)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  expect(dataset.splitCounts).toEqual({ train: 50, val: 0, test: 20 });
  expect(dataset.imageSize).toEqual({ widthPx: 28, heightPx: 28, channels: 1 });
  expect(storedLabels(fixture, job.datasetId!, 'test')).toEqual([...data.test.labels]);
  expect(readFileSync(join(fixture.opened.folder, 'packs', 'dataset-1-train.u8')).equals(data.train.pixels)).toBe(true);
});

test('an archive of compressed IDX files, whichever of a pair comes first', async () => {
  const fixture = await createProjectFixture();
  const data = await writeIdx(join(fixture.scratch, 'digits'), { perClass: 3, seed: 4, gzip: true });
  await writeArchive(data.folder, join(fixture.scratch, 'digits.tgz'), 'raw');
  const job = await runImport(fixture, join(fixture.scratch, 'digits.tgz'), 'idx');
  expect(job.error).toBeNull();
  expect(storedLabels(fixture, job.datasetId!, 'train')).toEqual([...data.train.labels]);
});

test('progress only grows, has a pace, and is told to listeners with the time left', async () => {
  const fixture = await createProjectFixture();
  const data = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 300, seed: 5 });
  await runImport(fixture, data.folder, 'cifar10');
  const states = fixture.events.flatMap(({ name, payload }) => (name === 'job.changed' ? [payload as Job] : []));
  const done = states.map((job) => job.done);
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(states[0]).toMatchObject({
    kind: 'import',
    title: 'Importing Imported',
    state: 'running',
    done: 0,
    total: null,
    unit: 'images',
  });
  expect(states.at(-1)).toMatchObject({
    state: 'done',
    done: 3600,
    total: 3600,
    ratePerSecond: null,
    secondsLeft: null,
  });
  expect(fixture.events.filter(({ name }) => name === 'dataset.changed')).toHaveLength(1);
});

/** Damages a good CIFAR-10, imports it, and expects exactly this message and no trace. */
async function expectRefused(damage: (folder: string) => void | Promise<void>, message: string): Promise<void> {
  const fixture = await createProjectFixture();
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 60, seed: 6 });
  await damage(folder);
  const job = await runImport(fixture, folder, 'cifar10');
  expect(job.error?.message).toBe(message);
  expect(job).toMatchObject({ state: 'failed', datasetId: null, error: { code: 'bad-input' } });
  expectNothing(fixture);
  const { projectId } = fixture.opened.project;
  expect(await fixture.handlers['job.list']({ projectId })).toEqual([job]);
}

test('a truncated batch is refused with file and byte', () =>
  expectRefused(
    (folder) => truncateSync(join(folder, 'data_batch_4.bin'), 100_000),
    'data_batch_4.bin: ends at byte 100000, inside image 32, which begins at byte 98336: an image takes 3073 bytes, 1664 are ' +
      'there. The file is cut off or is no CIFAR-10 batch; copy or download it again.',
  ));

test('a wrong label byte in the last file is refused with file and byte, although everything before was right', () =>
  expectRefused((folder) => {
    const file = join(folder, 'test_batch.bin');
    const bytes = readFileSync(file);
    bytes[3073 * 77] = 200;
    writeFileSync(file, bytes);
  }, 'test_batch.bin: label 200 at byte 236621 (image 77): CIFAR-10 has the classes 0 to 9. The file is damaged or is no ' + 'CIFAR-10 batch; copy or download it again.'));

test('a missing batch is refused by name', () =>
  expectRefused(
    (folder) => rm(join(folder, 'data_batch_2.bin')),
    'data_batch_2.bin is missing: the binary version of CIFAR-10 has five training batches, a test batch and a file of class names.',
  ));

test('wrong class names are refused', () =>
  expectRefused(
    (folder) => writeFileSync(join(folder, 'batches.meta.txt'), 'cat\ndog\n'),
    'batches.meta.txt: expected 10 different class names, one a line, found 2 names.',
  ));

test('an archive that is cut off is refused with its name and about where it ends', async () => {
  const fixture = await createProjectFixture();
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 20, seed: 7 });
  for (const name of ['cut.tar.gz', 'cut.tar']) {
    const archive = join(fixture.scratch, name);
    await writeArchive(folder, archive);
    truncateSync(archive, 300_000);
    const job = await runImport(fixture, archive, 'cifar10', name);
    expect(job.error).toEqual({
      code: 'bad-input',
      message: `${name}: the archive is cut off at about byte 300000. Copy or download it again.`,
    });
  }
  expectNothing(fixture);
});

test('a compressed file that is damaged inside is refused', async () => {
  const fixture = await createProjectFixture();
  const { folder } = await writeIdx(join(fixture.scratch, 'digits'), { perClass: 20, seed: 8, gzip: true });
  const file = join(folder, 't10k-images-idx3-ubyte.gz');
  writeFileSync(file, readFileSync(file).subarray(0, 2000));
  const job = await runImport(fixture, folder, 'idx');
  expect(job.error?.message).toBe(
    't10k-images-idx3-ubyte.gz: the compressed file is cut off at about byte 2000. Copy or download it again.',
  );
  expectNothing(fixture);
});

test('labels that do not belong to the images are refused', async () => {
  const fixture = await createProjectFixture();
  const { folder } = await writeIdx(join(fixture.scratch, 'digits'), { perClass: 2, seed: 9, gzip: true });
  const other = await writeIdx(join(fixture.scratch, 'other'), { perClass: 3, seed: 9, gzip: true });
  const labels = 'train-labels-idx1-ubyte.gz';
  writeFileSync(join(folder, labels), gzipSync(gunzipSync(readFileSync(join(other.folder, labels)))));
  const job = await runImport(fixture, folder, 'idx');
  expect(job.error?.message).toBe(
    `${labels}: has 30 labels (count at byte 4), but train-images-idx3-ubyte.gz has 20 images. The two files do not belong together.`,
  );
  expectNothing(fixture);
});

test.runIf(process.platform === 'linux')('a disk that fills up is told, and nothing stays', async () => {
  const fixture = await createProjectFixture();
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 20, seed: 13 });
  const packs = join(fixture.opened.folder, 'packs');
  mkdirSync(packs);
  const full = join(packs, 'dataset-1-train.u8.part');
  symlinkSync('/dev/full', full); // every write to it finds the disk full
  const job = await runImport(fixture, folder, 'cifar10');
  expect(job.error).toEqual({
    code: 'io',
    message: `Could not write the images: ${full}: the disk is full. Free some space and try again.`,
  });
  expectNothing(fixture);
});

test('a taken name and a missing path are refused', async () => {
  const fixture = await createProjectFixture();
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 5, seed: 10 });
  await runImport(fixture, folder, 'cifar10', 'Mine');
  await expect(runImport(fixture, folder, 'cifar10', 'Mine')).rejects.toMatchObject({ code: 'already-exists' });
  const job = await runImport(fixture, join(fixture.scratch, 'nowhere'), 'cifar10', 'Other');
  expect(job.error).toEqual({
    code: 'not-found',
    message: `Could not read: ${join(fixture.scratch, 'nowhere')}: it does not exist. Check the path.`,
  });
});

test('a data set in use by a run cannot be deleted; else it goes with its files, and runs stay', async () => {
  const fixture = await createProjectFixture();
  const { projectId } = fixture.opened.project;
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 60, seed: 11 });
  const { datasetId } = (await runImport(fixture, folder, 'cifar10')) as { datasetId: DatasetId };
  const runId = addRun(fixture.opened.store, datasetId, 'a-run');
  const deleting = { projectId, datasetId };
  await expect(fixture.handlers['dataset.delete'](deleting)).rejects.toMatchObject({
    code: 'busy',
    message: 'A run in progress uses “Imported”. Cancel the run or wait for its end, then delete the data set.',
  });
  fixture.opened.store.runs.update(runId, { status: 'finished' });
  await fixture.handlers['dataset.delete'](deleting);
  await fixture.handlers['trash.empty']({ projectId: deleting.projectId, item: null });
  expectNothing(fixture);
  expect(fixture.opened.store.runs.get(runId).datasetName).toBe('Letters');
  await expect(
    fixture.handlers['dataset.facets']({ ...deleting, filter: { splits: [], categoryIds: [] } }),
  ).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('a data set can be renamed, and a list that was kept does not outlive its data set', async () => {
  const fixture = await createProjectFixture();
  const { projectId } = fixture.opened.project;
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 5, seed: 12 });
  const { datasetId } = (await runImport(fixture, folder, 'cifar10')) as { datasetId: DatasetId };
  expect((await fixture.handlers['dataset.rename']({ projectId, datasetId, name: 'New name' })).name).toBe('New name');
  const page = { projectId, datasetId, filter: { splits: [], categoryIds: [] }, offset: 0, limit: 1 };
  expect((await fixture.handlers['image.list'](page)).total).toBe(60);
  await fixture.handlers['dataset.delete']({ projectId, datasetId });
  await expect(fixture.handlers['image.list'](page)).rejects.toMatchObject({ code: 'not-found' });
});
