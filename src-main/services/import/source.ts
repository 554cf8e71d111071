/**
 * The folder or archive that a data set is read from: which files are in it, and their bytes. An archive (.tar, .tar.gz)
 * is read as a stream, never unpacked, so no name in it can reach the disk. Runs in the import worker.
 */
import { createReadStream, statSync, type ReadStream, type Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { FoveaError } from '../../contract/errors.ts';
import type { ByteChunks } from '../../formats/byte-reader.ts';
import { detectCompression } from '../../formats/detect.ts';
import type { Failure, SourceEntry } from '../../formats/source-entry.ts';
import { fileError, systemCode } from '../file-errors.ts';
import { isImageName, maskFolderOf } from '../../formats/image-files.ts';
import { placesBeside, readLinks, type FolderLinks } from './folder-links.ts';
import { readHead } from './read-head.ts';

export type FileVisitor = (path: string, chunks: ByteChunks) => Promise<void>;

export interface ImportSource {
  /** Name for people: of the folder, or of the archive without its ending. */
  readonly name: string;
  readonly entries: readonly SourceEntry[];
  /** What is there but could not be looked at or followed, and is no entry. */
  readonly problems: readonly Failure[];
  /** The folder that the entries are in; null for an archive. */
  readonly folder: string | null;
  /** The file that was chosen rather than a folder, as an entry's path. */
  readonly chosen: string | null;
  /** Files that stand for a link to another folder of the source. */
  readonly links: FolderLinks;
  /**
   * Hands the bytes of the given entries to the visitor, one after the other: from a folder in the order given, from an
   * archive in the archive's own. Throws FoveaError `bad-input` where an archive is damaged.
   */
  visit(paths: readonly string[], visitor: FileVisitor): Promise<void>;
}

const MAX_DEPTH = 8;
const MAX_ENTRIES = 1_000_000;
const CHUNK_BYTES = 1 << 20;

/**
 * A file that is no archive stands for its folder, and one in a folder of annotations for the folder around that. Throws FoveaError `not-found`, `io` or `bad-input`.
 */
export async function openSource(path: string): Promise<ImportSource> {
  const full = resolve(path);
  try {
    if ((await stat(full)).isDirectory()) return await openFolder(full);
    const compression = await archiveCompression(full);
    return compression === null ? await openFolder(folderAround(full), full) : await openArchive(full, compression);
  } catch (error) {
    throw fileError(error, 'read', full);
  }
}

function folderAround(file: string): string {
  const folder = dirname(file);
  return basename(folder).toLowerCase() === 'annotations' ? dirname(folder) : folder;
}

async function openFolder(folder: string, chosen: string | null = null): Promise<ImportSource> {
  const own = new Listing(folder);
  await own.add('');
  const { entries, problems } = own;
  const links = await readLinks(folder, entries);
  const hasPictures = entries.some(({ path }) => isImageName(path) && maskFolderOf(path) === null);
  const beside = hasPictures ? [] : await placesBeside(folder, entries, links);
  const listed = beside.length === 0 ? { root: folder, entries, problems, links } : await listBeside(folder, beside);
  return {
    name: basename(folder),
    entries: listed.entries,
    problems: listed.problems,
    folder: listed.root,
    chosen: chosen === null ? null : relative(listed.root, chosen).replaceAll(sep, '/'),
    links: listed.links,
    async visit(paths, visitor) {
      for (const path of paths) await visitor(path, fileChunks(join(listed.root, path)));
    },
  };
}

/** The folder around one without pictures, with no more of it than that folder and the places beside it that it names. */
async function listBeside(
  folder: string,
  beside: readonly string[],
): Promise<{ root: string; entries: SourceEntry[]; problems: Failure[]; links: FolderLinks }> {
  const root = dirname(folder);
  const listing = new Listing(root);
  for (const place of [basename(folder), ...beside]) await listing.add(place);
  const entries = [...new Map(listing.entries.map((entry) => [entry.path, entry])).values()];
  return { root, entries, problems: listing.problems, links: await readLinks(root, entries) };
}

async function* fileChunks(file: string): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) yield chunk as Uint8Array;
  } catch (error) {
    throw fileError(error, 'read', file);
  }
}

/** The files below a folder. Links are followed, but never back to a folder that they are in. */
class Listing {
  readonly entries: SourceEntry[] = [];
  readonly problems: Failure[] = [];
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Throws FoveaError where the folder cannot be read; one below it that cannot is a problem. */
  async add(below: string): Promise<void> {
    await this.#list(below, []);
  }

