import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CIFAR10_NAMES, writeArchive, writeCifar10, writeIdx } from '../helpers/generated-data.ts';
import { createServices, temporaryFolder, type ServiceFixture } from '../helpers/service-fixture.ts';

async function services(): Promise<{ scratch: string; inspect: ServiceFixture['handlers']['dataset.inspect'] }> {
  const scratch = await temporaryFolder();
  const { handlers } = createServices({ userDataFolder: join(scratch, 'user-data') });
  return { scratch, inspect: handlers['dataset.inspect'] };
}

test('a good folder, one of its files, and its archive are all recognised', async () => {
  const { scratch, inspect } = await services();
  const folder = join(scratch, 'cifar');
  await writeCifar10(folder, { perClass: 6, testPerClass: 2, seed: 1 });
  await writeArchive(folder, join(scratch, 'c.tar.gz'));
  const sizeBytes = 80 * 3073 + CIFAR10_NAMES.join('\n').length + 1;
  for (const path of [folder, join(folder, 'data_batch_2.bin'), join(scratch, 'c.tar.gz')]) {
    expect(await inspect({ path }), path).toEqual({
      path,
      format: 'cifar10',
      labelSources: [],
      labelSource: null,
      suggestedName: 'CIFAR-10',
      categories: CIFAR10_NAMES,
      splitCounts: { train: 60, val: 0, test: 20 },
      sizeBytes,
      importable: true,
      labelCounts: Array(10).fill(8),
      kindCounts: [{ kind: 'classification', count: 80 }],
      backgroundCount: 0,
      unlabelledCount: 0,
      failures: [],
      failureCount: 0,
    });
  }
});

test('IDX files are named after their folder', async () => {
  const { scratch, inspect } = await services();
  await writeIdx(join(scratch, 'Fashion'), { perClass: 2, testPerClass: 1, seed: 2, gzip: true });
  expect(await inspect({ path: join(scratch, 'Fashion', 'train-images-idx3-ubyte.gz') })).toMatchObject({
    format: 'idx',
    suggestedName: 'Fashion',
    splitCounts: { train: 20, val: 0, test: 10 },
    failures: [],
  });
});

test('everything that is wrong is told, file by file', async () => {
  const { scratch, inspect } = await services();
  const folder = join(scratch, 'cifar');
  await writeCifar10(folder, { perClass: 5, seed: 3 });
  truncateSync(join(folder, 'data_batch_1.bin'), 3000);
  const labels = readFileSync(join(folder, 'data_batch_3.bin'));
  labels[0] = 10;
  writeFileSync(join(folder, 'data_batch_3.bin'), labels);
  writeFileSync(join(folder, 'batches.meta.txt'), '');
  const inFolder = await inspect({ path: folder });
  expect(inFolder.failures.map(({ source, reason }) => [source, reason.split(':').slice(0, 2).join(':')])).toEqual([
    ['data_batch_1.bin', 'data_batch_1.bin: ends at byte 3000, inside image 0, which begins at byte 0'],
    ['batches.meta.txt', 'batches.meta.txt: expected 10 different class names, one a line, found 0 names.'],
    ['data_batch_3.bin', 'data_batch_3.bin: label 10 at byte 0 (image 0)'],
  ]);
  await writeArchive(folder, join(scratch, 'c.tar.gz'));
  const inArchive = await inspect({ path: join(scratch, 'c.tar.gz') });
  expect(inArchive.failures.map(({ reason }) => reason).sort()).toEqual(
    inFolder.failures.map(({ reason }) => reason).sort(),
  );
});

test('a damaged archive is told once', async () => {
  const { scratch, inspect } = await services();
  await writeCifar10(join(scratch, 'cifar'), { perClass: 20, seed: 4 });
  const archive = join(scratch, 'c.tar.gz');
  await writeArchive(join(scratch, 'cifar'), archive);
  const bytes = readFileSync(archive);
  bytes.fill(0, 200_000, 200_100);
  writeFileSync(archive, bytes);
  await expect(inspect({ path: archive })).rejects.toThrow(
    /^c\.tar\.gz: the archive is damaged \(.+\) at about byte \d+\./,
  );
});

test('a folder without a data set says what can be read; a missing one that it is missing', async () => {
  const { scratch, inspect } = await services();
  await mkdir(join(scratch, 'empty'));
  const report = await inspect({ path: join(scratch, 'empty') });
  expect(report.format).toBeNull();
  expect(report.failures[0]?.reason).toContain('No data set was recognised here.');
  await rm(join(scratch, 'empty'), { recursive: true });
  await expect(inspect({ path: join(scratch, 'empty') })).rejects.toMatchObject({ code: 'not-found' });
});
