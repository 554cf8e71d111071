/** The predictions that a project keeps: a folder each, with what was looked at and what was said of each image. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import type { PredictionSetId } from '../../contract/model/ids.ts';
import { predictionSet, type PredictionSet } from '../../contract/model/prediction-set.ts';
import { writeFileAtomic } from '../../engine/weights/atomic-file.ts';
import { fileError, systemCode } from '../file-errors.ts';

const folderOf = (project: string): string => join(project, 'predictions');
const documentOf = (folder: string): string => join(folder, 'prediction.json');

/** Where what is said of a set's images lies. */
export const setFolder = (project: string, id: PredictionSetId): string => join(folderOf(project), id);

export async function createSet(
  project: string,
  facts: Omit<PredictionSet, 'predictionSetId' | 'startedAt' | 'epoch' | 'images' | 'failures'>,
): Promise<PredictionSet> {
  const set: PredictionSet = {
    ...facts,
    predictionSetId: randomUUID() as PredictionSetId,
    startedAt: new Date().toISOString(),
    epoch: null,
    images: [],
    failures: [],
  };
  await mkdir(setFolder(project, set.predictionSetId), { recursive: true }).catch((error: unknown) => {
    throw fileError(error, 'make the folder of the predictions', folderOf(project));
  });
  await writeSet(project, set);
  return set;
}

/** Throws FoveaError `io`. */
export function writeSet(project: string, set: PredictionSet): Promise<void> {
  const file = documentOf(setFolder(project, set.predictionSetId));
  return writeFileAtomic(file, [Buffer.from(`${JSON.stringify(set)}\n`)]);
}

/** Throws FoveaError `not-found`, `bad-input` where it is damaged. */
export async function readSet(project: string, id: PredictionSetId): Promise<PredictionSet> {
  const file = documentOf(setFolder(project, id));
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new FoveaError('not-found', 'These predictions are not there any more.', { file }, { cause });
  });
  try {
    return v.parse(predictionSet, JSON.parse(text));
  } catch (cause) {
    throw new FoveaError('bad-input', `${file} is damaged.`, { file }, { cause });
  }
}

/** The newest first; what cannot be read is left out, and stays where it is. */
export async function listSets(project: string): Promise<PredictionSet[]> {
  const names = await readdir(folderOf(project)).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError(error, 'look into', folderOf(project));
  });
  const read = await Promise.all(names.map((name) => readSet(project, name as PredictionSetId).catch(() => null)));
  return read.filter((set) => set !== null).sort((a, b) => b.startedAt.localeCompare(a.startedAt));
}

export async function deleteSet(project: string, id: PredictionSetId): Promise<void> {
  await rm(setFolder(project, id), { recursive: true, force: true }).catch((error: unknown) => {
    throw fileError(error, 'delete', setFolder(project, id));
  });
}