  /** `around`: the folders on the way here, the outermost first. */
  async #list(below: string, around: readonly string[]): Promise<void> {
    const folder = join(this.#root, below);
    const { dev, ino } = await stat(folder, { bigint: true });
    const own = ino === 0n ? folder : `${dev} ${ino}`;
    if (around.includes(own)) {
      this.#problem(below, 'This link leads back to a folder that it is in; it is not followed.');
      return;
    }
    if (around.length > MAX_DEPTH) {
      this.#problem(below, `This folder lies more than ${MAX_DEPTH} folders deep; it is left out.`);
      return;
    }
    for (const item of await readdir(folder, { withFileTypes: true })) {
      if (this.entries.length >= MAX_ENTRIES) throw tooManyFiles(this.#root);
      if (item.name.startsWith('.')) continue;
      const path = below === '' ? item.name : `${below}/${item.name}`;
      // A link, or a file system that does not say what a name stands for.
      const facts = item.isFile() || item.isDirectory() ? item : await this.#follow(path);
      if (facts?.isDirectory())
        await this.#list(path, [...around, own]).catch((error: unknown) => this.#take(path, error));
      else if (facts?.isFile()) this.entries.push(new FolderEntry(this.#root, path));
    }
  }

  async #follow(path: string): Promise<Stats | null> {
    try {
      return await stat(join(this.#root, path));
    } catch (error) {
      const leadsNowhere = systemCode(error) === 'ENOENT' || systemCode(error) === 'ELOOP';
      if (leadsNowhere) this.#problem(path, 'This link leads to something that does not exist; it is left out.');
      else this.#take(path, error);
      return null;
    }
  }

  #take(path: string, error: unknown): void {
    if (systemCode(error) === null) throw error;
    this.#problem(path, fileError(error, 'read', join(this.#root, path)).message);
  }

  #problem(source: string, reason: string): void {
    this.problems.push({ source, reason });
  }
}

/** The file system is asked for a size only where somebody wants to know it: asking for those of all images takes seconds. */
class FolderEntry implements SourceEntry {
  readonly path: string;
  readonly #root: string;
  #sizeBytes: number | null = null;

  constructor(root: string, path: string) {
    this.#root = root;
    this.path = path;
  }

  /** 0 where the file is gone, or may not be looked at. */
  get sizeBytes(): number {
    return (this.#sizeBytes ??= sizeOf(join(this.#root, this.path)));
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  } catch {
    return 0;
  }
}

function tooManyFiles(folder: string): FoveaError {
  const most = MAX_ENTRIES.toLocaleString('en');
  const message = `${folder} holds more than ${most} files. Choose a folder closer to the data.`;
  return new FoveaError('bad-input', message, { folder });
}

type ArchiveCompression = 'gzip' | 'none';

/** Null where the file is no tar archive. */
async function archiveCompression(file: string): Promise<ArchiveCompression | null> {
  const head = await readHead(file, 64 * 1024);
  const kind = detectCompression(head);
  if (kind === 'tar') return 'none';
  if (kind === 'none') return null;
  if (/\.(tar\.gz|tgz)$/i.test(file)) return 'gzip';
  return detectCompression(gunzipBeginning(head)) === 'tar' ? 'gzip' : null;
}

function gunzipBeginning(head: Uint8Array): Uint8Array {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return new Uint8Array(0);
  }
}

async function openArchive(file: string, compression: ArchiveCompression): Promise<ImportSource> {
  const entries: SourceEntry[] = [];
  await walkArchive(file, compression, (entry) => {
    entries.push(entry);
    return null;
  });
  return {
    name: basename(file).replace(/\.(tar\.gz|tgz|tar)$/i, ''),
    entries,
    problems: [],
    folder: null,
    chosen: null,
    links: new Map(),
    visit: (paths, visitor) => walkArchive(file, compression, (entry) => (paths.includes(entry.path) ? visitor : null)),
  };
}

/** Goes through an archive once; `choose` returns who reads a file, or null to pass over it. */
async function walkArchive(
  file: string,
  compression: ArchiveCompression,
  choose: (entry: SourceEntry) => FileVisitor | null,
): Promise<void> {
  const input = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const tar = extract();
  const feeding =
    compression === 'gzip' ? pipeline(input, createGunzip({ chunkSize: CHUNK_BYTES }), tar) : pipeline(input, tar);
  feeding.catch(() => undefined); // The same error ends the loop below.
  try {
    for await (const entry of tar) {
      const { name, size, type } = entry.header;
      const chunks = entryChunks(entry, (error) => archiveError(error, file, input));
      const visitor = type === 'file' ? choose({ path: name, sizeBytes: size }) : null;
      if (visitor) await visitor(name, chunks);
      for await (const _rest of chunks); // A visitor may stop early; the next file comes after the rest.
    }
    await feeding;
  } catch (error) {
    throw archiveError(error, file, input);
  } finally {
    input.destroy();
  }
}

/**
 * The bytes of an archive's file. Unlike the stream's own iterator it does not destroy the stream, and with it the whole
 * archive's, when the consumer stops.
 */
function entryChunks(entry: object, explain: (error: unknown) => FoveaError): AsyncIterable<Uint8Array> {
  const iterator = (entry as AsyncIterable<Uint8Array>)[Symbol.asyncIterator](); // Missing in streamx's types.
  const next = (): Promise<IteratorResult<Uint8Array>> =>
    iterator.next().catch((error: unknown) => {
      throw explain(error);
    });
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

function archiveError(error: unknown, file: string, input: ReadStream): FoveaError {
  if (error instanceof FoveaError) return error;
  const code = systemCode(error);
  if (code !== null && !code.startsWith('Z_')) return fileError(error, 'read', file);
  const name = basename(file);
  const message = error instanceof Error ? error.message : String(error);
  const isCut = code === 'Z_BUF_ERROR' || message === 'Unexpected end of data';
  const what = isCut ? 'the archive is cut off' : `the archive is damaged (${message})`;
  return new FoveaError(
    'bad-input',
    `${name}: ${what} at about byte ${input.bytesRead}. Copy or download it again.`,
    { file: name, offset: input.bytesRead },
    { cause: error },
  );
}

/** The decompressed bytes of a .gz file. Throws FoveaError `bad-input` where it is damaged. */
export async function* gunzipped(file: string, chunks: ByteChunks): AsyncGenerator<Uint8Array, void> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const feeding = pipeline(Readable.from(chunks), gunzip);
  feeding.catch(() => undefined); // The same error ends the loop below.
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array;
    await feeding;
  } catch (error) {
    if (!systemCode(error)?.startsWith('Z_')) throw error;
    const offset = gunzip.bytesWritten;
    const what = systemCode(error) === 'Z_BUF_ERROR' ? 'is cut off' : 'is damaged';
    throw new FoveaError(
      'bad-input',
      `${file}: the compressed file ${what} at about byte ${offset}. Copy or download it again.`,
      { file, offset },
      { cause: error },
    );
  }
}
