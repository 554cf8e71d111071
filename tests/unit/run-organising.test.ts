/** The queue, presets, and what keeps runs in order, through their calls and with scripted training processes. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunQueue, RunSummary } from '../../src-main/contract/model/run.ts';
import { createRunHandlers, type RunServices } from '../../src-main/services/runs/handlers.ts';
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
let handlers: RunServices['handlers'];
let emitted: Emitted[];
let launched: FakeTrainer[];

beforeEach(async () => {
  const trainers = fakeTrainers();
  launched = trainers.launched;
  const made = runContext(trainers.launch, launchIdleWorker);
  emitted = made.emitted;
  ({ handlers } = createRunHandlers(made.context));
  project = await createRunProject(made.context.projects);
});
afterEach(() => project.dispose());

const inRun = ({ runId }: Pick<RunSummary, 'runId'>) => ({ projectId: project.opened.project.projectId, runId });
/** A run's process is launched when its data is prepared; a waiting run has none yet. */
async function start(name: string): Promise<RunSummary> {
  const { projectId } = project.opened.project;
  const before = launched.length;
  const run = await handlers['run.start']({ projectId, config: testConfig(project.datasetId), name });
  await until('it is launched', () => launched.length > before || statusOf(run) !== 'running');
  return run;
}
const nameOf = ({ runId }: Pick<RunSummary, 'runId'>): string => project.opened.store.runs.get(runId).name;
const names = (queue: RunQueue): string[] => queue.waiting.map(nameOf);
const statusOf = ({ runId }: RunSummary) => project.opened.store.runs.get(runId).status;
async function finish(trainer: FakeTrainer): Promise<void> {
  trainer.begin().say({ kind: 'finished', epochsDone: 2 });
  trainer.exit(0);
  await new Promise(setImmediate);
}

describe('the queue', () => {
  test('has an order that can be changed, and the next run is the first in it', async () => {
    await start('a');
    const [b, c, d] = [await start('b'), await start('c'), await start('d')];
    expect(names(await handlers['run.queue']({}))).toEqual(['b', 'c', 'd']);
    expect(names(await handlers['run.moveInQueue']({ ...inRun(d), before: inRun(b) }))).toEqual(['d', 'b', 'c']);
    expect(names(await handlers['run.moveInQueue']({ ...inRun(b), before: null }))).toEqual(['d', 'c', 'b']);
    expect(names(await handlers['run.moveInQueue']({ ...inRun(c), before: inRun(c) }))).toEqual(['d', 'c', 'b']);
    await finish(launched[0]!);
    await until('the moved run trains', () => statusOf(d) === 'running');
    expect([statusOf(b), statusOf(c)]).toEqual(['queued', 'queued']);
    const told = emitted.flatMap((entry) => (entry.event === 'run.queueChanged' ? [names(entry.payload)] : []));
    expect(told.at(-1)).toEqual(['c', 'b']);
  });

  test('leaves a run alone that does not wait, and puts one at the end that should go before such a run', async () => {
    const a = await start('a');
    const [b, c] = [await start('b'), await start('c')];
    expect(names(await handlers['run.moveInQueue']({ ...inRun(a), before: inRun(c) }))).toEqual(['b', 'c']);
    expect(names(await handlers['run.moveInQueue']({ ...inRun(b), before: inRun(a) }))).toEqual(['c', 'b']);
  });

  test('that is paused starts none, while the run that trains goes on; then the next one begins', async () => {
    const a = await start('a');
    const b = await start('b');
    expect(await handlers['run.pauseQueue']({ paused: true })).toMatchObject({ paused: true });
    expect(statusOf(a)).toBe('running');
    await finish(launched[0]!);
    expect([statusOf(a), statusOf(b), launched.length]).toEqual(['finished', 'queued', 1]);
    const c = await start('c');
    expect(statusOf(c)).toBe('queued');
    expect((await handlers['run.pauseQueue']({ paused: false })).paused).toBe(false);
    expect([statusOf(b), statusOf(c)]).toEqual(['running', 'queued']);
  });

  test('loses a run that is cancelled', async () => {
    await start('a');
    const b = await start('b');
    await handlers['run.cancel'](inRun(b));
    expect(names(await handlers['run.queue']({}))).toEqual([]);
  });
});

