/**
 * What weights files hold, read in a worker process and remembered until a file changes: a plan is checked at every change
 * of a setting, and hashing half a gigabyte takes seconds.
 */
import { stat } from 'node:fs/promises';
import { FoveaError, invariant } from '../../contract/errors.ts';
import type { WeightsListing } from '../../contract/model/weights.ts';
import { runImportWorker } from '../import/run-worker.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';

interface Remembered {
  stamp: string;
  listing: Promise<WeightsListing>;
}

const mostRemembered = 50;

export class WeightsIndex {
  readonly #workers: WorkerPool;
  readonly #remembered = new Map<string, Remembered>();

  constructor(workers: WorkerPool) {
    this.#workers = workers;
  }

  /** Throws FoveaError: see `openWeights`. */
  async listing(path: string): Promise<WeightsListing> {
    const stamp = await stampOf(path);
    const known = this.#remembered.get(path);
    if (known?.stamp === stamp) return known.listing;
    const listing = this.#read(path);
    this.#remembered.delete(path);
    this.#remembered.set(path, { stamp, listing });
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= mostRemembered) break;
      this.#remembered.delete(oldest);
    }
    listing.catch(() => this.#remembered.delete(path));
    return listing;
  }

  async #read(path: string): Promise<WeightsListing> {
    const listings: WeightsListing[] = [];
    await runImportWorker(this.#workers, { kind: 'inspect-weights', path }, null, (message) => {
      if (message.kind === 'weights') listings.push(message.listing);
    });
    const [listing] = listings;
    invariant(listing, 'a weights file was inspected without a result');
    return listing;
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (cause) {
    throw new FoveaError('not-found', `The weights file ${path} does not exist.`, { file: path }, { cause });
  }
}
