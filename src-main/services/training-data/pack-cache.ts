/**
 * Prepared packs, kept in the project's cache: a folder each, named by a digest of all that its bytes follow from, so that
 * what is there is right and never has to be checked. It appears whole or not at all. The least recently used go first.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import type { DatasetId } from '../../contract/model/ids.ts';
import type { ImagePack } from '../../engine/data/training-data.ts';
import { writeFileAtomic } from '../../engine/weights/atomic-file.ts';
import { fileError } from '../file-errors.ts';

/** Relative to the project; goes with its data set. */
export function trainingCacheFolder(datasetId: DatasetId): string {
  return join('cache', 'training', String(datasetId));
}

const PACK = 'pack.u8';
const ABOUT = 'about.json';
const PART = '.part';
/** Of one data set; what the run at hand needs is kept in any case. */
const keptBytes = 20e9;

/** A pack that is being made is written to all the time; one that was not for so long never will be. */
const deadAfterMs = 30 * 60_000;

/** A row that could not be made, with the reason. */
const failure = v.object({ row: v.number(), reason: v.string() });
export type RowFailure = v.InferOutput<typeof failure>;
const about = v.object({
  count: v.number(),
  channels: v.number(),
  heightPx: v.number(),
  widthPx: v.number(),
  /** What it was made from, in words, for who looks into the folder. */
  contents: v.string(),
  failures: v.array(failure),
});
type About = v.InferOutput<typeof about>;

export interface CachedPack {
  pack: ImagePack;
  failures: readonly RowFailure[];
}

/** The pack of this key, marked as used now; null where it is not there, or not whole. */
export async function findPack(cache: string, key: string): Promise<CachedPack | null> {
  const folder = join(cache, key);
  try {
    const parsed = v.parse(about, JSON.parse(await readFile(join(folder, ABOUT), 'utf8')));
    const pack = packOf(folder, parsed);
    if ((await stat(pack.file)).size !== sizeBytes(parsed)) return null;
    const now = new Date();
    await utimes(folder, now, now);
    return { pack, failures: parsed.failures };
  } catch {
    return null;
  }
}

/**
 * Has `write` make the rows of a new pack in a file, and puts it into the cache. Whatever fails leaves nothing behind.
 * Throws FoveaError `io` where there is no room for it.
 */
export async function makePack(
  cache: string,
  key: string,
  facts: Omit<About, 'failures'>,
  write: (file: string) => Promise<readonly RowFailure[]>,
): Promise<CachedPack> {
  const part = join(cache, `${key}-${randomUUID()}${PART}`);
  const folder = join(cache, key);
  try {
    await mkdir(part, { recursive: true });
    await requireRoom(cache, sizeBytes(facts));
    const failures = [...(await write(join(part, PACK)))].toSorted((a, b) => a.row - b.row);
    const text = `${JSON.stringify({ ...facts, failures } satisfies About, null, 2)}\n`;
    await writeFileAtomic(join(part, ABOUT), [new TextEncoder().encode(text)]);
    // Another run may have made the same meanwhile, and train on it already.
    const twin = await findPack(cache, key);
    if (twin === null) {
      await rm(folder, { recursive: true, force: true });
      await rename(part, folder);
    } else await rm(part, { recursive: true, force: true });
    return { pack: packOf(folder, facts), failures };
  } catch (error) {
    await rm(part, { recursive: true, force: true }).catch(() => undefined);
    throw fileError(error, 'prepare the images', part);
  }
}

/** Removes what a process that was ended left half-way, and the packs that were used longest ago beyond `limitBytes`. */
export async function sweepCache(cache: string, inUse: readonly string[], limitBytes = keptBytes): Promise<void> {
  const names = await readdir(cache).catch(() => []);
  const entries: { folder: string; bytes: number; usedMs: number }[] = [];
  for (const name of names.filter((each) => !inUse.includes(each))) {
    const folder = join(cache, name);
    const [own, pack] = await Promise.all([stat(folder), stat(join(folder, PACK))]).catch(() => [null, null]);
    if (name.endsWith(PART)) {
      const isDead = Date.now() - (pack?.mtimeMs ?? 0) > deadAfterMs;
      if (isDead) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    } else if (own && pack) {
      entries.push({ folder, bytes: pack.size, usedMs: own.mtimeMs });
    }
  }
  let room = limitBytes;
  for (const { folder, bytes } of entries.toSorted((a, b) => b.usedMs - a.usedMs)) {
    room -= bytes;
    if (room < 0) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function packOf(folder: string, { count, channels, heightPx, widthPx }: Omit<About, 'failures'>): ImagePack {
  return { file: join(folder, PACK), count, channels, heightPx, widthPx };
}

const sizeBytes = ({
  count,
  channels,
  heightPx,
  widthPx,
}: Pick<About, 'count' | 'channels' | 'heightPx' | 'widthPx'>) => count * channels * heightPx * widthPx;

async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (bytes <= free) return;
  const inWords = (value: number): string => `${(value / 1e9).toFixed(1)} GB`;
  throw new FoveaError(
    'io',
    `The prepared images take ${inWords(bytes)}, but only ${inWords(free)} are free in ${folder}. Free some space, or choose a smaller input size.`,
    { file: folder },
  );
}
