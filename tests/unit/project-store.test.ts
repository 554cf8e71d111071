import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import { checkpointDatabase } from '../../src-main/store/checkpoint.ts';
import { migrations } from '../../src-main/store/migrations/index.ts';
import { createProjectStore, openProjectStore } from '../../src-main/store/project-store.ts';
import { errorOf } from '../helpers/errors.ts';
import { temporaryFolder } from '../helpers/service-fixture.ts';
import { addDataset, createStore, PROJECT_ID } from '../helpers/store-fixture.ts';

const META = { projectId: PROJECT_ID, name: 'Birds', createdAt: '2026-01-02T03:04:05Z' };

test('the connection is durable and checks foreign keys', async () => {
  const { database } = await createStore();
  expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(database.pragma('synchronous', { simple: true })).toBe(2); // FULL
  expect(database.pragma('foreign_keys', { simple: true })).toBe(1);
  expect(database.pragma('busy_timeout', { simple: true })).toBe(1000);
});

test('what was created is there when it is opened again', async () => {
  const file = join(await temporaryFolder(), 'project.sqlite');
  createProjectStore(file, META).close();
  const store = openProjectStore(file);
  expect(store.meta.get()).toEqual(META);
  store.close();
  expect(errorOf(() => createProjectStore(file, META)).code).toBe('already-exists');
});

test('a missing file is not made', async () => {
  const file = join(await temporaryFolder(), 'project.sqlite');
  const error = errorOf(() => openProjectStore(file));
  expect(error.code).toBe('not-found');
  expect(error.message).toBe(`There is no Fovea project here: ${file} does not exist.`);
  expect(existsSync(file)).toBe(false);
});

test('a file that is no database is refused in words', async () => {
  const file = join(await temporaryFolder(), 'project.sqlite');
  writeFileSync(
    file,
    'this is a text, and long enough to have a header of one hundred bytes, or so one hopes. Is it? It is.',
  );
  const error = errorOf(() => openProjectStore(file));
  expect(error.code).toBe('bad-input');
  expect(error.message).toBe(`${file} is not a database, or is damaged at its beginning. Restore it from a backup.`);
  expect(readFileSync(file, 'utf8')).toContain('this is a text');
});

test('a damaged database is refused in words', async () => {
  const file = join(await temporaryFolder(), 'project.sqlite');
  createProjectStore(file, META).close();
  const bytes = readFileSync(file);
  bytes.fill(0xa5, 100, bytes.length);
  writeFileSync(file, bytes);
  const error = errorOf(() => openProjectStore(file));
  expect(error.code).toBe('bad-input');
  expect(error.message).toContain('is damaged');
});

test('a database of a later version is refused, and not one byte of it changes', async () => {
  const file = join(await temporaryFolder(), 'project.sqlite');
  createProjectStore(file, META).close();
  const database = new SqliteDatabase(file);
  database.exec(`INSERT INTO schema_migration VALUES (99, 'from the future', 'x', '2031-01-01')`);
  database.close();
  const before = readFileSync(file);
  const error = errorOf(() => openProjectStore(file));
  expect(error.code).toBe('newer-schema');
  expect(error.context).toMatchObject({ found: 99, supported: migrations.length });
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('a project has one writer: a second process is refused, and a dead one holds nothing', async () => {
  const file = join(await temporaryFolder(), 'project.sqlite');
  createProjectStore(file, META).close();
  const storeModule = new URL('../../src-main/store/project-store.ts', import.meta.url).href;
  const openElsewhere = (afterwards: string): string =>
    spawnSync(process.execPath, [
      '--input-type=module',
      '-e',
      `const { openProjectStore } = await import(${JSON.stringify(storeModule)});
       try { openProjectStore(${JSON.stringify(file)}); console.log('opened'); } catch (error) { console.log(error.code); }
       ${afterwards}`,
    ]).stdout.toString();

  expect(openElsewhere(`process.kill(process.pid, 'SIGKILL');`)).toBe('opened\n');
  const store = openProjectStore(file); // the killed process holds no lock
  expect(openElsewhere('')).toBe('busy\n');
  expect(errorOf(() => openProjectStore(file)).message).toBe(
    `Another Fovea has the project ${file} open. Close it there, then open it here.`,
  );
  const reader = new SqliteDatabase(file, { readonly: true });
  expect(reader.prepare(`SELECT value FROM meta WHERE key = 'project_name'`).pluck().get()).toBe('Birds');
  reader.close();
  store.close();
  expect(openElsewhere('')).toBe('opened\n');
});

test('relaxed writes leave the connection as durable as before, also when they fail', async () => {
  const store = await createStore();
  const { datasetId } = addDataset(store, { train: [0, 1], test: [0] });
  expect(store.database.pragma('synchronous', { simple: true })).toBe(2);
  const size = { channels: 3, heightPx: 32, widthPx: 32 };
  const twice = { file: `dataset-${datasetId}-train.u8`, count: 1, ...size };
  expect(errorOf(() => store.datasets.addPack(datasetId, twice)).message).toBe(
    `${store.database.name}: UNIQUE constraint failed: pack.file (SQLITE_CONSTRAINT_UNIQUE).`,
  );
  expect(store.database.pragma('synchronous', { simple: true })).toBe(2);
});

test('a checkpoint from another thread’s connection empties the log', async () => {
  const store = await createStore();
  addDataset(store, { train: [0, 1], test: [0] });
  expect(store.pagesToCheckpoint()).toBeGreaterThan(10);
  checkpointDatabase(store.database.name);
  expect(store.pagesToCheckpoint()).toBe(0);
  expect(store.datasets.list()).toHaveLength(1);
});

test('a full disk is told in words', async () => {
  const store = await createStore();
  const { datasetId } = addDataset(store, { train: [0], test: [0] });
  const pages = store.database.pragma('page_count', { simple: true }) as number;
  store.database.pragma(`max_page_count = ${pages}`); // no page more, as on a full disk
  const size = { channels: 3, heightPx: 32, widthPx: 32 };
  const fill = (): void => {
    for (let index = 0; index < 1000; index++)
      store.datasets.addPack(datasetId, { file: `more-${index}`, count: 1, ...size });
  };
  const error = errorOf(fill);
  expect(error.code).toBe('io');
  expect(error.message).toBe(`${store.database.name} cannot grow: the disk is full. Free some space and try again.`);
  expect(store.datasets.list()).toHaveLength(1);
});
