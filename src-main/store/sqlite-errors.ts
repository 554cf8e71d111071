/** Puts what SQLite refused into words: which file, why, what to do now. */
import SqliteDatabase from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';

/** Any error of SQLite as `bad-input` (damaged), `busy` or `io`; others are returned as they are. */
export function explainSqliteError(file: string, error: unknown): unknown {
  if (!(error instanceof SqliteDatabase.SqliteError)) return error;
  const { code, message } = error;
  const failure = (kind: 'bad-input' | 'io', text: string): FoveaError =>
    new FoveaError(kind, `${file}${text}`, { file, sqlite: code }, { cause: error });
  if (code === 'SQLITE_NOTADB') {
    return failure('bad-input', ' is not a database, or is damaged at its beginning. Restore it from a backup.');
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    return failure('bad-input', ` is damaged (${message}). Restore it from a backup.`);
  }
  if (code.startsWith('SQLITE_BUSY')) {
    const reason = ' is being changed by another program (a database browser, a backup). Close it there and try again.';
    return new FoveaError('busy', `${file}${reason}`, { file, sqlite: code }, { cause: error });
  }
  if (code === 'SQLITE_FULL') return failure('io', ' cannot grow: the disk is full. Free some space and try again.');
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN')) {
    return failure('io', ` cannot be opened for writing (${code}). Check the permissions of its folder.`);
  }
  return failure('io', `: ${message} (${code}).`);
}
