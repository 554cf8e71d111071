/**
 * Holds a project for one process, so that there is one writer. The lock is the operating system's (through an
 * exclusive transaction on an empty database file beside the project's): it ends with the process, also after a crash,
 * and leaves readers of the project's database alone.
 */
import SqliteDatabase from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';

export interface ProjectLock {
  release(): void;
}

/** Throws FoveaError `busy` where another process holds it. */
export function acquireProjectLock(databaseFile: string): ProjectLock {
  const lock = new SqliteDatabase(`${databaseFile}-lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    throw new FoveaError(
      'busy',
      `Another Fovea has the project ${databaseFile} open. Close it there, then open it here.`,
      { file: databaseFile },
      { cause: error },
    );
  }
  return { release: () => lock.close() };
}

function isBusy(error: unknown): boolean {
  return error instanceof SqliteDatabase.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
