/** Writes what a run's network says of image files that belong to no data set into one JSON file. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Calls } from '../../contract/ipc.ts';
import { usualDetectionSettings } from '../../contract/model/run-results.ts';
import type { PredictAnswer } from '../../engine/train/predict.ts';
import type { JobProgress } from '../jobs.ts';
import type { PackedFiles } from '../training-data/messages.ts';
import { imageFilesIn, lookAtFiles, type PredictTools } from './look-at-files.ts';

type Request = Pick<
  Calls['run.predict']['request'],
  'paths' | 'checkpoint' | 'scoreThreshold' | 'output' | 'overwrite' | 'tiles'
>;

/** Before the work begins. Throws FoveaError `not-found`, `bad-input`, `already-exists`, `invalid-request`. */
export async function filesToPredict({ paths, output, overwrite }: Request): Promise<string[]> {
  const target = resolve(output);
  if (extname(target) !== '.json')
    throw new FoveaError('invalid-request', `The results are a .json file: ${target} is none.`, { file: target });
  if (!overwrite && (await stat(target).catch(() => null)) !== null)
    throw new FoveaError('already-exists', `${target} is there already.`, { file: target });
  return imageFilesIn(paths);
}

/** Throws what `lookAtFiles` throws, and `bad-input` where none of the files can be read. */
export async function predictFiles(
  tools: PredictTools,
  run: { name: string; folder: string },
  files: readonly string[],
  { checkpoint, scoreThreshold, output, tiles = null }: Request,
  report: (progress: JobProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const target = await mkdtemp(join(tmpdir(), 'fovea-seen-'));
  try {
    const all: PackedFiles = { images: [], failures: [] };
    let head: PredictAnswer | null = null;
    const request = { folder: run.folder, checkpoint, files, tiles, scoreThreshold, target };
    await lookAtFiles(tools, request, report, signal, (group, answer) => {
      all.images.push(...group.images);
      all.failures.push(...group.failures);
      head ??= answer;
    });
    const { images, failures } = all;
    if (head === null)
      throw new FoveaError('bad-input', `None of the images can be read. ${failures[0]?.file}: ${failures[0]?.reason}`);
    const { epoch, task, classes }: PredictAnswer = head;
    const settings = { ...usualDetectionSettings, scoreThreshold };
    await tools.workers.run(
      'predictions',
      {
        form: 'json',
        set: { run: run.name, checkpoint, epoch, task, classes, images, failures },
        skeletons: [],
        seen: target,
        settings,
        target: resolve(output),
      },
      { signal, writes: true },
      ({ done, total }) => report({ step: 'Writing', done, total }),
    );
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}
