/**
 * Exports a data set: a report of what the format cannot hold, and the writing. Everything goes into a folder beside the
 * one that is asked for, which gets its name only when the last file is in, so that an export is there whole or not at
 * all.
 */
import {
  constants,
  copyFile,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { ExportFormat, ExportReport } from '../../contract/model/dataset-export.ts';
import type { Category, Split } from '../../contract/model/dataset.ts';
import type { DatasetId } from '../../contract/model/ids.ts';
import { cocoAnnotation } from '../../formats/coco.ts';
import { lossesOf, lossWords, type Loss } from '../../formats/export-loss.ts';
import { stemOf } from '../../formats/image-files.ts';
import { serialiseYoloConfig, serialiseYoloLabels } from '../../formats/yolo.ts';
import { fileError, systemCode } from '../file-errors.ts';
import type { JobProgress } from '../jobs.ts';
import type { OpenProject } from '../open-projects.ts';
import { exportedImages, type ExportedImage } from './exported-images.ts';

/** Throws FoveaError `not-found`, or `unsupported` for a data set in packs. */
export async function reportExport(
  opened: OpenProject,
  datasetId: DatasetId,
  format: ExportFormat,
): Promise<ExportReport> {
  const { categories } = opened.store.datasets.get(datasetId);
  const counts = new Map<Loss, number>();
  let [imageCount, labelCount, unlabelledCount] = [0, 0, 0];
  for await (const { labels, review } of exportedImages(opened, datasetId, categories)) {
    imageCount++;
    labelCount += labels.length;
    if (isUnlabelled({ labels, review })) unlabelledCount++;
    for (const label of labels)
      for (const loss of lossesOf(label, format)) counts.set(loss, (counts.get(loss) ?? 0) + 1);
  }
  const losses = [...counts].map(([loss, count]) => lossWords(loss, count));
  const hasOwnNumbers = opened.store.datasets.sourceIds(datasetId).some((id, place) => id !== null && id !== place);
  if (format !== 'coco' && hasOwnNumbers) {
    losses.push('Classes keep their order, but are numbered from 0 without gaps.');
  }
  if (format === 'coco' && unlabelledCount > 0) {
    losses.push(
      `Unlabelled images that cannot be told from images that show nothing: ${unlabelledCount.toLocaleString('en')}.`,
    );
  }
  return { imageCount, labelCount, losses };
}

function isUnlabelled({ labels, review }: Pick<ExportedImage, 'labels' | 'review'>): boolean {
  return labels.length === 0 && review === 'to-do';
}

/** Rejects with the signal's reason after a cancel; nothing of the export then stays. */
export async function exportDataset(
  opened: OpenProject,
  options: { datasetId: DatasetId; format: ExportFormat; folder: string },
  report: (progress: JobProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const { datasetId, format, folder } = options;
  const { categories, splitCounts } = opened.store.datasets.get(datasetId);
  await requireFree(folder);
  const partial = join(dirname(folder), `.${basename(folder)}.part-${process.pid}`);
  const total = splitCounts.train + splitCounts.val + splitCounts.test;
  const writer =
    format === 'coco'
      ? new CocoWriter(partial, opened, datasetId, categories)
      : new YoloWriter(partial, format, categories);
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    let done = 0;
    for await (const image of exportedImages(opened, datasetId, categories)) {
      signal.throwIfAborted();
      await copyImage(partial, image);
      await writer.image(image);
      report({ step: `Writing ${image.name}`, done: ++done, total });
    }
    await writer.finish();
    signal.throwIfAborted();
    await rmdir(folder).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error; // Somebody put something into it meanwhile.
    });
    await rename(partial, folder);
  } catch (error) {
    await writer.abandon();
    await rm(partial, { recursive: true, force: true });
    throw signal.aborted ? error : fileError(error, 'write the export', folder);
  }
}

async function requireFree(folder: string): Promise<void> {
  const inside = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError(error, 'look into the folder', folder);
  });
  if (inside.length === 0) return;
  throw new FoveaError('already-exists', `${folder} is not empty. Choose a new folder for the export.`, { folder });
}

async function copyImage(root: string, { split, name, file }: ExportedImage): Promise<void> {
  const folder = join(root, 'images', split);
  await mkdir(folder, { recursive: true });
  await copyFile(file, join(folder, name), constants.COPYFILE_FICLONE).catch((error: unknown) => {
    throw fileError(error, 'copy the image', file);
  });
}

