/**
 * A run watched live in the real Electron: how late its main process's event loop is, and how smooth its window, while a
 * small network reports hundreds of steps a second.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import startDisplay from '../helpers/display.ts';
import { launchElectron, type ElectronSession } from '../helpers/electron.ts';
import { writeCifar10 } from '../helpers/generated-data.ts';
import { callInPage } from '../helpers/page-calls.ts';
import { noteFrames, notedFrames } from './runs-panning.ts';

export interface LiveFigures {
  stepsPerSecond: number;
  /** Of the main process, at the 99th percentile. */
  loopDelayMs: number;
  /** Of the window that shows the curves. */
  framesMs: number[];
}

/** Watches for `seconds`, after the first steps. */
export async function watchLive(seconds: number): Promise<LiveFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-live-'));
  await writeCifar10(join(folder, 'cifar'), { perClass: 2000, testPerClass: 20, seed: 1 });
  const stopDisplay = await startDisplay();
  const session = await launchElectron({ size: { width: 1920, height: 1080 } });
  try {
    const { projectId, runId } = await startRun(session, folder);
    return await watch(session, projectId, runId, seconds);
  } finally {
    await session.close();
    stopDisplay();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startRun({ page }: ElectronSession, folder: string): Promise<{ projectId: ProjectId; runId: RunId }> {
  const { projectId } = await callInPage(page, 'project.create', { name: 'Live', parentFolder: folder });
  const source = { path: join(folder, 'cifar'), format: 'cifar10', name: 'Images' };
  await callInPage(page, 'dataset.import', { projectId, ...source });
  const [dataset] = await until(async () => {
    const datasets = await callInPage(page, 'dataset.list', { projectId });
    return datasets.length > 0 ? datasets : null;
  });
  const { datasetId } = dataset!;
  const { config } = await callInPage(page, 'run.template', { projectId, datasetId, modelId: 'lenet5' });
  // Small batches, so that there are many steps to report.
  const phases = config.phases.map((phase) => ({ ...phase, epochs: 100 }));
  const wanted = { ...config, batchSize: 16, phases };
  const { runId } = await callInPage(page, 'run.start', { projectId, config: wanted, name: null });
  // The window takes no notice of a project that it has not made itself.
  await page.reload();
  await page.getByText('Live', { exact: true }).first().click();
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
  await page.evaluate(`location.hash = '#/${projectId}/run/${runId}'`);
  await page.getByRole('radio', { name: 'Each step' }).click();
  return { projectId, runId };
}

async function watch(
  { app, page }: ElectronSession,
  projectId: ProjectId,
  runId: RunId,
  seconds: number,
): Promise<LiveFigures> {
  const request = JSON.stringify({ projectId, runId, series: ['step/loss'] });
  const stepsDone = (): Promise<number> =>
    page.evaluate(`fovea.calls['run.series'](${request}).then(({ value: [losses] }) => losses?.steps.length ?? 0)`);
  await until(async () => ((await stepsDone()) > 500 ? true : null));
  const before = await stepsDone();
  await app.evaluate(() => {
    const delay = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    Object.assign(globalThis, { delay });
  });
  await noteFrames(page);
  const began = performance.now();
  await setTimeout(seconds * 1000);
  const framesMs = await notedFrames(page);
  const loopDelayMs = await app.evaluate(() => {
    const delay = Reflect.get(globalThis, 'delay') as { disable(): void; percentile(share: number): number };
    delay.disable();
    return delay.percentile(99) / 1e6;
  });
  const elapsed = (performance.now() - began) / 1000;
  const stepsPerSecond = ((await stepsDone()) - before) / elapsed;
  await callInPage(page, 'run.cancel', { projectId, runId });
  return { stepsPerSecond, loopDelayMs, framesMs };
}

/** Asks until there is an answer. */
async function until<T>(ask: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await ask();
    if (answer !== null) return answer;
    await setTimeout(100);
  }
  throw new Error('The app did not get so far within a minute.');
}
