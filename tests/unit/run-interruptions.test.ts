/** A run whose process dies, whose app is closed, or whose app dies: what is kept of it, and how it goes on. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { usualDeadlines } from '../../src-main/services/runs/active-run.ts';
import { RunSupervisor } from '../../src-main/services/runs/run-supervisor.ts';
import { fakeTrainers } from '../helpers/fake-trainer.ts';
import { until } from '../helpers/run-project.ts';
import { epochPoints, point, superviseRuns } from '../helpers/supervised-runs.ts';

const runs = superviseRuns();

/** For a supervisor of a test's own. */
const prepare = (): Promise<void> => Promise.resolve();

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
    const { runId } = await runs.start();
    runs.trainer(0).begin().say(epochPoints(1, 0.5), { kind: 'checkpoint', epoch: 1, best: true });
    await runs.writeCheckpoint(runId);
    runs.trainer(0).exit(code, signal);
    expect(runs.summary(runId)).toMatchObject({ status: 'interrupted', reason, epochsDone: 1, resumable: true });
  });

  test('before its first checkpoint leaves a run that cannot go on, and the refusal says why', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).begin().exit(null, 'SIGKILL');
    expect(runs.summary(runId)).toMatchObject({ status: 'interrupted', resumable: false });
    await expect(runs.resume(runId)).rejects.toThrow(
      '“lenet5-1” cannot go on, because it has no checkpoint. Start it anew with the same settings.',
    );
  });

  test('after it reported an error has failed with that error', async () => {
    const { runId } = await runs.start();
    runs
      .trainer(0)
      .begin()
      .say({ kind: 'failed', error: { code: 'bad-input', message: 'The loss became NaN at step 7.', context: {} } })
      .exit(0);
    expect(runs.summary(runId)).toMatchObject({
      status: 'failed',
      reason: 'The loss became NaN at step 7.',
      resumable: false,
    });
  });

  test('without ever saying anything is ended after its deadline', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).exit(1);
    const silent = fakeTrainers();
    const deadlines = { ...usualDeadlines, startMs: 20 };
    const supervisor = new RunSupervisor({ launchTrainer: silent.launch, prepare, emit: () => undefined, deadlines });
    supervisor.enqueue(runs.project.opened, runId, { resume: true });
    await until('it is ended', () => runs.summary(runId).status === 'interrupted');
    expect(runs.summary(runId).reason).toBe('The training process was ended: it gave no sign of life.');
  });
});

describe('going on', () => {
  test('takes back the points after the checkpoint, and only those', async () => {
    const { runId } = await runs.start();
    const steps = [0.5, 1, 1.5].map((epoch) => point('step/loss', epoch * 4, epoch, 2));
    runs
      .trainer(0)
      .begin()
      .say({ kind: 'points', points: steps }, epochPoints(1, 0.5), { kind: 'checkpoint', epoch: 1, best: true });
    await runs.writeCheckpoint(runId);
    runs.trainer(0).exit(null, 'SIGKILL');
    expect((await runs.series(runId, ['step/loss']))[0]?.steps).toEqual(Float64Array.of(2, 4, 6));
    await runs.resume(runId);
    runs.trainer(1).begin(1);
    const [loss, accuracy] = await runs.series(runId, ['step/loss', 'test/accuracy']);
    expect(loss?.steps).toEqual(Float64Array.of(2, 4));
    expect(accuracy?.values).toEqual(Float64Array.of(0.5));
    runs
      .trainer(1)
      .say({ kind: 'points', points: [point('step/loss', 6, 1.5, 1.9)] }, { kind: 'finished', epochsDone: 2 });
    expect(runs.project.opened.store.runs.series(runId, ['step/loss'])[0]?.values).toEqual(Float64Array.of(2, 2, 1.9));
  });

  test('first adds what the process had recorded but could not report any more', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).begin();
    await runs.writeCheckpoint(runId);
    await runs.writeEvents(runId, [epochPoints(1, 0.6), { kind: 'checkpoint', epoch: 1, best: true }]);
    runs.trainer(0).exit(null, 'SIGKILL');
    expect(runs.summary(runId)).toMatchObject({ epochsDone: 0, latest: {} });
    await runs.resume(runId);
    runs.trainer(1).begin(1);
    expect(runs.summary(runId)).toMatchObject({ epochsDone: 1, latest: { 'test/accuracy': 0.6 } });
  });

  test('adds up the time of both parts, without the pause', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { runId } = await runs.start();
    runs.trainer(0).begin();
    vi.advanceTimersByTime(60_000);
    await runs.writeCheckpoint(runId);
    runs.trainer(0).exit(null, 'SIGKILL');
    expect(runs.summary(runId).durationMs).toBe(60_000);
    vi.advanceTimersByTime(3_600_000);
    await runs.resume(runId);
    runs.trainer(1).begin(0);
    vi.advanceTimersByTime(30_000);
    runs.trainer(1).say({ kind: 'finished', epochsDone: 2 });
    expect(runs.summary(runId).durationMs).toBe(90_000);
  });

  test('is refused for runs that are in progress or finished', async () => {
    const { runId } = await runs.start();
    await expect(runs.resume(runId)).rejects.toMatchObject({ code: 'busy' });
    runs.trainer(0).begin().say({ kind: 'finished', epochsDone: 2 }).exit(0);
    await expect(runs.resume(runId)).rejects.toThrow('“lenet5-1” is finished. There is nothing to resume.');
  });
});

