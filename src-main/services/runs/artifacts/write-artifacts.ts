/**
 * A run as a folder that people know from other tools: `<folder>/detect/<name>` with args.yaml, results.csv and weights/best
 * and weights/last. A name that is there already is counted up, never overwritten.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { RunConfig, Series } from '../../../contract/model/run.ts';
import { checkpointName } from '../../../contract/model/weights.ts';
import type { HostPorts } from '../../backend.ts';
import { fileError, systemCode } from '../../file-errors.ts';
import { exportRun } from '../export-run.ts';
import { resultsCsv } from './results-csv.ts';
import { trainingArgs } from './training-args.ts';

export interface ArtifactsOf {
  name: string;
  /** The run's own folder. */
  folder: string;
  config: RunConfig;
  datasetName: string;
  /** In words; null is from scratch. */
  startsFrom: string | null;
  series: readonly Series[];
}

const folderNames = { classification: 'classify', segmentation: 'segment', detection: 'detect' } as const;
const manyAttempts = 1000;

/** The folder that was written. Throws FoveaError `io`, `not-found` where there is no checkpoint yet. */
export async function writeArtifacts(
  launchTask: HostPorts['launchTask'],
  run: ArtifactsOf,
  parent: string,
): Promise<string> {
  const { config } = run;
  const base = join(resolve(parent), folderNames[config.task]);
  const folder = await makeCountedFolder(base, run.name.replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'run');
  try {
    await writeFile(join(folder, 'args.yaml'), trainingArgs(config, run.datasetName, run.startsFrom));
    await writeFile(join(folder, 'results.csv'), resultsCsv(config.task, run.series));
    await mkdir(join(folder, 'weights'));
  } catch (error) {
    throw fileError(error, 'write the artifacts into', folder);
  }
  for (const checkpoint of checkpointName.options) {
    const form = { format: 'safetensors', precision: 'float32' } as const;
    const file = join(folder, 'weights', `${checkpoint}.safetensors`);
    await exportRun(launchTask, run.folder, { checkpoint, form, file, overwrite: false });
  }
  return folder;
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
