/**
 * Pictures that were worked out, kept on disk in a project's cache: thumbnails and previews as files, the tiles of a large
 * image as one folder. Where they are more than the person allows, those that were not looked at for longest go first.
 * Losing any of it costs time only, so that no failure here is one of the caller's.
 */
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DatasetId } from '../contract/model/ids.ts';
import { systemCode } from './file-errors.ts';
import { sizeBelow } from './folder-size.ts';

/** Relative to the project; one folder a data set, so that they go with it. */
export function thumbnailFolder(datasetId: DatasetId): string {
  return join('cache', 'thumbnails', String(datasetId));
}

export function tilesFolder(datasetId: DatasetId): string {
  return join('cache', 'tiles', String(datasetId));
}

/** How much is thrown away at once, as a share of the limit. */
const SLACK = 0.1;
/** A use is noted on disk this often at most. */
const NOTED_EVERY_MS = 3_600_000;
const LOOKED_AT_ONCE = 64;
/** Pictures that wait for the disk; more would only fill the memory. */
const MOST_WRITING = 32;

interface Entry {
  path: string;
  sizeBytes: number;
  usedMs: number;
}

export class PictureCache {
  readonly #folder: string;
  readonly #limitBytes: () => Promise<number>;
  /** Null until the disk was looked at. */
  #usedBytes: Promise<number> | null = null;
  #trimming: Promise<void> = Promise.resolve();
  readonly #writing = new Set<Promise<void>>();
  /** When each was noted as used, in this session. */
  readonly #noted = new Map<string, number>();

  /** `limitBytes` is asked whenever something is added. */
  constructor(projectFolder: string, limitBytes: () => Promise<number>) {
    this.#folder = projectFolder;
    this.#limitBytes = limitBytes;
  }

  /** The kept file, or what `make` gives, which is kept from then on. `path` is relative to the project. */
  async file(path: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const { picture, written } = await this.#picture(path, make);
    await written;
    return picture;
  }

  /** The same without waiting for the disk; see `settled`. */
  async fileAtOnce(path: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const { picture } = await this.#picture(path, make);
    if (this.#writing.size > MOST_WRITING) await Promise.race(this.#writing);
    return picture;
  }

  /** Resolves when what was made is on disk. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #picture(
    path: string,
    make: () => Promise<Uint8Array>,
  ): Promise<{ picture: Uint8Array; written: Promise<void> }> {
    const file = join(this.#folder, path);
    const known = await readFile(file).catch(() => null);
    if (known !== null && known.length > 0) {
      this.#note(file);
      return { picture: known, written: Promise.resolve() };
    }
    const picture = await make();
    const written = this.#write(file, picture)
      .catch(() => undefined)
      .finally(() => this.#writing.delete(written));
    this.#writing.add(written);
    return { picture, written };
  }

  /** Notes that a folder of pictures, which somebody else makes, was looked at. */
  used(folder: string): void {
    this.#note(join(this.#folder, folder));
  }

  /** A folder of pictures was made. */
  async added(folder: string): Promise<void> {
    const { sizeBytes } = await folderEntry(join(this.#folder, folder));
    await this.#grow(sizeBytes);
  }

  async usage(): Promise<number> {
    this.#usedBytes ??= this.#entries().then((entries) => entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    return this.#usedBytes;
  }

  /** Throws nothing away but what is over the limit; `0` empties the cache. */
  async trimTo(limitBytes: number): Promise<void> {
    this.#trimming = this.#trimming.then(() => this.#trim(limitBytes));
    await this.#trimming;
  }

  async #write(file: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${file}.part`;
    await writeFile(temporary, bytes).catch(async (error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
      await mkdir(dirname(file), { recursive: true });
      await writeFile(temporary, bytes);
    });
    await rename(temporary, file);
    await this.#grow(bytes.length);
  }

  async #grow(bytes: number): Promise<void> {
    // The first look counts what is there now, this included.
    this.#usedBytes = this.#usedBytes?.then((used) => used + bytes) ?? null;
    const [used, limit] = await Promise.all([this.usage(), this.#limitBytes()]);
    if (used > limit) await this.trimTo(limit);
  }

  async #trim(limitBytes: number): Promise<void> {
    const entries = (await this.#entries()).sort((a, b) => a.usedMs - b.usedMs);
    let used = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const wanted = used > limitBytes ? limitBytes * (1 - SLACK) : limitBytes;
    for (const { path, sizeBytes } of entries) {
      if (used <= wanted) break;
      const isGone = await rm(path, { recursive: true, force: true }).then(
        () => true,
        () => false,
      );
      if (isGone) used -= sizeBytes;
      this.#noted.delete(path);
    }
    this.#usedBytes = Promise.resolve(used);
  }

  #note(path: string): void {
    const now = Date.now();
    if (now - (this.#noted.get(path) ?? 0) < NOTED_EVERY_MS) return;
    this.#noted.set(path, now);
    utimes(path, new Date(now), new Date(now)).catch(() => undefined);
  }

  async #entries(): Promise<Entry[]> {
    const thumbnails = await below(join(this.#folder, 'cache', 'thumbnails'), 3);
    const tiles = await below(join(this.#folder, 'cache', 'tiles'), 2);
    const entries: Entry[] = [];
    for (let at = 0; at < thumbnails.length; at += LOOKED_AT_ONCE) {
      const some = thumbnails.slice(at, at + LOOKED_AT_ONCE);
      const facts = await Promise.all(some.map((path) => stat(path).catch(() => null)));
      facts.forEach((fact, index) => {
        const path = some[index];
        if (fact !== null && path !== undefined) entries.push({ path, sizeBytes: fact.size, usedMs: fact.mtimeMs });
      });
    }
    for (const path of tiles) entries.push(await folderEntry(path));
    return entries;
  }
}

/** Paths that many levels below a folder; none where it is not there. */
async function below(folder: string, levels: number): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const paths = names.map((name) => join(folder, name));
  if (levels === 1) return paths;
  const deeper: string[] = [];
  for (const path of paths) for (const other of await below(path, levels - 1)) deeper.push(other);
  return deeper;
}

async function folderEntry(path: string): Promise<Entry> {
  const usedMs = (await stat(path).catch(() => null))?.mtimeMs ?? 0;
  return { path, sizeBytes: await sizeBelow(path), usedMs };
}
