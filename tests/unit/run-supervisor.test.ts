/** Runs through their calls, with a scripted training process: what it reports and how it ends becomes rows and events. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { MetricPoint, RunSummary } from '../../src-main/contract/model/run.ts';
import type { RunId } from '../../src-main/contract/model/ids.ts';
import { OpenProjects } from '../../src-main/services/open-projects.ts';
import { createRunHandlers, type RunServices } from '../../src-main/services/runs/handlers.ts';
import { emptyTrash } from '../../src-main/services/runs/organising.ts';
import { RunSupervisor } from '../../src-main/services/runs/run-supervisor.ts';
import { encodeEventLine, type RunEvent } from '../../src-main/engine/train/run-events.ts';
import { fakeTrainers, type FakeTrainer } from '../helpers/fake-trainer.ts';
import {
  createRunProject,
  runContext,
  testConfig,
  until,
  type Emitted,
  type RunProject,
} from '../helpers/run-project.ts';
import { launchIdleWorker } from '../helpers/worker-process.ts';

const point = (series: MetricPoint['series'], step: number, epoch: number, value: number): MetricPoint => ({
  series,
  step,
  epoch,
  value,
});
const epochPoints = (epoch: number, accuracy: number): RunEvent => ({
  kind: 'points',
  points: [point('test/accuracy', epoch * 4, epoch, accuracy), point('train/loss', epoch * 4, epoch, 2 - epoch / 10)],
});

let project: RunProject;
let services: RunServices;
let emitted: Emitted[];
let launched: FakeTrainer[];
let projectId: RunProject['opened']['project']['projectId'];

beforeEach(async () => {
  const trainers = fakeTrainers();
  launched = trainers.launched;
  const made = runContext(trainers.launch, launchIdleWorker);
  emitted = made.emitted;
  services = createRunHandlers(made.context);
  const { 'run.start': startRun, 'run.resume': resumeRun } = services.handlers;
  services.handlers['run.start'] = (request) => onceLaunched(() => startRun(request));
  services.handlers['run.resume'] = (request) => onceLaunched(() => resumeRun(request));
  project = await createRunProject(made.context.projects);
  projectId = project.opened.project.projectId;
});
afterEach(() => project.dispose());

/** A run's process is launched when its data is prepared, which takes a moment; a waiting run has none yet. */
async function onceLaunched(begin: () => Promise<RunSummary>): Promise<RunSummary> {
  const before = launched.length;
  const run = await begin();
  await until('it is launched', () => launched.length > before || summaryOf(run.runId).status !== 'running');
  return run;
}
/** For a supervisor of a test's own. */
const prepare = (): Promise<void> => Promise.resolve();

const start = (name: string | null = null): Promise<RunSummary> =>
  services.handlers['run.start']({ projectId, config: testConfig(project.datasetId), name });
const summaryOf = (runId: RunId): RunSummary => project.opened.store.runs.get(runId);
const folderOf = (runId: RunId): string => join(project.opened.folder, project.opened.store.runs.folder(runId));
const writeCheckpoint = (runId: RunId): Promise<void> =>
  writeFile(join(folderOf(runId), 'checkpoints', 'last.safetensors'), 'x');
const writeEvents = (runId: RunId, events: RunEvent[], tail = ''): Promise<void> =>
  writeFile(
    join(folderOf(runId), 'events.jsonl'),
    events.map((event) => encodeEventLine({ time: '2026-01-02T03:04:05.000Z', event })).join('') + tail,
  );
const trainer = (index: number): FakeTrainer => {
  const found = launched[index];
  if (!found) throw new Error(`no trainer ${index} was launched`);
  return found;
};

