/**
 * Has a run's network look at image files that belong to no data set, made to fit as the run's images were, and writes what
 * it says of them into a JSON file. Photographs are decoded in one child process, the network runs in another.
 */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Calls } from '../../contract/ipc.ts';
import type { PredictionDocument } from '../../contract/model/image-prediction.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { readTrainingData } from '../../engine/train/training-data-file.ts';
import { writeFileAtomic } from '../../engine/weights/atomic-file.ts';
import { isImageName } from '../../formats/image-files.ts';
import type { HostPorts } from '../backend.ts';
import { runTask } from '../devices/run-task.ts';
import type { ServiceContext } from '../context.ts';
import { fileError } from '../file-errors.ts';
import type { JobProgress } from '../jobs.ts';
import type { PackedFiles } from '../training-data/messages.ts';
import { runDataWorker } from '../training-data/run-data-worker.ts';

/** Much longer than any folder should take. */
const deadlineMs = 24 * 3_600_000;

type Request = Pick<
  Calls['run.predict']['request'],
  'paths' | 'checkpoint' | 'scoreThreshold' | 'output' | 'overwrite'
>;

/** Before the work begins. Throws FoveaError `not-found`, `bad-input`, `already-exists`, `invalid-request`. */
export async function filesToPredict({ paths, output, overwrite }: Request): Promise<string[]> {
  const target = resolve(output);
  if (extname(target) !== '.json')
    throw new FoveaError('invalid-request', `The results are a .json file: ${target} is none.`, { file: target });
  if (!overwrite && (await stat(target).catch(() => null)) !== null)
    throw new FoveaError('already-exists', `${target} is there already.`, { file: target });
  const files = (await Promise.all(paths.map(imagesIn))).flat();
  if (files.length === 0) throw new FoveaError('bad-input', `There is no image in ${paths.join(', ')}.`);
  return files;
}

/** A file as it is, the images of a folder and of those in it, by name. */
async function imagesIn(path: string): Promise<string[]> {
  const whole = resolve(path);
  try {
    if (!(await stat(whole)).isDirectory()) return [whole];
    const names = await readdir(whole, { recursive: true });
    return names
      .filter(isImageName)
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .map((name) => join(whole, name));
  } catch (error) {
    throw fileError(error, 'look into', whole);
  }
}

/** Throws what reading the run throws, `process-died`, `io`; rejects with the signal's reason after a cancel. */
export async function predictFiles(
  { launchTask, workers }: Pick<HostPorts, 'launchTask'> & Pick<ServiceContext, 'workers'>,
  run: { name: string; folder: string },
  files: readonly string[],
  { checkpoint, scoreThreshold, output }: Request,
  report: (progress: JobProgress) => void,
  signal: AbortSignal,
): Promise<PredictionDocument> {
  const { packs, evaluation, fit = 'letterbox' } = await readTrainingData(runFiles.data(run.folder));
  const { channels, widthPx, heightPx } = packs[evaluation.packs[0]!]!;
  if (channels !== 3)
    throw new FoveaError(
      'unsupported',
      `The network reads images of ${channels} channels; files are read as colour images.`,
    );
  const scratch = await mkdtemp(join(tmpdir(), 'fovea-predict-'));
  try {
    const packed: PackedFiles = { images: [], failures: [] };
    const file = join(scratch, 'images.u8');
    const task = { kind: 'pack-files', files, target: file, network: { widthPx, heightPx }, fit } as const;
    await runDataWorker(workers, task, signal, (message) => {
      if (message.kind === 'packed') Object.assign(packed, message.packed);
      if (message.kind === 'progress') report({ step: 'Reading images', done: message.done, total: message.total });
    });
    const { images, failures } = packed;
    const answer =
      images.length === 0
        ? null
        : await runTask(
            launchTask,
            {
              name: 'predict',
              request: {
                folder: run.folder,
                checkpoint,
                pack: { file, count: images.length, channels, widthPx, heightPx },
                sizesPx: images.flatMap((image) => [image.widthPx, image.heightPx]),
                scoreThreshold,
              },
            },
            { deadlineMs, signal, onProgress: (progress) => report(progress) },
          );
    if (answer === null)
      throw new FoveaError('bad-input', `None of the images can be read. ${failures[0]?.file}: ${failures[0]?.reason}`);
    const document: PredictionDocument = {
      run: run.name,
      checkpoint,
      epoch: answer.epoch,
      task: answer.task,
      classes: answer.classes,
      images: images.map((image, i) => ({ ...image, said: answer.said[i]! })),
      failures,
    };
    await writeFileAtomic(resolve(output), [Buffer.from(`${JSON.stringify(document)}\n`)]);
    return document;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
