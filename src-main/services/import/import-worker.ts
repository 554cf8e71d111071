/**
 * Entry of the import worker: a thread for work that would hold up the main one. It reads and checks data sets, writes
 * packs, and checkpoints databases; rows and everything visible are the store's owner's. One thread does one task.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { invariant, toErrorData } from '../../contract/errors.ts';
import { checkpointDatabase } from '../../store/checkpoint.ts';
import type { ImportMessage, ImportTask } from './messages.ts';
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
const post = (message: ImportMessage): void => port.postMessage(message);
await perform(workerData as ImportTask, post).catch((error: unknown) =>
  post({ kind: 'failed', error: toErrorData(error) }),
);
