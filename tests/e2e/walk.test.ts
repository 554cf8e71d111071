/** The whole slice as a new user walks it, in the real Electron and in Chromium in front of the web host. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppSession } from '../helpers/app-session.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { launchElectron } from '../helpers/electron.ts';
import { writeCifar10 } from '../helpers/generated-data.ts';
import {
  browseImages,
  cancelLongRun,
  compareTwins,
  createProject,
  importImages,
  lookInside,
  trainTwins,
  type WalkOptions,
} from '../helpers/walk.ts';

const hosts: Record<string, () => Promise<AppSession>> = { electron: launchElectron, web: launchBrowser };

describe.each(Object.entries(hosts))('in the %s host', (host, launch) => {
  let session: AppSession;
  let walk: WalkOptions;
  const problems: string[] = [];

  beforeAll(async () => {
    session = await launch();
    const parentFolder = mkdtempSync(join(tmpdir(), 'fovea-walk-'));
    const dataFolder = join(parentFolder, 'cifar');
    await writeCifar10(dataFolder, { perClass: 120, testPerClass: 30, seed: 1 });
    session.page.on('pageerror', (error) => problems.push(error.message));
    session.page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    session.page.setDefaultTimeout(30_000);
    walk = { page: session.page, host, parentFolder, dataFolder, counts: { train: '1,200', test: '300' } };
  }, 120_000);
  afterAll(() => session.close());

  it('creates a project', () => createProject(walk));
  it('imports CIFAR-10 after showing what it found', () => importImages(walk));
  it('browses, filters and opens an image', () => browseImages(walk));
  it('trains twins for two epochs', () => trainTwins(walk));
  it('watches a long run live and cancels it', () => cancelLongRun(walk));
  it('shows kernels, predictions and the confusion matrix', () => lookInside(walk));
  it('compares the twins', async () => expect(await compareTwins(walk)).toContain('Batch norm'));
  it('met no error in the page', () => expect(problems).toEqual([]));
});
