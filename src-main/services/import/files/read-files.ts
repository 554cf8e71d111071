/**
 * Carries a plan out: opens every image, a few at a time, works out its labels, and hands both over in the order of the
 * plan. An image that cannot be used is reported and left out; the others go on.
 */
import { constants, copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FoveaError, toErrorData } from '../../../contract/errors.ts';
import type { ImportReport } from '../../../contract/model/dataset.ts';
import type { LabelProblem, ParsedLabel } from '../../../formats/labels.ts';
import type { Failure } from '../../../formats/source-entry.ts';
import { labelRow } from '../../../store/label-row.ts';
import { StagedImagesWriter, type NewFileImage } from '../../../store/staged-images.ts';
import { yieldToEventLoop } from '../../event-loop.ts';
import { fileError } from '../../file-errors.ts';
import type { TaskPort } from '../../workers/task-port.ts';
import type { ImportMessage, ImportTask } from '../messages.ts';
import { ReadProgress } from '../read-progress.ts';
import type { ImportSource } from '../source.ts';
import type { FilePlan, PlannedImage } from './plan.ts';
import { probeEnds, probeImage, type ImageFacts } from './probe-image.ts';

const AT_ONCE = 8;
/** Others, such as a request to stop, get their turn after so long. */
const TURN_MS = 20;
const SLOW_MS = 1;
/** Then it is tried again whether the disk is quick by now. */
const FILES_WAITED_FOR = 256;
const FAILURES_REPORTED = 500;

interface ReadImage {
  planned: PlannedImage;
  facts: ImageFacts;
  /** Null where the source does not speak of the image. */
  labels: ParsedLabel[] | null;
  problems: LabelProblem[];
}

interface ReadOptions {
  report: (failure: Failure) => void;
  /** Throws where nobody wants the images any more. */
  throwIfStopped: () => void;
  /** Brings an image that can be used to where it is to be, or says why it cannot be used after all. What it throws ends the reading. */
  place?: (path: string, sizeBytes: number) => Promise<string | null>;
}

/** Images in the order of the plan; `report` hears what is wrong, in that order too. */
async function* readImages(
  folder: string,
  images: readonly PlannedImage[],
  { report, throwIfStopped, place }: ReadOptions,
): AsyncGenerator<ReadImage, void> {
  const disk = new Disk();
  const waiting: Promise<ReadImage | Failure>[] = [];
  let next = 0;
  let turnMs = performance.now();
  for (;;) {
    for (; waiting.length < AT_ONCE && next < images.length; next++) {
      const planned = images[next];
      if (planned) waiting.push(readImage(folder, planned, disk, place));
      waiting.at(-1)?.catch(() => undefined); // It is thrown in its turn below.
    }
    const image = await waiting.shift();
    if (image === undefined) return;
    if (performance.now() - turnMs > TURN_MS) {
      await yieldToEventLoop();
      throwIfStopped();
      turnMs = performance.now();
    }
    if ('reason' in image) {
      report(image);
      continue;
    }
    for (const problem of image.problems) report({ source: image.planned.labelFile, ...problem });
    yield image;
  }
}

/** The reason where the image cannot be used. */
async function readImage(
  folder: string,
  planned: PlannedImage,
  disk: Disk,
  place: ReadOptions['place'],
): Promise<ReadImage | Failure> {
  const { entry } = planned;
  let read: ReadImage;
  try {
    const facts = await disk.probe(join(folder, entry.path));
    const labelled = planned.labels?.(facts) ?? null;
    const parsed = labelled instanceof Promise ? await labelled : labelled;
    read = { planned, facts, labels: parsed?.labels ?? null, problems: parsed?.problems ?? [] };
  } catch (error) {
    return { source: entry.path, reason: toErrorData(error).message };
  }
  const reason = (await place?.(entry.path, read.facts.sizeBytes)) ?? null;
  return reason === null ? read : { source: entry.path, reason };
}

/** A file that is in memory is quickest read at once; of a disk that takes its time several are better waited for together. */
class Disk {
  #waitsFor = 0;
  /** Of the last files, the later ones counting more. */
  #usualMs = 0;

