/**
 * Imports a folder or an archive into a project. The worker reads, checks and writes packs; here the rows go into the
 * store in short transactions, into a data set that nobody sees until everything is right. Whatever goes wrong, and
 * whenever it is cancelled, nothing of it stays.
 */
import { mkdir } from 'node:fs/promises';
import { invariant } from '../../contract/errors.ts';
import type { Dataset, DatasetFormat } from '../../contract/model/dataset.ts';
import type { CategoryId, DatasetId } from '../../contract/model/ids.ts';
import type { Pack } from '../../store/dataset-repository.ts';
import { discardDataset, packPrefix, packsFolder } from '../datasets/discard-dataset.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import { fileError } from '../file-errors.ts';
import type { JobProgress } from '../jobs.ts';
import type { OpenProject } from '../open-projects.ts';
import type { ImportMessage, RowBlock } from './messages.ts';
import { runImportWorker } from './run-worker.ts';

export interface ImportOptions {
  path: string;
  format: DatasetFormat;
  name: string;
  /** Where the data came from, in words for the person: the path, or the address it was downloaded from. */
  source: string;
}

const IMAGES_PER_TRANSACTION = 250;

/** Rejects with the signal's reason after a cancel, else with the FoveaError of what is wrong. */
export async function importDataset(
  opened: OpenProject,
  options: ImportOptions,
  worker: URL,
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
  try {
    const rows = new RowWriter(opened, datasetId, report, signal);
    const task = { kind: 'import', path: options.path, format, packsFolder: packs, packPrefix: packPrefix(datasetId) } as const;
    await runImportWorker(worker, task, signal, (message) => rows.take(message));
    await rows.finish();
    return datasets.publish(datasetId);
  } catch (error) {
    await discardDataset(opened, datasetId);
    throw error;
  }
}

/** Puts the worker's findings into the store, a few rows at a time, while the worker reads on. */
class RowWriter {
  #opened: OpenProject;
  #datasetId: DatasetId;
  #report: (progress: JobProgress) => void;
  #signal: AbortSignal;
  #packs = new Map<string, Pack>();
  #categoryIds: readonly CategoryId[] = [];
  #writing: Promise<void> = Promise.resolve();
  #failure: { error: unknown } | null = null;
  #complete = false;
  #read = { done: 0, total: null as number | null, step: '' };
  #stored = 0;

  constructor(opened: OpenProject, datasetId: DatasetId, report: (progress: JobProgress) => void, signal: AbortSignal) {
    this.#opened = opened;
    this.#datasetId = datasetId;
    this.#report = report;
    this.#signal = signal;
  }

  take(message: ImportMessage): void {
    const { datasets } = this.#opened.store;
    if (this.#failure) throw this.#failure.error;
    switch (message.kind) {
      case 'progress':
        this.#read = message;
        this.#tell();
        break;
      case 'categories':
        this.#categoryIds = datasets.addCategories(this.#datasetId, message.names);
        break;
      case 'pack':
        this.#packs.set(message.pack.file, { ...message.pack, packId: datasets.addPack(this.#datasetId, message.pack) });
        break;
      case 'rows':
        this.#writing = this.#writing.then(() => this.#write(message.rows)).catch((error: unknown) => {
          this.#failure ??= { error };
        });
        break;
      case 'complete':
        this.#complete = true;
        break;
      case 'report':
      case 'failed':
        invariant(false, `an import worker sent “${message.kind}” to the row writer`);
    }
  }

  /** Waits for the last row. Throws what went wrong on the way. */
  async finish(): Promise<void> {
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
    invariant(this.#complete && this.#stored === this.#read.total, 'an import ended before all of its rows came');
  }

  async #write(rows: RowBlock): Promise<void> {
    const pack = this.#packs.get(rows.pack);
    invariant(pack, 'rows came before their pack', { pack: rows.pack });
    const { packId, channels, heightPx, widthPx } = pack;
    const { split, sourceFile } = rows;
    for (let done = 0; done < rows.labels.length; done += IMAGES_PER_TRANSACTION) {
      this.#signal.throwIfAborted();
      const labels = rows.labels.subarray(done, done + IMAGES_PER_TRANSACTION);
      this.#opened.store.images.insert({
        ...{ datasetId: this.#datasetId, split, packId, channels, heightPx, widthPx, sourceFile, labels },
        firstRow: rows.firstRow + done,
        firstNumber: rows.firstNumber + done,
        categoryIds: this.#categoryIds,
      });
      this.#stored += labels.length;
      this.#tell();
      await yieldToEventLoop();
    }
  }

  /** An image counts half when it is read and whole when its row is stored. */
  #tell(): void {
    const { done, total, step } = this.#read;
    const isRead = total !== null && done === total;
    this.#report({ step: isRead ? 'Storing the rows' : step, done: Math.floor((done + this.#stored) / 2), total, unit: 'images' });
  }
}
