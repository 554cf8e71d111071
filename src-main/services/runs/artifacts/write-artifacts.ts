/**
 * A run as a folder that people know from other tools: `<folder>/detect/<name>` with args.yaml, results.csv, pictures of
 * curves, confusion, labels and batches, and weights/best and weights/last. A name that is there already is counted up,
 * never overwritten.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { checkpointName } from '../../../contract/model/weights.ts';
import type { HostPorts } from '../../backend.ts';
import type { ServiceContext } from '../../context.ts';
import { fileError, systemCode } from '../../file-errors.ts';
import { exportRun } from '../export-run.ts';
import type { PicturesTask } from './pictures/messages.ts';
import { resultsCsv } from './results-csv.ts';
import { trainingArgs } from './training-args.ts';

export interface ArtifactsOf extends Omit<PicturesTask, 'target'> {
  name: string;
  datasetName: string;
  /** In words; null is from scratch. */
  startsFrom: string | null;
}

export interface WrittenArtifacts {
  folder: string;
  /** What could not be made, and why, in words. */
  leftOut: string[];
}

const folderNames = {
  classification: 'classify',
  segmentation: 'segment',
  detection: 'detect',
  'instance-segmentation': 'segment',
  pose: 'pose',
} as const;
const manyAttempts = 1000;

/** Throws FoveaError `io`, `not-found` where there is no checkpoint yet. */
export async function writeArtifacts(
  { launchTask, workers }: Pick<HostPorts, 'launchTask'> & Pick<ServiceContext, 'workers'>,
  { name, datasetName, startsFrom, ...run }: ArtifactsOf,
  parent: string,
): Promise<WrittenArtifacts> {
  const { config } = run;
  const base = join(resolve(parent), folderNames[config.task]);
  const folder = await makeCountedFolder(base, name.replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'run');
  try {
    await writeFile(join(folder, 'args.yaml'), trainingArgs(config, datasetName, startsFrom));
    await writeFile(join(folder, 'results.csv'), resultsCsv(config.task, run.series));
    await mkdir(join(folder, 'weights'));
  } catch (error) {
    throw fileError(error, 'write the artifacts into', folder);
  }
  const leftOut: string[] = [];
  await workers.run('pictures', { ...run, target: folder }, { signal: null, writes: true }, (message) =>
    leftOut.push(message.leftOut),
  );
  for (const checkpoint of checkpointName.options) {
    const form = { format: 'safetensors', precision: 'float32' } as const;
    const file = join(folder, 'weights', `${checkpoint}.safetensors`);
    await exportRun(launchTask, run.folder, { checkpoint, form, file, overwrite: false });
  }
  return { folder, leftOut };
}

/** "train", "train2", "train3" … */
async function makeCountedFolder(base: string, name: string): Promise<string> {
  try {
    await mkdir(base, { recursive: true });
    for (let number = 1; number < manyAttempts; number++) {
      const folder = join(base, number === 1 ? name : `${name}${number}`);
      try {
        await mkdir(folder);
        return folder;
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error;
      }
    }
    throw new Error(`there are ${manyAttempts} runs of this name`);
  } catch (error) {
    throw fileError(error, 'make a folder in', base);
  }
}
