/** What the import worker does with a folder or an archive: a dry run, or writing it into packs. */
import { FoveaError } from '../../contract/errors.ts';
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

/** Writes packs and sends the rows. Throws FoveaError at the first thing that is wrong; its packs are then not usable. */
export async function packDataset(
  task: Extract<ImportTask, { kind: 'import' }>,
  post: (message: ImportMessage) => void,
): Promise<void> {
  post({ kind: 'progress', step: 'Looking at the files', done: 0, total: null });
  const source = await openSource(task.path);
  const { format, found, failures } = detectDataset(source.entries);
  if (!found) {
    throw new FoveaError('bad-input', failures.map((failure) => failure.reason).join(' '), { path: task.path });
  }
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

/** Reads and checks everything and reports what is wrong, file by file. Throws where the path cannot be read at all. */
export async function inspectDataset(path: string): Promise<ImportReport> {
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