  async probe(file: string): Promise<ImageFacts> {
    if (this.#waitsFor > 0) {
      this.#waitsFor--;
      return probeImage(file);
    }
    const startMs = performance.now();
    const facts = probeEnds(file);
    this.#usualMs += (performance.now() - startMs - this.#usualMs) / 16;
    if (this.#usualMs > SLOW_MS) [this.#waitsFor, this.#usualMs] = [FILES_WAITED_FOR, 0];
    return facts ?? probeImage(file);
  }
}

type FileReport = Omit<ImportReport, 'path' | 'suggestedName'>;

/** A dry run. Writes nothing. */
export async function inspectFiles(
  { folder, problems }: ImportSource,
  plan: FilePlan,
  throwIfStopped: () => void,
): Promise<FileReport> {
  const splitCounts: ImportReport['splitCounts'] = { train: 0, val: 0, test: 0 };
  const labelCounts = plan.categories.map(() => 0);
  const kindCounts = new Map<ParsedLabel['shape']['kind'], number>();
  const failures: Failure[] = [...problems, ...plan.problems];
  let [sizeBytes, backgroundCount, unlabelledCount] = [0, 0, 0];
  const report = (failure: Failure): void => void failures.push(failure);
  for await (const { planned, facts, labels } of readImages(folder ?? '', plan.images, { report, throwIfStopped })) {
    splitCounts[planned.split]++;
    sizeBytes += facts.sizeBytes;
    if (labels === null) unlabelledCount++;
    else if (labels.length === 0) backgroundCount++;
    for (const { category, shape } of labels ?? []) {
      labelCounts[category] = (labelCounts[category] ?? 0) + 1;
      kindCounts.set(shape.kind, (kindCounts.get(shape.kind) ?? 0) + 1);
    }
  }
  return {
    format: plan.format,
    labelSources: plan.labelSources?.all ?? [],
    labelSource: plan.labelSources?.taken ?? null,
    categories: plan.categories.map(({ name }) => name),
    splitCounts,
    sizeBytes,
    importable: splitCounts.train + splitCounts.val + splitCounts.test > 0,
    labelCounts,
    kindCounts: [...kindCounts].map(([kind, count]) => ({ kind, count })),
    backgroundCount,
    unlabelledCount,
    failures: failures.slice(0, FAILURES_REPORTED),
    failureCount: failures.length,
  };
}

/** Sends classes and images to the store's owner; copies the files first where the task says so. */
export async function importFiles(
  source: ImportSource,
  plan: FilePlan,
  task: Extract<ImportTask, { kind: 'import' }>,
  { post, postAndWait, throwIfStopped }: TaskPort<ImportMessage>,
): Promise<void> {
  const folder = source.folder ?? '';
  const progress = new ReadProgress(post);
  progress.expect(plan.images.length);
  post({ kind: 'categories', categories: plan.categories });
  if (task.copyTo === null) post({ kind: 'root', folder });
  let count = 0;
  let firstFailure: string | null = null;
  const report = ({ source: file, reason }: Failure): void => void (firstFailure ??= `${file}: ${reason}`);
  const { copyTo } = task;
  const options = copyTo === null ? {} : { place: copyInto(copyTo, folder) };
  let staged: StagedImagesWriter | null = null;
  let files = 0;
  try {
    for await (const image of readImages(folder, plan.images, { report, throwIfStopped, ...options })) {
      const { path } = image.planned.entry;
      staged ??= new StagedImagesWriter(join(task.packsFolder, `${task.packPrefix}staged-${++files}.db`));
      staged.add(rowOf(image));
      count++;
      if (staged.isFull) {
        const full = staged.finish();
        staged = null;
        await postAndWait({ kind: 'staged', ...full });
      }
      progress.read(1, path);
    }
    if (staged !== null) post({ kind: 'staged', ...staged.finish() });
    staged = null;
  } finally {
    staged?.abandon();
  }
  if (count === 0) {
    throw new FoveaError('bad-input', `None of the images could be used. ${firstFailure ?? ''}`.trim(), { folder });
  }
}

function rowOf({ planned, facts, labels }: ReadImage): NewFileImage {
  const { path } = planned.entry;
  const review = labels === null ? 'to-do' : 'done';
  return { ...facts, path, name: path, split: planned.split, review, labels: (labels ?? []).map(labelRow) };
}

/** Copies an image of a folder to the same place below another. A file that changed since it was looked at is none of use. */
export function copyInto(target: string, folder: string): (path: string, sizeBytes: number) => Promise<string | null> {
  const made = new Set<string>();
  return async (path, sizeBytes) => {
    const copy = join(target, path);
    const around = dirname(copy);
    try {
      if (!made.has(around)) await mkdir(around, { recursive: true });
      made.add(around);
      await copyFile(join(folder, path), copy, constants.COPYFILE_FICLONE);
      if ((await stat(copy)).size === sizeBytes) return null;
      await rm(copy);
      return 'The file changed while it was imported. Import it again when nothing writes it any more.';
    } catch (error) {
      throw fileError(error, 'copy the image', copy);
    }
  };
}
