/** Sweeps through their calls, with scripted training processes: as one object from start to deletion, and priorities. */
import { existsSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RunId } from '../../src-main/contract/model/ids.ts';
import type { Sweep, SweepPlan } from '../../src-main/contract/model/sweep.ts';
import { createRunHandlers, type RunServices } from '../../src-main/services/runs/handlers.ts';
import { createSweepHandlers } from '../../src-main/services/sweeps/handlers.ts';
import { rejectionOf } from '../helpers/errors.ts';
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
import { trash } from '../helpers/trash.ts';

let project: RunProject;
let services: RunServices;
let sweeps: ReturnType<typeof createSweepHandlers>;
let emitted: Emitted[];
let launched: FakeTrainer[];

beforeEach(async () => {
  const trainers = fakeTrainers();
  launched = trainers.launched;
  const made = runContext(trainers.launch, launchIdleWorker);
  emitted = made.emitted;
  services = createRunHandlers(made.context);
  sweeps = createSweepHandlers(made.context, services.starter);
  project = await createRunProject(made.context.projects);
});
afterEach(() => project.dispose());

const plan = (changes: Partial<SweepPlan> = {}): SweepPlan => ({
  version: 1,
  base: testConfig(project.datasetId),
  axes: [
    {
      kind: 'choices',
      label: 'Batch norm',
      choices: [false, true].map((value) => ({
        label: value ? 'on' : 'off',
        changes: [{ path: 'model.options.batchNorm', value }],
      })),
    },
  ],
  search: { kind: 'grid' },
  seeds: [1, 2],
  slurm: null,
  priority: 0,
  ...changes,
});
const inProject = () => ({ projectId: project.opened.project.projectId });
const start = (changes: Partial<SweepPlan> = {}): Promise<Sweep> =>
  sweeps['sweep.start']({ ...inProject(), name: 'Norm', plan: plan(changes) });
const runOf = (runId: RunId) => project.opened.store.runs.get(runId);
const statuses = (sweep: Sweep) => sweep.runs.map(({ runId }) => runOf(runId).status);
const folderOf = (runId: RunId): string => join(project.opened.folder, project.opened.store.runs.folder(runId));
async function finish(count: number): Promise<void> {
  await until('it is launched', () => launched.length === count);
  launched[count - 1]!.begin().say({ kind: 'finished', epochsDone: 2 });
  launched[count - 1]!.exit(0);
}

