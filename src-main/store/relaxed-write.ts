/**
 * Writes whose loss in a power cut does no harm, because they can be done again: rows of a data set that nobody sees yet,
 * points that a run's folder holds as well. They do not wait for the disk. The next ordinary transaction makes them
 * durable with itself, since it syncs the whole write-ahead log; the database stays whole in every case.
 */
import type { Database } from 'better-sqlite3';

export function writeRelaxed<T>(database: Database, write: () => T): T {
  database.pragma('synchronous = NORMAL');
  try {
    return database.transaction(write).immediate();
  } finally {
    database.pragma('synchronous = FULL');
  }
}
