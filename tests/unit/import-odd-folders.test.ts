/** Folders that are not as they should be: links, locks, odd spellings. What cannot be used is said, and nothing comes in twice. */
import { chmod, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import { copyInto } from '../../src-main/services/import/files/read-files.ts';
import { planFiles } from '../../src-main/services/import/files/recognise.ts';
import { openSource } from '../../src-main/services/import/source.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { everything, importFolder } from '../helpers/import-folder.ts';
import { createProjectFixture, temporaryFolder } from '../helpers/service-fixture.ts';

const isRoot = process.getuid?.() === 0;

test('links that lead back are not followed, so that no image comes in twice', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'set');
  await writeFiles(folder, { 'a/one.jpg': await photo(), 'b/two.jpg': await photo() });
  await symlink('..', join(folder, 'a', 'up'));
  await symlink('.', join(folder, 'self'));
  // A link to a folder beside it is as good as the folder.
  await symlink('../elsewhere', join(folder, 'more'));
  await writeFiles(join(fixture.scratch, 'elsewhere'), { 'three.jpg': await photo() });
  const { images, report } = await importFolder(fixture, folder, { format: 'images' });
  expect(images.map(({ name }) => name).sort()).toEqual(['a/one.jpg', 'b/two.jpg', 'more/three.jpg']);
  const reason = 'This link leads back to a folder that it is in; it is not followed.';
  expect(report.failures.map(({ source }) => source).sort()).toEqual(['a/up', 'self']);
  expect(report.failures[0]).toEqual({ source: expect.any(String), reason });
});

test('a link whose target is gone, and folders too deep, are told of', async () => {
  const folder = await temporaryFolder();
  const deep = Array.from({ length: 9 }, (_, at) => `d${at}`).join('/');
  await writeFiles(folder, { 'a.jpg': await photo(), [`${deep}/b.jpg`]: await photo() });
  await symlink('/nowhere/at/all.jpg', join(folder, 'gone.jpg'));
  const { entries, problems } = await openSource(folder);
  expect(entries.map(({ path }) => path)).toEqual(['a.jpg']);
  expect(problems).toContainEqual({
    source: 'gone.jpg',
    reason: 'This link leads to something that does not exist; it is left out.',
  });
  expect(problems).toContainEqual({
    source: deep,
    reason: 'This folder lies more than 8 folders deep; it is left out.',
  });
});

test.skipIf(isRoot || process.platform === 'win32')('a folder that may not be read is told of', async () => {
  const folder = await temporaryFolder();
  await writeFiles(folder, { 'a.jpg': await photo(), 'locked/b.jpg': await photo() });
  await chmod(join(folder, 'locked'), 0);
  try {
    const { entries, problems } = await openSource(folder);
    expect(entries.map(({ path }) => path)).toEqual(['a.jpg']);
    expect(problems).toEqual([{ source: 'locked', reason: expect.stringContaining('permission denied') }]);
  } finally {
    await chmod(join(folder, 'locked'), 0o700);
  }
});

test('a label file that cannot be looked at is told of, and the images come without it', async () => {
  const folder = await temporaryFolder();
  await writeFiles(folder, { 'a.jpg': await photo(), 'labels.json': '{"images":[', 'labels.xml': '<annotations>' });
  const source = await openSource(folder);
  for (const name of ['labels.json', 'labels.xml']) await rm(join(folder, name));
  const plan = await planFiles(source, null, null, () => undefined);
  expect(plan).toMatchObject({ format: 'images', images: [{ entry: { path: 'a.jpg' } }] });
  expect(plan!.problems).toEqual(
    ['labels.json', 'labels.xml'].map((name) => ({
      source: name,
      reason: `Could not read: ${join(folder, name)}: it does not exist. Check the path.`,
    })),
  );
});

test('labels are found whichever way the accents of a name are spelt', async () => {
  const fixture = await createProjectFixture();
  const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
  const image = await photo();
  const row = '0 0.5 0.5 0.5 0.5\n';
  const yolo = join(fixture.scratch, 'yolo');
  await writeFiles(yolo, {
    'data.yaml': 'names: [cat]\ntrain: images\nval: val.txt\n',
    [`images/${composed}.jpg`]: image,
    [`labels/${decomposed}.txt`]: row,
    [`listed/${decomposed}.jpg`]: image,
    [`listed/${composed}.txt`]: row,
    'val.txt': `./listed/${composed}.jpg\n`,
  });
  const { report } = await importFolder(fixture, yolo);
  expect(report).toMatchObject({ labelCounts: [2], unlabelledCount: 0, failures: [] });
  const coco = join(fixture.scratch, 'coco');
  await writeFiles(coco, {
    'a.json': JSON.stringify({
      images: [{ id: 1, file_name: `${composed}.jpg` }],
      categories: [{ id: 1, name: 'cat' }],
      annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 2, 3, 4] }],
    }),
    [`images/${decomposed}.jpg`]: image,
  });
  expect((await importFolder(fixture, coco)).report).toMatchObject({ labelCounts: [1], failures: [] });
});

test('a file that is still being written while it is copied is reported and leaves no half copy', async () => {
  const folder = await temporaryFolder();
  const image = await photo();
  await writeFiles(folder, { 'from/a.jpg': image });
  const copy = copyInto(join(folder, 'to'), join(folder, 'from'));
  expect(await copy('a.jpg', image.length)).toBeNull();
  expect(await readFile(join(folder, 'to', 'a.jpg'))).toEqual(image);
  expect(await copy('a.jpg', image.length + 1)).toContain('changed while it was imported');
  expect(existsSync(join(folder, 'to', 'a.jpg'))).toBe(false);
});

test('what lies in the project itself is copied, so that it does not go with another data set', async () => {
  const fixture = await createProjectFixture();
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  const folder = join(fixture.scratch, 'set');
  await writeFiles(folder, { 'a.jpg': await photo() });
  const first = await importFolder(fixture, folder, { copyFiles: true });
  const second = await importFolder(fixture, join(opened.folder, 'images', `dataset-${first.datasetId}`));
  await handlers['dataset.delete']({ projectId, datasetId: first.datasetId });
  await handlers['trash.empty']({ projectId, item: null });
  const file = join(opened.folder, 'images', `dataset-${second.datasetId}`, 'a.jpg');
  expect(existsSync(file)).toBe(true);
});

test('a database that another program holds is said to be so, and the import leaves nothing', async () => {
  const fixture = await createProjectFixture();
  const { handlers, opened, ended } = fixture;
  const { projectId } = opened.project;
  const folder = join(fixture.scratch, 'set');
  await mkdir(folder);
  await writeFiles(folder, { 'a.jpg': await photo() });
  const other = new SqliteDatabase(opened.store.database.name);
  other.exec('BEGIN IMMEDIATE');
  try {
    const start = { projectId, path: folder, format: 'images', name: 'Held' } as const;
    const job = await ended(await handlers['dataset.import'](start));
    expect(job.error?.message).toContain('is being changed by another program');
    expect(job.error?.code).toBe('busy');
  } finally {
    other.close();
  }
  expect(await handlers['dataset.list']({ projectId })).toEqual([]);
  const { images } = await importFolder(fixture, folder);
  const list = { projectId, datasetId: (await handlers['dataset.list']({ projectId }))[0]!.datasetId };
  expect(await handlers['image.list']({ ...list, filter: everything, offset: 0, limit: 9 })).toMatchObject({
    total: images.length,
  });
});
