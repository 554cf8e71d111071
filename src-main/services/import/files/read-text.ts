/** Reads many small text files of a folder, a few at a time, in the order given. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FoveaError } from '../../../contract/errors.ts';
import type { SourceEntry } from '../../../formats/source-entry.ts';
import { fileError } from '../../file-errors.ts';

const AT_ONCE = 16;
/** A label file of one image is never so large. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The text, without a byte-order mark. Throws FoveaError `bad-input` or `io`. */
export async function readText(folder: string, { path, sizeBytes }: SourceEntry): Promise<string> {
  const file = join(folder, path);
  if (sizeBytes > MAX_BYTES) throw new FoveaError('bad-input', `${path}: is larger than 64 MB.`, { file });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw fileError(error, 'read', file);
  });
  return text.replace(/^\uFEFF/, '');
}

/** `take` gets each text, or what kept it from being read, in the order of the entries. */
export async function readTexts(
  folder: string,
  entries: readonly SourceEntry[],
  take: (entry: SourceEntry, text: string | null, error: unknown) => void,
): Promise<void> {
  for (let at = 0; at < entries.length; at += AT_ONCE) {
    const some = entries.slice(at, at + AT_ONCE);
    const texts = await Promise.allSettled(some.map((entry) => readText(folder, entry)));
    texts.forEach((result, index) => {
      const entry = some[index];
      if (entry === undefined) return;
      if (result.status === 'fulfilled') take(entry, result.value, null);
      else take(entry, null, result.reason);
    });
  }
}
