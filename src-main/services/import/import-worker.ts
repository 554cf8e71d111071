/**
 * Entry of the import worker: a thread for work that would hold up the main one. It reads and checks data sets, writes
 * packs, and checkpoints databases; rows and everything visible are the store's owner's. One thread does one task.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { FoveaError, invariant, toErrorData } from '../../contract/errors.ts';
import { checkpointDatabase } from '../../store/checkpoint.ts';
import type { ImportMessage, ImportTask } from './messages.ts';
import type { ImportWorkerData } from './run-worker.ts';
import { inspectDataset, readIntoProject } from './read-dataset.ts';

async function perform(task: ImportTask, post: (message: ImportMessage) => void): Promise<void> {
  switch (task.kind) {
    case 'inspect':
      return post({ kind: 'report', report: await inspectDataset(task.path, task.format) });
    case 'import':
      return readIntoProject(task, post);
    case 'checkpoint':
      return checkpointDatabase(task.file);
  }
}

const port = parentPort;
invariant(port, 'the import worker runs only as a worker thread');
const { task, stop } = workerData as ImportWorkerData;
const isStopped = new Int32Array(stop);
/** Every task says now and then how far it is, and ends here where nobody wants it any more. */
const post = (message: ImportMessage): void => {
  if (Atomics.load(isStopped, 0) !== 0) throw new FoveaError('cancelled', 'The import was cancelled.');
  port.postMessage(message);
};
await perform(task, post).catch((error: unknown) => port.postMessage({ kind: 'failed', error: toErrorData(error) }));
