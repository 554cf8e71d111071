/** CIFAR-100: two labels an image, of which the superclass becomes a tag. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cifar100, readCifar10Batch, serialiseCifar10Batch } from '../../src-main/formats/cifar10.ts';
import { rejectionOf } from '../helpers/errors.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { everything, importFolder } from '../helpers/import-folder.ts';
import { createProjectFixture } from '../helpers/service-fixture.ts';

const fine = Array.from({ length: 100 }, (_, at) => `class ${at}`);
const superclasses = Array.from({ length: 20 }, (_, at) => `kind ${at}`);

function images(count: number, seed: number) {
  const random = seededRandom(seed);
  const labels = Uint8Array.from({ length: count }, () => Math.floor(random() * 100));
  const coarse = labels.map((label) => Math.floor(label / 5));
  const pixels = Uint8Array.from({ length: count * 3072 }, (_, at) => (at * 7 + seed) % 256);
  return { labels, coarse, pixels };
}

test('a record is the superclass, the class, and the planes', async () => {
  const written = images(300, 1);
  const bytes = serialiseCifar10Batch(written);
  expect(bytes).toHaveLength(300 * 3074);
  expect([bytes[0], bytes[1], bytes[2]]).toEqual([written.coarse[0], written.labels[0], written.pixels[0]]);
  const [labels, coarse, pixels]: number[][] = [[], [], []];
  for await (const block of readCifar10Batch('train.bin', [bytes.subarray(0, 5000), bytes.subarray(5000)], cifar100)) {
    labels!.push(...block.labels);
    coarse!.push(...block.coarse!);
    for (const value of block.pixels) pixels!.push(value);
  }
  expect(Uint8Array.from(labels!)).toEqual(written.labels);
  expect(Uint8Array.from(coarse!)).toEqual(written.coarse);
  expect(Uint8Array.from(pixels!)).toEqual(written.pixels);
});

test('a wrong class or superclass names its byte', async () => {
  const read = async (bytes: Uint8Array) => {
    for await (const block of readCifar10Batch('test.bin', [bytes], cifar100)) expect(block).toBeDefined();
  };
  const bytes = serialiseCifar10Batch(images(3, 2));
  bytes[3074 + 1] = 100;
  expect((await rejectionOf(read(bytes))).message).toContain(
    'test.bin: label 100 at byte 3075 (image 1): CIFAR-100 has the classes 0 to 99.',
  );
  bytes[3074] = 20;
  bytes[3074 + 1] = 1;
  expect((await rejectionOf(read(bytes))).message).toContain(
    'label 20 at byte 3074 (image 1): CIFAR-100 has the superclasses 0 to 19.',
  );
  expect((await rejectionOf(read(bytes.subarray(0, 4000)))).message).toContain('no CIFAR-100 batch');
});

test('a folder comes in with its classes, and superclasses as tags', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'cifar-100-binary');
  await mkdir(folder);
  const [train, held] = [images(700, 3), images(50, 4)];
  await writeFile(join(folder, 'train.bin'), serialiseCifar10Batch(train));
  await writeFile(join(folder, 'test.bin'), serialiseCifar10Batch(held));
  await writeFile(join(folder, 'fine_label_names.txt'), fine.map((name) => `${name}\n`).join(''));
  await writeFile(join(folder, 'coarse_label_names.txt'), superclasses.map((name) => `${name}\n`).join(''));
  const { report, datasetId } = await importFolder(fixture, folder);
  expect(report).toMatchObject({
    format: 'cifar100',
    suggestedName: 'CIFAR-100',
    categories: fine,
    splitCounts: { train: 700, val: 0, test: 50 },
    failures: [],
  });
  const { projectId } = fixture.opened.project;
  const all = { projectId, datasetId, filter: everything, offset: 0, limit: 1000 };
  const { items } = await fixture.handlers['image.list'](all);
  const categories = new Map(
    fixture.opened.store.datasets.categories(datasetId).map(({ categoryId, ordinal }) => [categoryId, ordinal]),
  );
  const found = items.map(({ annotations, tags }) => [categories.get(annotations[0]!.categoryId), tags]);
  const expected = [...train.labels, ...held.labels].map((label) => [label, [`kind ${Math.floor(label / 5)}`]]);
  expect(found).toEqual(expected);
  const query = { ...all, filter: { ...everything, query: 'tag:"kind 3" split:test' } };
  const { total } = await fixture.handlers['image.list'](query);
  expect(total).toBe(held.coarse.filter((value) => value === 3).length);
});

test('without names of the superclasses it comes in without tags; without class names it is refused', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'cifar');
  await mkdir(folder);
  await writeFile(join(folder, 'train.bin'), serialiseCifar10Batch(images(20, 5)));
  await writeFile(join(folder, 'fine_label_names.txt'), fine.join('\n'));
  const incomplete = await fixture.handlers['dataset.inspect']({ path: folder });
  expect(incomplete).toMatchObject({ format: 'cifar100', importable: false });
  expect(incomplete.failures[0]!.reason).toBe(
    'test.bin is missing: the binary version of CIFAR-100 has train.bin, test.bin and a file of class names.',
  );
  await writeFile(join(folder, 'test.bin'), serialiseCifar10Batch(images(5, 6)));
  const { images: listed } = await importFolder(fixture, folder);
  expect(listed).toHaveLength(25);
  expect(listed.every(({ tags }) => tags === undefined)).toBe(true);
});