describe('a run that goes well', () => {
  test('gets a folder with all that its training needs, and a job', async () => {
    const run = await start();
    expect(run).toMatchObject({
      name: 'lenet5-1',
      status: 'running',
      epochsTotal: 2,
      datasetName: 'Small',
      resumable: false,
    });
    const folder = folderOf(run.runId);
    expect((await readdir(folder)).sort()).toEqual(['checkpoints', 'config.json']);
    expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toEqual(testConfig(project.datasetId));
    expect(trainer(0).commands).toEqual([]);
    trainer(0).say({ kind: 'ready' });
    expect(trainer(0).commands).toEqual([
      { kind: 'train', job: { folder, config: testConfig(project.datasetId), resume: false } },
    ]);
  });

  test('becomes rows and events, from its first step to its end', async () => {
    const { runId } = await start('first try');
    trainer(0)
      .begin()
      .say(
        {
          kind: 'progress',
          progress: {
            activity: 'training',
            epoch: 1,
            epochsTotal: 2,
            step: 1,
            stepsPerEpoch: 4,
            imagesPerSecond: 100,
            secondsLeft: 3,
          },
        },
        { kind: 'points', points: [point('step/loss', 1, 0.25, 2.3)] },
        { kind: 'log', lines: [{ time: '2026-01-02T03:04:05.000Z', level: 'info', text: 'hello' }] },
        epochPoints(1, 0.5),
        { kind: 'checkpoint', epoch: 1, best: true },
      );
    expect(summaryOf(runId)).toMatchObject({
      status: 'running',
      epochsDone: 1,
      parameterCount: 62_006,
      resumable: true,
      latest: { 'test/accuracy': 0.5 },
    });
    trainer(0).say(
      epochPoints(2, 0.4),
      { kind: 'checkpoint', epoch: 2, best: false },
      { kind: 'finished', epochsDone: 2 },
    );
    const summary = summaryOf(runId);
    expect(summary).toMatchObject({
      name: 'first try',
      status: 'finished',
      reason: null,
      epochsDone: 2,
      resumable: false,
      latest: { 'test/accuracy': 0.4, 'train/loss': 1.8 },
      best: { 'test/accuracy': { value: 0.5, epoch: 1 }, 'train/loss': { value: 1.8, epoch: 2 } },
    });
    expect(summary.durationMs).toBeGreaterThan(0);
    expect(Date.parse(summary.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(summary.startedAt ?? ''));
    expect(emitted.find(({ event }) => event === 'run.progress')?.payload).toMatchObject({
      projectId,
      progress: { runId, step: 1 },
    });
    expect(emitted.find(({ event }) => event === 'run.log')?.payload).toMatchObject({
      runId,
      lines: [{ text: 'hello' }],
    });
    const statuses = emitted.flatMap((entry) => (entry.event === 'run.changed' ? [entry.payload.summary.status] : []));
    expect(statuses.filter((status, index) => status !== statuses[index - 1])).toEqual([
      'queued',
      'running',
      'finished',
    ]);
  });

  test('shows points that are not in its rows yet to whoever asks for the series', async () => {
    const { runId } = await start();
    trainer(0)
      .begin()
      .say({ kind: 'points', points: [point('step/loss', 1, 0.25, 2.5), point('step/loss', 2, 0.5, NaN)] });
    expect(project.opened.store.runs.series(runId, ['step/loss'])[0]?.steps).toHaveLength(0);
    const [series] = await services.handlers['run.series']({ projectId, runId, series: ['step/loss'] });
    expect(series?.epochs).toEqual(Float64Array.of(0.25, 0.5));
    expect(series?.values).toEqual(Float64Array.of(2.5, NaN));
    const travelled = emitted.flatMap((entry) => (entry.event === 'run.points' ? entry.payload.points : []));
    expect(travelled.map(({ value }) => value)).toEqual([2.5]);
  });
});

describe('one run at a time', () => {
  test('the others wait in order, and the next begins when the process is gone', async () => {
    const first = await start();
    const second = await start();
    const third = await start();
    expect([first, second, third].map(({ name, status }) => [name, status])).toEqual([
      ['lenet5-1', 'running'],
      ['lenet5-2', 'queued'],
      ['lenet5-3', 'queued'],
    ]);
    trainer(0).begin().say({ kind: 'finished', epochsDone: 2 });
    expect(launched).toHaveLength(1);
    trainer(0).exit(0);
    await until('the second run trains', () => launched.length === 2);
    expect([second, third].map(({ runId }) => summaryOf(runId).status)).toEqual(['running', 'queued']);
    trainer(1).exit(1);
    await until('the third run trains', () => launched.length === 3);
    expect(summaryOf(third.runId).status).toBe('running');
  });

  test('a waiting run is cancelled at once and never begins', async () => {
    await start();
    const second = await start();
    await services.handlers['run.cancel']({ projectId, runId: second.runId });
    expect(summaryOf(second.runId)).toMatchObject({
      status: 'cancelled',
      reason: null,
      startedAt: null,
      resumable: true,
    });
    trainer(0).exit(0);
    await until('the device is free', () => summaryOf(second.runId).status === 'cancelled');
    expect(launched).toHaveLength(1);
  });

  test('a host that cannot start the process fails the run and goes on with the next', async () => {
    const failing = runContext(() => {
      throw new Error('spawn ENOMEM');
    });
    const supervisor = new RunSupervisor({ ...failing.context.ports, prepare, emit: failing.context.emit });
    const { runId } = await start();
    trainer(0).exit(1);
    supervisor.enqueue(project.opened, runId, { resume: true });
    await until('it has failed', () => summaryOf(runId).status === 'failed');
    expect(summaryOf(runId)).toMatchObject({
      status: 'failed',
      reason: 'The training process could not be started: internal: spawn ENOMEM',
    });
    await supervisor.settled(project.opened, runId);
    expect(supervisor.holds(project.opened, runId)).toBe(false);
  });
});

describe('a run that is cancelled', () => {
  test('writes its checkpoint and can be resumed', async () => {
    const { runId } = await start();
    trainer(0).begin();
    await services.handlers['run.cancel']({ projectId, runId });
    expect(trainer(0).commands.at(-1)).toEqual({ kind: 'cancel' });
    expect(summaryOf(runId).status).toBe('running');
    await writeCheckpoint(runId);
    trainer(0).say({ kind: 'checkpoint', epoch: 0.5, best: false }, { kind: 'cancelled', epochsDone: 0.5 }).exit(0);
    expect(summaryOf(runId)).toMatchObject({ status: 'cancelled', reason: null, epochsDone: 0, resumable: true });
    await services.handlers['run.resume']({ projectId, runId });
    trainer(1).say({ kind: 'ready' });
    expect(trainer(1).commands).toMatchObject([{ kind: 'train', job: { resume: true } }]);
    expect(summaryOf(runId)).toMatchObject({ status: 'running', endedAt: null });
  });

  test('before it has its job is simply ended', async () => {
    const { runId } = await start();
    await services.handlers['run.cancel']({ projectId, runId });
    expect(trainer(0).isAlive).toBe(false);
    expect(summaryOf(runId)).toMatchObject({ status: 'cancelled', reason: null, resumable: false });
  });

  test('while its process is still being made is ended as soon as it is there', async () => {
    const { runId } = await start();
    trainer(0).isBeingMade = true;
    await services.handlers['run.cancel']({ projectId, runId });
    expect(summaryOf(runId).status).toBe('running');
    trainer(0).isBeingMade = false;
    trainer(0).say({ kind: 'ready' });
    expect(trainer(0)).toMatchObject({ isAlive: false, commands: [] });
    expect(summaryOf(runId)).toMatchObject({ status: 'cancelled', reason: null });
  });

  test('and does not stop is ended after its deadline, and its end says so', async () => {
    const { runId } = await start();
    trainer(0).exit(1);
    const { context } = runContext(fakeTrainers().launch);
    const stuck = fakeTrainers();
    const deadlines = { startMs: 1000, stopMs: 30, exitMs: 1000 };
    const supervisor = new RunSupervisor({ launchTrainer: stuck.launch, prepare, emit: context.emit, deadlines });
    supervisor.enqueue(project.opened, runId, { resume: true });
    await until('it is launched', () => stuck.launched.length > 0);
    stuck.launched[0]?.begin();
    supervisor.cancel(project.opened, runId);
    await until('it is ended', () => summaryOf(runId).status !== 'running');
    expect(summaryOf(runId)).toMatchObject({
      status: 'cancelled',
      reason: 'The training process was ended: it did not stop when asked to.',
    });
  });
});

describe('a process that dies', () => {
  test.each([
    [
      null,
      'SIGKILL',
      'The training process was killed (SIGKILL). The system does this when memory runs out; a smaller batch needs less.',
    ],
    [null, 'SIGSEGV', 'The training process crashed (SIGSEGV).'],
    [134, null, 'The training process ended unexpectedly with exit code 134.'],
  ])('with code %s and signal %s interrupts its run, which keeps its checkpoint', async (code, signal, reason) => {
    const { runId } = await start();
    trainer(0).begin().say(epochPoints(1, 0.5), { kind: 'checkpoint', epoch: 1, best: true });
    await writeCheckpoint(runId);
    trainer(0).exit(code, signal);
    expect(summaryOf(runId)).toMatchObject({ status: 'interrupted', reason, epochsDone: 1, resumable: true });
  });

  test('before its first checkpoint leaves a run that cannot go on, and the refusal says why', async () => {
    const { runId } = await start();
    trainer(0).begin().exit(null, 'SIGKILL');
    expect(summaryOf(runId)).toMatchObject({ status: 'interrupted', resumable: false });
    await expect(services.handlers['run.resume']({ projectId, runId })).rejects.toThrow(
      '“lenet5-1” cannot go on, because it has no checkpoint. Start it anew with the same settings.',
    );
  });

  test('after it reported an error has failed with that error', async () => {
    const { runId } = await start();
    trainer(0)
      .begin()
      .say({ kind: 'failed', error: { code: 'bad-input', message: 'The loss became NaN at step 7.', context: {} } })
      .exit(0);
    expect(summaryOf(runId)).toMatchObject({
      status: 'failed',
      reason: 'The loss became NaN at step 7.',
      resumable: false,
    });
  });

  test('without ever saying anything is ended after its deadline', async () => {
    const { runId } = await start();
    trainer(0).exit(1);
    const silent = fakeTrainers();
    const deadlines = { startMs: 20, stopMs: 1000, exitMs: 1000 };
    const supervisor = new RunSupervisor({ launchTrainer: silent.launch, prepare, emit: () => undefined, deadlines });
    supervisor.enqueue(project.opened, runId, { resume: true });
    await until('it is ended', () => summaryOf(runId).status === 'interrupted');
    expect(summaryOf(runId).reason).toBe('The training process was ended: it gave no sign of life.');
  });
});

describe('going on', () => {
  test('takes back the points after the checkpoint, and only those', async () => {
    const { runId } = await start();
    const steps = [0.5, 1, 1.5].map((epoch) => point('step/loss', epoch * 4, epoch, 2));
    trainer(0)
      .begin()
      .say({ kind: 'points', points: steps }, epochPoints(1, 0.5), { kind: 'checkpoint', epoch: 1, best: true });
    await writeCheckpoint(runId);
    trainer(0).exit(null, 'SIGKILL');
    expect((await services.handlers['run.series']({ projectId, runId, series: ['step/loss'] }))[0]?.steps).toEqual(
      Float64Array.of(2, 4, 6),
    );
    await services.handlers['run.resume']({ projectId, runId });
    trainer(1).begin(1);
    const [loss, accuracy] = await services.handlers['run.series']({
      projectId,
      runId,
      series: ['step/loss', 'test/accuracy'],
    });
    expect(loss?.steps).toEqual(Float64Array.of(2, 4));
    expect(accuracy?.values).toEqual(Float64Array.of(0.5));
    trainer(1).say({ kind: 'points', points: [point('step/loss', 6, 1.5, 1.9)] }, { kind: 'finished', epochsDone: 2 });
    expect(project.opened.store.runs.series(runId, ['step/loss'])[0]?.values).toEqual(Float64Array.of(2, 2, 1.9));
  });

  test('first adds what the process had recorded but could not report any more', async () => {
    const { runId } = await start();
    trainer(0).begin();
    await writeCheckpoint(runId);
    await writeEvents(runId, [epochPoints(1, 0.6), { kind: 'checkpoint', epoch: 1, best: true }]);
    trainer(0).exit(null, 'SIGKILL');
    expect(summaryOf(runId)).toMatchObject({ epochsDone: 0, latest: {} });
    await services.handlers['run.resume']({ projectId, runId });
    trainer(1).begin(1);
    expect(summaryOf(runId)).toMatchObject({ epochsDone: 1, latest: { 'test/accuracy': 0.6 } });
  });

  test('adds up the time of both parts, without the pause', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { runId } = await start();
    trainer(0).begin();
    vi.advanceTimersByTime(60_000);
    await writeCheckpoint(runId);
    trainer(0).exit(null, 'SIGKILL');
    expect(summaryOf(runId).durationMs).toBe(60_000);
    vi.advanceTimersByTime(3_600_000);
    await services.handlers['run.resume']({ projectId, runId });
    trainer(1).begin(0);
    vi.advanceTimersByTime(30_000);
    trainer(1).say({ kind: 'finished', epochsDone: 2 });
    expect(summaryOf(runId).durationMs).toBe(90_000);
  });

  test('is refused for runs that are in progress or finished', async () => {
    const { runId } = await start();
    await expect(services.handlers['run.resume']({ projectId, runId })).rejects.toMatchObject({ code: 'busy' });
    trainer(0).begin().say({ kind: 'finished', epochsDone: 2 }).exit(0);
    await expect(services.handlers['run.resume']({ projectId, runId })).rejects.toThrow(
      '“lenet5-1” is finished. There is nothing to resume.',
    );
  });
});

