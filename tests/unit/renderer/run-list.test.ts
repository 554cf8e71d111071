import { describe, expect, it } from 'vitest';
import type { Handlers } from '../../../src-main/contract/ipc.ts';
import type { ProjectId, RunId } from '../../../src-main/contract/model/ids.ts';
import type { RunProgress, RunSummary } from '../../../src-main/contract/model/run.ts';
import { RunList } from '../../../src-renderer/state/run-list.svelte.ts';
import { createFakeApi } from './fake-api.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';

const projectId = sample.project.projectId;

function summary(runId: number, changes: Partial<RunSummary> = {}): RunSummary {
  return { ...sample.run, runId: runId as RunId, ...changes };
}

async function open(overrides: Partial<Handlers>) {
  const backend = createFakeBackend(overrides);
  const list = new RunList(createFakeApi(backend), projectId);
  const stop = list.follow();
  await new Promise((resolve) => setTimeout(resolve, 0));
  return { backend, list, stop };
}

const ids = (list: RunList) => list.all?.map((run) => run.runId);

describe('RunList', () => {
  it('lists the newest first and follows changes, new runs and removals of its own project', async () => {
    const { backend, list } = await open({ 'run.list': async () => [summary(1), summary(3)] });
    expect(ids(list)).toEqual([3, 1]);
    backend.emit('run.changed', { projectId, summary: summary(2, { status: 'running' }) });
    backend.emit('run.changed', { projectId: crypto.randomUUID() as ProjectId, summary: summary(9) });
    expect(ids(list)).toEqual([3, 2, 1]);
    expect(list.active.map((run) => run.runId)).toEqual([2]);
    backend.emit('run.removed', { projectId, runId: 3 as RunId });
    expect(ids(list)).toEqual([2, 1]);
  });

  it('keeps what changed while the list was being read', async () => {
    const reading = Promise.withResolvers<RunSummary[]>();
    const { backend, list } = await open({ 'run.list': () => reading.promise });
    backend.emit('run.changed', { projectId, summary: summary(2, { status: 'finished' }) });
    backend.emit('run.removed', { projectId, runId: 1 as RunId });
    expect(list.all).toBeNull();
    reading.resolve([summary(1), summary(2, { status: 'running' }), summary(3)]);
    await expect.poll(() => ids(list)).toEqual([3, 2]);
    expect(list.active).toEqual([]);
  });

  it('knows where a run is while it runs, and forgets it at its end', async () => {
    const { backend, list } = await open({ 'run.list': async () => [summary(1, { status: 'running' })] });
    const progress = { runId: 1 as RunId, epoch: 2, step: 5 } as RunProgress;
    backend.emit('run.progress', { projectId, progress });
    expect(list.progressOf(1 as RunId)?.step).toBe(5);
    backend.emit('run.changed', { projectId, summary: summary(1, { status: 'cancelled' }) });
    expect(list.progressOf(1 as RunId)).toBeNull();
  });

  it('starts with the name given, renames and deletes in place', async () => {
    const { backend, list } = await open({
      'run.list': async () => [],
      'run.start': async ({ name }) => summary(4, { name: name ?? 'lenet5-4' }),
      'run.rename': async ({ runId, name }) => summary(runId, { name }),
    });
    await list.start(sample.config, 'mine');
    expect(backend.requests.find((request) => request.name === 'run.start')?.request).toEqual({
      projectId,
      config: sample.config,
      name: 'mine',
    });
    await list.rename(4 as RunId, 'other');
    expect(list.byId.get(4 as RunId)?.name).toBe('other');
    await list.delete([4 as RunId]);
    expect(list.all).toEqual([]);
  });

  it('brings back what was deleted, the latest first and together what went together', async () => {
    const { list } = await open({
      'run.list': async () => [summary(1), summary(2), summary(3)],
      'run.restore': async ({ runId }) => summary(runId),
    });
    expect(list.canUndoDelete).toBe(false);
    await list.delete([3 as RunId]);
    await list.delete([1 as RunId, 2 as RunId]);
    expect(ids(list)).toEqual([]);
    await list.undoDelete();
    expect(ids(list)).toEqual([2, 1]);
    await list.undoDelete();
    expect([ids(list), list.canUndoDelete]).toEqual([[3, 2, 1], false]);
  });

  it('brings back an earlier deletion by itself, and keeps one that could not be brought back', async () => {
    let locked = true;
    const { list } = await open({
      'run.list': async () => [summary(1), summary(2)],
      'run.restore': async ({ runId }) => {
        if (runId === 1 && locked) throw new Error('locked');
        return summary(runId);
      },
    });
    const first = await list.delete([1 as RunId]);
    const second = await list.delete([2 as RunId]);
    await expect(list.undoDelete(first)).rejects.toThrow('locked');
    locked = false;
    await list.undoDelete(second);
    expect(ids(list)).toEqual([2]);
    await list.undoDelete();
    expect([ids(list), list.canUndoDelete]).toEqual([[2, 1], false]);
  });

  it('can bring back those that went before one that could not', async () => {
    const { list } = await open({
      'run.list': async () => [summary(1), summary(2)],
      'run.delete': async ({ runId }) => {
        if (runId === 2) throw new Error('busy');
        return {};
      },
      'run.restore': async ({ runId }) => summary(runId),
    });
    await expect(list.delete([1 as RunId, 2 as RunId])).rejects.toThrow('busy');
    expect(ids(list)).toEqual([2]);
    await list.undoDelete();
    expect(ids(list)).toEqual([2, 1]);
  });

  it('shows at once what was changed about a run', async () => {
    const { list } = await open({
      'run.list': async () => [summary(1)],
      'run.organise': async ({ runId, changes }) => summary(runId, changes),
    });
    await list.organise(1 as RunId, { tags: ['x'], pinned: true });
    expect(list.byId.get(1 as RunId)).toMatchObject({ tags: ['x'], pinned: true });
  });

  it('keeps the runs it has when reading again fails, and says why', async () => {
    let fails = false;
    const { list } = await open({
      'run.list': async () => {
        if (fails) throw new Error('gone');
        return [summary(1)];
      },
    });
    fails = true;
    await list.read();
    expect(ids(list)).toEqual([1]);
    expect((list.error as Error).message).toBe('gone');
  });

  it('ends its subscriptions', async () => {
    const { backend, stop } = await open({});
    expect(backend.subscriberCount()).toBe(3);
    stop();
    expect(backend.subscriberCount()).toBe(0);
  });
});
