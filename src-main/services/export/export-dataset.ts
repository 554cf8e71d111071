/**
 * Exports a data set: a report of what the format cannot hold, and the writing. Everything goes into a folder beside the
 * one that is asked for, which gets its name only when the last file is in, so that an export is there whole or not at
 * all. Runs in the worker.
 */
import { constants, copyFileSync, statSync } from 'node:fs';
import { mkdir, readdir, readlink, realpath, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import {
  imagesAreLabels,
  type ExportFormat,
  type ExportImages,
  type ExportReport,
} from '../../contract/model/dataset-export.ts';
import type { Category, ImageFilter } from '../../contract/model/dataset.ts';
import type { DatasetId } from '../../contract/model/ids.ts';
import { lossesOf, lossWords, type Loss } from '../../formats/export-loss.ts';
import { mirroredPairs } from '../../contract/model/mirrored-points.ts';
import { splitOfPath } from '../../formats/image-files.ts';
import type { ParsedSkeleton } from '../../formats/skeleton.ts';
import type { YoloPoints } from '../../formats/yolo.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import { fileError, systemCode } from '../file-errors.ts';
import { probeImage } from '../import/files/probe-image.ts';
import type { LibraryReader, TellProgress } from '../library/library-reader.ts';
import { poseLayout } from '../training-data/pose-layout.ts';
import { exportedImages, exportedIds, type ExportedImage } from './exported-images.ts';
import { ownPlaces, type NoPlace } from './image-places.ts';
import { labelPlaces } from './label-places.ts';
import { createWriter } from './writers/index.ts';
import { canBeListed } from './writers/class-names.ts';
import { classFolders } from './writers/folders-writer.ts';
import { paintLabels } from './writers/masks-writer.ts';
import { isUnlabelled, type ExportWriter, type PlacedImage, type WriterTask } from './writers/writer.ts';

export interface ExportReportAsk {
  datasetId: DatasetId;
  format: ExportFormat;
  /** Which images; those of the whole data set where it restricts nothing. */
  filter: ImageFilter;
  /** Leaves out images that nobody labelled. */
  labelledOnly: boolean;
  images: ExportImages;
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

/** Throws FoveaError `not-found`, or `unsupported` for labels alone in a format that has none. */
export async function reportExport(
  library: LibraryReader,
  ask: ExportReportAsk,
  tell: TellProgress,
): Promise<ExportReport> {
  const { datasetId, format, images } = ask;
  requireLabels(ask);
  const { categories } = library.store.datasets.get(datasetId);
  const names = categories.map(({ name }) => name);
  const counts = new Map<Loss, number>();
  const placeOf = images === 'none' ? ownPlaces(format) : null;
  const withoutPlace: Record<NoPlace, number> = { taken: 0, unlistable: 0 };
  let [imageCount, labelCount, unlabelledCount, coveredCount, outsideCount] = [0, 0, 0, 0, 0];
  let [packedCount, splitlessCount, missingCount, resizedCount] = [0, 0, 0, 0];
  for await (const image of exportedImages(library, ask, categories)) {
    const place = placeOf?.(image);
    if (typeof place === 'string') {
      withoutPlace[place]++;
      continue;
    }
    imageCount++;
    const state = await stateOf(image);
    if (state === 'packed') packedCount++;
    if (state === 'missing') missingCount++;
    if (state === 'resized') resizedCount++;
    if (place !== undefined && losesSplit(image, format)) splitlessCount++;
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
  if (withoutPlace.taken > 0) {
    const reason = 'whose file of labels another image of that name has, and that are left out';
    losses.push(`Images ${reason}: ${number(withoutPlace.taken)}.`);
  }
  if (withoutPlace.unlistable > 0) {
    losses.push(`Images with a line break in their path, which are left out: ${number(withoutPlace.unlistable)}.`);
  }
  if (splitlessCount > 0) {
    losses.push(`Images that lose their split, which only a folder could say: ${number(splitlessCount)}.`);
  }
  if (images === 'none' && packedCount > 0) {
    losses.push(`Images that are no files, so that labels alone do not say whose they are: ${number(packedCount)}.`);
  }
  if (images === 'copy' && missingCount > 0) {
    losses.push(`Images whose file is gone, so that they cannot be copied: ${number(missingCount)}.`);
  }
  if (resizedCount > 0) {
    const reason = 'since they were imported, while their labels are for the size before';
    losses.push(`Images whose size in pixels changed ${reason}: ${number(resizedCount)}.`);
  }
  losses.push(...skeletonLosses(format, skeletonsOf(library, datasetId, categories)));
  if (hasOwnOrder.includes(format) && !canBeListed(names)) {
    losses.push('The order of the classes, because a name of theirs does not fit on one line.');
  }
  const changed = format === 'image-folders' ? classFolders(names).filter((folder, at) => folder !== names[at]) : [];
  if (changed.length > 0)
    losses.push(`Names of classes that no folder can have, and that are changed: ${number(changed.length)}.`);
  return { imageCount, labelCount, losses };
}

/** Of the image's file, in pixels; it is looked into only where it has other bytes than it had. */
async function stateOf({
  source,
  widthPx,
  heightPx,
}: ExportedImage): Promise<'packed' | 'missing' | 'resized' | 'same'> {
  if (source.kind === 'pack') return 'packed';
  const sizeBytes = sizeOfFile(source.path);
  if (sizeBytes === null) return 'missing';
  if (sizeBytes === source.sizeBytes) return 'same';
  const facts = await probeImage(source.path).catch(() => null);
  return facts && (facts.widthPx !== widthPx || facts.heightPx !== heightPx) ? 'resized' : 'same';
}

/** In bytes; null where it cannot be looked at. Without waiting for each of very many files. */
function sizeOfFile(path: string): number | null {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size ?? null;
  } catch {
    return null;
  }
}

/** Of labels alone: where no list and no document names the split, it is what the image's own folders say. */
function losesSplit(image: ExportedImage, format: ExportFormat): boolean {
  const isNamed = format === 'cvat' ? !isUnlabelled(image) : format !== 'labelme' && !format.startsWith('masks-');
  return !isNamed && image.split !== (splitOfPath(image.ownPath) ?? 'train');
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
  const { datasetId, format, images } = ask;
  requireLabels(ask);
  const folder = await exportPlace(ask.folder);
  const root = partialFolder(folder);
  const { categories } = library.store.datasets.get(datasetId);
  const sourceIds = library.store.datasets.sourceIds(datasetId);
  const skeletons = skeletonsOf(library, datasetId, categories);
  const points = format === 'yolo-pose' ? await pointsOf(library, ask, categories, skeletons) : null;
  const task: WriterTask = { root, categories, sourceIds, skeletons, points, images };
  const writer = createWriter(format, task);
  await clearPartial(root);
  try {
    await mkdir(root, { recursive: true });
    await writeFile(join(root, PARTIAL_MARK), '');
    const total = exportedIds(library, ask).length;
    const copy = copyImages(root);
    const placeOf = images === 'none' ? ownPlaces(format) : copyPlaces(format, writer);
    let done = 0;
    let turnMs = performance.now();
    for await (const image of exportedImages(library, ask, categories)) {
      const place = placeOf(image);
      if (typeof place === 'object' && place !== null) {
        if (images === 'copy') await copy(place.path, image);
        await writer.image({ ...image, ...place });
      }
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
    await rm(join(folder, PARTIAL_MARK), { force: true });
    return null;
  } catch (error) {
    await writer.abandon();
    await rm(root, { recursive: true, force: true });
    throw fileError(error, 'write the export', folder);
  }
}

/** Takes away what an export that was ended from outside left behind, and nothing else. */
export async function discardPartialExport(folder: string): Promise<void> {
  const root = partialFolder(folder);
  const inside = await readdir(root).catch((): string[] => []);
  if (inside.includes(PARTIAL_MARK)) await rm(root, { recursive: true, force: true });
}

/** Is in a folder that an export writes, from its first file to its last. */
const PARTIAL_MARK = '.fovea-export';

/** Throws FoveaError `already-exists` where somebody else’s files have the name. */
async function clearPartial(root: string): Promise<void> {
  const inside = await readdir(root).catch((error: unknown): string[] => {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError(error, 'look into the folder', root);
  });
  if (inside.length > 0 && !inside.includes(PARTIAL_MARK)) {
    const message = `${root} is in the way: an export is written there first, and what is in it is not an export’s. Move it, or choose another folder.`;
    throw new FoveaError('already-exists', message, { folder: root });
  }
  await rm(root, { recursive: true, force: true });
}

/** What a broken-off export leaves, and the next one into the same place clears away. */
function partialFolder(folder: string): string {
  return join(dirname(folder), `.${basename(folder)}.part`);
}

/** In the order of the classes. */
function skeletonsOf(
  { store }: LibraryReader,
  datasetId: DatasetId,
  categories: readonly Category[],
): (ParsedSkeleton | null)[] {
  const known = new Map(store.datasets.skeletons(datasetId).map((skeleton) => [skeleton.categoryId, skeleton]));
  return categories.map(({ categoryId }) => known.get(categoryId) ?? null);
}

/** As many as the object or the skeleton with the most has; null without any. */
async function pointsOf(
  library: LibraryReader,
  ask: ExportAsk,
  categories: readonly Category[],
  skeletons: readonly (ParsedSkeleton | null)[],
): Promise<YoloPoints | null> {
  let count = Math.max(0, ...skeletons.map((skeleton) => skeleton?.points.length ?? 0));
  for await (const { labels } of exportedImages(library, ask, categories)) {
    for (const { shape } of labels) if (shape.kind === 'keypoints') count = Math.max(count, shape.points.length);
  }
  if (count === 0) return null;
  const mirrored = poseLayout(library.store, ask.datasetId)?.mirrored ?? null;
  return {
    count,
    mirrored: mirrored && Array.from({ length: count }, (_, place) => mirrored[place] ?? place),
    names: skeletons.map((skeleton) => skeleton?.points ?? null),
  };
}

/** Of skeletons, what the format has no place for. */
function skeletonLosses(format: ExportFormat, skeletons: readonly (ParsedSkeleton | null)[]): string[] {
  const all = skeletons.filter((skeleton) => skeleton !== null);
  const most = Math.max(0, ...all.map(({ points }) => points.length));
  const named = all.filter(({ points }) => format !== 'coco' && !(format === 'yolo-pose' && points.length === most));
  const lined = all.filter(({ edges }) => edges.length > 0 && format !== 'coco');
  const paired = all.filter(
    ({ points, flipPairs = [] }) =>
      format === 'coco' && JSON.stringify(flipPairs) !== JSON.stringify(mirroredPairs(points)),
  );
  const words = (losing: readonly unknown[], what: string): string[] =>
    losing.length === 0 ? [] : [`Skeletons that lose ${what}: ${losing.length.toLocaleString('en')}.`];
  return [
    ...words(named, 'the names of their points'),
    ...words(lined, 'the lines between their points'),
    ...words(paired, 'which points change places in a mirrored image, because the names do not say it'),
  ];
}

/**
 * Where an export into the folder goes: the folder itself, or where a link of that name leads. Throws FoveaError
 * `already-exists` where a file or a full folder is there, `not-found` for a link that leads nowhere.
 */
export async function exportPlace(folder: string): Promise<string> {
  const target = await readlink(folder).catch(() => null);
  const place = target === null ? folder : await realpath(folder).catch(() => null);
  if (place === null) {
    const message = `${folder} is a link to ${target}, which does not exist. Choose a new folder for the export.`;
    throw new FoveaError('not-found', message, { folder });
  }
  const inside = await readdir(place).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    if (systemCode(error) !== 'ENOTDIR') throw fileError(error, 'look into the folder', folder);
    const message = `${folder} is a file, or lies below one. Choose a new folder for the export.`;
    throw new FoveaError('already-exists', message, { folder });
  });
  if (inside.length === 0) return place;
  throw new FoveaError('already-exists', `${folder} is not empty. Choose a new folder for the export.`, { folder });
}

function requireLabels({ format, images }: Pick<ExportReportAsk, 'format' | 'images'>): void {
  if (images === 'copy' || !imagesAreLabels.includes(format)) return;
  const reason = `Labels alone cannot be written as ${format}, where they are folders that the images lie in.`;
  throw new FoveaError('unsupported', `${reason} Choose copies of the images, or another format.`, { format });
}

/** Null where the format has no place for the image. */
function copyPlaces(
  format: ExportFormat,
  writer: ExportWriter,
): (image: ExportedImage) => Pick<PlacedImage, 'path' | 'labelPath'> | null {
  return (image) => {
    const path = writer.copyPath(image);
    return path === null ? null : { path, labelPath: labelPlaces[format]?.(path) ?? null };
  };
}

/** Puts images into their places. Without waiting for each of many small files, which would take several times longer. */
function copyImages(root: string): (path: string, image: ExportedImage) => Promise<void> {
  const made = new Set<string>();
  return async (place, { source }) => {
    const path = join(root, place);
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
