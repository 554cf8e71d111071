/** Runs through their calls, with a scripted training process: what it reports and how it ends becomes rows and events. */
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import { OpenProjects } from '../../src-main/services/open-projects.ts';
import { usualDeadlines } from '../../src-main/services/runs/active-run.ts';
import { RunSupervisor } from '../../src-main/services/runs/run-supervisor.ts';
import { tuningFile } from '../../src-main/services/runs/tuning.ts';
import { fakeTrainers } from '../helpers/fake-trainer.ts';
import { runContext, testConfig, until } from '../helpers/run-project.ts';
import { epochPoints, point, superviseRuns } from '../helpers/supervised-runs.ts';

const runs = superviseRuns();

/** For a supervisor of a test's own. */
const prepare = (): Promise<void> => Promise.resolve();

describe('a run that goes well', () => {
  test('gets a folder with all that its training needs, and a job', async () => {
    const run = await runs.start();
    expect(run).toMatchObject({
      name: 'lenet5-1',
      status: 'running',
      epochsTotal: 2,
      datasetName: 'Small',
      resumable: false,
    });
    const folder = runs.folder(run.runId);
    expect((await readdir(folder)).sort()).toEqual(['checkpoints', 'config.json']);
    expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toEqual(testConfig(runs.project.datasetId));
    expect(runs.trainer(0).commands).toEqual([]);
    runs.trainer(0).say({ kind: 'ready' });
    const tuning = tuningFile({ userDataFolder: tmpdir() });
    expect(runs.trainer(0).commands).toEqual([
      { kind: 'train', job: { folder, config: testConfig(runs.project.datasetId), resume: false, tuning } },
    ]);
  });

  test('becomes rows and events, from its first step to its end', async () => {
    const { runId } = await runs.start('first try');
    runs
      .trainer(0)
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
    expect(runs.summary(runId)).toMatchObject({
      status: 'running',
      epochsDone: 1,
      parameterCount: 62_006,
      resumable: true,
      latest: { 'test/accuracy': 0.5 },
    });
    runs
      .trainer(0)
      .say(epochPoints(2, 0.4), { kind: 'checkpoint', epoch: 2, best: false }, { kind: 'finished', epochsDone: 2 });
    const summary = runs.summary(runId);
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
    expect(runs.emitted.find(({ event }) => event === 'run.progress')?.payload).toMatchObject({
      projectId: runs.projectId,
      progress: { runId, step: 1 },
    });
    expect(runs.emitted.find(({ event }) => event === 'run.log')?.payload).toMatchObject({
      runId,
      lines: [{ text: 'hello' }],
    });
    const statuses = runs.emitted.flatMap((entry) =>
      entry.event === 'run.changed' ? [entry.payload.summary.status] : [],
    );
    expect(statuses.filter((status, index) => status !== statuses[index - 1])).toEqual([
      'queued',
      'running',
      'finished',
    ]);
  });

  test('shows points that are not in its rows yet to whoever asks for the series', async () => {
    const { runId } = await runs.start();
    runs
      .trainer(0)
      .begin()
      .say({ kind: 'points', points: [point('step/loss', 1, 0.25, 2.5), point('step/loss', 2, 0.5, NaN)] });
    expect(runs.project.opened.store.runs.series(runId, ['step/loss'])[0]?.steps).toHaveLength(0);
    const [series] = await runs.series(runId, ['step/loss']);
    expect(series?.epochs).toEqual(Float64Array.of(0.25, 0.5));
    expect(series?.values).toEqual(Float64Array.of(2.5, NaN));
    const travelled = runs.emitted.flatMap((entry) => (entry.event === 'run.points' ? entry.payload.points : []));
    expect(travelled.map(({ value }) => value)).toEqual([2.5]);
  });
});

