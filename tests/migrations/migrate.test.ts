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
    [
      'annotation',
      'bulk_edit',
      'bulk_place',
      'category',
      'class_change',
      'dataset',
      'dataset_version',
      'gesture',
      'image',
      'image_fingerprint',
      'image_result',
      'image_tag',
      'label_change',
      'meta',
      'metric_point',
      'pack',
      'preset',
      'run',
      'run_result',
      'saved_view',
      'schema_migration',
      'split_change',
      'split_change_image',
      'sweep',
      'trash_entry',
      'trashed_image',
    ].sort(),
  );
});

test('migrations are numbered from 1 without a gap', () => {
  expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, index) => index + 1));
});

test('a released migration never changes', () => {
  const released: Record<number, string> = {
    1: '28077648c49c20d0de4543c00db5fea7b8f485a8a77fa9dda2383632a33456b2',
    2: 'cc452a0bae41007b890165ba7df63ed2f3a748f3305da83e32899dd11bd660f2',
    3: 'a5a03ff1c1a69b5b659c09f135237aa1d1978b01055bae891a96c285cd4f010f',
    4: 'b67fb62dbfd2d9cc797dfd2f0c82703a02560bdff5f4d417061002b5e6e5f579',
    5: 'f9eda7c079f388b14222a1fc22ce3da37b6ae93a067069a9fe50ed9d964f8787',
    6: 'faa87689ce459b9c46751741af7935cb43fa5cabbe28a7fef0e29e72e46140e8',
    7: 'ab7ffd768223d16540e6bb95a2c3324a2724db7e22e1a974054db71220177751',
    8: '175f6c4e00c0f2e76068e9574e3230a7a1bb6893511072456e809b0ace9cb657',
    9: 'b1631ae9664e1a64178dd2699f08125184571a63e55c5edbef071a2e62dd3153',
    10: 'fa6de6fc161561051245bcf4d30d8c911c435541665c4782d6c59edae3b046a3',
    11: '268d8684635a6bdf9bd52a416668aa19404a64104843d2bb6efaafc76fb7ff1f',
    12: '2b0039b6542fad7f8d5bca45d82be877dc434c18329b76fb1a34526f8e476894',
    13: '7555d2bd9e474d973aaa883327c18570108951adf9bc6f58e2abbe3f5828f03b',
    14: '3447d9ce594090fb372bc94e913c74b5ad4cbdc242aea2fc22a9d12ae42d598a',
    15: '0d1c0c3000b14ef1b3082a5c996b440267452741f3ba0a5c87079dde82d33c67',
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
    'This project was last used with a newer version of Fovea (database schema 99; this version knows up to ' +
      `${migrations.length}). Update Fovea to open it. Nothing was changed.`,
  );
  expect(createHash('sha256').update(database.serialize()).digest('hex')).toBe(
    createHash('sha256').update(before).digest('hex'),
  );
});

