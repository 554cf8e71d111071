/**
 * Makes what a run trains on: collects its images and labels at one moment, makes the packs that are not in the cache yet,
 * and writes data.json into the run's folder. Everything follows from the files and the labels, so preparing again gives
 * the same bytes.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { trainedClasses } from '../../contract/model/trained-classes.ts';
import {
  objectColumns,
  type ImagePack,
  type PackRows,
  type SplitData,
  type TrainingData,
} from '../../engine/data/training-data.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { readTrainingData, writeTrainingData } from '../../engine/train/training-data-file.ts';
import type { ProjectReader } from '../../store/project-store.ts';
import type { TrainingImage } from '../../store/training-repository.ts';
import { filePath } from '../image-pixels.ts';
import { packsFolder } from '../datasets/discard-dataset.ts';
import { collectSplit, shapesOf, uncoveredValue, type CollectedSplit } from './collect.ts';
import { preparedChannels, type InputGeometry } from './decode-image.ts';
import type { DataMessage, DataTask } from './messages.ts';
import { findPack, makePack, sweepCache, trainingCacheFolder, type CachedPack } from './pack-cache.ts';
import { trainedPose } from './pose-layout.ts';
import { writeImageRows, writeMaskRows } from './write-packs.ts';

export interface PrepareTools {
  store: ProjectReader;
  post(message: DataMessage): void;
  throwIfStopped(): void;
}

type PrepareTask = Extract<DataTask, { kind: 'prepare' }>;

/** Of one pack to be: what it is, and how it is made. */
interface PackPlan {
  key: string;
  rows: number;
  make(onRow: () => void): Promise<CachedPack>;
}

export async function prepare(tools: PrepareTools, task: PrepareTask): Promise<void> {
  const { store, post, throwIfStopped } = tools;
  const { config, folder, runFolder, goesOn } = task;
  const cache = join(folder, trainingCacheFolder(config.data.datasetId));
  // Images, labels and masks as they are at one moment; the photographs are read later, outside of the transaction.
  store.database.exec('BEGIN');
  const splits = [config.data.trainSplit, config.data.evaluationSplit];
  const names = ['train', 'evaluation'] as const;
  const collected = splits.map((split) => collectSplit(store, config, split, throwIfStopped));
  collected.forEach((each, at) => requireImages(each, splits[at]!, config));
  const geometry = inputGeometry(store, config);
  const plans: { images: PackPlan | null; masks: PackPlan | null }[] = [];
  for (const { images, maskDigest } of collected) {
    plans.push({
      images: isTakenAsItIs(config, images) ? null : await planImages(tools, task, cache, images, geometry),
      masks: maskDigest === null ? null : planMasks(tools, task, cache, images, maskDigest, geometry),
    });
  }
  const wanted = plans.flatMap(({ masks, images }) => [masks, images]).filter((plan) => plan !== null);
  const made = await makeAll(tools, cache, [...new Map(wanted.map((plan) => [plan.key, plan])).values()]);
  const data = assemble(tools, task, collected, plans, made);
  for (const [at, name] of names.entries()) {
    tellLeftOut(post, collected[at]!, splits[at]!);
    if (data[name].imageIds.length === 0) throw noneReadable(splits[at]!);
  }
  if (goesOn) requireTheSame(await readTrainingData(runFiles.data(runFolder)), data);
  await writeTrainingData(runFiles.data(runFolder), data);
  await sweepCache(cache, [...made.keys()]);
}

/** The size of the network's input. Throws FoveaError `bad-input` where the images differ in size and none is chosen. */
export function inputGeometry(store: ProjectReader, { data }: Pick<RunConfig, 'data'>): InputGeometry {
  const { imageSize, name } = store.datasets.get(data.datasetId);
  const network = data.inputSize ?? imageSize;
  if (network === null)
    throw new FoveaError(
      'bad-input',
      `The images of “${name}” differ in size: choose the size of the network's input.`,
    );
  return {
    network: { widthPx: network.widthPx, heightPx: network.heightPx },
    fit: data.inputSize ? data.fit : 'stretch',
  };
}

/** Images in packs, where no other size is asked for. */
export const isTakenAsItIs = ({ data }: Pick<RunConfig, 'data'>, images: readonly TrainingImage[]): boolean =>
  data.inputSize === null && images.every(({ packFile }) => packFile !== null);

function requireImages({ images, leftOut }: CollectedSplit, split: Split, { task }: RunConfig): void {
  if (images.length > 0) return;
  const labels = {
    classification: 'a single class',
    segmentation: 'an outline or mask',
    detection: 'a box',
    'instance-segmentation': 'an outline or mask of an object',
    pose: 'points',
  }[task];
  const none = leftOut.unlabelled + leftOut.severalClasses + leftOut.rejected === 0;
  throw new FoveaError(
    'bad-input',
    none ? `There are no images in the split “${split}”.` : `No image in the split “${split}” has ${labels}.`,
  );
}

