/**
 * Moves committed pages from the write-ahead log into the database file. That waits for the disk, so it is done through
 * a connection of its own in another process; it changes no row and does not hold up the writer.
 */
import SqliteDatabase, { type Database } from 'better-sqlite3';

interface CheckpointState {
  log: number;
  checkpointed: number;
}

/** Looks only; costs next to nothing. */
export function pagesToCheckpoint(database: Database): number {
  const [state] = database.pragma('wal_checkpoint(NOOP)') as CheckpointState[];
  return state ? state.log - state.checkpointed : 0;
}

/** To be called outside of the main process, while the store's owner has the database open. */
export function checkpointDatabase(file: string): void {
  const database = new SqliteDatabase(file, { fileMustExist: true });
  try {
    database.pragma('wal_checkpoint(PASSIVE)');
  } finally {
    database.close();
  }
}
