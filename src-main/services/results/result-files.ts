/** The files of a run that its results are read from. What was read last is kept, because a view asks again and again. */
import { stat } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import type { TrainingData } from '../../engine/data/training-data.ts';
import { readTrainingData } from '../../engine/train/training-data-file.ts';
import { historyFiles } from '../../engine/train/epoch-history.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { systemCode } from '../file-errors.ts';

const filesKept = 3;
/** Measures are small, and who goes through a run's epochs comes back to them. */
export const measuredEpochsKept = 100;

/** Where results are read from: a run's folder, and the predictions of its last epoch or of a past one. */
export interface ResultPlace {
  folder: string;
  predictions: string;
}

/** `epoch`: a past one; null for the last. */
export const resultPlace = (folder: string, epoch: number | null = null): ResultPlace => ({
  folder,
  predictions: epoch === null ? runFiles.predictions(folder) : historyFiles.predictions(folder, epoch),
});

/** Values by file, read anew when the file changes. */
export class FileCache<T> {
  readonly #read: (file: string) => Promise<T>;
  /** By "<file>@<modification time>", the oldest first. */
  #kept = new Map<string, Promise<T>>();

  readonly #atMost: number;

  constructor(read: (file: string) => Promise<T>, atMost = filesKept) {
    this.#read = read;
    this.#atMost = atMost;
  }

  /** Throws what reading throws. */
  async get(file: string, modifiedMs: number): Promise<T> {
    const key = `${file}@${modifiedMs}`;
    const value = this.#kept.get(key) ?? this.#read(file);
    this.#kept.delete(key);
    this.#kept.set(key, value);
    for (const oldest of [...this.#kept.keys()].slice(0, -this.#atMost)) this.#kept.delete(oldest);
    try {
      return await value;
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }
}

/** When the run's predictions were made. Throws FoveaError `not-found` before the first evaluation. */
export async function predictionsModified(file: string): Promise<number> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw cause;
    throw new FoveaError(
      'not-found',
      'This run has made no predictions yet: they come after its first epoch.',
      { file },
      { cause },
    );
  }
}

/** data.json of runs: written once, before a run's turn. */
export class TrainingDataCache {
  readonly #files = new FileCache<TrainingData>(readTrainingData);

  /** Throws FoveaError `bad-input` where it is missing or contradicts itself. */
  async get(file: string): Promise<TrainingData> {
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: 0 }));
    return this.#files.get(file, mtimeMs);
  }
}
