/**
 * Writes what a reader finds into pack files and sends the rows to the store's owner. Packs have a temporary name until
 * `complete`, which makes them durable and gives them their own. Rows leave in the order of the data set, whatever order
 * the source has. Any failure ends the import.
 */
import { open, rename, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { invariant } from '../../contract/errors.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { PackFacts } from '../../store/dataset-repository.ts';
import { fileError } from '../file-errors.ts';
import type { DatasetSink, LabelledPart, SplitFacts } from './dataset-sink.ts';
import type { ImportMessage } from './messages.ts';
import { ReadProgress } from './read-progress.ts';

/** A training process reads a pack into one buffer. */
const MAX_PACK_BYTES = 1_000_000_000;
const TEMPORARY_SUFFIX = '.part';

interface OpenPack extends PackFacts {
  /** Row of the split that is the pack's first. */
  firstRow: number;
  handle: FileHandle;
}

interface SplitState {
  imageBytes: number;
  rowsPerPack: number;
  packs: OpenPack[];
  /** Rows whose labels were sent. */
  sent: number;
  count: number;
}

export class PackSink implements DatasetSink {
  #folder: string;
  #prefix: string;
  #post: (message: ImportMessage) => void;
  #progress: ReadProgress;
  #maxPackBytes: number;
  #order: readonly Split[] = [];
  #splits = new Map<Split, SplitState>();
  #waiting: LabelledPart[] = [];
  #categoriesSent = false;

  constructor(folder: string, prefix: string, post: (message: ImportMessage) => void, maxPackBytes = MAX_PACK_BYTES) {
    this.#folder = folder;
    this.#prefix = prefix;
    this.#post = post;
    this.#progress = new ReadProgress(post);
    this.#maxPackBytes = maxPackBytes;
  }

  begin(splits: readonly Split[]): void {
    this.#order = splits;
  }

  categories(names: readonly string[]): void {
    if (this.#categoriesSent) return;
    this.#categoriesSent = true;
    this.#post({ kind: 'categories', categories: [...names] });
    this.#sendRows();
  }

  async split({ split, count, channels, heightPx, widthPx }: SplitFacts): Promise<void> {
    const imageBytes = channels * heightPx * widthPx;
    const rowsPerPack = Math.max(1, Math.floor(this.#maxPackBytes / imageBytes));
    const packs: OpenPack[] = [];
    this.#splits.set(split, { imageBytes, rowsPerPack, packs, sent: 0, count });
    for (let firstRow = 0; firstRow < count; firstRow += rowsPerPack) {
      const number = packs.length === 0 ? '' : `-${packs.length + 1}`;
      const facts = {
        file: `${this.#prefix}${split}${number}.u8`,
        count: Math.min(rowsPerPack, count - firstRow),
        channels,
        heightPx,
        widthPx,
      };
      const file = this.#temporary(facts.file);
      const handle = await open(file, 'w').catch((error: unknown) => {
        throw fileError(error, 'write the images', file);
      });
      packs.push({ ...facts, firstRow, handle });
      this.#post({ kind: 'pack', pack: facts });
    }
    this.#progress.expect(count);
  }

  async pixels(split: Split, row: number, sourceFile: string, pixels: Uint8Array): Promise<void> {
    const { imageBytes, packs, rowsPerPack } = this.#state(split);
    const count = pixels.length / imageBytes;
    for (let done = 0; done < count;) {
      const pack = packs[Math.floor((row + done) / rowsPerPack)];
      invariant(pack, 'an image is beyond the end of its split', { split, row: row + done });
      const rowInPack = row + done - pack.firstRow;
      const fitting = Math.min(count - done, pack.count - rowInPack);
      await this.#write(
        pack,
        rowInPack * imageBytes,
        pixels.subarray(done * imageBytes, (done + fitting) * imageBytes),
      );
      done += fitting;
    }
    this.#progress.read(count, sourceFile);
  }

  labels(part: LabelledPart): void {
    this.#waiting.push(part);
    this.#sendRows();
  }

  failure(_source: string, error: unknown): void {
    throw error;
  }

  /** Makes the packs durable under their own names. */
  async complete(): Promise<void> {
    for (const [split, { sent, count }] of this.#splits) {
      invariant(sent === count, 'an import ended before all of its rows came', { split, sent, count });
    }
    for (const pack of this.#packs()) {
      const temporary = this.#temporary(pack.file);
      try {
        await pack.handle.sync();
        await pack.handle.close();
        await rename(temporary, join(this.#folder, pack.file));
      } catch (error) {
        throw fileError(error, 'write the images', temporary);
      }
    }
    await syncFolder(this.#folder);
  }

  /** Closes what `complete` did not reach; the files are the owner's to remove. */
  async close(): Promise<void> {
    for (const pack of this.#packs()) await pack.handle.close().catch(() => undefined);
  }

  #packs(): OpenPack[] {
    return [...this.#splits.values()].flatMap((state) => state.packs);
  }

  #state(split: Split): SplitState {
    const state = this.#splits.get(split);
    invariant(state, 'pixels came before their split was announced', { split });
    return state;
  }

  async #write(pack: OpenPack, position: number, bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await pack.handle.write(bytes, done, bytes.length - done, position + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw fileError(error, 'write the images', this.#temporary(pack.file));
    }
  }

  /** Sends every waiting part whose turn has come. */
  #sendRows(): void {
    if (!this.#categoriesSent) return;
    for (const split of this.#order) {
      const state = this.#splits.get(split);
      if (!state) return;
      for (let part = this.#takeNext(split, state.sent); part; part = this.#takeNext(split, state.sent)) {
        this.#sendPart(part, state);
        state.sent += part.labels.length;
      }
      if (state.sent < state.count) return;
    }
  }

  #takeNext(split: Split, row: number): LabelledPart | null {
    const index = this.#waiting.findIndex((part) => part.split === split && part.firstRow === row);
    return index < 0 ? null : (this.#waiting.splice(index, 1)[0] ?? null);
  }

  #sendPart({ split, sourceFile, firstRow, labels, tags }: LabelledPart, state: SplitState): void {
    for (let done = 0; done < labels.length;) {
      const pack = state.packs[Math.floor((firstRow + done) / state.rowsPerPack)];
      invariant(pack, 'a label is beyond the end of its split', { split, row: firstRow + done });
      const rowInPack = firstRow + done - pack.firstRow;
      const fitting = Math.min(labels.length - done, pack.count - rowInPack);
      const rows = {
        split,
        pack: pack.file,
        firstRow: rowInPack,
        sourceFile,
        firstNumber: done,
        labels: labels.slice(done, done + fitting),
        ...(tags === undefined ? {} : { tags: { ...tags, of: tags.of.slice(done, done + fitting) } }),
      };
      this.#post({ kind: 'rows', rows });
      done += fitting;
    }
  }

  #temporary(file: string): string {
    return join(this.#folder, `${basename(file)}${TEMPORARY_SUFFIX}`);
  }
}

/** Makes renames durable; Windows journals them by itself and cannot sync a folder. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
