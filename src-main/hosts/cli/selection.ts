/** From what the person typed (a path, a name, a number) to the project, data set or run that is meant. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Dataset } from '../../contract/model/dataset.ts';
import type { Project } from '../../contract/model/project.ts';
import type { RunSummary } from '../../contract/model/run.ts';
import type { Sweep } from '../../contract/model/sweep.ts';
import type { Client } from './client.ts';

const databaseName = 'project.sqlite';

/** `wanted`: a folder, or the name of a recent project; undefined for the project that `cwd` lies in. */
export async function openProject(client: Client, wanted: string | undefined, cwd: string): Promise<Project> {
  return client.call('project.open', { path: await projectPath(client, wanted, cwd) });
}

async function projectPath(client: Client, wanted: string | undefined, cwd: string): Promise<string> {
  if (wanted === undefined) return enclosingProject(cwd);
  const path = resolve(cwd, wanted);
  if (existsSync(join(path, databaseName))) return path;
  const recent = await client.call('project.recent', {});
  const matches = recent.filter(({ name, projectId }) => name === wanted || projectId === wanted);
  const [match] = matches;
  if (match === undefined) {
    const known = recent.map(({ name }) => name).join(', ') || 'none';
    const message = `There is no project at ${path}, and no recent one named "${wanted}". Recent projects: ${known}.`;
    throw new FoveaError('not-found', message, { project: wanted });
  }
  if (matches.length > 1) {
    const paths = matches.map((project) => project.path).join(', ');
    throw new FoveaError('invalid-request', `Several projects are named "${wanted}". Give the path: ${paths}.`);
  }
  return match.path;
}

function enclosingProject(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, databaseName))) return folder;
    if (folder === dirname(folder)) break;
  }
  const message = `${cwd} is not inside a project. Say which one with --project PATH, or go to its folder.`;
  throw new FoveaError('invalid-request', message);
}

export async function findDataset(client: Client, { projectId }: Project, wanted: string): Promise<Dataset> {
  const datasets = await client.call('dataset.list', { projectId });
  return pick(datasets, wanted, 'data set', ({ datasetId }) => datasetId);
}

export async function findRun(client: Client, { projectId }: Project, wanted: string): Promise<RunSummary> {
  const runs = await client.call('run.list', { projectId });
  return pick(runs, wanted, 'run', ({ runId }) => runId);
}

export async function findSweep(client: Client, { projectId }: Project, wanted: string): Promise<Sweep> {
  const sweeps = await client.call('sweep.list', { projectId });
  return pick(sweeps, wanted, 'sweep', ({ sweepId }) => sweepId);
}

/** A name that fits wins over a number, so that a run named "12" can be reached. */
function pick<T extends { name: string }>(
  items: readonly T[],
  wanted: string,
  kind: string,
  idOf: (item: T) => number,
): T {
  const named = items.filter(({ name }) => name === wanted);
  if (named.length > 1) {
    const ids = named.map(idOf).join(', ');
    throw new FoveaError('invalid-request', `Several ${kind}s are named "${wanted}". Give the number: ${ids}.`);
  }
  const found = named[0] ?? items.find((item) => String(idOf(item)) === wanted);
  if (found !== undefined) return found;
  const known = items.map((item) => `${idOf(item)} ${item.name}`).join(', ') || 'none';
  throw new FoveaError('not-found', `There is no ${kind} "${wanted}" in this project. There are: ${known}.`);
}
