/**
 * Unpacks an archive (.zip, .tar, .tar.gz) of image files into a folder of ours: only plain files, and only where their
 * name stays inside. Runs in the import worker.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { getFileNameLowLevel, open, type Entry, type ZipFile } from 'yauzl';
import { FoveaError } from '../../contract/errors.ts';
import { resolveInside } from '../../formats/image-files.ts';
import { fileError } from '../file-errors.ts';
import { readHead } from './read-head.ts';
import type { ImportSource } from './source.ts';

const ZIP_MAGIC = 0x504b0304;

export function isArchiveName(path: string): boolean {
  return /\.(zip|tar|tgz|tar\.gz)$/i.test(path);
}

/** Of the file, without the ending of an archive. */
export function archiveTitle(path: string): string {
  return basename(path).replace(/\.(zip|tar|tgz|tar\.gz)$/i, '');
}

export async function isZip(path: string): Promise<boolean> {
  const head = await readHead(path, 4).catch(() => null); // a folder, or what the next who opens it tells of
  return head?.length === 4 && head.readUInt32BE(0) === ZIP_MAGIC;
}

/** `tell` hears each file. Throws FoveaError `bad-input` where the archive is damaged, `io` where there is no room. */
export async function unpackZip(path: string, into: string, tell: (file: string) => void): Promise<void> {
  const zip = await openZip(path);
  try {
    const entries = await listZip(zip);
    await requireRoom(
      into,
      entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0),
      path,
    );
    for (const entry of entries) {
      const inside = safeName(nameOf(entry));
      if (inside === null) continue;
      const stream = await new Promise<Readable>((resolve, reject) => {
        zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)));
      });
      await writeInto(join(into, inside), stream);
      tell(inside);
    }
  } catch (error) {
    throw damaged(error, path);
  } finally {
    zip.close();
  }
}

/** The same for a tar archive that was opened as a source. */
export async function unpackTar(
  source: ImportSource,
  path: string,
  into: string,
  tell: (file: string) => void,
): Promise<void> {
  await requireRoom(
    into,
    source.entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    path,
  );
  const names = source.entries.map((entry) => entry.path);
  await source.visit(names, async (name, chunks) => {
    const inside = safeName(name);
    if (inside === null) return;
    await writeInto(join(into, inside), chunks);
    tell(inside);
  });
}

/** Undecoded by the reader, which would refuse the whole archive for one name that leads out of it. */
function nameOf({ generalPurposeBitFlag, fileNameRaw, extraFields }: Entry): string {
  return getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false);
}

/** Null for a folder, a hidden companion of macOS, and a name that leads out of the folder. */
function safeName(name: string): string | null {
  if (name.endsWith('/') || basename(name).startsWith('._') || name.startsWith('__MACOSX/')) return null;
  const inside = resolveInside(name);
  return inside === '' ? null : inside;
}

async function writeInto(file: string, bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await pipeline(bytes, createWriteStream(file));
  } catch (error) {
    throw error instanceof FoveaError ? error : fileError(error, 'unpack', file);
  }
}

async function requireRoom(into: string, bytes: number, path: string): Promise<void> {
  await mkdir(into, { recursive: true });
  const { bavail, bsize } = await statfs(into);
  if (bytes <= bavail * bsize) return;
  const gigabytes = (bytes / 1e9).toFixed(1);
  const message = `${basename(path)} needs ${gigabytes} GB unpacked, which ${into} has no room for. Free some space, or unpack it elsewhere and import the folder.`;
  throw new FoveaError('io', message, { file: path, folder: into });
}

function openZip(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    // Entries are read one after the other; names may be of any kind, because we look at them ourselves.
    open(path, { lazyEntries: true, autoClose: false, strictFileNames: false, decodeStrings: false }, (error, zip) =>
      error ? reject(damaged(error, path)) : resolve(zip),
    );
  });
}

function listZip(zip: ZipFile): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      zip.readEntry();
    });
    zip.on('end', () => resolve(entries));
    zip.on('error', reject);
    zip.readEntry();
  });
}

function damaged(error: unknown, path: string): FoveaError {
  if (error instanceof FoveaError) return error;
  const name = basename(path);
  const message = error instanceof Error ? error.message : String(error);
  return new FoveaError(
    'bad-input',
    `${name}: the archive cannot be read (${message}). Copy or download it again.`,
    { file: name },
    { cause: error },
  );
}
