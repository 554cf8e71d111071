/**
 * Keeps the write-ahead logs of the open projects short, in a worker thread, so that no commit on the main thread has to
 * wait for a checkpoint.
 */
import { toErrorData } from '../contract/errors.ts';
import type { OpenProject, OpenProjects } from './open-projects.ts';
import { runThread } from './worker-thread.ts';

const LOOK_EVERY_MS = 1000;
/** 4 MB. */
const PAGES_WORTH_A_CHECKPOINT = 1000;

export interface CheckpointTask {
  /** The database. */
  file: string;
}

/** Moves the write-ahead log into the database, in a thread (see store/checkpoint.ts). Rejects as `runThread`. */
export function checkpointInThread(worker: URL, file: string, signal: AbortSignal | null): Promise<void> {
  const task: CheckpointTask = { file };
  return runThread(worker, { task, name: 'checkpoint', decodes: false }, signal, () => undefined);
}

export class CheckpointKeeper {
  #projects: OpenProjects;
  #worker: URL;
  #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;

  constructor(projects: OpenProjects, worker: URL) {
    this.#projects = projects;
    this.#worker = worker;
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
    await checkpointInThread(this.#worker, file, null).catch((error: unknown) => {
      console.error(`Checkpoint of ${file}: ${toErrorData(error).message}`);
    });
  }
}
