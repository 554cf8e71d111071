/** A thread's own side of `worker-thread.ts`: takes its task, tells what it makes, and ends when it is asked to. */
import { parentPort, workerData } from 'node:worker_threads';
import { FoveaError, invariant, toErrorData } from '../contract/errors.ts';
import type { ThreadData } from './worker-thread.ts';

export interface ThreadPort<Message> {
  /** Throws FoveaError `cancelled` where nobody wants the task any more. */
  post(message: Message): void;
  throwIfStopped(): void;
}

/** Does the one task of this thread; an error is sent as the message `failed`. */
export async function performTask<Task, Message>(
  perform: (task: Task, port: ThreadPort<Message>) => Promise<void>,
): Promise<void> {
  const port = parentPort;
  invariant(port, 'this file runs only as a worker thread');
  const { task, stop } = workerData as ThreadData<Task>;
  const isStopped = new Int32Array(stop);
  const throwIfStopped = (): void => {
    if (Atomics.load(isStopped, 0) !== 0) throw new FoveaError('cancelled', 'The task was cancelled.');
  };
  const post = (message: Message): void => {
    throwIfStopped();
    port.postMessage(message);
  };
  await perform(task, { post, throwIfStopped }).catch((error: unknown) =>
    port.postMessage({ kind: 'failed', error: toErrorData(error) }),
  );
}