describe('closing the app', () => {
  test('asks the running run for a checkpoint, and both it and the waiting one can go on', async () => {
    const first = await start();
    const second = await start();
    trainer(0).begin();
    await writeCheckpoint(first.runId);
    const closed = services.close();
    expect(trainer(0).commands.at(-1)).toEqual({ kind: 'cancel' });
    trainer(0).say({ kind: 'checkpoint', epoch: 0.5, best: false }, { kind: 'cancelled', epochsDone: 0.5 }).exit(0);
    await closed;
    expect(summaryOf(first.runId)).toMatchObject({
      status: 'interrupted',
      reason: 'Fovea was closed while it trained.',
      resumable: true,
    });
    expect(summaryOf(second.runId)).toMatchObject({
      status: 'interrupted',
      reason: 'Fovea was closed before its turn came.',
      resumable: true,
    });
    expect(launched).toHaveLength(1);
    await expect(start()).rejects.toMatchObject({ code: 'busy' });
  });

  test('while a process is being started loses nothing: the run begins when it is resumed', async () => {
    const { runId } = await start();
    await services.close();
    expect(summaryOf(runId)).toMatchObject({
      status: 'interrupted',
      reason: 'Fovea was closed while it trained.',
      startedAt: null,
      resumable: true,
    });
  });

  test('does not wait for ever, and hears nothing after it has given up', async () => {
    const { runId } = await start();
    trainer(0).exit(1);
    const stuck = fakeTrainers();
    const supervisor = new RunSupervisor({
      launchTrainer: stuck.launch,
      prepare,
      emit: () => undefined,
      closeWaitMs: 30,
    });
    supervisor.enqueue(project.opened, runId, { resume: true });
    await until('it is launched', () => stuck.launched.length > 0);
    stuck.launched[0]?.begin();
    await supervisor.close();
    expect(summaryOf(runId)).toMatchObject({ status: 'interrupted', reason: 'Fovea was closed while it trained.' });
    stuck.launched[0]?.say({ kind: 'finished', epochsDone: 2 }).exit(0);
    expect(summaryOf(runId).status).toBe('interrupted');
  });
});

