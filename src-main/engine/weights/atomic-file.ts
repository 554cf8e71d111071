/**
 * Replaces a file whole or not at all: a reader sees the old bytes or the new ones, also after a crash or on a full
 * disk. Knows nothing of what the bytes mean. One writer per file at a time; the partial file is "<file>.partial", and
 * one left by a killed process is overwritten by the next write.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';

/** One write call takes at most 2 GiB; smaller pieces also keep the kernel's write-back even. */
const pieceBytes = 64 * 1024 * 1024;

/**
 * Writes `chunks` one after the other as the new content of `file`, and returns when they are safely on disk.
 * Throws FoveaError `io`; until the new content is complete and flushed, the earlier content stays as it was.
 */
export async function writeFileAtomic(file: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const target = await AtomicFile.create(file);
  try {
    for (const chunk of chunks) await target.write(chunk);
    await target.commit();
  } catch (error) {
    await target.discard();
    throw error;
  }
}

async function explained<T>(file: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw new FoveaError(
      'io',
      `Could not write ${basename(file)} in ${dirname(file)}: ${explain(error)}`,
      { file },
      { cause: error },
    );
  }
}

/** The same bit by bit, for content that comes over a longer time. Ends with `commit` or `discard`, one of them always. */
export class AtomicFile {
  private readonly file: string;
  private readonly handle: FileHandle;

  private constructor(file: string, handle: FileHandle) {
    this.file = file;
    this.handle = handle;
  }

  /** Throws FoveaError `io`, as all of them do. */
  static async create(file: string): Promise<AtomicFile> {
    return await explained(file, async () => new AtomicFile(file, await open(`${file}.partial`, 'w')));
  }

  /** Behind what was written before, or over it from the byte `start` on; after that no more can follow. */
  write(chunk: Uint8Array, start: number | null = null): Promise<void> {
    return explained(this.file, async () => {
      if (start === null) await writeInPieces(this.handle, chunk);
      else await this.handle.write(chunk, 0, chunk.length, start);
    });
  }

  /** What was written becomes the content of the file. */
  async commit(): Promise<void> {
    await explained(this.file, async () => {
      await this.handle.sync();
      await this.handle.close();
      await rename(`${this.file}.partial`, this.file);
      await syncFolder(dirname(this.file));
    });
  }

  /** The earlier content stays. */
  async discard(): Promise<void> {
    await this.handle.close().catch(() => undefined);
    await unlink(`${this.file}.partial`).catch(() => undefined);
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

async function writeInPieces(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let start = 0; start < chunk.byteLength; start += pieceBytes) {
    await handle.writeFile(chunk.subarray(start, start + pieceBytes));
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
