/**
 * Imports a folder or an archive into a project. The worker reads, checks and writes packs; here the rows go into the
 * store in short transactions, into a data set that nobody sees until everything is right. Whatever goes wrong, and
 * whenever it is cancelled, nothing of it stays.
 */
import { mkdir } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { isFileFormat, type Dataset, type DatasetFormat } from '../../contract/model/dataset.ts';
import { explainSqliteError } from '../../store/sqlite-errors.ts';
import { checkpointAside } from '../checkpoints.ts';
import { copiedFilesFolder, discardDataset, packPrefix, packsFolder } from '../datasets/discard-dataset.ts';
import { fileError } from '../file-errors.ts';
import type { JobProgress } from '../jobs.ts';
import type { OpenProject } from '../open-projects.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { RowWriter } from './row-writer.ts';
import { runImportWorker } from './run-worker.ts';
import { isArchiveName } from './unpack.ts';

export interface ImportOptions {
  path: string;
  format: DatasetFormat;
  /** Which of the places that hold labels is meant; null for the first. */
  labelSource: string | null;
  name: string;
  /** Copies image files into the project; otherwise they are referenced where they are. */
  copyFiles: boolean;
  /** Where the data came from, in words for the person: the path, or the address it was downloaded from. */
  source: string;
}

/** Rejects with the signal's reason after a cancel, else with the FoveaError of what is wrong. */
export async function importDataset(
  opened: OpenProject,
  options: ImportOptions,
  workers: WorkerPool,
  report: (progress: JobProgress) => void,
  signal: AbortSignal,
): Promise<Dataset> {
  const { datasets } = opened.store;
  const { name, format, source } = options;
  const packs = packsFolder(opened.folder);
  await mkdir(packs, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, 'make the folder for images', packs);
  });
  const datasetId = datasets.begin({ name, format, source, createdAt: new Date().toISOString() });
  const file = opened.store.database.name;
  const checkpoint = (): Promise<void> => checkpointAside(workers, file, signal);
  const rows = new RowWriter(opened.store, datasetId, report, checkpoint);
  // What is in an archive has no file of its own that could be referenced, and what is in the project goes with something else.
  const mustCopy = isArchiveName(options.path) || isBelow(opened.folder, options.path);
  const copies = isFileFormat(format) && (options.copyFiles || mustCopy);
  try {
    if (copies) datasets.setImageRoot(datasetId, copiedFilesFolder(datasetId));
    const task = {
      kind: 'import',
      path: options.path,
      format,
      labelSource: options.labelSource,
      packsFolder: packs,
      packPrefix: packPrefix(datasetId),
      copyTo: copies ? join(opened.folder, copiedFilesFolder(datasetId)) : null,
    } as const;
    await runImportWorker(workers, task, signal, (message) => rows.take(message));
    await rows.finish(signal);
    // The rows reach the disk here, in another process, so that the one durable commit that follows has little to wait for.
    await checkpoint();
    return datasets.publish(datasetId);
  } catch (error) {
    await rows.abandon();
    // What cannot be taken away now is invisible, and goes when the project is opened next.
    await discardDataset(opened, datasetId).catch(() => undefined);
    throw explainSqliteError(file, error);
  }
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, resolve(path));
  return !way.startsWith('..') && !isAbsolute(way);
}