describe('a sweep', () => {
  test('makes its runs, which train one after the other', async () => {
    const sweep = await start();
    expect(sweep.runs.map(({ trial }) => [trial.values[0]!.label, trial.seed])).toEqual([
      ['off', 1],
      ['off', 2],
      ['on', 1],
      ['on', 2],
    ]);
    expect(sweep.runs.map(({ runId }) => runOf(runId).name)).toEqual([
      'Norm: batch norm off, seed 1',
      'Norm: batch norm off, seed 2',
      'Norm: batch norm on, seed 1',
      'Norm: batch norm on, seed 2',
    ]);
    expect(statuses(sweep)).toEqual(['running', 'queued', 'queued', 'queued']);
    for (let count = 1; count <= 4; count++) await finish(count);
    await until('all are finished', () => statuses(sweep).every((status) => status === 'finished'));
    expect(await sweeps['sweep.list'](inProject())).toEqual([sweep]);
    expect(sweep.runs.every(({ runId }) => runOf(runId).sweepId === sweep.sweepId)).toBe(true);
  });

  test('is looked at before: what it comes to, and what is wrong with how many of its runs', async () => {
    const found = await sweeps['sweep.preview']({
      ...inProject(),
      plan: plan({
        axes: [
          {
            kind: 'choices',
            label: 'Batch size',
            choices: [10, 100].map((value) => ({ label: String(value), changes: [{ path: 'batchSize', value }] })),
          },
        ],
      }),
    });
    expect(found.trials).toHaveLength(4);
    expect(found.findings).toContainEqual({
      severity: 'warning',
      message: 'A batch of 100 is more than the 40 training images: every epoch is a single step. Make it smaller.',
      runs: 2,
    });
  });

  test('with a run that cannot be trained is not started, and nothing of it is left', async () => {
    const wrong = {
      kind: 'choices' as const,
      label: 'Layer',
      choices: [{ label: 'x', changes: [{ path: 'phases.0.freeze', value: ['nowhere'] }] }],
    };
    const error = await rejectionOf(start({ axes: [wrong] }));
    expect(error.message).toContain('There is no layer “nowhere” to freeze.');
    expect(await sweeps['sweep.list'](inProject())).toEqual([]);
    expect(project.opened.store.runs.count()).toBe(0);
    expect(existsSync(join(project.opened.folder, 'runs'))).toBe(false);
  });

  test('is cancelled as a whole, and goes on with what is not finished', async () => {
    const sweep = await start();
    await finish(1);
    await until('the second trains', () => launched.length === 2);
    launched[1]!.begin();
    const second = sweep.runs[1]!.runId;
    writeFileSync(join(folderOf(second), 'checkpoints', 'last.safetensors'), 'x');
    await sweeps['sweep.cancel']({ ...inProject(), sweepId: sweep.sweepId });
    launched[1]!.say({ kind: 'cancelled', epochsDone: 1 }).exit(0);
    await until('none trains', () => statuses(sweep).every((status) => status !== 'running' && status !== 'queued'));
    expect(statuses(sweep)).toEqual(['finished', 'cancelled', 'cancelled', 'cancelled']);
    await sweeps['sweep.resume']({ ...inProject(), sweepId: sweep.sweepId });
    expect(statuses(sweep)).toEqual(['finished', 'running', 'queued', 'queued']);
    await until('it is launched again', () => launched.length === 3);
    launched[2]!.say({ kind: 'ready' });
    expect(launched[2]!.commands).toMatchObject([{ kind: 'train', job: { folder: folderOf(second), resume: true } }]);
  });

  test('that is finished has nothing to go on with', async () => {
    const sweep = await start({ axes: [], seeds: [1] });
    await finish(1);
    await until('it is finished', () => statuses(sweep)[0] === 'finished');
    const error = await rejectionOf(sweeps['sweep.resume']({ ...inProject(), sweepId: sweep.sweepId }));
    expect(error.message).toContain('Nothing of “Norm” can go on');
  });

  test('is deleted with its runs, comes back with them, and goes for good with the trash', async () => {
    const sweep = await start({ axes: [] });
    const request = { ...inProject(), sweepId: sweep.sweepId };
    expect((await rejectionOf(sweeps['sweep.delete'](request))).message).toContain('Cancel the sweep first.');
    await finish(1);
    await finish(2);
    await until('all are finished', () => statuses(sweep).every((status) => status === 'finished'));
    const [first, second] = sweep.runs;
    // One that was deleted by itself before does not come back with the sweep, not even one of the same millisecond.
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    await services.handlers['run.delete']({ ...inProject(), runId: first!.runId });
    await sweeps['sweep.delete'](request);
    expect(await sweeps['sweep.list'](inProject())).toEqual([]);
    expect(project.opened.store.runs.count()).toBe(0);
    expect(emitted.flatMap(({ event, payload }) => (event === 'sweep.removed' ? [payload] : []))).toEqual([request]);
    const back = await sweeps['sweep.restore'](request);
    expect(back.runs).toEqual([second]);
    expect(project.opened.store.runs.list().map(({ runId }) => runId)).toEqual([second!.runId]);
    await sweeps['sweep.delete'](request);
    expect(project.opened.store.trash.list()).toMatchObject([
      { kind: 'sweep', sweepId: sweep.sweepId, title: 'Norm', runCount: 1 },
      { kind: 'run', runId: first!.runId },
    ]);
    await trash.empty(project.opened, null);
    expect(project.opened.store.trash.list()).toEqual([]);
    expect((await rejectionOf(sweeps['sweep.get'](request))).code).toBe('not-found');
    expect(await readdir(join(project.opened.folder, 'runs'))).toEqual([]);
  });

  test('has the name that it is given', async () => {
    const { sweepId } = await start();
    expect((await sweeps['sweep.rename']({ ...inProject(), sweepId, name: 'Other' })).name).toBe('Other');
    expect(emitted.findLast(({ event }) => event === 'sweep.changed')).toMatchObject({
      payload: { sweep: { name: 'Other' } },
    });
  });
});

describe('priorities', () => {
  const names = async (): Promise<string[]> =>
    (await services.handlers['run.queue']({})).waiting.map(({ runId }) => runOf(runId).name);
  const startRun = async (name: string) =>
    services.handlers['run.start']({ ...inProject(), config: testConfig(project.datasetId), name });

  test('put runs before those of a lower one, behind those of their own', async () => {
    await startRun('trains');
    const [a, b] = [await startRun('a'), await startRun('b')];
    await services.handlers['run.setPriority']({ ...inProject(), runId: b.runId, priority: 1 });
    expect(await names()).toEqual(['b', 'a']);
    await start({ axes: [], seeds: [1], priority: 1 });
    await start({ axes: [], seeds: [2], priority: -1 });
    await startRun('c');
    expect(await names()).toEqual(['b', 'Norm', 'a', 'c', 'Norm']);
    expect(runOf(a.runId).priority).toBe(0);
  });

  test('are those of the place where a run is put by hand', async () => {
    await startRun('trains');
    const [a, b] = [await startRun('a'), await startRun('b')];
    await services.handlers['run.setPriority']({ ...inProject(), runId: a.runId, priority: 1 });
    await services.handlers['run.moveInQueue']({
      ...inProject(),
      runId: b.runId,
      before: { ...inProject(), runId: a.runId },
    });
    expect(await names()).toEqual(['b', 'a']);
    expect(runOf(b.runId).priority).toBe(1);
  });

  test('are kept by a run that does not wait', async () => {
    const run = await startRun('trains');
    expect(
      await services.handlers['run.setPriority']({ ...inProject(), runId: run.runId, priority: -1 }),
    ).toMatchObject({ priority: -1 });
  });
});
