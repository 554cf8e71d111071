/**
 * Nothing that was saved is ever lost: labelling that is killed (SIGKILL) at random moments, a thousand times; and the app
 * itself with its window, a hundred times.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import { ensureBuilt } from '../../src-main/setup/build.mjs';
import { ensureDebianPackages, forTests } from '../../src-main/setup/debian.mjs';
import { createProjectStore } from '../../src-main/store/project-store.ts';
import { temporaryUserData } from '../helpers/app-session.ts';
import startDisplay from '../helpers/display.ts';
import { launchElectron } from '../helpers/electron.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { killApp } from '../helpers/kill-app.ts';
import { killRounds, type KillReport } from '../helpers/kill-rounds.ts';
import { callInPage } from '../helpers/page-calls.ts';
import { addPhotos } from '../helpers/photo-dataset.ts';
import type { BenchContext, BenchOutcome, Figure } from './bench.ts';

const appKills = { quick: 10, full: 100 };

export async function runAnnotateKills({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-kills-'));
  try {
    const seed = Math.floor(Math.random() * 1_000_000);
    progress(`seed ${seed}`);
    const app = await killTheApp(folder, { rounds: quick ? appKills.quick : appKills.full, seed, progress });
    const services = await killTheServices(join(folder, 'services'), { rounds: quick ? 60 : 1000, seed, progress });
    return {
      figures: [
        ...figuresOf('', 'processes with services and editor', services),
        ...figuresOf('app', 'the app with its window', app),
      ],
      bars: [
        { figure: 'lostGestures', bar: 0, direction: 'at-most' },
        { figure: 'appLostGestures', bar: 0, direction: 'at-most' },
      ],
      notes: [`Seed ${seed}.`],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Rounds {
  rounds: number;
  seed: number;
  progress: (text: string) => void;
}

async function killTheServices(folder: string, options: Rounds): Promise<KillReport> {
  const projectId = '4b1e7f6c-0d1a-4c39-9e2b-6f1f0a5d7c12' as ProjectId;
  const createdAt = new Date().toISOString();
  mkdirSync(folder);
  const store = createProjectStore(join(folder, 'project.sqlite'), { projectId, name: 'Kills', createdAt });
  addPhotos(store, 5);
  store.close();
  return killRounds(folder, options);
}

async function killTheApp(scratch: string, { rounds, seed, progress }: Rounds): Promise<KillReport> {
  await ensureDebianPackages(forTests);
  await ensureBuilt();
  const stopDisplay = await startDisplay();
  try {
    const userDataFolder = temporaryUserData();
    const { page, close } = await launchElectron({ userDataFolder });
    const images = Array.from(
      { length: 4 },
      async (_, at) => [`images/${at}.jpg`, await photo({ widthPx: 320, heightPx: 240 })] as const,
    );
    await writeFiles(join(scratch, 'photographs'), Object.fromEntries(await Promise.all(images)));
    const { projectId, path } = await callInPage(page, 'project.create', { name: 'Kills', parentFolder: scratch });
    await callInPage(page, 'dataset.import', {
      projectId,
      path: join(scratch, 'photographs'),
      format: 'images',
      name: 'Photographs',
    });
    let datasets = await callInPage(page, 'dataset.list', { projectId });
    for (; datasets.length === 0; datasets = await callInPage(page, 'dataset.list', { projectId })) {
      await page.waitForTimeout(200);
    }
    for (const name of ['cat', 'dog']) {
      await callInPage(page, 'category.create', { projectId, datasetId: datasets[0]!.datasetId, name });
    }
    await close();
    const say = (text: string): void => progress(`the app: ${text}`);
    return await killApp(path, { hash: `#/${projectId}/annotate`, userDataFolder, rounds, seed, progress: say });
  } finally {
    stopDisplay();
  }
}

function figuresOf(
  prefix: string,
  what: string,
  { kills, saved, lost, onItsWay, historyEntries }: KillReport,
): Figure[] {
  const name = (text: string): string => (prefix === '' ? text : prefix + text.charAt(0).toUpperCase() + text.slice(1));
  return [
    { name: name('kills'), value: kills, explanation: `${what}, killed at random moments while they labelled` },
    { name: name('savedGestures'), value: saved, explanation: 'gestures that were said to be saved' },
    { name: name('lostGestures'), value: lost, explanation: 'of these, missing after a restart' },
    {
      name: name('keptOnTheWay'),
      value: onItsWay.there,
      explanation: 'gestures that were killed on their way and are there',
    },
    {
      name: name('goneOnTheWay'),
      value: onItsWay.notThere,
      explanation: 'gestures that were killed on their way and are not',
    },
    {
      name: name('historyEntries'),
      value: historyEntries,
      explanation: 'entries of the history, walked back to the start',
    },
  ];
}