interface ExportWriter {
  image(image: ExportedImage): Promise<void>;
  finish(): Promise<void>;
  /** Closes what is open. */
  abandon(): Promise<void>;
}

class YoloWriter implements ExportWriter {
  #root: string;
  #task: 'detect' | 'segment';
  #categories: readonly Category[];
  #splits = new Set<Split>();

  constructor(root: string, format: 'yolo-detect' | 'yolo-segment', categories: readonly Category[]) {
    this.#root = root;
    this.#task = format === 'yolo-detect' ? 'detect' : 'segment';
    this.#categories = categories;
  }

  async image(image: ExportedImage): Promise<void> {
    this.#splits.add(image.split);
    if (isUnlabelled(image)) return;
    const folder = join(this.#root, 'labels', image.split);
    await mkdir(folder, { recursive: true });
    const text = serialiseYoloLabels(image.labels, this.#task, image);
    await writeFile(join(folder, `${stemOf(image.name)}.txt`), text);
  }

  async finish(): Promise<void> {
    const names = this.#categories.map(({ name }) => name);
    const places = Object.fromEntries([...this.#splits].map((split) => [split, `images/${split}`]));
    await writeFile(join(this.#root, 'data.yaml'), serialiseYoloConfig(names, places));
  }

  async abandon(): Promise<void> {}
}

/** One JSON file a split; its annotations are kept in a file of their own until the images are all in. */
class CocoWriter implements ExportWriter {
  #root: string;
  #categories: { id: number; name: string; supercategory: string }[];
  #files = new Map<Split, { json: FileHandle; labels: FileHandle; images: number }>();
  #nextId = 1;

  constructor(root: string, { store }: OpenProject, datasetId: DatasetId, categories: readonly Category[]) {
    this.#root = root;
    const sourceIds = store.datasets.sourceIds(datasetId);
    const ownNumbers = sourceIds.every((id) => id !== null);
    this.#categories = categories.map(({ name, ordinal }) => ({
      id: ownNumbers ? (sourceIds[ordinal] ?? ordinal) : ordinal + 1,
      name,
      supercategory: '',
    }));
  }

  async image({ imageId, split, name, widthPx, heightPx, labels }: ExportedImage): Promise<void> {
    const files = this.#files.get(split) ?? (await this.#open(split));
    const row = { id: imageId, file_name: name, width: widthPx, height: heightPx };
    await files.json.write(`${files.images++ === 0 ? '' : ',\n'}${JSON.stringify(row)}`);
    const rows = labels.flatMap((label) => {
      const ids = { id: this.#nextId, imageId, categoryId: this.#categories[label.category]?.id ?? 0 };
      const fields = cocoAnnotation(label, ids, { widthPx, heightPx });
      if (fields === null) return [];
      this.#nextId++;
      return [`${JSON.stringify(fields)},\n`];
    });
    await files.labels.write(rows.join(''));
  }

  async finish(): Promise<void> {
    for (const [split, { json, labels }] of this.#files) {
      await json.write('\n],"annotations":[\n');
      await labels.sync();
      await this.#append(json, this.#labelFile(split));
      await json.write(`\n],"categories":${JSON.stringify(this.#categories)}}\n`);
      await json.sync();
    }
    await this.abandon();
    for (const split of this.#files.keys()) await rm(this.#labelFile(split));
  }

  async abandon(): Promise<void> {
    for (const { json, labels } of this.#files.values()) {
      await json.close().catch(() => undefined);
      await labels.close().catch(() => undefined);
    }
  }

  async #open(split: Split) {
    const folder = join(this.#root, 'annotations');
    await mkdir(folder, { recursive: true });
    const json = await open(join(folder, `instances_${split}.json`), 'w');
    const labels = await open(this.#labelFile(split), 'w');
    const files = { json, labels, images: 0 };
    this.#files.set(split, files);
    await json.write('{"info":{},"licenses":[],"images":[\n');
    return files;
  }

  /** Without the comma after the last element. */
  async #append(json: FileHandle, file: string): Promise<void> {
    const source = await open(file, 'r');
    try {
      const { size } = await source.stat();
      const end = Math.max(0, size - 2);
      if (end > 0)
        for await (const chunk of source.createReadStream({ end: end - 1, autoClose: false }))
          await json.write(chunk as Buffer);
    } finally {
      await source.close();
    }
  }

  #labelFile(split: Split): string {
    return join(this.#root, 'annotations', `.labels_${split}`);
  }
}
