/** Has a worker process do one task on data sets or files of weights. */
import type { WorkerPool } from '../workers/worker-pool.ts';
import type { ImportMessage, ImportTask } from './messages.ts';

/** As `WorkerPool.run`. */
export function runImportWorker(
  workers: WorkerPool,
  task: ImportTask,
  signal: AbortSignal | null,
  handle: (message: ImportMessage) => void,
): Promise<void> {
  return workers.run('import', task, { signal, writes: writesFiles(task) }, handle);
}

function writesFiles(task: ImportTask): boolean {
  if (task.kind === 'library') return task.question === 'export';
  return task.kind === 'import' || task.kind === 'draw-sample';
}
