/** Runs one task in an import worker thread and ends the thread in every case. */
import { Worker } from 'node:worker_threads';
import { FoveaError, fromErrorData } from '../../contract/errors.ts';
import type { ImportMessage, ImportTask } from './messages.ts';

/**
 * Resolves when the worker has ended by itself and each message was handled, in order. Rejects with the task's
 * FoveaError, with what `handle` throws, with `process-died` where the thread ended without a word, or, once the thread
 * is gone, with the signal's reason.
 */
export async function runImportWorker(
  entry: URL,
  task: ImportTask,
  signal: AbortSignal | null,
  handle: (message: ImportMessage) => void,
): Promise<void> {
  signal?.throwIfAborted();
  const worker = new Worker(entry, { workerData: task, name: 'fovea-import' });
  try {
    await new Promise<void>((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      worker.on('message', (message: ImportMessage) => {
        try {
          if (message.kind === 'failed') throw fromErrorData(message.error);
          handle(message);
        } catch (error) {
          reject(error);
        }
      });
      worker.on('error', reject);
      worker.on('exit', (code) => {
        if (code === 0) resolve();
        else
          reject(
            new FoveaError('process-died', `The import worker ended unexpectedly (exit code ${code}). Try again.`, {
              code,
            }),
          );
      });
    });
  } finally {
    await worker.terminate();
  }
}
