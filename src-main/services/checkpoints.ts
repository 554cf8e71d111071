/**
 * Keeps the write-ahead logs of the open projects short, in a worker process, so that no commit on the main thread has to
 * wait for a checkpoint.
 */
import { toErrorData } from '../contract/errors.ts';
import { Limiter } from './limiter.ts';
import type { OpenProject, OpenProjects } from './open-projects.ts';
import type { WorkerPool } from './workers/worker-pool.ts';

const LOOK_EVERY_MS = 1000;
/** 4 MB. */
const PAGES_WORTH_A_CHECKPOINT = 1000;

export interface CheckpointTask {
  /** The database. */
  file: string;
}

/** One at a time, so that no second process stands by for them. */
const turns = new WeakMap<WorkerPool, Limiter>();

/** Moves the write-ahead log into the database (see store/checkpoint.ts). Rejects as `WorkerPool.run`. */
export function checkpointAside(workers: WorkerPool, file: string, signal: AbortSignal | null): Promise<void> {
  const turn = turns.get(workers) ?? new Limiter(1);
  turns.set(workers, turn);
  return turn.run(() => workers.run('checkpoint', { file }, { signal, writes: true }, () => undefined));
}

export class CheckpointKeeper {
  #projects: OpenProjects;
  #workers: WorkerPool;
  #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;

  constructor(projects: OpenProjects, workers: WorkerPool) {
    this.#projects = projects;
    this.#workers = workers;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Before the databases close. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  #look(): void {
    if (this.#running) return;
    const due = this.#projects.all().find(({ store }) => store.pagesToCheckpoint() >= PAGES_WORTH_A_CHECKPOINT);
    if (!due) return;
    this.#running = this.#checkpoint(due).finally(() => (this.#running = null));
  }

  /** A failure loses nothing: the log grows until the next try, and at the latest the last resort of the store. */
  async #checkpoint({ store }: OpenProject): Promise<void> {
    const file = store.database.name;
    await checkpointAside(this.#workers, file, null).catch((error: unknown) => {
      console.error(`Checkpoint of ${file}: ${toErrorData(error).message}`);
    });
  }
}