describe('opening a project whose app died', () => {
  const reopen = async (): Promise<void> => {
    const { folder } = project.opened;
    project.projects.closeAll();
    const next = runContext(fakeTrainers().launch);
    services = createRunHandlers(next.context);
    project = { ...project, projects: next.context.projects, opened: await next.context.projects.open(folder) };
  };
  test('finds a running run interrupted, with all points that its folder has', async () => {
    const { runId } = await start();
    trainer(0).begin();
    await writeCheckpoint(runId);
    await writeEvents(
      runId,
      [
        { kind: 'started', parameterCount: 62_006, epochsDone: 0 },
        { kind: 'points', points: [point('step/loss', 1, 0.25, 2.5)] },
        epochPoints(1, 0.7),
        { kind: 'checkpoint', epoch: 1, best: true },
      ],
      '{"time":"2026-01-02T03:04:06.000Z","event":{"kind":"poi',
    );
    await reopen();
    expect(summaryOf(runId)).toMatchObject({
      status: 'interrupted',
      reason: 'Fovea ended while this run trained or waited.',
      epochsDone: 1,
      resumable: true,
      latest: { 'test/accuracy': 0.7 },
    });
    expect(project.opened.store.runs.series(runId, ['step/loss'])[0]?.values).toEqual(Float64Array.of(2.5));
  });

  test('knows of a run that its process still brought to its end', async () => {
    const { runId } = await start();
    trainer(0).begin();
    await writeEvents(runId, [epochPoints(2, 0.8), { kind: 'finished', epochsDone: 2 }]);
    await reopen();
    expect(summaryOf(runId)).toMatchObject({ status: 'finished', reason: null, epochsDone: 2, resumable: false });
  });

  test('lets a run that waited begin', async () => {
    await start();
    const { runId } = await start();
    await reopen();
    expect(summaryOf(runId)).toMatchObject({ status: 'interrupted', startedAt: null, resumable: true });
    await services.handlers['run.resume']({ projectId, runId });
    expect(summaryOf(runId).status).toBe('running');
  });

  test('is not kept from it by a record that cannot be stored', async () => {
    const { runId } = await start();
    trainer(0).begin();
    await writeEvents(runId, [{ kind: 'points', points: [point('step/loss', 1.5, 0.25, 2.5)] }]);
    await reopen();
    expect(summaryOf(runId)).toMatchObject({ status: 'interrupted', resumable: false });
    expect(summaryOf(runId).reason).toContain('Its record could not be read:');
  });
});

