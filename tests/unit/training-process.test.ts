/** The real training process, forked as the web host and the CLI do it, on generated images. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig, RunSummary, SeriesName } from '../../src-main/contract/model/run.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { decodeEventLine, type RunEvent } from '../../src-main/engine/train/run-events.ts';
import { readSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { launchNodeChild } from '../../src-main/hosts/node-child.ts';
import type { TrainerProcess } from '../../src-main/services/backend.ts';
import { createRunHandlers, type RunServices } from '../../src-main/services/runs/handlers.ts';
import {
  createRunProject,
  runContext,
  testConfig,
  until,
  type Emitted,
  type RunProject,
} from '../helpers/run-project.ts';

const entry = new URL('../../src-main/training-process/main.ts', import.meta.url);
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const inProgress: readonly string[] = ['queued', 'running'];

let project: RunProject;
let services: RunServices;
let emitted: Emitted[];
let processes: TrainerProcess[];
let projectId: RunProject['opened']['project']['projectId'];

beforeAll(async () => {
  processes = [];
  const made = runContext(() => {
    const trainer: TrainerProcess = launchNodeChild(entry);
    processes.push(trainer);
    return trainer;
  });
  emitted = made.emitted;
  services = createRunHandlers(made.context);
  project = await createRunProject(made.context.projects, { train: 300, test: 50 });
  projectId = project.opened.project.projectId;
});
afterAll(async () => {
  await services.close();
  await project.dispose();
});

const config = (epochs: number): RunConfig => testConfig(project.datasetId, epochs);
const start = (run: RunConfig): Promise<RunSummary> =>
  services.handlers['run.start']({ projectId, config: run, name: null });
const summaryOf = (runId: RunId): RunSummary => project.opened.store.runs.get(runId);
const folderOf = (runId: RunId): string => join(project.opened.folder, project.opened.store.runs.folder(runId));
const ended = (runId: RunId): Promise<void> =>
  until(`run ${runId} has ended`, () => !inProgress.includes(summaryOf(runId).status), 60_000);
const stepsReported = (runId: RunId): number =>
  emitted.filter(({ event, payload }) => event === 'run.points' && (payload as { runId: RunId }).runId === runId)
    .length;
const eventsOf = async (runId: RunId): Promise<RunEvent[]> => {
  const lines = (await readFile(runFiles.events(folderOf(runId)), 'utf8')).trimEnd().split('\n');
  return lines.map((line) => {
    const recorded = decodeEventLine(line);
    if (!recorded) throw new Error(`not an event: ${line}`);
    return recorded.event;
  });
};
/** results.csv without its column of seconds. */
const resultsOf = async (runId: RunId): Promise<string[][]> => {
  const rows = (await readFile(runFiles.results(folderOf(runId)), 'utf8')).trimEnd().split('\n');
  return rows.map((row) => row.split(',').slice(0, -1));
};
const seriesOf = (runId: RunId) =>
  services.handlers['run.series']({
    projectId,
    runId,
    series: ['step/loss', 'train/accuracy', 'test/loss', 'epoch/learningRate'],
  });

test('trains two epochs, and the folder and the rows tell the same story', async () => {
  const { runId } = await start(config(2));
  await ended(runId);
  const summary = summaryOf(runId);
  expect(summary).toMatchObject({
    status: 'finished',
    reason: null,
    epochsDone: 2,
    parameterCount: 62_006,
    resumable: false,
  });

  const names: SeriesName[] = ['step/loss', 'train/loss', 'train/accuracy', 'test/loss', 'test/accuracy'];
  const series = await services.handlers['run.series']({ projectId, runId, series: names });
  expect(series.map(({ steps }) => steps.length)).toEqual([60, 2, 2, 2, 2]);
  expect(series[0]?.steps).toEqual(Float64Array.from({ length: 60 }, (_, index) => index + 1));

  const results = await resultsOf(runId);
  expect(results[0]).toEqual(['epoch', 'train/loss', 'train/accuracy', 'test/loss', 'test/accuracy', 'learningRate']);
  expect(results[2]?.map(Number)).toEqual([2, ...series.slice(1).map(({ values }) => values[1]), 0.001]);

  const events = await eventsOf(runId);
  expect(events[0]).toEqual({ kind: 'started', parameterCount: 62_006, epochsDone: 0 });
  expect(events.at(-1)).toEqual({ kind: 'finished', epochsDone: 2 });
  const log = await services.handlers['run.log']({ projectId, runId });
  expect(log.map(({ text }) => text)).toEqual(
    events.flatMap((event) => (event.kind === 'log' ? event.lines.map(({ text }) => text) : [])),
  );
  expect(log.some(({ text }) => text.startsWith('Epoch 2: train loss'))).toBe(true);
  expect(existsSync(runFiles.lock(folderOf(runId)))).toBe(false);

  const kernels = await services.handlers['run.kernels']({ projectId, runId, checkpoint: 'best' });
  expect(
    kernels.map(({ layer, outChannels, inChannels, values }) => [layer, outChannels, inChannels, values.length]),
  ).toEqual([
    ['conv1', 6, 3, 450],
    ['conv2', 16, 6, 2400],
  ]);
  const confusion = await services.handlers['run.confusion']({ projectId, runId });
  const right = confusion.counts.reduce((sum, row, index) => sum + (row[index] ?? 0), 0);
  expect(right / 50).toBeCloseTo(summary.latest['test/accuracy'] ?? NaN, 6);
  expect(confusion.counts.map((row) => row.reduce((sum, count) => sum + count, 0))).toEqual(new Array(10).fill(5));
  const everything = {
    outcome: 'all',
    groundTruthCategoryId: null,
    predictedCategoryId: null,
    order: 'wrong-first',
  } as const;
  const predictions = await services.handlers['run.predictions']({
    projectId,
    runId,
    filter: everything,
    offset: 0,
    limit: 50,
  });
  expect(predictions).toMatchObject({ total: 50, epoch: 2 });
  const isRight = predictions.items.map((item) => item.groundTruthCategoryId === item.predictedCategoryId);
  expect(isRight).toEqual([...new Array(50 - right).fill(false), ...new Array(right).fill(true)]);
});

