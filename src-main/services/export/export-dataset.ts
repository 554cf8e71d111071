/**
 * Exports a data set: a report of what the format cannot hold, and the writing. Everything goes into a folder beside the
 * one that is asked for, which gets its name only when the last file is in, so that an export is there whole or not at
 * all. Runs in the worker.
 */
import { constants, copyFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { ExportFormat, ExportReport } from '../../contract/model/dataset-export.ts';
import type { Category, ImageFilter } from '../../contract/model/dataset.ts';
import type { DatasetId } from '../../contract/model/ids.ts';
import { lossesOf, lossWords, type Loss } from '../../formats/export-loss.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import { fileError, systemCode } from '../file-errors.ts';
import type { LibraryReader, TellProgress } from '../library/library-reader.ts';
import { exportedImages, exportedIds, type ExportedImage } from './exported-images.ts';
import { createWriter } from './writers/index.ts';
import { canBeListed } from './writers/class-names.ts';
import { classFolders } from './writers/folders-writer.ts';
import { paintLabels } from './writers/masks-writer.ts';
import { isUnlabelled, type WriterTask } from './writers/writer.ts';

export interface ExportReportAsk {
  datasetId: DatasetId;
  format: ExportFormat;
  /** Which images; those of the whole data set where it restricts nothing. */
  filter: ImageFilter;
  /** Leaves out images that nobody labelled. */
  labelledOnly: boolean;
}

export interface ExportAsk extends ExportReportAsk {
  /** Must not exist yet, or be empty. */
  folder: string;
}

/** A request to stop gets its turn after so long. */
const TURN_MS = 20;

const isUnlabelledLost: readonly ExportFormat[] = ['coco'];
const hasOwnOrder: readonly ExportFormat[] = ['voc', 'labelme'];
const keepsNumbers: readonly ExportFormat[] = ['coco', 'masks-index', 'masks-palette', 'masks-colour'];

/** Throws FoveaError `not-found`. */
export async function reportExport(
  library: LibraryReader,
  ask: ExportReportAsk,
  tell: TellProgress,
): Promise<ExportReport> {
  const { datasetId, format } = ask;
  const { categories } = library.store.datasets.get(datasetId);
  const names = categories.map(({ name }) => name);
  const counts = new Map<Loss, number>();
  let [imageCount, labelCount, unlabelledCount, coveredCount, outsideCount] = [0, 0, 0, 0, 0];
  for await (const image of exportedImages(library, ask, categories)) {
    imageCount++;
    labelCount += image.labels.length;
    if (isUnlabelled(image)) unlabelledCount++;
    for (const label of image.labels) {
      for (const loss of lossesOf(label, format)) counts.set(loss, (counts.get(loss) ?? 0) + 1);
    }
    if (format.startsWith('masks-')) coveredCount += overlapping(image);
    if (format === 'image-folders' && !image.labels.some(({ shape }) => shape.kind === 'classification'))
      outsideCount++;
    tell({ done: imageCount });
  }
  const number = (count: number): string => count.toLocaleString('en');
  const losses = [...counts].map(([loss, count]) => lossWords(loss, count));
  const hasOwnNumbers = library.store.datasets.sourceIds(datasetId).some((id, place) => id !== null && id !== place);
  if (!keepsNumbers.includes(format) && hasOwnNumbers) {
    losses.push('Classes keep their order, but are numbered from 0 without gaps.');
  }
  if (isUnlabelledLost.includes(format) && unlabelledCount > 0) {
    losses.push(`Unlabelled images that cannot be told from images that show nothing: ${number(unlabelledCount)}.`);
  }
  if (coveredCount > 0) losses.push(`Labels that lose pixels to others that lie over them: ${number(coveredCount)}.`);
  if (outsideCount > 0) losses.push(`Images without a class, which are left out: ${number(outsideCount)}.`);
  if (hasOwnOrder.includes(format) && !canBeListed(names)) {
    losses.push('The order of the classes, because a name of theirs does not fit on one line.');
  }
  const changed = format === 'image-folders' ? classFolders(names).filter((folder, at) => folder !== names[at]) : [];
  if (changed.length > 0)
    losses.push(`Names of classes that no folder can have, and that are changed: ${number(changed.length)}.`);
  return { imageCount, labelCount, losses };
}

/** Labels of a mask image that lie under others. */
function overlapping(image: ExportedImage): number {
  return paintLabels(
    image,
    image.labels.map(({ category }) => category + 1),
    0,
  ).covered;
}

/** Rejects with what `tell` throws when it is to be stopped; nothing of the export then stays. */
export async function exportDataset(library: LibraryReader, ask: ExportAsk, tell: TellProgress): Promise<null> {
  const { datasetId, format, folder } = ask;
  await requireFree(folder);
  const root = partialFolder(folder);
  const { categories } = library.store.datasets.get(datasetId);
  const sourceIds = library.store.datasets.sourceIds(datasetId);
  const keypointCount = format === 'yolo-pose' ? await mostKeypoints(library, ask, categories) : 0;
  const task: WriterTask = { root, categories, sourceIds, keypointCount };
  const writer = createWriter(format, task);
  try {
    await rm(root, { recursive: true, force: true });
    await mkdir(root, { recursive: true });
    const total = exportedIds(library, ask).length;
    const place = placeImages();
    let done = 0;
    let turnMs = performance.now();
    for await (const image of exportedImages(library, ask, categories)) {
      const path = writer.imagePath(image);
      if (path !== null) await place(join(root, path), image);
      await writer.image(image);
      if (performance.now() - turnMs > TURN_MS) {
        await yieldToEventLoop();
        turnMs = performance.now();
      }
      tell({ step: `Writing ${image.name}`, done: ++done, total });
    }
    await writer.finish();
    tell({ step: 'Putting it in place' });
    await rmdir(folder).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error; // Somebody put something into it meanwhile.
    });
    await rename(root, folder);
    return null;
  } catch (error) {
    await writer.abandon();
    await rm(root, { recursive: true, force: true });
    throw fileError(error, 'write the export', folder);
  }
}

/** Takes away what an export that was ended from outside left behind. */
export async function discardPartialExport(folder: string): Promise<void> {
  await rm(partialFolder(folder), { recursive: true, force: true });
}

/** What a broken-off export leaves, and the next one into the same place clears away. */
function partialFolder(folder: string): string {
  return join(dirname(folder), `.${basename(folder)}.part`);
}

async function mostKeypoints(library: LibraryReader, ask: ExportAsk, categories: readonly Category[]): Promise<number> {
  let most = 0;
  for await (const { labels } of exportedImages(library, ask, categories)) {
    for (const { shape } of labels) if (shape.kind === 'keypoints') most = Math.max(most, shape.points.length);
  }
  return most;
}

async function requireFree(folder: string): Promise<void> {
  const inside = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError(error, 'look into the folder', folder);
  });
  if (inside.length === 0) return;
  throw new FoveaError('already-exists', `${folder} is not empty. Choose a new folder for the export.`, { folder });
}

/** Puts images into their places. Without waiting for each of many small files, which would take several times longer. */
function placeImages(): (path: string, image: ExportedImage) => Promise<void> {
  const made = new Set<string>();
  return async (path, { source }) => {
    const folder = dirname(path);
    if (!made.has(folder)) await mkdir(folder, { recursive: true });
    made.add(folder);
    if (source.kind === 'pack') return writeFile(path, await source.png());
    try {
      copyFileSync(source.path, path, constants.COPYFILE_FICLONE);
    } catch (error) {
      throw fileError(error, 'copy the image', source.path);
    }
  };
}