describe('folders', () => {
  test('count up past the highest, also past folders without rows, and never overwrite', async () => {
    const runs = join(project.opened.folder, 'runs');
    await mkdir(join(runs, 'lenet5-7'), { recursive: true });
    await writeFile(join(runs, 'lenet5-7', 'mine.txt'), 'keep');
    await mkdir(join(runs, 'lenet5-copy'));
    expect((await start()).name).toBe('lenet5-8');
    const [, together] = await Promise.all([start(), start()]);
    expect(new Set(await readdir(runs))).toEqual(
      new Set(['lenet5-7', 'lenet5-8', 'lenet5-9', 'lenet5-10', 'lenet5-copy']),
    );
    expect(project.opened.store.runs.folder(together.runId)).toMatch(/^runs\/lenet5-(9|10)$/);
    expect(await readFile(join(runs, 'lenet5-7', 'mine.txt'), 'utf8')).toBe('keep');
  });

  test('go with the run, which must not be in progress', async () => {
    const { runId } = await start();
    const folder = folderOf(runId);
    await expect(services.handlers['run.delete']({ projectId, runId })).rejects.toThrow(
      '“lenet5-1” is training. Cancel it first.',
    );
    trainer(0).begin().say({ kind: 'finished', epochsDone: 2 }).exit(0);
    await services.handlers['run.delete']({ projectId, runId });
    expect(existsSync(folder)).toBe(true);
    await emptyTrash(project.opened);
    expect(await readdir(join(project.opened.folder, 'runs'))).toEqual([]);
    expect(project.opened.store.runs.count()).toBe(0);
    expect(emitted.at(-1)).toEqual({ event: 'run.removed', payload: { projectId, runId } });
  });

  test('that are gone already do not keep a run from being deleted', async () => {
    const { runId } = await start();
    trainer(0).exit(1);
    await rm(folderOf(runId), { recursive: true });
    await services.handlers['run.delete']({ projectId, runId });
    expect(project.opened.store.runs.count()).toBe(0);
  });

  test('of a deletion that a crash cut short come back with their rows, or go without them', async () => {
    const { runId } = await start();
    trainer(0).exit(1);
    const runs = join(project.opened.folder, 'runs');
    await rename(folderOf(runId), join(runs, '.deleted-lenet5-1'));
    await mkdir(join(runs, '.deleted-lenet5-9'));
    const { folder } = project.opened;
    project.projects.closeAll();
    const { context } = runContext(fakeTrainers().launch);
    createRunHandlers(context);
    project = { ...project, projects: context.projects, opened: await context.projects.open(folder) };
    expect(await readdir(runs)).toEqual(['lenet5-1']);
    expect(existsSync(join(runs, 'lenet5-1', 'config.json'))).toBe(true);
  });
});

