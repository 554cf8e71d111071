/**
 * Has a run's network look at image files that belong to no data set, made to fit as the run's images were, or in tiles.
 * Photographs are decoded in a worker process and the network runs in a child process, group by group, so that what lies on
 * the disk in between stays small and what is done can be looked at.
 */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Tiling } from '../../contract/model/image-prediction.ts';
import type { CheckpointName } from '../../contract/model/run.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { readTrainingData } from '../../engine/train/training-data-file.ts';
import type { PredictAnswer } from '../../engine/train/predict.ts';
import { isImageName } from '../../formats/image-files.ts';
import type { HostPorts } from '../backend.ts';
import type { ServiceContext } from '../context.ts';
import { runTask } from '../devices/run-task.ts';
import { fileError } from '../file-errors.ts';
import type { JobProgress } from '../jobs.ts';
import type { PackedFiles } from '../training-data/messages.ts';
import { runDataWorker } from '../training-data/run-data-worker.ts';

/** Much longer than any group should take. */
const deadlineMs = 24 * 3_600_000;
/** Of images that are made to fit; of those at their own sizes, which are not known yet, so many. */
const groupBytes = 256e6;
const largeImagesOfGroup = 4;

/** A file as it is, the images of a folder and of those in it, by name. Throws FoveaError `not-found`, `bad-input`. */
export async function imageFilesIn(paths: readonly string[]): Promise<string[]> {
  const files = (await Promise.all(paths.map(imagesIn))).flat();
  if (files.length === 0) throw new FoveaError('bad-input', `There is no image in ${paths.join(', ')}.`);
  return [...new Set(files)];
}

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

export type PredictTools = Pick<HostPorts, 'launchTask'> & Pick<ServiceContext, 'workers'>;

export interface LookRequest {
  /** The run's. */
  folder: string;
  checkpoint: CheckpointName;
  files: readonly string[];
  tiles: Tiling | null;
  /** Boxes below are left out. */
  scoreThreshold: number;
  /** A folder: what is said of the read images is written there, numbered from 0 in their order. */
  target: string;
}

/** `done`: images and failures of this group alone; `answer` is null where none of them could be read. */
type OnGroup = (done: PackedFiles, answer: PredictAnswer | null) => Promise<void> | void;

/** Throws what reading the run throws, `process-died`, `io`; rejects with the signal's reason after a cancel. */
export async function lookAtFiles(
  { launchTask, workers }: PredictTools,
  { folder, checkpoint, files, tiles, scoreThreshold, target }: LookRequest,
  report: (progress: JobProgress) => void,
  signal: AbortSignal,
  onGroup: OnGroup,
): Promise<void> {
  const { packs, evaluation, fit = 'letterbox' } = await readTrainingData(runFiles.data(folder));
  const { channels, widthPx, heightPx } = packs[evaluation.packs[0]!]!;
  if (channels !== 3)
    throw new FoveaError(
      'unsupported',
      `The network reads images of ${channels} channels; files are read as colour images.`,
    );
  const scratch = await mkdtemp(join(tmpdir(), 'fovea-predict-'));
  const size = tiles ? largeImagesOfGroup : Math.max(1, Math.floor(groupBytes / (channels * widthPx * heightPx)));
  const total = files.length;
  let seen = 0;
  try {
    for (let begin = 0; begin < total; begin += size) {
      const group = files.slice(begin, begin + size);
      const packed: PackedFiles = { images: [], failures: [] };
      const file = join(scratch, 'images.u8');
      const network = tiles ? null : { widthPx, heightPx };
      await runDataWorker(
        workers,
        { kind: 'pack-files', files: group, target: file, network, fit },
        signal,
        (message) => {
          if (message.kind === 'packed') Object.assign(packed, message.packed);
          if (message.kind === 'progress') report({ step: 'Reading images', done: begin + message.done, total });
        },
      );
      const { images } = packed;
      const request = {
        ...{ folder, checkpoint, file, tiles, scoreThreshold, target, first: seen },
        sizesPx: images.map((image) => ({ widthPx: image.widthPx, heightPx: image.heightPx })),
      };
      const answer =
        images.length === 0
          ? null
          : await runTask(
              launchTask,
              { name: 'predict', request },
              {
                deadlineMs,
                signal,
                onProgress: ({ step, done }) => report({ step, done: begin + packed.failures.length + done, total }),
              },
            );
      seen += images.length;
      await onGroup(packed, answer);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
