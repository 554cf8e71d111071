/**
 * Entry of the import worker thread: reads and checks a data set beside the main thread. It writes packs and nothing
 * else; rows and everything visible are the store's owner's. It ends when its task is done, or when it is terminated.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { FoveaError, invariant, toErrorData } from '../../contract/errors.ts';
import type { ImportReport } from '../../contract/model/dataset.ts';
import { detectDataset, type DatasetLayout } from '../../formats/detect.ts';
import type { SourceEntry } from '../../formats/source-entry.ts';
import type { DatasetSink } from './dataset-sink.ts';
import { InspectSink } from './inspect-sink.ts';
import type { ImportMessage, ImportTask } from './messages.ts';
import { PackSink } from './pack-sink.ts';
import { readCifar10 } from './read-cifar10.ts';
import { readIdx } from './read-idx.ts';
import { openSource, type ImportSource } from './source.ts';

async function perform(task: ImportTask, post: (message: ImportMessage) => void): Promise<void> {
  if (task.kind === 'inspect') {
    post({ kind: 'report', report: await inspect(task.path) });
    return;
  }
  post({ kind: 'progress', step: 'Looking at the files', done: 0, total: null });
  const source = await openSource(task.path);
  const { format, found, failures } = detectDataset(source.entries);
  if (!found)
    throw new FoveaError('bad-input', failures.map((failure) => failure.reason).join(' '), { path: task.path });
  if (format !== task.format) {
    throw new FoveaError('bad-input', `${task.path} holds ${format}, not ${task.format}.`, { path: task.path });
  }
  const sink = new PackSink(task.packsFolder, task.packPrefix, post);
  try {
    await read(source, found, sink);
    await sink.complete();
  } finally {
    await sink.close();
  }
  post({ kind: 'complete' });
}

async function inspect(path: string): Promise<ImportReport> {
  const source = await openSource(path);
  const { format, found, failures } = detectDataset(source.entries);
  const sink = new InspectSink();
  if (found) await read(source, found, sink).catch((error: unknown) => sink.failure(path, error));
  return {
    path,
    format,
    suggestedName: format === 'cifar10' ? 'CIFAR-10' : source.name,
    categories: [...sink.categoryNames],
    splitCounts: sink.splitCounts,
    sizeBytes: (found ? filesOf(found) : source.entries).reduce((sum, entry) => sum + entry.sizeBytes, 0),
    failures: [...failures, ...sink.failures],
  };
}

function filesOf(found: DatasetLayout): SourceEntry[] {
  switch (found.format) {
    case 'cifar10':
      return [...found.layout.train, found.layout.test, found.layout.meta];
    case 'idx':
      return found.layout.pairs.flatMap((pair) => [pair.images, pair.labels]);
  }
}

function read(source: ImportSource, found: DatasetLayout, sink: DatasetSink): Promise<void> {
  switch (found.format) {
    case 'cifar10':
      return readCifar10(source, found.layout, sink);
    case 'idx':
      return readIdx(source, found.layout, sink);
  }
}

const port = parentPort;
invariant(port, 'the import worker runs only as a worker thread');
const post = (message: ImportMessage): void => port.postMessage(message);
await perform(workerData as ImportTask, post).catch((error: unknown) =>
  post({ kind: 'failed', error: toErrorData(error) }),
);
