/** Has a worker process prepare training data. */
import type { WorkerPool } from '../workers/worker-pool.ts';
import type { DataMessage, DataTask } from './messages.ts';

/** As `WorkerPool.run`. */
export function runDataWorker(
  workers: WorkerPool,
  task: DataTask,
  signal: AbortSignal,
  handle: (message: DataMessage) => void,
): Promise<void> {
  return workers.run('training data', task, { signal, writes: task.kind !== 'preview' }, handle);
}
