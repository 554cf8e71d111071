/** Previews of training images: one at a time for each project, since only the last one asked for is looked at. */
import { invariant } from '../../contract/errors.ts';
import type { ProjectId } from '../../contract/model/ids.ts';
import type { PreviewBatch } from '../../contract/model/preview-batch.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import type { OpenProject } from '../open-projects.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { runDataWorker } from './run-data-worker.ts';

export interface PreviewRequest {
  config: RunConfig;
  /** Images, and the epoch whose first ones they are. */
  count: number;
  epoch: number;
}

export class Previews {
  readonly #workers: WorkerPool;
  #running = new Map<ProjectId, AbortController>();

  constructor(workers: WorkerPool) {
    this.#workers = workers;
  }

  /** Null where another is asked for meanwhile. Throws FoveaError, `bad-input` for images of several sizes. */
  async make({ project, store, folder }: OpenProject, request: PreviewRequest): Promise<PreviewBatch | null> {
    const { projectId } = project;
    this.#running.get(projectId)?.abort();
    const abort = new AbortController();
    this.#running.set(projectId, abort);
    const batches: PreviewBatch[] = [];
    const task = { kind: 'preview', database: store.database.name, folder, ...request } as const;
    try {
      await runDataWorker(this.#workers, task, abort.signal, (message) => {
        if (message.kind === 'preview') batches.push(message.batch);
      });
    } catch (error) {
      if (abort.signal.aborted) return null;
      throw error;
    } finally {
      if (this.#running.get(projectId) === abort) this.#running.delete(projectId);
    }
    const [batch] = batches;
    invariant(batch, 'a preview was not made');
    return batch;
  }

  /** Ends what is being made. */
  close(): void {
    for (const abort of this.#running.values()) abort.abort();
  }
}
