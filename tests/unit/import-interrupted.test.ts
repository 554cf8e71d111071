/** Whatever ends an import before its end, nothing of it can be seen, and nothing of it stays. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import { writeCifar10 } from '../helpers/generated-data.ts';
import { createProjectFixture, createServices, type ProjectFixture } from '../helpers/service-fixture.ts';
import { addDataset } from '../helpers/store-fixture.ts';
import { workerOf } from '../helpers/worker-process.ts';

const launchStubborn = workerOf(new URL('../helpers/stubborn-worker.ts', import.meta.url));

function expectNothing({ opened }: Pick<ProjectFixture, 'opened'>): void {
  const { database, datasets } = opened.store;
  expect(datasets.list()).toEqual([]);
  for (const table of ['dataset', 'category', 'pack', 'image', 'annotation']) {
    expect(database.prepare(`SELECT count(*) FROM ${table}`).pluck().get(), table).toBe(0);
  }
  expect(readdirSync(join(opened.folder, 'packs'))).toEqual([]);
}

/** Begins an import and resolves once some of its rows are stored. */
async function beginImport(fixture: ProjectFixture, path: string): Promise<Job> {
  const { projectId } = fixture.opened.project;
  const job = await fixture.handlers['dataset.import']({ projectId, path, format: 'cifar10', name: 'Interrupted' });
  const { database } = fixture.opened.store;
  const rows = database.prepare('SELECT count(*) FROM image').pluck();
  while (rows.get() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(await fixture.handlers['dataset.list']({ projectId })).toEqual([]);
  return job;
}

test('a cancel while rows are stored leaves nothing, and the name can be used again', async () => {
  const fixture = await createProjectFixture();
  const { projectId } = fixture.opened.project;
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 200, seed: 1 });
  const job = await beginImport(fixture, folder);
  await fixture.handlers['job.cancel']({ jobId: job.jobId });
  const [ended] = await fixture.handlers['job.list']({ projectId });
  expect(ended).toMatchObject({ jobId: job.jobId, state: 'cancelled', error: null, datasetId: null });
  expectNothing(fixture);
  await fixture.handlers['job.cancel']({ jobId: job.jobId }); // once more does no harm
  const again = await fixture.handlers['dataset.import']({
    projectId,
    path: folder,
    format: 'cifar10',
    name: 'Interrupted',
  });
  expect((await fixture.ended(again)).state).toBe('done');
});

test('a cancel right at the start leaves nothing', async () => {
  const fixture = await createProjectFixture();
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 5, seed: 2 });
  const { projectId } = fixture.opened.project;
  const job = await fixture.handlers['dataset.import']({
    projectId,
    path: folder,
    format: 'cifar10',
    name: 'Interrupted',
  });
  await fixture.handlers['job.cancel']({ jobId: job.jobId });
  expect((await fixture.ended(job)).state).toBe('cancelled');
  expect(fixture.opened.store.datasets.leftovers()).toEqual([]);
});

test('a worker that hangs can be cancelled', { timeout: 30_000 }, async () => {
  const fixture = await createProjectFixture({ launchWorker: launchStubborn });
  const job = await beginImport(fixture, 'hang');
  await fixture.handlers['job.cancel']({ jobId: job.jobId });
  expect((await fixture.ended(job)).state).toBe('cancelled');
  expectNothing(fixture);
});

test('a worker that dies fails the import with its exit code, and nothing stays', async () => {
  const fixture = await createProjectFixture({ launchWorker: launchStubborn });
  const job = await fixture.ended(await beginImport(fixture, 'exit'));
  expect(job.error).toEqual({
    code: 'process-died',
    message: 'The import process ended unexpectedly with exit code 3. Try again.',
  });
  expectNothing(fixture);
});

test('quitting during an import leaves nothing', async () => {
  const fixture = await createProjectFixture();
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 200, seed: 3 });
  await beginImport(fixture, folder);
  await fixture.close();
  const next = createServices({ userDataFolder: fixture.userDataFolder });
  const opened = await next.projects.open(fixture.opened.folder);
  expectNothing({ opened });
  await next.close();
});

test('what a killed process left of an import is swept at the next start', async () => {
  const fixture = await createProjectFixture();
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 400, seed: 4 });
  await fixture.close();
  const script = fileURLToPath(new URL('../helpers/doomed-import.ts', import.meta.url));
  const child = spawn(process.execPath, [script, fixture.opened.folder, folder, fixture.userDataFolder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(readdirSync(join(fixture.opened.folder, 'packs'))).not.toEqual([]);

  const next = createServices({ userDataFolder: fixture.userDataFolder });
  const opened = await next.projects.open(fixture.opened.folder);
  expectNothing({ opened });
  await next.close();
});

test('leftovers of an import and of a deletion are swept, what is whole stays', async () => {
  const fixture = await createProjectFixture();
  const { store, folder } = fixture.opened;
  const whole = addDataset(store, { train: [0, 1], test: [0] }, 'Whole');
  const deleting = addDataset(store, { train: [0, 1, 1], test: [0] }, 'Deleting');
  store.datasets.markDeleting(deleting.datasetId);
  const importing = store.datasets.begin({ name: 'Importing', format: 'idx', source: '', createdAt: '' });
  const packs = join(folder, 'packs');
  mkdirSync(packs);
  const touch = (id: DatasetId, rest: string): void => writeFileSync(join(packs, `dataset-${id}-${rest}`), 'x');
  touch(whole.datasetId, 'train.u8');
  touch(deleting.datasetId, 'train.u8');
  touch(importing, 'train.u8.part');
  await fixture.close();

  const next = createServices({ userDataFolder: fixture.userDataFolder });
  const opened = await next.projects.open(folder);
  expect(opened.store.datasets.list().map(({ name }) => name)).toEqual(['Whole']);
  expect(opened.store.datasets.leftovers()).toEqual([]);
  expect(opened.store.images.count()).toBe(3);
  expect(readdirSync(packs)).toEqual([`dataset-${whole.datasetId}-train.u8`]);
  await next.close();
});