const noneReadable = (split: Split): FoveaError =>
  new FoveaError('bad-input', `None of the images in the split “${split}” can be read; the log has the reasons.`);

/** The project may have moved, so of a pack's path only the end counts, which holds its key. */
function requireTheSame(before: TrainingData, now: TrainingData): void {
  const ofSplit = ({ imageIds, packs, rows, labels, sizesPx, masks, objects }: SplitData) => [
    [imageIds, packs, rows, labels, sizesPx],
    [masks?.packs, masks?.rows, objects?.counts, objects?.rows, objects?.points],
  ];
  const comparable = ({ categories, pose, fit, packs, train, evaluation }: TrainingData): string =>
    JSON.stringify([
      [categories, pose, fit, packs.map(({ file }) => [basename(dirname(file)), basename(file)])],
      [ofSplit(train), ofSplit(evaluation)],
    ]);
  if (comparable(before) === comparable(now)) return;
  throw new FoveaError(
    'bad-input',
    'The images or labels of this run have changed since it began, and what was prepared of them is no longer there. Start a new run.',
  );
}

async function makeAll(
  { store, post, throwIfStopped }: PrepareTools,
  cache: string,
  plans: readonly PackPlan[],
): Promise<ReadonlyMap<string, CachedPack>> {
  const made = new Map<string, CachedPack>();
  for (const { key } of plans) {
    const known = await findPack(cache, key);
    if (known) made.set(key, known);
  }
  const missing = plans.filter(({ key }) => !made.has(key));
  const total = missing.reduce((sum, { rows }) => sum + rows, 0);
  let done = 0;
  let toldMs = -Infinity;
  const onRow = (): void => {
    throwIfStopped();
    done++;
    const now = performance.now();
    if (now - toldMs < 100 && done < total) return;
    toldMs = now;
    post({ kind: 'progress', done, total });
  };
  // Masks come first of each split: they are drawn from the rows as they were at that moment.
  const byKind = [...missing].sort((a, b) => Number(b.key.startsWith('masks')) - Number(a.key.startsWith('masks')));
  for (const plan of byKind) {
    if (store.database.inTransaction && !plan.key.startsWith('masks')) store.database.exec('COMMIT');
    made.set(plan.key, await plan.make(onRow));
  }
  if (store.database.inTransaction) store.database.exec('COMMIT');
  return made;
}

/** Which bytes the pack has, as far as can be known without reading the images. */
async function planImages(
  { store, throwIfStopped }: PrepareTools,
  { folder }: PrepareTask,
  cache: string,
  images: readonly TrainingImage[],
  geometry: InputGeometry,
): Promise<PackPlan> {
  const digest = createHash('sha256').update(JSON.stringify([1, geometry, preparedChannels]));
  for (let first = 0; first < images.length; first += statsAtOnce) {
    throwIfStopped();
    const piece = images.slice(first, first + statsAtOnce);
    const identities = await Promise.all(piece.map((image) => identityOf(store, folder, image)));
    digest.update(JSON.stringify(identities));
  }
  const key = `images-${digest.digest('hex').slice(0, 32)}`;
  const facts = packFacts(images.length, preparedChannels, geometry, 'images');
  return {
    key,
    rows: images.length,
    make: (onRow) =>
      makePack(cache, key, facts, (file) => writeImageRows(file, store, folder, { images, geometry, onRow })),
  };
}

const statsAtOnce = 256;

/** A file by name, size and time of change; what is not there is told of when it is to be read. */
async function identityOf(store: ProjectReader, folder: string, image: TrainingImage): Promise<unknown> {
  const size = [image.widthPx, image.heightPx];
  if (image.packFile !== null) return [image.packFile, image.packRow, ...size];
  const source = store.images.pixelSource(image.imageId);
  if (source.kind === 'pack') return [source.packed.pack.file, source.packed.row, ...size];
  const file = filePath(folder, source.file);
  const facts = await stat(file).catch(() => null);
  return [file, facts?.size ?? null, facts ? Math.round(facts.mtimeMs) : null, ...size];
}

