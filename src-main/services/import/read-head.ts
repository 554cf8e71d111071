/** The beginnings of files, from which a format is told. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { toErrorData } from '../../contract/errors.ts';
import type { Failure } from '../../formats/source-entry.ts';
import { fileError } from '../file-errors.ts';

/** The first `length` bytes, fewer where the file has not so many. Throws FoveaError `not-found` or `io`. */
export async function readHead(file: string, length: number): Promise<Buffer> {
  try {
    const handle = await open(file, 'r');
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(error, 'read', file);
  }
}

/** Looks at files of a folder to tell their formats. What cannot be read is of none, and is kept with its reason. */
export class FileHeads {
  readonly #folder: string;
  readonly #unread = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The first `length` bytes as text; empty where they cannot be read. */
  async text(path: string, length: number): Promise<string> {
    try {
      return (await readHead(join(this.#folder, path), length)).toString('utf8');
    } catch (error) {
      this.#unread.set(path, toErrorData(error).message);
      return '';
    }
  }

  get problems(): Failure[] {
    return [...this.#unread].map(([source, reason]) => ({ source, reason }));
  }
}
