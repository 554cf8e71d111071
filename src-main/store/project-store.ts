/**
 * A project's database, open: the connection's settings, the lock that makes this process its sole writer, and one
 * repository per group of tables. Synchronous by design; whoever calls keeps each call short.
 */
import { existsSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import { AnnotationRepository } from './annotation-repository.ts';
import { DatasetRepository } from './dataset-repository.ts';
import { ImageRepository } from './image-repository.ts';
import { MetaRepository, type ProjectMeta } from './meta-repository.ts';
import { pagesToCheckpoint } from './checkpoint.ts';
import { migrate } from './migrate.ts';
import { PresetRepository } from './preset-repository.ts';
import { acquireProjectLock, type ProjectLock } from './project-lock.ts';
import { RunRepository } from './run-repository.ts';
import { explainSqliteError } from './sqlite-errors.ts';

export interface ProjectStore {
  /** The connection, for tests that look at plans and settings. */
  readonly database: Database;
  readonly meta: MetaRepository;
  readonly datasets: DatasetRepository;
  readonly images: ImageRepository;
  readonly annotations: AnnotationRepository;
  readonly runs: RunRepository;
  readonly presets: PresetRepository;
  /** Pages of the write-ahead log that are not in the database file yet; see `checkpointDatabase`. */
  pagesToCheckpoint(): number;
  close(): void;
}

/** Checkpoints are made beside the main thread; only if those fail does a commit make one here, at 64 MB. */
const LAST_RESORT_CHECKPOINT_PAGES = 16_384;
/** What a long write-ahead log is cut down to once it begins anew. */
const KEPT_LOG_BYTES = 8 * 1024 * 1024;

/** Makes the database of a new project. Throws `already-exists` where the file is there. */
export function createProjectStore(file: string, meta: ProjectMeta): ProjectStore {
  if (existsSync(file)) throw new FoveaError('already-exists', `${file} exists already.`, { file });
  const store = open(file);
  store.meta.insert(meta);
  return store;
}

/** Throws `not-found`, `bad-input` (not a database, damaged, not ours), `newer-schema`, or `busy` (open elsewhere). */
export function openProjectStore(file: string): ProjectStore {
  if (!existsSync(file)) {
    throw new FoveaError('not-found', `There is no Fovea project here: ${file} does not exist.`, { file });
  }
  return open(file);
}

function open(file: string): ProjectStore {
  let lock: ProjectLock | null = null;
  let database: Database | null = null;
  try {
    lock = acquireProjectLock(file);
    database = new SqliteDatabase(file, { timeout: 1000 });
    migrateAndConfigure(database);
    return compose(database, lock);
  } catch (error) {
    database?.close();
    lock?.release();
    throw explainSqliteError(file, error);
  }
}

function migrateAndConfigure(database: Database): void {
  database.pragma('foreign_keys = ON');
  migrate(database);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma(`wal_autocheckpoint = ${LAST_RESORT_CHECKPOINT_PAGES}`);
  database.pragma(`journal_size_limit = ${KEPT_LOG_BYTES}`);
}

function compose(database: Database, lock: ProjectLock): ProjectStore {
  return {
    database,
    meta: new MetaRepository(database),
    datasets: new DatasetRepository(database),
    images: new ImageRepository(database),
    annotations: new AnnotationRepository(database),
    runs: new RunRepository(database),
    presets: new PresetRepository(database),
    pagesToCheckpoint: () => pagesToCheckpoint(database),
    close() {
      database.close();
      lock.release();
    },
  };
}
