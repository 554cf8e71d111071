/** Reading files of numbers that a run keeps: opened with words for what is wrong, and never trusted in their length. */
import { open, type FileHandle } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';

/** Throws FoveaError `not-found` or `io`. */
export async function withFile<T>(file: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const message = missing ? `${file} does not exist yet.` : `${file} could not be read: ${String(error)}`;
    throw new FoveaError(missing ? 'not-found' : 'io', message, { file }, { cause: error });
  }
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** Throws FoveaError `bad-input` where the file ends before. */
export async function readBytes(file: string, handle: FileHandle, start: number, length: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await handle.read(bytes, 0, length, start);
  if (bytesRead < length) throw damaged(file, `it ends at byte ${start + bytesRead}, inside of what it should hold`);
  return bytes.buffer;
}

export const bytesOf = (array: Uint32Array | Float64Array | Float32Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

export function damaged(file: string, what: string): FoveaError {
  return new FoveaError('bad-input', `${file} is damaged: ${what}.`, { file });
}
