/**
 * Replaces a file whole or not at all: a reader sees the old bytes or the new ones, also after a crash or on a full
 * disk. Knows nothing of what the bytes mean. One writer per file at a time; the partial file is "<file>.partial", and
 * one left by a killed process is overwritten by the next write.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';

/** One write call takes at most 2 GiB; smaller pieces also keep the kernel's write-back even. */
const pieceBytes = 64 * 1024 * 1024;

/**
 * Writes `chunks` one after the other as the new content of `file`, and returns when they are safely on disk.
 * Throws FoveaError `io`; until the new content is complete and flushed, the earlier content stays as it was.
 */
export async function writeFileAtomic(file: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await writeDurably(partial, chunks);
    await rename(partial, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await unlink(partial).catch(() => undefined);
    throw new FoveaError(
      'io',
      `Could not write ${basename(file)} in ${dirname(file)}: ${explain(error)}`,
      { file },
      { cause: error },
    );
  }
}

/** The same for a small text in a process that may block. Throws what the file system throws. */
export function writeTextAtomicSync(file: string, text: string): void {
  const partial = `${file}.partial`;
  const descriptor = openSync(partial, 'w');
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(partial, file);
}

async function writeDurably(file: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (const chunk of chunks) {
      for (let start = 0; start < chunk.byteLength; start += pieceBytes) {
        await handle.writeFile(chunk.subarray(start, start + pieceBytes));
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the rename itself durable. Windows has no such call and journals renames by itself. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function explain(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  if (code === 'ENOSPC' || code === 'EDQUOT') return `the disk is full (${code}). Free some space and try again.`;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return `writing is not permitted there (${code}).`;
  if (code === 'ENOENT') return 'the folder does not exist (ENOENT).';
  return error instanceof Error ? error.message : String(error);
}