describe('a run that was stopped goes on to the same end, byte for byte', () => {
  /** Long enough that a stop always falls into it. */
  const epochs = 20;
  let wholeRun: RunId;
  beforeAll(async () => {
    wholeRun = (await start(config(epochs))).runId;
    await ended(wholeRun);
  });
  const expectTheSame = async (runId: RunId): Promise<void> => {
    expect(summaryOf(runId)).toMatchObject({ status: 'finished', epochsDone: epochs });
    const weights = (id: RunId) => readFile(runFiles.checkpoint(folderOf(id), 'last'));
    expect((await weights(runId)).equals(await weights(wholeRun))).toBe(true);
    // Only the clock's times differ.
    const numbersOf = async (id: RunId) => (await seriesOf(id)).map((series) => ({ ...series, times: null }));
    expect(await numbersOf(runId)).toEqual(await numbersOf(wholeRun));
    expect(await resultsOf(runId)).toEqual(await resultsOf(wholeRun));
    // What the machine did is not the same twice.
    const pointsOf = async (id: RunId) =>
      (await eventsOf(id))
        .flatMap((event) => (event.kind === 'points' ? event.points : []))
        .filter(({ series }) => !series.startsWith('machine/'));
    expect(await pointsOf(runId)).toEqual(await pointsOf(wholeRun));
    expect(await readFile(runFiles.predictions(folderOf(runId)))).toEqual(
      await readFile(runFiles.predictions(folderOf(wholeRun))),
    );
  };

  test('by cancelling', async () => {
    const { runId } = await start(config(epochs));
    await until('it trains', () => stepsReported(runId) > 0);
    await services.handlers['run.cancel']({ projectId, runId });
    await ended(runId);
    expect(summaryOf(runId)).toMatchObject({ status: 'cancelled', reason: null, resumable: true });
    expect((await eventsOf(runId)).at(-1)?.kind).toBe('cancelled');
    await services.handlers['run.resume']({ projectId, runId });
    await ended(runId);
    await expectTheSame(runId);
  });

  test('by killing its process', async () => {
    const { runId } = await start(config(epochs));
    await until('a checkpoint is there', () => summaryOf(runId).resumable);
    const steps = stepsReported(runId);
    await until('it goes on', () => stepsReported(runId) > steps);
    processes.at(-1)?.kill();
    await ended(runId);
    expect(summaryOf(runId)).toMatchObject({ status: 'interrupted', resumable: true });
    expect(summaryOf(runId).reason).toContain('SIGKILL');
    await services.handlers['run.resume']({ projectId, runId });
    await ended(runId);
    await expectTheSame(runId);
  });

  test('by closing the app', async () => {
    const { runId } = await start(config(epochs));
    await until('it trains', () => stepsReported(runId) > 0);
    await services.close();
    expect(summaryOf(runId)).toMatchObject({
      status: 'interrupted',
      reason: 'Fovea was closed while it trained.',
      resumable: true,
    });
    const { folder } = project.opened;
    project.projects.closeAll();
    const next = runContext(() => launchNodeChild(entry));
    services = createRunHandlers(next.context);
    project = { ...project, projects: next.context.projects, opened: await next.context.projects.open(folder) };
    await services.handlers['run.resume']({ projectId, runId });
    await ended(runId);
    await expectTheSame(runId);
  });
});

test('an orphan writes a checkpoint and ends', async () => {
  const { runId } = await start(config(1));
  await ended(runId);
  const folder = folderOf(runId);
  const job = { folder, config: config(500), resume: false };
  const parent = spawn(process.execPath, [
    fileURLToPath(new URL('../helpers/doomed-parent.ts', import.meta.url)),
    JSON.stringify(job),
  ]);
  let output = '';
  parent.stdout.on('data', (data) => (output += String(data)));
  await until('the orphan-to-be trains', () => output.includes('\n'), 60_000);
  const orphan = Number.parseInt(output, 10);
  parent.kill('SIGKILL');
  await until('the orphan is gone', () => !isAlive(orphan), 60_000);
  const events = await eventsOf(runId);
  const steps = events.flatMap((event) => (event.kind === 'points' ? event.points.map(({ step }) => step) : []));
  const { metadata } = await readSafetensors(runFiles.checkpoint(folder, 'last'));
  expect(JSON.parse(metadata['position'] ?? '')).toMatchObject({ step: Math.max(...steps) });
  expect(events.at(-1)?.kind).toBe('cancelled');
  expect(events.at(-2)?.kind).toBe('checkpoint');
  expect(existsSync(runFiles.lock(folder))).toBe(false);
});

/** Last, because it spoils the data. */
test('data that cannot be read fails the run with the reason, in its log too', async () => {
  const { file } = project.opened.store.datasets.packs(project.datasetId)[0]!;
  await rm(join(project.opened.folder, 'packs', file));
  const { runId } = await start(config(1));
  await ended(runId);
  const { status, reason } = summaryOf(runId);
  expect(status).toBe('failed');
  expect(reason).toContain(file);
  const log = await services.handlers['run.log']({ projectId, runId });
  expect(log.find(({ level }) => level === 'error')?.text).toBe(reason);
});

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
