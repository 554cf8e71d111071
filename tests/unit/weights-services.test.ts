/** The catalogue, downloads from a local server, what a plan says of its weights, and runs that start from them. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { CatalogueEntry, WeightsSource } from '../../src-main/contract/model/weights.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { readStartFile } from '../../src-main/engine/train/start-weights.ts';
import { weightTargets } from '../../src-main/engine/train/weight-targets.ts';
import { writeSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { planModel } from '../../src-main/engine/zoo/registry.ts';
import type { ServiceContext } from '../../src-main/services/context.ts';
import { JobRegistry } from '../../src-main/services/jobs.ts';
import { createRunHandlers, type RunServices } from '../../src-main/services/runs/handlers.ts';
import { runFolder } from '../../src-main/services/runs/restore-runs.ts';
import { catalogue, networkName } from '../../src-main/services/weights/catalogue.ts';
import { cataloguedFile } from '../../src-main/services/weights/start-file.ts';
import { createWeightsHandlers } from '../../src-main/services/weights/handlers.ts';
import { StartFiles } from '../../src-main/services/weights/start-file.ts';
import { repository } from '../helpers/app-session.ts';
import { cutAfter, serveFile } from '../helpers/file-server.ts';
import { createRunProject, runContext, testConfig, type RunProject } from '../helpers/run-project.ts';
import { trash } from '../helpers/trash.ts';

let folder: string;
let project: RunProject;
let context: ServiceContext;
let runs: RunServices;
let weights: Pick<Handlers, Extract<keyof Handlers, `weights.${string}`>>;
let jobs: JobRegistry;
let ended: (job: Job) => Promise<Job>;

beforeEach(async () => {
  vi.stubEnv('NO_PROXY', '127.0.0.1').stubEnv('no_proxy', '127.0.0.1');
  folder = await mkdtemp(join(tmpdir(), 'fovea-weights-services-'));
  const made = runContext(() => {
    throw new Error('nothing trains in this test');
  });
  const ports = { ...made.context.ports, userDataFolder: folder };
  context = { ...made.context, ports, startFiles: new StartFiles(made.context.workers, ports) };
  project = await createRunProject(context.projects);
  jobs = new JobRegistry((event, payload) => void made.emitted.push({ event, payload } as never));
  weights = createWeightsHandlers(context, jobs);
  runs = createRunHandlers(context);
  ended = (job) =>
    vi.waitUntil(
      () =>
        jobs
          .list(project.opened.project.projectId)
          .find((each) => each.jobId === job.jobId && each.state !== 'running'),
      { timeout: 30_000 },
    );
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await runs.close();
  await jobs.close();
  await project.dispose();
  await rm(folder, { recursive: true, force: true });
});

const projectId = () => project.opened.project.projectId;
const config = (source: WeightsSource | null): RunConfig => ({ ...testConfig(project.datasetId), weights: source });
const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Weights of LeNet-5 for so many classes. */
async function lenetFile(name: string, categories: number): Promise<string> {
  const { model } = testConfig(project.datasetId);
  const plan = planModel(model.id, model.options, [3, 32, 32], categories);
  const shapes = new Map(weightTargets(plan).targets.map((target) => [target.name, target.shape]));
  const values = initialise(plan.parameters, plan.buffers, 1);
  const file = join(folder, name);
  await writeSafetensors(
    file,
    new Map([...values].map(([tensor, data]) => [tensor, { dtype: 'F32', shape: shapes.get(tensor)!, data }])),
  );
  return file;
}

function published(entry: Partial<CatalogueEntry>): CatalogueEntry {
  return { ...catalogue({})[0]!, id: 'ours', fileName: 'lenet5.safetensors', networks: ['lenet5'], ...entry };
}

async function offer(entry: CatalogueEntry): Promise<void> {
  const file = join(folder, 'catalogue.json');
  await writeFile(file, JSON.stringify([entry]));
  vi.stubEnv('FOVEA_WEIGHTS_CATALOGUE', file);
}

