/** Kills imports and exports in the middle, at random moments, and looks whether the library is as it was before. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createServices } from './service-fixture.ts';

export interface KillPlace {
  projectFolder: string;
  userDataFolder: string;
  /** A COCO data set, which the project holds once already. */
  source: string;
  /** A folder that exports go into; does not exist. */
  target: string;
}

export interface Kill {
  what: 'import' | 'export';
  afterMs: number;
}

const script = fileURLToPath(new URL('./doomed-library.ts', import.meta.url));

/** Resolves with what is wrong afterwards; empty where all is as it was, or the work was through before. */
export async function killOnce(place: KillPlace, { what, afterMs }: Kill): Promise<string[]> {
  const { projectFolder, userDataFolder, source, target } = place;
  const path = what === 'import' ? source : target;
  const child = spawn(process.execPath, [script, projectFolder, userDataFolder, what, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), ended]);
  await delay(afterMs);
  child.kill('SIGKILL');
  await ended;
  const services = createServices({ userDataFolder });
  try {
    const opened = await services.projects.open(projectFolder);
    const { datasets, database } = opened.store;
    const problems: string[] = [];
    const [first, ...others] = datasets.list().reverse();
    if (database.pragma('integrity_check', { simple: true }) !== 'ok') problems.push('the database is damaged');
    if (datasets.leftovers().length > 0) problems.push('rows of a broken-off import are left');
    const complete = others.filter(({ splitCounts }) => splitCounts.train === first?.splitCounts.train);
    if (complete.length !== others.length) problems.push('a part of a data set is visible');
    const images = join(projectFolder, 'images');
    const copies = existsSync(images) ? readdirSync(images) : [];
    if (copies.length !== datasets.list().length) problems.push(`copies of files are left: ${copies.join()}`);
    if (existsSync(target) && !existsSync(join(target, 'annotations', 'instances_train.json'))) {
      problems.push('a part of an export is there under its name');
    }
    // What was through before the kill is taken away, so that the next round begins alike.
    const { projectId } = opened.project;
    for (const { datasetId } of others) await services.handlers['dataset.delete']({ projectId, datasetId });
    await services.handlers['trash.empty']({ projectId, item: null });
    return problems;
  } finally {
    await services.close();
  }
}
