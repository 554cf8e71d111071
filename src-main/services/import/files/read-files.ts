/**
 * Carries a plan out: opens every image, a few at a time, works out its labels, and hands both over in the order of the
 * plan. An image that cannot be used is reported and left out; the others go on.
 */
import { constants, copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FoveaError, toErrorData } from '../../../contract/errors.ts';
import type { ImportReport } from '../../../contract/model/dataset.ts';
import type { LabelProblem, ParsedLabel } from '../../../formats/labels.ts';
import type { Failure } from '../../../formats/source-entry.ts';
import type { NewFileImage } from '../../../store/annotation-repository.ts';
import { labelRow, type LabelRow } from '../../../store/label-row.ts';
import { fileError } from '../../file-errors.ts';
import type { ImportMessage, ImportTask } from '../messages.ts';
import { ReadProgress } from '../read-progress.ts';
import type { ImportSource } from '../source.ts';
import type { FilePlan, PlannedImage } from './plan.ts';
import { probeImage, type ImageFacts } from './probe-image.ts';

const AT_ONCE = 8;
/** A message is read in one go by the process that must not be held up. */
const IMAGES_PER_MESSAGE = 25;
const LABELS_PER_MESSAGE = 150;
const CHARACTERS_PER_MESSAGE = 200_000;
const FAILURES_REPORTED = 500;

interface ReadImage {
  planned: PlannedImage;
  facts: ImageFacts;
  /** Null where the source does not speak of the image. */
  labels: ParsedLabel[] | null;
  problems: LabelProblem[];
}

/** Images in the order of the plan; `report` hears what is wrong, in that order too. */
async function* readImages(
  folder: string,
  images: readonly PlannedImage[],
  report: (failure: Failure) => void,
): AsyncGenerator<ReadImage, void> {
  const waiting: Promise<ReadImage | Failure>[] = [];
  let next = 0;
  for (;;) {
    for (; waiting.length < AT_ONCE && next < images.length; next++) {
      const planned = images[next];
      if (planned) waiting.push(readImage(folder, planned));
    }
    const image = await waiting.shift();
    if (image === undefined) return;
    if ('reason' in image) {
      report(image);
      continue;
    }
    for (const problem of image.problems) report({ source: image.planned.labelFile, ...problem });
    yield image;
  }
}

/** The reason where the image cannot be used. */
async function readImage(folder: string, planned: PlannedImage): Promise<ReadImage | Failure> {
  const { entry } = planned;
  try {
    const facts = await probeImage(join(folder, entry.path));
    const parsed = (await planned.labels?.(facts)) ?? null;
    return { planned, facts, labels: parsed?.labels ?? null, problems: parsed?.problems ?? [] };
  } catch (error) {
    return { source: entry.path, reason: toErrorData(error).message };
  }
}

type FileReport = Omit<ImportReport, 'path' | 'suggestedName'>;

/** A dry run. Writes nothing. */
export async function inspectFiles({ folder }: ImportSource, plan: FilePlan): Promise<FileReport> {
  const splitCounts: ImportReport['splitCounts'] = { train: 0, val: 0, test: 0 };
  const labelCounts = plan.categories.map(() => 0);
  const kindCounts = new Map<ParsedLabel['shape']['kind'], number>();
  const failures: Failure[] = [...plan.problems];
  let [sizeBytes, backgroundCount, unlabelledCount] = [0, 0, 0];
  for await (const { planned, facts, labels } of readImages(folder ?? '', plan.images, (item) => failures.push(item))) {
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
  post: (message: ImportMessage) => void,
): Promise<void> {
  const folder = source.folder ?? '';
  const progress = new ReadProgress(post);
  progress.expect(plan.images.length);
  post({ kind: 'categories', categories: plan.categories });
  if (task.copyTo === null) post({ kind: 'root', folder });
  let block: NewFileImage[] = [];
  let [count, labelsInBlock, charactersInBlock] = [0, 0, 0];
  let firstFailure: string | null = null;
  const send = (): void => {
    if (block.length > 0) post({ kind: 'images', images: block });
    block = [];
    [labelsInBlock, charactersInBlock] = [0, 0];
  };
  const onFailure = ({ source: file, reason }: Failure): void => void (firstFailure ??= `${file}: ${reason}`);
  for await (const image of readImages(folder, plan.images, onFailure)) {
    const { path } = image.planned.entry;
    if (task.copyTo !== null) await copyInto(task.copyTo, folder, path);
    const row = rowOf(image);
    const [labels = [], ...more] = inParts(row.labels);
    block.push({ ...row, labels });
    count++;
    labelsInBlock += labels.length;
    charactersInBlock += charactersOf(labels);
    const isFull = labelsInBlock >= LABELS_PER_MESSAGE || charactersInBlock >= CHARACTERS_PER_MESSAGE;
    if (block.length >= IMAGES_PER_MESSAGE || isFull || more.length > 0) send();
    for (const part of more) post({ kind: 'labels', labels: part });
    progress.read(1, path);
  }
  send();
  if (count === 0) {
    throw new FoveaError('bad-input', `None of the images could be used. ${firstFailure ?? ''}`.trim(), { folder });
  }
}

/** Parts that are quick to receive and to store, however many labels there are and however long their shapes. */
function inParts(labels: readonly LabelRow[]): LabelRow[][] {
  const parts: LabelRow[][] = [];
  let [part, characters]: [LabelRow[], number] = [[], 0];
  for (const label of labels) {
    const own = label.geometry?.length ?? 0;
    if (part.length >= LABELS_PER_MESSAGE || (part.length > 0 && characters + own > CHARACTERS_PER_MESSAGE)) {
      parts.push(part);
      [part, characters] = [[], 0];
    }
    part.push(label);
    characters += own;
  }
  return part.length > 0 ? [...parts, part] : parts;
}

function charactersOf(labels: readonly LabelRow[]): number {
  return labels.reduce((sum, { geometry }) => sum + (geometry?.length ?? 0), 0);
}

function rowOf({ planned, facts, labels }: ReadImage): NewFileImage {
  const { path } = planned.entry;
  const review = labels === null ? 'to-do' : 'done';
  return { ...facts, path, name: path, split: planned.split, review, labels: (labels ?? []).map(labelRow) };
}

async function copyInto(target: string, folder: string, path: string): Promise<void> {
  const copy = join(target, path);
  try {
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(join(folder, path), copy, constants.COPYFILE_FICLONE);
  } catch (error) {
    throw fileError(error, 'copy the image', copy);
  }
}
