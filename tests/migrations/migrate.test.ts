import { createHash } from 'node:crypto';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { expect, test } from 'vitest';
import { checksumOf, migrate } from '../../src-main/store/migrate.ts';
import { migrations } from '../../src-main/store/migrations/index.ts';
import { errorOf } from '../helpers/errors.ts';

function schemaOf(database: Database): unknown[] {
  return database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name').all();
}

test('a fresh database gets every migration, once', () => {
  const database = new SqliteDatabase(':memory:');
  expect(migrate(database)).toEqual(migrations.map(({ number }) => number));
  const before = schemaOf(database);
  expect(migrate(database)).toEqual([]);
  expect(schemaOf(database)).toEqual(before);
  const tables = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`);
  expect(tables.pluck().all().sort()).toEqual(
    ['annotation', 'category', 'dataset', 'image', 'meta', 'metric_point', 'pack', 'run', 'schema_migration'].sort(),
  );
});

test('migrations are numbered from 1 without a gap', () => {
  expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, index) => index + 1));
});

test('a released migration never changes', () => {
  const released: Record<number, string> = {
    1: '28077648c49c20d0de4543c00db5fea7b8f485a8a77fa9dda2383632a33456b2',
  };
  for (const migration of migrations) expect(checksumOf(migration), migration.name).toBe(released[migration.number]);
});

test('a database of a later version is refused and left as it is', () => {
  const database = new SqliteDatabase(':memory:');
  migrate(database);
  database.exec(`INSERT INTO schema_migration VALUES (99, 'from the future', 'x', '2031-01-01')`);
  const before = database.serialize();
  const error = errorOf(() => migrate(database));
  expect(error.code).toBe('newer-schema');
  expect(error.message).toBe(
    'This project was last used with a newer version of Fovea (database schema 99; this version knows up to 1). Update ' +
      'Fovea to open it. Nothing was changed.',
  );
  expect(createHash('sha256').update(database.serialize()).digest('hex')).toBe(
    createHash('sha256').update(before).digest('hex'),
  );
});

test('a migration that was tampered with is refused', () => {
  const database = new SqliteDatabase(':memory:');
  migrate(database);
  const [first] = migrations;
  const error = errorOf(() => migrate(database, [{ ...first!, sql: `${first!.sql}-- changed` }]));
  expect(error.code).toBe('bad-input');
  expect(error.message).toContain('the recorded migration 1 (foundation) is not the one this version of Fovea knows');
});

test('a database of another program is refused', () => {
  const database = new SqliteDatabase(':memory:');
  database.exec('CREATE TABLE somebody_elses (x)');
  const error = errorOf(() => migrate(database));
  expect(error.code).toBe('bad-input');
  expect(error.message).toContain('is a database, but not one of a Fovea project');
  expect(schemaOf(database)).toHaveLength(1);
});

test('a migration that fails leaves nothing of itself, and the ones before it stay', () => {
  const database = new SqliteDatabase(':memory:');
  const broken = [
    ...migrations,
    { number: migrations.length + 1, name: 'broken', sql: 'CREATE TABLE half (x); CREATE TABLE half (x);' },
  ];
  expect(() => migrate(database, broken)).toThrow('table half already exists');
  const applied = database.prepare('SELECT number FROM schema_migration').pluck().all();
  expect(applied).toEqual(migrations.map(({ number }) => number));
  expect(database.prepare(`SELECT count(*) FROM sqlite_schema WHERE name = 'half'`).pluck().get()).toBe(0);
});
