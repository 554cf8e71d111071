/**
 * The folders of a project's runs: making one under a name that was never there, and taking one away together with its
 * rows so that a crash in between loses neither silently.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { invariant } from '../../contract/errors.ts';
import type { RunId } from '../../contract/model/ids.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { writeFileAtomic } from '../../engine/weights/atomic-file.ts';
import { fileError, systemCode } from '../file-errors.ts';
import type { OpenProject } from '../open-projects.ts';

const RUNS = 'runs';
const DOOMED = '.deleted-';
const manyAttempts = 1000;

/** The number after "<modelId>-" that follows the highest among `names`. */
export function nextRunNumber(modelId: string, names: readonly string[]): number {
  const prefix = `${modelId}-`;
  const numbers = names.map((name) => (name.startsWith(prefix) ? Number(name.slice(prefix.length)) : 0));
  return Math.max(0, ...numbers.filter(Number.isSafeInteger)) + 1;
}

/** Makes "runs/lenet5-3"; returns that path, relative to the project. Never takes a folder that is there. */
export async function createRunFolder(opened: OpenProject, modelId: string): Promise<string> {
  const runs = join(opened.folder, RUNS);
  try {
    await mkdir(runs, { recursive: true });
    const existing = (await readdir(runs)).map((name) => (name.startsWith(DOOMED) ? name.slice(DOOMED.length) : name));
    const first = nextRunNumber(modelId, [...existing, ...rowFolders(opened).values()]);
    for (let number = first; number < first + manyAttempts; number++) {
      const name = `${modelId}-${number}`;
      if (await tryToMake(join(runs, name))) return `${RUNS}/${name}`;
    }
  } catch (error) {
    throw fileError(error, 'make a folder for the run', runs);
  }
  invariant(false, `no free name for a run of ${modelId} in ${runs}`);
}

/** config.json, which data.json will follow from, and a place for checkpoints. */
export async function writeRunConfig(folder: string, config: RunConfig): Promise<void> {
  await mkdir(dirname(runFiles.checkpoint(folder, 'last')));
  const document = new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`);
  await writeFileAtomic(runFiles.config(folder), [document]);
}

/**
 * Deletes the run's rows and folder. The folder is set aside first, then the rows go, then the folder: after a crash
 * `sweepRunFolders` finds either a folder with rows, which it puts back, or one without, which it removes.
 */
export async function deleteRun(opened: OpenProject, runId: RunId): Promise<void> {
  const name = nameOf(opened.store.runs.folder(runId));
  const folder = join(opened.folder, RUNS, name);
  const doomed = join(opened.folder, RUNS, DOOMED + name);
  try {
    await rm(doomed, { recursive: true, force: true });
    await rename(folder, doomed);
  } catch (error) {
    // A folder that the person has deleted already is no reason to keep its rows.
    if (systemCode(error) !== 'ENOENT') throw fileError(error, 'delete the run', folder);
  }
  opened.store.runs.delete(runId);
  await rm(doomed, { recursive: true, force: true });
}

/** Finishes or takes back the deletions that a crash cut short. */
export async function sweepRunFolders(opened: OpenProject): Promise<void> {
  const runs = join(opened.folder, RUNS);
  const doomed = (await namesIn(runs)).filter((name) => name.startsWith(DOOMED));
  if (doomed.length === 0) return;
  const inRows = rowFolders(opened);
  for (const name of doomed) {
    const original = name.slice(DOOMED.length);
    if (inRows.has(original)) await rename(join(runs, name), join(runs, original));
    else await rm(join(runs, name), { recursive: true, force: true });
  }
}

function rowFolders({ store }: OpenProject): Set<string> {
  return new Set(store.runs.folders().map(nameOf));
}

const nameOf = (folder: string): string => folder.slice(RUNS.length + 1);

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError(error, 'look into the folder', folder);
  }
}

async function tryToMake(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