describe('one run at a time', () => {
  test('the others wait in order, and the next begins when the process is gone', async () => {
    const first = await runs.start();
    const second = await runs.start();
    const third = await runs.start();
    expect([first, second, third].map(({ name, status }) => [name, status])).toEqual([
      ['lenet5-1', 'running'],
      ['lenet5-2', 'queued'],
      ['lenet5-3', 'queued'],
    ]);
    runs.trainer(0).begin().say({ kind: 'finished', epochsDone: 2 });
    expect(runs.launched).toHaveLength(1);
    runs.trainer(0).exit(0);
    await until('the second run trains', () => runs.launched.length === 2);
    expect([second, third].map(({ runId }) => runs.summary(runId).status)).toEqual(['running', 'queued']);
    runs.trainer(1).exit(1);
    await until('the third run trains', () => runs.launched.length === 3);
    expect(runs.summary(third.runId).status).toBe('running');
  });

  test('a waiting run is cancelled at once and never begins', async () => {
    await runs.start();
    const second = await runs.start();
    await runs.cancel(second.runId);
    expect(runs.summary(second.runId)).toMatchObject({
      status: 'cancelled',
      reason: null,
      startedAt: null,
      resumable: true,
    });
    runs.trainer(0).exit(0);
    const third = await runs.start();
    expect(runs.launched).toHaveLength(2);
    expect([second, third].map(({ runId }) => runs.summary(runId).status)).toEqual(['cancelled', 'running']);
  });

  test('a host that cannot start the process fails the run and goes on with the next', async () => {
    const failing = runContext(() => {
      throw new Error('spawn ENOMEM');
    });
    const supervisor = new RunSupervisor({ ...failing.context.ports, prepare, emit: failing.context.emit });
    const { runId } = await runs.start();
    runs.trainer(0).exit(1);
    supervisor.enqueue(runs.project.opened, runId, { resume: true });
    await until('it has failed', () => runs.summary(runId).status === 'failed');
    expect(runs.summary(runId)).toMatchObject({
      status: 'failed',
      reason: 'The training process could not be started: internal: spawn ENOMEM',
    });
    await supervisor.settled(runs.project.opened, runId);
    expect(supervisor.holds(runs.project.opened, runId)).toBe(false);
  });
});

describe('a run that is cancelled', () => {
  test('writes its checkpoint and can be resumed', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).begin();
    await runs.cancel(runId);
    expect(runs.trainer(0).commands.at(-1)).toEqual({ kind: 'cancel' });
    expect(runs.summary(runId).status).toBe('running');
    await runs.writeCheckpoint(runId);
    runs
      .trainer(0)
      .say({ kind: 'checkpoint', epoch: 0.5, best: false }, { kind: 'cancelled', epochsDone: 0.5 })
      .exit(0);
    expect(runs.summary(runId)).toMatchObject({ status: 'cancelled', reason: null, epochsDone: 0, resumable: true });
    await runs.resume(runId);
    runs.trainer(1).say({ kind: 'ready' });
    expect(runs.trainer(1).commands).toMatchObject([{ kind: 'train', job: { resume: true } }]);
    expect(runs.summary(runId)).toMatchObject({ status: 'running', endedAt: null });
  });

  test('before it has its job is simply ended', async () => {
    const { runId } = await runs.start();
    await runs.cancel(runId);
    expect(runs.trainer(0).isAlive).toBe(false);
    expect(runs.summary(runId)).toMatchObject({ status: 'cancelled', reason: null, resumable: false });
  });

  test('while its process is still being made is ended as soon as it is there', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).isBeingMade = true;
    await runs.cancel(runId);
    expect(runs.summary(runId).status).toBe('running');
    runs.trainer(0).isBeingMade = false;
    runs.trainer(0).say({ kind: 'ready' });
    expect(runs.trainer(0)).toMatchObject({ isAlive: false, commands: [] });
    expect(runs.summary(runId)).toMatchObject({ status: 'cancelled', reason: null });
  });

  test('and does not stop is ended after its deadline, and its end says so', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).exit(1);
    const { context } = runContext(fakeTrainers().launch);
    const stuck = fakeTrainers();
    const deadlines = { ...usualDeadlines, stopMs: 30 };
    const supervisor = new RunSupervisor({ launchTrainer: stuck.launch, prepare, emit: context.emit, deadlines });
    supervisor.enqueue(runs.project.opened, runId, { resume: true });
    await until('it is runs.launched', () => stuck.launched.length > 0);
    stuck.launched[0]?.begin();
    supervisor.cancel(runs.project.opened, runId);
    await until('it is ended', () => runs.summary(runId).status !== 'running');
    expect(runs.summary(runId)).toMatchObject({
      status: 'cancelled',
      reason: 'The training process was ended: it did not stop when asked to.',
    });
  });
});

describe('many messages a second', () => {
  test('are told at once, and come into the rows once a second', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).begin();
    const append = vi.spyOn(runs.project.opened.store.runs, 'appendPoints');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let step = 0;
    const told = (): number => runs.emitted.filter(({ event }) => event === 'run.points').length;
    for (let elapsedMs = 0; elapsedMs < 3000; elapsedMs += 5) {
      step++;
      runs.trainer(0).say(
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
      expect(told()).toBe(step);
      vi.advanceTimersByTime(5);
    }
    expect(step).toBe(600);
    expect(append.mock.calls.map(([, points]) => points.length)).toEqual([200, 200, 200]);
    const [series] = await runs.series(runId, ['step/loss']);
    expect(series?.steps).toHaveLength(step);
  });
});

test('a project that is not open is refused by name', async () => {
  const other = crypto.randomUUID() as ProjectId;
  expect(new OpenProjects().find(other)).toBeNull();
  await expect(runs.services.handlers['run.list']({ projectId: other })).rejects.toMatchObject({ code: 'not-found' });
});
