/** Threads that do one task and end: how they are started, asked to stop, and heard. `thread-task.ts` is their own side. */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { FoveaError, fromErrorData, type ErrorData } from '../contract/errors.ts';
import { imageCodec } from './image-codec.ts';

/** A thread that decodes looks up only between two images, which may be large. */
const GRACE_MS = 10_000;

/** What a thread is started with. */
export interface ThreadData<Task> {
  task: Task;
  /** An Int32Array of one element, over shared memory: 1 asks the task to end. */
  stop: SharedArrayBuffer;
}

export interface ThreadWork<Task> {
  task: Task;
  /** Of the thread, for people who debug, and for the message where it dies: "import". */
  name: string;
  /** Whether it uses the image codec. */
  decodes: boolean;
}

/**
 * Resolves when the thread has ended by itself and each message was handled, in order. Once the thread is gone, rejects
 * with the task's FoveaError, with what `handle` throws, with `process-died` where it ended without a word, or with the
 * signal's reason. A thread is asked to end, and terminated only where it does not answer: in the middle of native code,
 * such as the image codec's, that may bring the whole process down.
 */
export async function runThread<Task, Message extends { kind: string }>(
  entry: URL,
  { task, name, decodes }: ThreadWork<Task>,
  signal: AbortSignal | null,
  handle: (message: Message) => void,
): Promise<void> {
  signal?.throwIfAborted();
  // The codec's libraries must not be unloaded with the thread, while threads of their own still run in them.
  if (decodes) await imageCodec();
  signal?.throwIfAborted();
  const workerData: ThreadData<Task> = { task, stop: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
  const failures: unknown[] = [];
  const stopAsked = Promise.withResolvers<void>();
  const end = (error: unknown): void => {
    failures.push(error);
    Atomics.store(new Int32Array(workerData.stop), 0, 1);
    stopAsked.resolve();
  };
  const onAbort = (): void => end(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  try {
    const worker = new Worker(entry, { workerData, name: `fovea-${name}` });
    const exit = new Promise<number>((resolve) => {
      worker.on('message', (message: Message | { kind: 'failed'; error: ErrorData }) => {
        if (failures.length > 0) return;
        try {
          if (isFailure(message)) throw fromErrorData(message.error);
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
    if (code !== 0) end(diedOf(name, code));
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  if (failures.length > 0) throw failures[0];
}

function isFailure(message: { kind: string }): message is { kind: 'failed'; error: ErrorData } {
  return message.kind === 'failed';
}

function diedOf(name: string, code: number): FoveaError {
  return new FoveaError('process-died', `The ${name} worker ended unexpectedly (exit code ${code}). Try again.`, {
    code,
  });
}
