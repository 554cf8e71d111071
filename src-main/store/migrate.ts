/**
 * Brings a database to the newest schema, one transaction a migration, and records each with its checksum. Refuses a
 * database that is not ours, that a later version wrote, or whose recorded migrations differ from ours, and touches
 * none of them.
 */
import { createHash } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import { migrations as allMigrations, type Migration } from './migrations/index.ts';

/** "FOVE", in the header of every project database. */
const APPLICATION_ID = 0x464f5645;

interface AppliedRow {
  number: number;
  name: string;
  checksum: string;
}

export function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}

/** Throws FoveaError `newer-schema` or `bad-input`; returns the numbers of the migrations it applied. */
export function migrate(database: Database, migrations: readonly Migration[] = allMigrations): number[] {
  const applied = readApplied(database);
  checkApplied(database.name, applied, migrations);
  const pending = migrations.slice(applied.length);
  for (const migration of pending) apply(database, migration);
  return pending.map((migration) => migration.number);
}

function readApplied(database: Database): AppliedRow[] {
  const tables = database.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all();
  if (tables.length === 0) return [];
  if (database.pragma('application_id', { simple: true }) !== APPLICATION_ID || !tables.includes('schema_migration')) {
    throw new FoveaError(
      'bad-input',
      `${database.name} is a database, but not one of a Fovea project. Choose the folder of a project.`,
      { file: database.name },
    );
  }
  return database.prepare<[], AppliedRow>('SELECT number, name, checksum FROM schema_migration ORDER BY number').all();
}

function checkApplied(file: string, applied: readonly AppliedRow[], migrations: readonly Migration[]): void {
  const newest = migrations.at(-1)?.number ?? 0;
  const found = applied.at(-1)?.number ?? 0;
  if (found > newest) {
    throw new FoveaError(
      'newer-schema',
      `This project was last used with a newer version of Fovea (database schema ${found}; this version knows up to ` +
        `${newest}). Update Fovea to open it. Nothing was changed.`,
      { file, found, supported: newest },
    );
  }
  applied.forEach((row, index) => {
    const migration = migrations[index];
    if (migration && row.number === migration.number && row.checksum === checksumOf(migration)) return;
    throw new FoveaError(
      'bad-input',
      `${file}: the recorded migration ${row.number} (${row.name}) is not the one this version of Fovea knows. The ` +
        'database was changed by something else. Restore the project from a backup.',
      { file, migration: row.number },
    );
  });
}

function apply(database: Database, migration: Migration): void {
  database
    .transaction(() => {
      if (migration.number === 1) {
        database.pragma(`application_id = ${APPLICATION_ID}`);
        database.exec(`CREATE TABLE schema_migration (
          number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL
        ) STRICT`);
      }
      database.exec(migration.sql);
      database
        .prepare('INSERT INTO schema_migration (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)')
        .run(migration.number, migration.name, checksumOf(migration), new Date().toISOString());
    })
    .immediate();
}