describe('closing the app', () => {
  test('asks the running run for a checkpoint, and both it and the waiting one can go on', async () => {
    const first = await runs.start();
    const second = await runs.start();
    runs.trainer(0).begin();
    await runs.writeCheckpoint(first.runId);
    const closed = runs.services.close();
    expect(runs.trainer(0).commands.at(-1)).toEqual({ kind: 'cancel' });
    runs
      .trainer(0)
      .say({ kind: 'checkpoint', epoch: 0.5, best: false }, { kind: 'cancelled', epochsDone: 0.5 })
      .exit(0);
    await closed;
    expect(runs.summary(first.runId)).toMatchObject({
      status: 'interrupted',
      reason: 'Fovea was closed while it trained.',
      resumable: true,
    });
    expect(runs.summary(second.runId)).toMatchObject({
      status: 'interrupted',
      reason: 'Fovea was closed before its turn came.',
      resumable: true,
    });
    expect(runs.launched).toHaveLength(1);
    await expect(runs.start()).rejects.toMatchObject({ code: 'busy' });
  });

  test('while a process is being started loses nothing: the run begins when it is resumed', async () => {
    const { runId } = await runs.start();
    await runs.services.close();
    expect(runs.summary(runId)).toMatchObject({
      status: 'interrupted',
      reason: 'Fovea was closed while it trained.',
      startedAt: null,
      resumable: true,
    });
  });

  test('does not wait for ever, and hears nothing after it has given up', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).exit(1);
    const stuck = fakeTrainers();
    const supervisor = new RunSupervisor({
      launchTrainer: stuck.launch,
      prepare,
      emit: () => undefined,
      closeWaitMs: 30,
    });
    supervisor.enqueue(runs.project.opened, runId, { resume: true });
    await until('it is runs.launched', () => stuck.launched.length > 0);
    stuck.launched[0]?.begin();
    await supervisor.close();
    expect(runs.summary(runId)).toMatchObject({ status: 'interrupted', reason: 'Fovea was closed while it trained.' });
    stuck.launched[0]?.say({ kind: 'finished', epochsDone: 2 }).exit(0);
    expect(runs.summary(runId).status).toBe('interrupted');
  });
});

describe('opening a project whose app died', () => {
  test('finds a running run interrupted, with all points that its folder has', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).begin();
    await runs.writeCheckpoint(runId);
    await runs.writeEvents(
      runId,
      [
        { kind: 'started', parameterCount: 62_006, epochsDone: 0 },
        { kind: 'points', points: [point('step/loss', 1, 0.25, 2.5)] },
        epochPoints(1, 0.7),
        { kind: 'checkpoint', epoch: 1, best: true },
      ],
      '{"time":"2026-01-02T03:04:06.000Z","event":{"kind":"poi',
    );
    await runs.reopen();
    expect(runs.summary(runId)).toMatchObject({
      status: 'interrupted',
      reason: 'Fovea ended while this run trained or waited.',
      epochsDone: 1,
      resumable: true,
      latest: { 'test/accuracy': 0.7 },
    });
    expect(runs.project.opened.store.runs.series(runId, ['step/loss'])[0]?.values).toEqual(Float64Array.of(2.5));
  });

  test('knows of a run that its process still brought to its end', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).begin();
    await runs.writeEvents(runId, [epochPoints(2, 0.8), { kind: 'finished', epochsDone: 2 }]);
    await runs.reopen();
    expect(runs.summary(runId)).toMatchObject({ status: 'finished', reason: null, epochsDone: 2, resumable: false });
  });

  test('lets a run that waited begin', async () => {
    await runs.start();
    const { runId } = await runs.start();
    await runs.reopen();
    expect(runs.summary(runId)).toMatchObject({ status: 'interrupted', startedAt: null, resumable: true });
    await runs.resume(runId);
    expect(runs.summary(runId).status).toBe('running');
  });

  test('is not kept from it by a record that cannot be stored', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).begin();
    await runs.writeEvents(runId, [{ kind: 'points', points: [point('step/loss', 1.5, 0.25, 2.5)] }]);
    await runs.reopen();
    expect(runs.summary(runId)).toMatchObject({ status: 'interrupted', resumable: false });
    expect(runs.summary(runId).reason).toContain('Its record could not be read:');
  });
});
