/**
 * Takes a data set that nobody can see out of a project: its packs and copies of files, its rows in short transactions, then itself. The same
 * for one that the person deletes, one whose import failed or was cancelled, and one that a crash left half-way.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { DatasetId } from '../../contract/model/ids.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import { fileError, systemCode } from '../file-errors.ts';
import { sizeBelow } from '../folder-size.ts';
import type { OpenProject } from '../open-projects.ts';
import { thumbnailFolder, tilesFolder } from '../picture-cache.ts';
import { trainingCacheFolder } from '../training-data/pack-cache.ts';

/** Images go in transactions of about this length, because some have one label and some have hundreds. */
const TRANSACTION_MS = 8;
const MOST_IMAGES = 250;

export function packsFolder(projectFolder: string): string {
  return join(projectFolder, 'packs');
}

/** Every pack file of a data set begins with this, also while it has its temporary name. */
export function packPrefix(datasetId: DatasetId): string {
  return `dataset-${datasetId}-`;
}

/** Where copies of a data set's image files are, relative to the project; see `dataset.image_root`. */
export function copiedFilesFolder(datasetId: DatasetId): string {
  return join('images', `dataset-${datasetId}`);
}

/** What its packs, copies of files and pictures take. */
export async function datasetSize({ folder }: OpenProject, datasetId: DatasetId): Promise<number> {
  const packs = (await packFiles(packsFolder(folder), packPrefix(datasetId))).map((name) =>
    join(packsFolder(folder), name),
  );
  const sizes = [...packs, ...foldersOf(datasetId).map((own) => join(folder, own))].map(sizeBelow);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Relative to the project. */
function foldersOf(datasetId: DatasetId): string[] {
  const caches = [thumbnailFolder(datasetId), tilesFolder(datasetId), trainingCacheFolder(datasetId)];
  return [copiedFilesFolder(datasetId), ...caches];
}

/** Packs go first: an import that failed for want of space needs some to take its rows back. */
export async function discardDataset({ store, folder }: OpenProject, datasetId: DatasetId): Promise<void> {
  await removePacks(packsFolder(folder), packPrefix(datasetId));
  for (const own of foldersOf(datasetId)) await removeTree(join(folder, own));
  for (let count = 25, deleted = 1; deleted > 0;) {
    const startMs = performance.now();
    deleted = store.images.deleteSome(datasetId, count);
    const tookMs = performance.now() - startMs;
    count = Math.round(tookMs > TRANSACTION_MS ? Math.max(1, count / 2) : Math.min(MOST_IMAGES, count * 1.5));
    await yieldToEventLoop();
  }
  store.datasets.remove(datasetId);
}

/**
 * Removes what an import or a deletion left half-way when the process ended. A file that cannot be removed keeps its data
 * set among the leftovers, invisible, for the next time.
 */
export async function sweepLeftovers(opened: OpenProject): Promise<void> {
  for (const datasetId of opened.store.datasets.leftovers()) {
    await discardDataset(opened, datasetId).catch((error: unknown) => {
      if (!(error instanceof FoveaError && error.code === 'io')) throw error;
    });
  }
}

/** Again where something was put in meanwhile: the worker of an app that was killed may take a moment to notice. */
async function removeTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 8, retryDelay: 50 }).catch((error: unknown) => {
    throw fileError(error, 'delete', folder);
  });
}

async function packFiles(folder: string, prefix: string): Promise<string[]> {
  const files = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError(error, 'look for the data set’s packs', folder);
  });
  return files.filter((file) => file.startsWith(prefix));
}

async function removePacks(folder: string, prefix: string): Promise<void> {
  for (const name of await packFiles(folder, prefix)) {
    const file = join(folder, name);
    await rm(file, { force: true }).catch((error: unknown) => {
      throw fileError(error, 'delete', file);
    });
  }
}