test('a migration that was tampered with is refused', () => {
  const database = new SqliteDatabase(':memory:');
  migrate(database);
  const [first, ...later] = migrations;
  const error = errorOf(() => migrate(database, [{ ...first!, sql: `${first!.sql}-- changed` }, ...later]));
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

test('a project of the first schema keeps everything, and its labelled images count as done', () => {
  const database = new SqliteDatabase(':memory:');
  migrate(database, migrations.slice(0, 1));
  database.exec(`
    INSERT INTO dataset (id, name, format, source, state, created_at) VALUES (7, 'Old', 'idx', '/x', 'ready', '2026-01-01');
    INSERT INTO category (id, dataset_id, ordinal, name) VALUES (3, 7, 0, 'a');
    INSERT INTO pack (id, dataset_id, file, count, channels, height, width) VALUES (2, 7, 'p.u8', 2, 1, 4, 4);
    INSERT INTO image (id, dataset_id, split, name, width, height, channels, pack_id, pack_row)
      VALUES (11, 7, 'train', 'x #0', 4, 4, 1, 2, 0), (12, 7, 'test', 'x #1', 4, 4, 1, 2, 1);
    INSERT INTO annotation (id, image_id, kind, category_id, source) VALUES (5, 11, 'classification', 3, 'import');
    INSERT INTO metric_point (run_id, series, step, epoch, value) SELECT 1, 'train/loss', 1, 1, 0.5 WHERE 0;`);
  const tables = ['dataset', 'category', 'pack', 'image', 'annotation', 'run', 'metric_point'];
  const columns = new Map(
    tables.map((table) => [table, database.prepare(`SELECT name FROM pragma_table_info('${table}')`).pluck().all()]),
  );
  const rows = (): unknown[] =>
    tables.map((table) => database.prepare(`SELECT ${columns.get(table)?.join()} FROM ${table} ORDER BY 1`).all());
  const before = rows();
  expect(migrate(database)).toEqual(migrations.slice(1).map(({ number }) => number));
  expect(rows()).toEqual(before);
  expect(database.prepare('SELECT review, orientation FROM image ORDER BY id').raw().all()).toEqual([
    ['done', 1],
    ['to-do', 1],
  ]);
  expect(database.pragma('foreign_key_check')).toEqual([]);
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
});

test('runs of the second schema keep their points, whose time nobody took, and are neither archived nor trashed', () => {
  const database = new SqliteDatabase(':memory:');
  migrate(database, migrations.slice(0, 2));
  database.exec(`
    INSERT INTO run (id, name, status, model_id, dataset_id, dataset_name, config, folder, created_at, epochs_total)
      VALUES (4, 'old', 'finished', 'lenet5', 7, 'Old', '{}', 'runs/old', '2026-01-01', 2);
    INSERT INTO metric_point (run_id, series, step, epoch, value) VALUES (4, 'train/loss', 10, 1, 0.5);`);
  expect(migrate(database)).toContain(3);
  expect(database.prepare('SELECT value, elapsed_ms FROM metric_point').raw().all()).toEqual([[0.5, null]]);
  expect(
    database.prepare('SELECT tags, notes, pinned, archived, resumed_epochs, trashed_at FROM run').raw().all(),
  ).toEqual([['[]', '', 0, 0, '[]', null]]);
});

test('labels of the third schema keep everything, and begin a history of their own', () => {
  const database = new SqliteDatabase(':memory:');
  migrate(database, migrations.slice(0, 3));
  database.exec(`
    INSERT INTO dataset (id, name, format, source, state, created_at) VALUES (1, 'D', 'coco', '', 'ready', '2026-01-01');
    INSERT INTO category (id, dataset_id, ordinal, name) VALUES (3, 1, 0, 'a');
    INSERT INTO image (id, dataset_id, split, name, width, height, channels, path, review)
      VALUES (11, 1, 'train', 'x', 4, 4, 3, 'x.jpg', 'needs-review');
    INSERT INTO annotation (id, image_id, kind, category_id, source, x1, y1, x2, y2, flags, attributes)
      VALUES (5, 11, 'bbox', 3, 'import', 1, 1, 3, 4, 3, '{"a":1}');`);
  migrate(database);
  const label = database.prepare(
    'SELECT id, image_id, kind, x1, y1, x2, y2, flags, attributes, z, note FROM annotation',
  );
  expect(label.raw().all()).toEqual([[5, 11, 'bbox', 1, 1, 3, 4, 3, '{"a":1}', 0, '']]);
  const image = database.prepare('SELECT review, label_version, labelled_ms FROM image');
  expect(image.raw().all()).toEqual([['needs-review', 0, 0]]);
  expect(database.prepare('SELECT count(*) FROM gesture').pluck().get()).toBe(0);
  expect(database.pragma('foreign_key_check')).toEqual([]);
});

test('of labels that went before the trash knew of them, those that a person deleted are told apart', () => {
  const database = new SqliteDatabase(':memory:');
  migrate(database, migrations.slice(0, 13));
  const gesture = database.prepare(`INSERT INTO gesture (id, token, kind, label, by, at, state)
    VALUES (?, ?, ?, ?, 'me', '2026-01-01', 'done')`);
  const change = database.prepare(`INSERT INTO label_change (gesture_id, image_id, version, added, updated, removed,
    annotation_ids, review_before, review_after, changes) VALUES (?, 1, ?, ?, 0, 2, '[1,2]', 'done', 'done', x'00')`);
  const gestures: [kind: string, label: string, added: number, deleted: number][] = [
    ['edit', 'delete', 0, 2],
    ['edit', 'erase', 0, 2],
    ['edit', 'remove labels', 0, 2],
    ['edit', 'delete class “a”', 0, 2],
    ['edit', 'unite', 0, 0],
    ['edit', 'merge classes into “a”', 0, 0],
    ['edit', 'change class', 0, 0],
    ['edit', 'tag', 1, 0],
    ['edit', 'tag', 0, 2],
    ['classify', 'set class', 1, 0],
    ['classify', 'set class', 0, 2],
    ['restore', 'restore version 3', 0, 0],
    ['undo', 'draw box', 0, 0],
    ['redo', 'delete', 0, 0],
  ];
  gestures.forEach(([kind, label, added], index) => {
    gesture.run(index + 1, `g${index}`, kind, label);
    change.run(index + 1, index + 1, added);
  });
  migrate(database);
  const rows = database.prepare('SELECT deleted, purged FROM label_change ORDER BY id').raw().all();
  expect(rows).toEqual(gestures.map(([, , , deleted]) => [deleted, 0]));
});