describe('a deleted run', () => {
  test('can be brought back with all it had, and keeps its folder until then', async () => {
    const a = await start('a');
    await finish(launched[0]!);
    await handlers['run.delete'](inRun(a));
    const { projectId } = project.opened.project;
    expect(await handlers['run.list']({ projectId })).toEqual([]);
    expect(emitted.at(-1)).toEqual({ event: 'run.removed', payload: inRun(a) });
    const back = await handlers['run.restore'](inRun(a));
    expect(back).toMatchObject({ name: 'a', status: 'finished' });
    expect(emitted.at(-1)).toMatchObject({ event: 'run.changed', payload: { summary: { name: 'a' } } });
    expect(existsSync(join(project.opened.folder, project.opened.store.runs.folder(a.runId), 'config.json'))).toBe(
      true,
    );
  });

  test('stays in the trash however often the project is opened, and goes for good when that is emptied, even where its folder is gone already', async () => {
    const runs = [await start('a'), await start('b'), await start('c')];
    for (const [index] of runs.entries()) {
      await until('its turn has come', () => launched.length > index);
      await finish(launched[index]!);
    }
    const folders = runs.map(({ runId }) => join(project.opened.folder, project.opened.store.runs.folder(runId)));
    await handlers['run.delete'](inRun(runs[0]!));
    await handlers['run.delete'](inRun(runs[1]!));
    await rm(folders[1]!, { recursive: true });
    const { folder } = project.opened;
    project.projects.closeAll();
    const { context } = runContext(fakeTrainers().launch);
    createRunHandlers(context);
    project = { ...project, projects: context.projects, opened: await context.projects.open(folder) };
    const { opened } = project;
    expect(opened.store.runs.list().map(({ name }) => name)).toEqual(['c']);
    expect(new Set(opened.store.trash.list().map(({ title }) => title))).toEqual(new Set(['a', 'b']));
    expect(await trash.sizeBytes(opened, { kind: 'run', runId: runs[0]!.runId })).toBeGreaterThan(100);
    expect(await trash.sizeBytes(opened, { kind: 'run', runId: runs[1]!.runId })).toBe(0);
    await expect(trash.empty(opened, { kind: 'run', runId: runs[2]!.runId })).rejects.toMatchObject({
      code: 'not-found',
    });
    await trash.empty(opened, null);
    expect(opened.store.trash.list()).toEqual([]);
    expect(folders.map((each) => existsSync(each))).toEqual([false, false, true]);
    await expect(trash.restore(opened, { kind: 'run', runId: runs[0]!.runId })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('keeping runs in order', () => {
  test('changes what is named, tells so, and keeps a tag once', async () => {
    const a = await start('a');
    await handlers['run.organise']({ ...inRun(a), changes: { notes: 'as in the chapter', tags: ['x', 'y', 'x'] } });
    const changed = await handlers['run.organise']({ ...inRun(a), changes: { pinned: true } });
    expect(changed).toMatchObject({ notes: 'as in the chapter', tags: ['x', 'y'], pinned: true, archived: false });
    expect(emitted.at(-1)).toMatchObject({ event: 'run.changed', payload: { summary: { pinned: true } } });
  });
});

describe('presets', () => {
  test('are kept by name, whatever its case, and replaced by one of the same name', async () => {
    const { projectId } = project.opened.project;
    const config = testConfig(project.datasetId);
    const first = await handlers['preset.save']({ projectId, name: 'Long', config });
    await handlers['preset.save']({ projectId, name: 'a short one', config });
    const again = await handlers['preset.save']({ projectId, name: 'long', config: { ...config, seed: 7 } });
    expect(again.presetId).toBe(first.presetId);
    const listed = await handlers['preset.list']({ projectId });
    expect(listed.map(({ name, config: { seed } }) => [name, seed])).toEqual([
      ['a short one', config.seed],
      ['long', 7],
    ]);
  });

  test('can be deleted, once', async () => {
    const { projectId } = project.opened.project;
    const { presetId } = await handlers['preset.save']({ projectId, name: 'x', config: testConfig(project.datasetId) });
    await handlers['preset.delete']({ projectId, presetId });
    expect(await handlers['preset.list']({ projectId })).toEqual([]);
    await expect(handlers['preset.delete']({ projectId, presetId })).rejects.toThrow('There is no preset');
  });
});
