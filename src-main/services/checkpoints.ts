/**
 * Keeps the write-ahead logs of the open projects short, in a worker thread, so that no commit on the main thread has to
 * wait for a checkpoint.
 */
import { toErrorData } from '../contract/errors.ts';
import { runImportWorker } from './import/run-worker.ts';
import type { OpenProject, OpenProjects } from './open-projects.ts';

const LOOK_EVERY_MS = 1000;
/** 4 MB. */
const PAGES_WORTH_A_CHECKPOINT = 1000;

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
    await runImportWorker(this.#worker, { kind: 'checkpoint', file }, null, () => undefined).catch((error: unknown) => {
      console.error(`Checkpoint of ${file}: ${toErrorData(error).message}`);
    });
  }
}
