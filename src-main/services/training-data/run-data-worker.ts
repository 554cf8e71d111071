/** Runs one task in the thread that prepares training data. */
import { Worker } from 'node:worker_threads';
import { FoveaError, fromErrorData } from '../../contract/errors.ts';
import { imageCodec } from '../image-codec.ts';
import type { DataMessage, DataTask, DataWorkerData } from './messages.ts';

/**
 * Resolves when the thread has ended by itself and each message was handled, in order. Rejects, once it is gone, with the
 * task's FoveaError, with what `handle` throws, with `process-died`, or with the signal's reason. The thread is asked to
 * end and never terminated: in the middle of the codec's native code that would bring the process down.
 */
export async function runDataWorker(
  entry: URL,
  task: DataTask,
  signal: AbortSignal,
  handle: (message: DataMessage) => void,
): Promise<void> {
  signal.throwIfAborted();
  // The codec's libraries must not be unloaded with the thread, while threads of their own still run in them.
  await imageCodec();
  signal.throwIfAborted();
  const workerData: DataWorkerData = { task, stop: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
  const failures: unknown[] = [];
  const end = (error: unknown): void => {
    failures.push(error);
    Atomics.store(new Int32Array(workerData.stop), 0, 1);
  };
  const onAbort = (): void => end(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    const worker = new Worker(entry, { workerData, name: 'fovea-training-data' });
    const code = await new Promise<number>((resolve) => {
      worker.on('message', (message: DataMessage) => {
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
    if (code !== 0)
      failures.push(new FoveaError('process-died', `The thread that prepares images ended (exit code ${code}).`));
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  if (failures.length > 0) throw failures[0];
}
