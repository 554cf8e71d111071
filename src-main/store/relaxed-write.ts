/**
 * Writes whose loss in a power cut does no harm, because they can be done again: rows of a data set that nobody sees yet,
 * points that a run's folder holds as well. They do not wait for the disk. The next ordinary transaction makes them
 * durable with itself, since it syncs the whole write-ahead log; the database stays whole in every case.
 */
import type { Database } from 'better-sqlite3';
import { explainSqliteError } from './sqlite-errors.ts';

/** One transaction. Throws what `write` throws; an error of SQLite (disk full …) as FoveaError. */
export function writeRelaxed<T>(database: Database, write: () => T): T {
  database.pragma('synchronous = NORMAL');
  try {
    return database.transaction(write).immediate();
  } catch (error) {
    throw explainSqliteError(database.name, error);
  } finally {
    database.pragma('synchronous = FULL');
  }
}
