/**
 * Puts what the import worker finds into the store, a few rows a transaction, while the worker reads on. Tells how far
 * reading and storing are together.
 */
import { rm } from 'node:fs/promises';
import { invariant } from '../../contract/errors.ts';
import type { CategoryId, DatasetId } from '../../contract/model/ids.ts';
import type { Pack } from '../../store/dataset-repository.ts';
import type { ProjectStore } from '../../store/project-store.ts';
import type { StagedFile } from '../../store/staged-images.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { JobProgress } from '../jobs.ts';
import type { ImportMessage, RowBlock } from './messages.ts';

const IMAGES_PER_TRANSACTION = 250;
/** 44 MB, before the store's last resort of 64 MB. */
const PAGES_BEFORE_A_CHECKPOINT = 11_000;

export class RowWriter {
  #store: ProjectStore;
  #datasetId: DatasetId;
  #report: (progress: JobProgress) => void;
  #checkpoint: () => Promise<void>;
  #packs = new Map<string, Pack>();
  #categoryIds: readonly CategoryId[] = [];
  #writing: Promise<void> = Promise.resolve();
  #failure: { error: unknown } | null = null;
  #abandoned = false;
  #complete = false;
  /** Images that the worker sent. */
  #expected = 0;
  #read = { done: 0, total: null as number | null, step: '' };
  #stored = 0;

  /** `checkpoint` moves the write-ahead log into the database, beside the main process. */
  constructor(
    store: ProjectStore,
    datasetId: DatasetId,
    report: (progress: JobProgress) => void,
    checkpoint: () => Promise<void>,
  ) {
    this.#checkpoint = checkpoint;
    this.#store = store;
    this.#datasetId = datasetId;
    this.#report = report;
  }

  take(message: ImportMessage): void {
    const { datasets } = this.#store;
    if (this.#failure) throw this.#failure.error;
    switch (message.kind) {
      case 'progress':
        this.#read = message;
        this.#tell();
        break;
      case 'categories':
        this.#categoryIds = datasets.addCategories(this.#datasetId, message.categories);
        break;
      case 'pack':
        this.#packs.set(message.pack.file, {
          ...message.pack,
          packId: datasets.addPack(this.#datasetId, message.pack),
        });
        break;
      case 'rows':
        this.#queue(message.rows.labels.length, () => this.#write(message.rows));
        break;
      case 'root':
        datasets.setImageRoot(this.#datasetId, message.folder);
        break;
      case 'staged':
        this.#queue(message.images, () => this.#copyStaged(message));
        break;
      case 'complete':
        this.#complete = true;
        break;
      case 'report':
      case 'weights':
      case 'part':
      case 'answer':
        invariant(false, `an import worker sent “${message.kind}” to the row writer`);
    }
  }

  /** Waits for the last row. Throws what went wrong on the way, or the signal's reason. */
  async finish(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => void this.abandon();
    signal.addEventListener('abort', onAbort, { once: true });
    await this.#writing;
    signal.removeEventListener('abort', onAbort);
    signal.throwIfAborted();
    if (this.#failure) throw this.#failure.error;
    invariant(this.#complete && this.#stored === this.#expected, 'an import ended before all of its rows came');
  }

  /** Writes no more; resolves when the transaction in progress has ended. */
  async abandon(): Promise<void> {
    this.#abandoned = true;
    await this.#writing;
  }

  #queue(count: number, write: () => Promise<void>): void {
    this.#expected += count;
    this.#writing = this.#writing.then(write).catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }

  /** Lets others have their turn, and waits where a commit would soon have to empty a long log itself. */
  async #makeRoom(): Promise<void> {
    if (this.#store.pagesToCheckpoint() >= PAGES_BEFORE_A_CHECKPOINT) await this.#checkpoint();
    await yieldToEventLoop();
  }

  async #copyStaged(staged: StagedFile): Promise<void> {
    const copying = this.#store.stagedImages.copy(staged, this.#datasetId, this.#categoryIds);
    while (!this.#abandoned) {
      const { done, value } = copying.next();
      if (done) break;
      this.#stored += value;
      this.#tell();
      await this.#makeRoom();
    }
    await rm(staged.file, { force: true });
  }

  async #write(rows: RowBlock): Promise<void> {
    const pack = this.#packs.get(rows.pack);
    invariant(pack, 'rows came before their pack', { pack: rows.pack });
    const { packId, channels, heightPx, widthPx } = pack;
    const { split, sourceFile, tags } = rows;
    for (let done = 0; done < rows.labels.length && !this.#abandoned; done += IMAGES_PER_TRANSACTION) {
      const labels = rows.labels.subarray(done, done + IMAGES_PER_TRANSACTION);
      this.#store.images.insert({
        datasetId: this.#datasetId,
        split,
        packId,
        firstRow: rows.firstRow + done,
        channels,
        heightPx,
        widthPx,
        sourceFile,
        firstNumber: rows.firstNumber + done,
        labels,
        categoryIds: this.#categoryIds,
        ...(tags === undefined ? {} : { tags: { ...tags, of: tags.of.subarray(done, done + IMAGES_PER_TRANSACTION) } }),
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
    this.#report({
      step: isRead ? 'Storing the rows' : step,
      done: Math.floor((done + this.#stored) / 2),
      total,
      unit: 'images',
    });
  }
}
