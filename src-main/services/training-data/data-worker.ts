/**
 * Entry of the thread that prepares training data: it reads the project's rows over a connection of its own, decodes
 * photographs, and writes packs and a run's data.json. One thread does one task.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { FoveaError, invariant, toErrorData } from '../../contract/errors.ts';
import { openReader } from '../../store/project-store.ts';
import type { DataMessage, DataTask, DataWorkerData } from './messages.ts';
import { packFiles } from './pack-files.ts';
import { prepare } from './prepare.ts';
import { preview } from './preview.ts';

const port = parentPort;
invariant(port, 'the data worker runs only as a worker thread');
const { task, stop } = workerData as DataWorkerData;
const isStopped = new Int32Array(stop);
const throwIfStopped = (): void => {
  if (Atomics.load(isStopped, 0) !== 0) throw new FoveaError('cancelled', 'Preparing the images was cancelled.');
};
const post = (message: DataMessage): void => port.postMessage(message);

async function perform(of: DataTask): Promise<void> {
  if (of.kind === 'pack-files') return pack(of);
  const store = openReader(of.database);
  try {
    if (of.kind === 'prepare') await prepare({ store, post, throwIfStopped }, of);
    else post({ kind: 'preview', batch: await preview(store, of, throwIfStopped) });
  } finally {
    store.close();
  }
}

async function pack({ files, target, network, fit }: Extract<DataTask, { kind: 'pack-files' }>): Promise<void> {
  let done = 0;
  const packed = await packFiles(files, target, { network, fit }, () => {
    throwIfStopped();
    post({ kind: 'progress', done: ++done, total: files.length });
  });
  post({ kind: 'packed', packed });
}

await perform(task).catch((error: unknown) => post({ kind: 'failed', error: toErrorData(error) }));