test('the catalogue has an address, a hash, a size and a licence with its consequences for every file, and each id once', () => {
  const entries = catalogue({});
  expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
  expect(new Set(entries.map(({ fileName }) => fileName)).size).toBe(entries.length);
  const [offered, bundled] = [entries.filter((entry) => !entry.bundled), entries.filter((entry) => entry.bundled)];
  for (const { url, fileName, sha256Prefix, sizeBytes, licence, publisher } of offered) {
    expect(url.endsWith(`/${fileName}`)).toBe(true);
    expect(new URL(url).protocol).toBe('https:');
    expect(sha256Prefix).toMatch(publisher === 'torchvision' ? /^[0-9a-f]{8}$/ : /^[0-9a-f]{64}$/);
    if (publisher === 'torchvision') expect(fileName).toContain(`-${sha256Prefix}.`);
    expect(sizeBytes).toBeGreaterThan(1e6);
    expect(licence.consequence.length).toBeGreaterThan(50);
  }
  expect(entries.filter(({ licence }) => licence.restrictive).map(({ publisher }) => publisher)).toEqual(
    new Array(12).fill('Ultralytics'),
  );
  for (const entry of bundled) {
    const file = cataloguedFile('/nowhere', entry);
    expect(sha256(file)).toBe(entry.sha256Prefix);
    expect(readFileSync(file).length).toBe(entry.sizeBytes);
    expect(entry.sizeBytes).toBeLessThan(8e6);
    expect(entry.trainedOn).toContain('not COCO');
  }
  const named = (id: string, options: RunConfig['model']['options']) => networkName({ id, options });
  for (const network of [
    named('unet', { encoder: 'efficientnet-b5' }),
    named('yolov8', { size: 'm' }),
    named('resnet18', {}),
  ])
    expect(entries.filter(({ networks }) => networks.includes(network))).toHaveLength(1);
  // A detector with a head starts from one with the same head, or from a plain one.
  const forMasks = entries.filter(({ networks }) => networks.includes(named('yolov8-seg', { size: 'm' })));
  expect(forMasks.map(({ fileName }) => fileName)).toEqual(['yolov8m.pt', 'yolov8m-seg.pt']);
});

test('a download is resumed, checked by the beginning of its hash, and then a plan starts from it', async () => {
  const file = await lenetFile('source.safetensors', 1000);
  const content = readFileSync(file);
  const server = await serveFile(content);
  const sha256Prefix = sha256(file).slice(0, 8);
  await offer(published({ url: server.url, sha256Prefix }));
  const { model } = testConfig(project.datasetId);
  const before = await weights['weights.catalogue']({ model });
  expect(before).toMatchObject([{ id: 'ours', path: null, suits: true }]);
  const source: WeightsSource = { source: 'catalogue', id: 'ours' };
  expect(await runs.handlers['run.check']({ projectId: projectId(), config: config(source) })).toContainEqual({
    severity: 'error',
    path: 'weights',
    message: expect.stringContaining('is not downloaded yet. Download it, or start from scratch.') as string,
  });

  server.behave(cutAfter(content, 100_000));
  const job = await ended(await weights['weights.download']({ projectId: projectId(), id: 'ours' }));
  expect(job).toMatchObject({ state: 'done', kind: 'download', datasetId: null });
  expect(server.ranges.length).toBeGreaterThan(1);
  const [after] = await weights['weights.catalogue']({ model });
  expect(after!.path).toBe(join(folder, 'weights', 'lenet5.safetensors'));
  expect(sha256(after!.path!)).toBe(sha256(file));

  expect(await runs.handlers['run.check']({ projectId: projectId(), config: config(source) })).toEqual([
    {
      severity: 'warning',
      path: 'weights',
      message: 'These weights expect ImageNet’s means and deviations; this network feeds values from −1 to 1.',
    },
    {
      severity: 'note',
      path: 'weights',
      message: '8 of 10 tensors will be loaded from ResNet-18, ImageNet (torchvision); 2 new: fc3.weight, fc3.bias.',
    },
  ]);
  const fit = await weights['weights.fit']({ projectId: projectId(), config: config(source) });
  expect(fit).toMatchObject({ file: { sha256: sha256(file) }, fit: { loaded: 8, total: 10 } });

  await weights['weights.remove']({ id: 'ours' });
  expect(existsSync(after!.path!)).toBe(false);
});

test('a download with other bytes is refused and deleted; one at a time', async () => {
  const server = await serveFile(Buffer.alloc(10_000, 7));
  await offer(published({ url: server.url, sha256Prefix: '00000000' }));
  const first = await weights['weights.download']({ projectId: projectId(), id: 'ours' });
  await expect(weights['weights.download']({ projectId: projectId(), id: 'ours' })).rejects.toMatchObject({
    code: 'busy',
  });
  const job = await ended(first);
  expect(job).toMatchObject({ state: 'failed', error: { code: 'network' } });
  expect(job.error!.message).toMatch(
    /is not the expected file \(sha256 [0-9a-f]{64}, expected 00000000\)\. It was deleted\./,
  );
  expect(existsSync(join(folder, 'weights', 'lenet5.safetensors'))).toBe(false);
});

