/**
 * Electron's main process is never held up for 50 ms, measured inside it while images are imported and a run trains. The
 * best of three tries counts: a busy machine can hold up any one of them, work of our own would hold up every one.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CallName, Calls } from '../../src-main/contract/ipc.ts';
import type { Envelope } from '../../src-main/contract/errors.ts';
import { launchElectron, type ElectronSession } from '../helpers/electron.ts';
import { seededRandom, writeCifar10 } from '../helpers/generated-data.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';

const limitMs = 50;
const tries = 3;

let session: ElectronSession;
let projectId: Calls['project.create']['response']['projectId'];
const folder = mkdtempSync(join(tmpdir(), 'fovea-loop-'));

async function call<C extends CallName>(name: C, request: Calls[C]['request']): Promise<Calls[C]['response']> {
  const envelope = await session.page.evaluate<Envelope<Calls[C]['response']>>(
    `fovea.calls[${JSON.stringify(name)}](${JSON.stringify(request)})`,
  );
  if (!envelope.ok) throw new Error(envelope.error.message);
  return envelope.value;
}

beforeAll(async () => {
  await writeCifar10(join(folder, 'cifar'), { perClass: 1200, testPerClass: 60, seed: 1 });
  await writePolygons(join(folder, 'outlines'));
  session = await launchElectron();
  ({ projectId } = await call('project.create', { name: 'Loop', parentFolder: folder }));
});
afterAll(() => session.close());

/** The longest hold-up of the main process while `work` is done, in ms. */
async function holdUp(work: () => Promise<void>): Promise<number> {
  await session.app.evaluate(() => {
    const delay = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    Object.assign(globalThis, { delay });
  });
  await work();
  return session.app.evaluate(() => {
    const delay = Reflect.get(globalThis, 'delay') as { disable(): void; max: number };
    delay.disable();
    return delay.max / 1e6;
  });
}

async function bestOf(work: (attempt: number) => Promise<void>): Promise<number> {
  let best = Infinity;
  for (let attempt = 1; attempt <= tries && best >= limitMs; attempt++) {
    best = Math.min(best, await holdUp(() => work(attempt)));
  }
  return best;
}

/** Images with many and long outlines: most of 40 points, some of a thousand, one image with two thousand outlines. */
async function writePolygons(path: string): Promise<void> {
  const random = seededRandom(2);
  const ring = (points: number): string => Array.from({ length: 2 * points }, () => random().toFixed(6)).join(' ');
  const files: Record<string, string | Uint8Array> = { 'data.yaml': 'train: images/train\nnames: [a, b, c]\n' };
  const picture = await photo({ widthPx: 640, heightPx: 480 });
  for (let image = 0; image < 60; image++) {
    const labels = image === 30 ? 2_000 : 150;
    const lines = Array.from({ length: labels }, (_, at) => `${at % 3} ${ring(at % 50 === 0 ? 1000 : 40)}`);
    files[`images/train/${image}.jpg`] = picture;
    files[`labels/train/${image}.txt`] = lines.join('\n');
  }
  await writeFiles(path, files);
}

async function importImages(attempt: number): Promise<void> {
  await importFrom({ path: join(folder, 'cifar'), format: 'cifar10', name: `Import ${attempt}` });
}

async function importOutlines(attempt: number): Promise<void> {
  await importFrom({ path: join(folder, 'outlines'), format: 'yolo', name: `Outlines ${attempt}` });
}

async function importFrom(wanted: Omit<Calls['dataset.import']['request'], 'projectId'>): Promise<void> {
  const { jobId } = await call('dataset.import', { projectId, ...wanted });
  await expect
    .poll(async () => (await call('job.list', { projectId })).find((job) => job.jobId === jobId)?.state, {
      timeout: 60_000,
    })
    .toBe('done');
}

async function trainAnEpoch(): Promise<void> {
  const dataset = (await call('dataset.list', { projectId })).find(({ format }) => format === 'cifar10');
  const { config } = await call('run.template', { projectId, datasetId: dataset!.datasetId, modelId: 'lenet5' });
  const phases = config.phases.map((phase) => ({ ...phase, epochs: 1 }));
  const { runId } = await call('run.start', { projectId, config: { ...config, phases }, name: null });
  await expect
    .poll(async () => (await call('run.get', { projectId, runId })).summary.status, { timeout: 90_000 })
    .toBe('finished');
}

it('importing does not hold it up', async () => expect(await bestOf(importImages)).toBeLessThan(limitMs));
it('importing many outlines does not hold it up', async () =>
  expect(await bestOf(importOutlines)).toBeLessThan(limitMs));
it('training does not hold it up', async () => expect(await bestOf(trainAnEpoch)).toBeLessThan(limitMs));