function planMasks(
  { store }: PrepareTools,
  { config }: PrepareTask,
  cache: string,
  images: readonly TrainingImage[],
  maskDigest: string,
  geometry: InputGeometry,
): PackPlan {
  const classes = trainedClasses(config, store.datasets.categories(config.data.datasetId));
  const uncovered = uncoveredValue(config, classes);
  const digest = createHash('sha256').update(JSON.stringify([1, geometry, uncovered, maskDigest]));
  const key = `masks-${digest.digest('hex').slice(0, 32)}`;
  const ids = (piece: readonly TrainingImage[]) => piece.map(({ imageId }) => imageId);
  return {
    key,
    rows: images.length,
    make: (onRow) =>
      makePack(cache, key, packFacts(images.length, 1, geometry, 'masks'), async (file) => {
        await writeMaskRows(file, (piece) => shapesOf(store, config, ids(piece)), uncovered, {
          images,
          geometry,
          onRow,
        });
        return [];
      }),
  };
}

function packFacts(count: number, channels: number, { network, fit }: InputGeometry, what: string) {
  const { widthPx, heightPx } = network;
  return { count, channels, heightPx, widthPx, contents: `${what}, ${fit} to ${widthPx} × ${heightPx} px` };
}

function assemble(
  { store, post }: PrepareTools,
  { config, folder }: PrepareTask,
  collected: readonly CollectedSplit[],
  plans: readonly { images: PackPlan | null; masks: PackPlan | null }[],
  made: ReadonlyMap<string, CachedPack>,
): TrainingData {
  const packs: ImagePack[] = [];
  const indexOf = (pack: ImagePack): number => {
    const known = packs.findIndex(({ file }) => file === pack.file);
    return known >= 0 ? known : packs.push(pack) - 1;
  };
  const given = new Map(store.datasets.packs(config.data.datasetId).map((pack) => [pack.file, pack]));
  const splitOf = (at: number): SplitData => {
    const { images, labels, objects } = collected[at]!;
    const plan = plans[at]!;
    const prepared = plan.images && made.get(plan.images.key)!;
    for (const { reason } of prepared?.failures ?? [])
      post({ kind: 'log', level: 'warning', text: `Left out: ${reason}` });
    const failed = new Set(prepared?.failures.map(({ row }) => row));
    const kept = [...images.keys()].filter((row) => !failed.has(row));
    const rowsOf = (pack: ImagePack): PackRows => ({ packs: kept.map(() => indexOf(pack)), rows: kept });
    const asTheyAre = (): PackRows => ({
      packs: kept.map((row) => indexOf(givenPack(given.get(images[row]!.packFile!)!, folder))),
      rows: kept.map((row) => images[row]!.packRow!),
    });
    return {
      imageIds: kept.map((row) => images[row]!.imageId),
      ...(prepared ? rowsOf(prepared.pack) : asTheyAre()),
      labels: labels.length === 0 ? [] : kept.map((row) => labels[row]!),
      ...(prepared && { sizesPx: kept.flatMap((row) => [images[row]!.widthPx, images[row]!.heightPx]) }),
      ...(plan.masks && { masks: rowsOf(made.get(plan.masks.key)!.pack) }),
      ...(objects && { objects: objectsOf(objects, kept) }),
    };
  };
  const [train, evaluation] = [splitOf(0), splitOf(1)];
  const classes = trainedClasses(config, store.datasets.categories(config.data.datasetId));
  const pose = trainedPose(store, config);
  return {
    categories: classes.map(({ name }) => name),
    ...(pose && { pose }),
    ...((train.sizesPx ?? evaluation.sizesPx) && { fit: inputGeometry(store, config).fit }),
    packs,
    train,
    evaluation,
  };
}

function givenPack(pack: Omit<ImagePack, 'file'> & { file: string }, folder: string): ImagePack {
  const { file, count, channels, heightPx, widthPx } = pack;
  return { file: join(packsFolder(folder), file), count, channels, heightPx, widthPx };
}

function objectsOf({ counts, rows, points }: NonNullable<CollectedSplit['objects']>, kept: readonly number[]) {
  const starts: number[] = [];
  let sum = 0;
  for (const count of counts) {
    starts.push(sum);
    sum += count;
  }
  const ofKept = (numbers: readonly number[], width: number): number[] =>
    kept.flatMap((image) => numbers.slice(starts[image]! * width, (starts[image]! + counts[image]!) * width));
  return {
    counts: kept.map((image) => counts[image]!),
    rows: ofKept(rows, objectColumns.length),
    ...(points && { points: ofKept(points, points.length / Math.max(1, sum)) }),
  };
}

function tellLeftOut(post: PrepareTools['post'], { leftOut }: CollectedSplit, split: Split): void {
  const parts = [
    [leftOut.unlabelled, 'without a label to learn from'],
    [leftOut.severalClasses, 'with several classes'],
    [leftOut.rejected, 'rejected in review'],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  if (told.length > 0)
    post({ kind: 'log', level: 'info', text: `Images of the split “${split}” left out: ${told.join(', ')}.` });
}
