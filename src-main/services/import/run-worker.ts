/** Runs one task in an import worker thread. */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { FoveaError, fromErrorData } from '../../contract/errors.ts';
import { isFileFormat } from '../../contract/model/dataset.ts';
import { imageCodec } from '../image-codec.ts';
import type { ImportMessage, ImportTask } from './messages.ts';

const GRACE_MS = 3_000;

/** What an import worker is started with. */
export interface ImportWorkerData {
  task: ImportTask;
  /** An Int32Array of one element, over shared memory: 1 asks the task to end. */
  stop: SharedArrayBuffer;
}

/**
 * Resolves when the worker has ended by itself and each message was handled, in order. Once the thread is gone, rejects
 * with the task's FoveaError, with what `handle` throws, with `process-died` where the thread ended without a word, or
 * with the signal's reason. A thread is asked to end, and terminated only where it does not answer: in the middle of
 * native code, such as the image codec's, that may bring the whole process down.
 */
export async function runImportWorker(
  entry: URL,
  task: ImportTask,
  signal: AbortSignal | null,
  handle: (message: ImportMessage) => void,
): Promise<void> {
  signal?.throwIfAborted();
  // The codec's libraries must not be unloaded with the thread, while threads of their own still run in them.
  const decodes = task.kind === 'import' ? isFileFormat(task.format) : task.kind !== 'checkpoint';
  if (decodes) await imageCodec();
  signal?.throwIfAborted();
  const data: ImportWorkerData = { task, stop: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
  const failures: unknown[] = [];
  const stopAsked = Promise.withResolvers<void>();
  const end = (error: unknown): void => {
    failures.push(error);
    Atomics.store(new Int32Array(data.stop), 0, 1);
    stopAsked.resolve();
  };
  const onAbort = (): void => end(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  try {
    const worker = new Worker(entry, { workerData: data, name: 'fovea-import' });
    const exit = new Promise<number>((resolve) => {
      worker.on('message', (message: ImportMessage) => {
        if (failures.length > 0) return;
        try {
          if (message.kind === 'failed') throw fromErrorData(message.error);
          handle(message);
        } catch (error) {
          end(error);
        }
      });
      worker.on('error', end);
      worker.on('exit', resolve);
    });
    await Promise.race([exit, stopAsked.promise]);
    const isGone = await Promise.race([exit.then(() => true), delay(GRACE_MS, false, { ref: false })]);
    if (!isGone) await worker.terminate();
    const code = await exit;
    if (code !== 0) end(diedOf(code));
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  if (failures.length > 0) throw failures[0];
}

function diedOf(code: number): FoveaError {
  return new FoveaError('process-died', `The import worker ended unexpectedly (exit code ${code}). Try again.`, {
    code,
  });
}