test('a cancelled download leaves its part, and nothing else', async () => {
  const server = await serveFile(Buffer.alloc(500_000, 7));
  await offer(published({ url: server.url, sha256Prefix: '00000000' }));
  server.behave((_request, response) => {
    response.writeHead(200, { 'content-length': 500_000 });
    response.write(Buffer.alloc(1000));
  });
  const job = await weights['weights.download']({ projectId: projectId(), id: 'ours' });
  await vi.waitUntil(() => existsSync(join(folder, 'weights', 'lenet5.safetensors.part')), { timeout: 30_000 });
  await jobs.cancel(job.jobId);
  expect((await ended(job)).state).toBe('cancelled');
  expect(existsSync(join(folder, 'weights', 'lenet5.safetensors'))).toBe(false);
});

test('a file is inspected and remembered until it changes', async () => {
  const path = join(repository, 'tests', 'golden', 'weights', 'sound', 'whole-model.pt');
  const listing = await weights['weights.inspect']({ path });
  expect(listing).toMatchObject({ path, format: 'pytorch', sha256: sha256(path), others: 2 });
  expect(listing.tensors).toContainEqual({ name: 'model.model.0.conv.weight', shape: [3, 2, 3, 3], dtype: 'float16' });
  const own = await lenetFile('changing.safetensors', 10);
  const source: WeightsSource = { source: 'file', path: own, sha256: sha256(own) };
  const check = () => runs.handlers['run.check']({ projectId: projectId(), config: config(source) });
  expect(await check()).toMatchObject([{ severity: 'note', message: `All 10 tensors will be loaded from ${own}.` }]);
  await lenetFile('changing.safetensors', 12);
  expect(await check()).toMatchObject([
    { severity: 'error', message: `${own} has changed since it was chosen. Choose it again.` },
  ]);
  await rm(own);
  expect(await check()).toMatchObject([{ severity: 'error', message: `The weights file ${own} does not exist.` }]);
});

test('weights of another network stop the run before it starts', async () => {
  const path = join(folder, 'other.safetensors');
  await writeSafetensors(path, new Map([['bert.weight', { dtype: 'F32', shape: [1], data: new Float32Array(1) }]]));
  const wanted = config({ source: 'file', path, sha256: sha256(path) });
  await expect(runs.handlers['run.start']({ projectId: projectId(), config: wanted, name: null })).rejects.toThrow(
    `No tensor of ${path} fits this network.`,
  );
});

test('a run from another run keeps the checkpoint it starts from, whatever becomes of the other', async () => {
  // The other has trained: its checkpoint is there.
  const other = await runs.handlers['run.start']({ projectId: projectId(), config: config(null), name: 'other' });
  expect(await readStartFile(runFolder(project.opened, other.runId))).toBeNull();
  const source: WeightsSource = { source: 'run', runId: other.runId, checkpoint: 'best' };
  const check = () => runs.handlers['run.check']({ projectId: projectId(), config: config(source) });
  expect(await check()).toMatchObject([
    { severity: 'error', message: expect.stringContaining('has no best checkpoint yet') as string },
  ]);
  const checkpoint = runFiles.checkpoint(runFolder(project.opened, other.runId), 'best');
  await mkdir(join(checkpoint, '..'), { recursive: true });
  const made = await lenetFile('made.safetensors', 10);
  await writeFile(checkpoint, readFileSync(made));
  expect(await check()).toMatchObject([{ severity: 'note' }]);

  const next = await runs.handlers['run.start']({ projectId: projectId(), config: config(source), name: 'next' });
  const kept = runFolder(project.opened, next.runId);
  await writeSafetensors(checkpoint, new Map([['x', { dtype: 'F32', shape: [1], data: new Float32Array(1) }]]));
  const start = await readStartFile(kept);
  expect(start).toEqual({
    label: `run ${other.runId} “other”, best`,
    path: runFiles.startCheckpoint(kept),
    sha256: sha256(made),
    known: { padding: null, scaling: 'minus-one-to-one' },
  });
  expect(sha256(start!.path)).toBe(start!.sha256);
  expect((await stat(start!.path)).size).toBe((await stat(made)).size);
  expect(await weights['weights.ofRuns']({ projectId: projectId(), runIds: [other.runId, next.runId] })).toEqual([
    null,
    null,
  ]);
  // In the trash its weights are still there; for good, the plan says so and what began from it is as it was.
  const { store } = project.opened;
  store.runs.update(other.runId, { status: 'finished', trashedAt: '2026-01-01T00:00:00.000Z' });
  await writeFile(checkpoint, readFileSync(made));
  expect(await check()).toMatchObject([{ severity: 'note' }]);
  await trash.empty(project.opened, { kind: 'run', runId: other.runId });
  expect(await check()).toMatchObject([
    {
      severity: 'error',
      message: expect.stringContaining(`Run ${other.runId}, whose weights are meant, was deleted`) as string,
    },
  ]);
  expect(await readStartFile(kept)).toEqual(start);
  expect(sha256(start!.path)).toBe(start!.sha256);
});
