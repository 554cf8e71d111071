/** What the import worker does with a folder or an archive: a dry run, or an import into packs or of image files. */
import { FoveaError } from '../../contract/errors.ts';
import { isFileFormat, type DatasetFormat, type ImportReport } from '../../contract/model/dataset.ts';
import { detectDataset, type DatasetLayout, type Detection } from '../../formats/detect.ts';
import type { Failure, SourceEntry } from '../../formats/source-entry.ts';
import type { DatasetSink } from './dataset-sink.ts';
import { importFiles, inspectFiles } from './files/read-files.ts';
import { planFiles } from './files/recognise.ts';
import { InspectSink } from './inspect-sink.ts';
import type { ImportMessage, ImportTask } from './messages.ts';
import { PackSink } from './pack-sink.ts';
import { readCifar10 } from './read-cifar10.ts';
import { readIdx } from './read-idx.ts';
import { openSource, type ImportSource } from './source.ts';

/** Throws FoveaError where the data set cannot be used. */
export async function readIntoProject(
  task: Extract<ImportTask, { kind: 'import' }>,
  post: (message: ImportMessage) => void,
): Promise<void> {
  post({ kind: 'progress', step: 'Looking at the files', done: 0, total: null });
  const source = await openSource(task.path);
  if (isFileFormat(task.format)) {
    const plan = await planFiles(source, task.format);
    if (plan === null)
      throw new FoveaError('bad-input', `${task.path}: ${nothingOf(task.format)}`, { path: task.path });
    await importFiles(source, plan, task, post);
  } else {
    await packDataset(source, task, post);
  }
  post({ kind: 'complete' });
}

/** Writes packs and sends the rows. Throws FoveaError at the first thing that is wrong; its packs are then not usable. */
async function packDataset(
  source: ImportSource,
  task: Extract<ImportTask, { kind: 'import' }>,
  post: (message: ImportMessage) => void,
): Promise<void> {
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
}

function nothingOf(format: DatasetFormat): string {
  return `there is no data set of the format “${format}” here.`;
}

/**
 * Reads and checks everything and reports what is wrong, file by file; in the format that is wanted, where one is. Throws
 * where the path cannot be read at all.
 */
export async function inspectDataset(path: string, wanted: DatasetFormat | null): Promise<ImportReport> {
  const source = await openSource(path);
  const detection = detectDataset(source.entries);
  if (wanted === null ? detection.found === null : isFileFormat(wanted)) {
    const plan = await planFiles(source, wanted !== null && isFileFormat(wanted) ? wanted : null);
    if (plan !== null) return { path, suggestedName: source.name, ...(await inspectFiles(source, plan)) };
  }
  return inspectPacked(path, source, detection, wanted);
}

async function inspectPacked(
  path: string,
  source: ImportSource,
  detection: Detection,
  wanted: DatasetFormat | null,
): Promise<ImportReport> {
  const isOther = wanted !== null && detection.format !== wanted;
  const { format, found } = isOther ? { format: wanted, found: null } : detection;
  const other: Failure[] = isOther ? [{ source: '', reason: `This is wrong: ${nothingOf(wanted)}` }] : [];
  const sink = new InspectSink();
  if (found) await read(source, found, sink).catch((error: unknown) => sink.failure(path, error));
  const failures = [...(isOther ? other : detection.failures), ...sink.failures];
  return {
    path,
    format,
    suggestedName: format === 'cifar10' ? 'CIFAR-10' : source.name,
    categories: [...sink.categoryNames],
    splitCounts: sink.splitCounts,
    sizeBytes: (found ? filesOf(found) : source.entries).reduce((sum, entry) => sum + entry.sizeBytes, 0),
    importable: found !== null && sink.failures.length === 0,
    labelCounts: [...sink.labelCounts],
    kindCounts: [{ kind: 'classification', count: sink.labelCounts.reduce((sum, count) => sum + count, 0) }],
    backgroundCount: 0,
    unlabelledCount: 0,
    failures,
    failureCount: failures.length,
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
