/** What the import worker does with a folder or an archive: a dry run, or an import into packs or of image files. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoveaError, invariant } from '../../contract/errors.ts';
import { isFileFormat, type DatasetFormat, type ImportReport } from '../../contract/model/dataset.ts';
import { detectDataset, type DatasetLayout, type Detection } from '../../formats/detect.ts';
import type { Failure, SourceEntry } from '../../formats/source-entry.ts';
import type { DatasetSink } from './dataset-sink.ts';
import { importFiles, inspectFiles } from './files/read-files.ts';
import { planFiles } from './files/recognise.ts';
import { InspectSink } from './inspect-sink.ts';
import type { TellStep } from './files/plan.ts';
import type { ImportMessage, ImportTask } from './messages.ts';
import { PackSink } from './pack-sink.ts';
import { readCifar10 } from './read-cifar10.ts';
import { readIdx } from './read-idx.ts';
import { openSource, type ImportSource } from './source.ts';
import type { TaskPort } from '../workers/task-port.ts';
import { archiveTitle, isZip, unpackTar, unpackZip } from './unpack.ts';

/** Throws FoveaError where the data set cannot be used. */
export async function readIntoProject(
  task: Extract<ImportTask, { kind: 'import' }>,
  port: TaskPort<ImportMessage>,
): Promise<void> {
  const { post } = port;
  post({ kind: 'progress', step: 'Looking at the files', done: 0, total: null });
  // Beside the copies, so that it goes wherever they go.
  const unpacked = task.copyTo === null ? null : join(task.copyTo, UNPACKED);
  const tell: TellStep = (step) => post({ kind: 'progress', step, done: 0, total: null });
  const source = await openWhole(task.path, isFileFormat(task.format), unpacked, (file) => tell(`Unpacking ${file}`));
  if (isFileFormat(task.format)) {
    const plan = await planFiles(source, task.format, task.labelSource, tell);
    if (plan === null)
      throw new FoveaError('bad-input', `${task.path}: ${nothingOf(task.format)}`, { path: task.path });
    await importFiles(source, plan, task, port);
    if (unpacked !== null) await rm(unpacked, { recursive: true, force: true });
  } else {
    await packDataset(source, task, post);
  }
  post({ kind: 'complete' });
}

const UNPACKED = '.unpacked';

/** With `asFiles` the files of an archive are unpacked into `into`, since each must be a file that can be opened. */
async function openWhole(
  path: string,
  asFiles: boolean,
  into: string | null,
  tell: (file: string) => void,
): Promise<ImportSource> {
  const zipped = await isZip(path);
  if (!zipped) {
    const source = await openSource(path);
    if (!asFiles || source.folder !== null || into === null) return source;
    await unpackTar(source, path, into, tell);
  } else {
    invariant(into !== null, 'a zip was to be read without a place to unpack it');
    await unpackZip(path, into, tell);
  }
  return { ...(await openSource(into)), name: archiveTitle(path) };
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
export async function inspectDataset(
  { path, format: wanted, labelSource }: Extract<ImportTask, { kind: 'inspect' }>,
  throwIfStopped: () => void,
): Promise<ImportReport> {
  const packed = await openSource(path);
  const isPacked = packed.folder === null && detectDataset(packed.entries).found !== null;
  const unpacked = await mkdtemp(join(tmpdir(), 'fovea-look-'));
  try {
    const source = isPacked ? packed : await openWhole(path, true, unpacked, () => undefined);
    return await inspectSource(source, path, wanted, labelSource, throwIfStopped);
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
}

async function inspectSource(
  source: ImportSource,
  path: string,
  wanted: DatasetFormat | null,
  labelSource: string | null,
  throwIfStopped: () => void,
): Promise<ImportReport> {
  const detection = detectDataset(source.entries);
  if (wanted === null ? detection.found === null : isFileFormat(wanted)) {
    const format = wanted !== null && isFileFormat(wanted) ? wanted : null;
    const plan = await planFiles(source, format, labelSource, throwIfStopped);
    if (plan !== null)
      return { path, suggestedName: source.name, ...(await inspectFiles(source, plan, throwIfStopped)) };
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
  const failures = [...source.problems, ...(isOther ? other : detection.failures), ...sink.failures];
  return {
    path,
    format,
    labelSources: [],
    labelSource: null,
    suggestedName: format === 'cifar10' ? 'CIFAR-10' : format === 'cifar100' ? 'CIFAR-100' : source.name,
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
    case 'cifar100': {
      const { train, test, meta, coarseMeta } = found.layout;
      return [...train, test, meta, ...(coarseMeta === null ? [] : [coarseMeta])];
    }
    case 'idx':
      return found.layout.pairs.flatMap((pair) => [pair.images, pair.labels]);
  }
}

function read(source: ImportSource, found: DatasetLayout, sink: DatasetSink): Promise<void> {
  switch (found.format) {
    case 'cifar10':
    case 'cifar100':
      return readCifar10(source, found.layout, sink);
    case 'idx':
      return readIdx(source, found.layout, sink);
  }
}