describe('under load', () => {
  test('two hundred messages a second leave the main loop free', async () => {
    const { runId } = await start();
    trainer(0).begin();
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const cpuBefore = process.cpuUsage();
    let step = 0;
    const feed = setInterval(() => {
      for (let message = 0; message < 4; message++) {
        step++;
        trainer(0).say(
          {
            kind: 'progress',
            progress: {
              activity: 'training',
              epoch: 1,
              epochsTotal: 2,
              step,
              stepsPerEpoch: 9999,
              imagesPerSecond: 1,
              secondsLeft: 1,
            },
          },
          { kind: 'points', points: [point('step/loss', step, step / 9999, 1)] },
        );
      }
    }, 20);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    clearInterval(feed);
    delay.disable();
    const { user, system } = process.cpuUsage(cpuBefore);
    expect(step).toBeGreaterThan(200);
    // A busy machine delays every process, so the time that is really used is measured too: a tenth of one core.
    expect((user + system) / 1e6).toBeLessThan(0.6);
    expect(delay.percentile(90) / 1e6).toBeLessThan(50);
    const [series] = await services.handlers['run.series']({ projectId, runId, series: ['step/loss'] });
    expect(series?.steps).toHaveLength(step);
  });
});

test('a project that is not open is refused by name', async () => {
  const other = crypto.randomUUID() as typeof projectId;
  expect(new OpenProjects().find(other)).toBeNull();
  await expect(services.handlers['run.list']({ projectId: other })).rejects.toMatchObject({ code: 'not-found' });
});
