/** Worker processes: real ones from source for what a process does, hand-led ones for who keeps and who ends them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import { createProjectStore } from '../../src-main/store/project-store.ts';
import { TaskPort } from '../../src-main/services/workers/task-port.ts';
import type { WorkerCommand, WorkerReply } from '../../src-main/services/workers/messages.ts';
import { WorkerPool } from '../../src-main/services/workers/worker-pool.ts';
import { launchWorker } from '../helpers/worker-process.ts';

let pool: WorkerPool | undefined;
afterEach(() => pool?.close());

/** Processes that are led by the test. */
function ledWorkers() {
  const launched: Led[] = [];
  class Led {
    heard: WorkerCommand['kind'][] = [];
    isKilled = false;
    tell: (reply: WorkerReply) => void = () => undefined;
    exit: (exit: { code: number | null; signal: string | null }) => void = () => undefined;
    send = ({ kind }: WorkerCommand): void => void this.heard.push(kind);
    onEvent = (listener: (reply: WorkerReply) => void): void => void (this.tell = listener);
    onExit = (listener: Led['exit']): void => void (this.exit = listener);
    kill = (): void => {
      this.isKilled = true;
      this.exit({ code: null, signal: 'SIGKILL' });
    };
  }
  const launch = (): Led => {
    const led = new Led();
    launched.push(led);
    queueMicrotask(() => led.tell({ kind: 'ready' }));
    return led;
  };
  return { launched, launch };
}

const quick = { signal: null, writes: false };
const task = { kind: 'inspect-weights', path: '/none' } as const;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a process that is done takes the next task; two at once need two', async () => {
  const { launched, launch } = ledWorkers();
  pool = new WorkerPool(launch);
  const [first, second] = [pool.run('import', task, quick, () => 0), pool.run('import', task, quick, () => 0)];
  await settled();
  expect(launched.map(({ heard }) => heard)).toEqual([['do'], ['do']]);
  for (const led of launched) led.tell({ kind: 'done', memoryBytes: 1 });
  await Promise.all([first, second]);
  const third = pool.run('import', task, quick, () => 0);
  await settled();
  expect(launched).toHaveLength(2);
  launched[1]!.tell({ kind: 'done', memoryBytes: 1 });
  await third;
});

test('a process that holds on to much memory is not kept', async () => {
  const { launched, launch } = ledWorkers();
  pool = new WorkerPool(launch);
  const running = pool.run('import', task, quick, () => 0);
  await settled();
  launched[0]!.tell({ kind: 'done', memoryBytes: 1e9 });
  await running;
  expect(launched[0]!.isKilled).toBe(true);
});

test('what goes wrong first is told: the task’s own error, the reader’s, or the signal’s reason', async () => {
  const { launched, launch } = ledWorkers();
  pool = new WorkerPool(launch);
  const failing = pool.run('import', task, quick, () => 0);
  await settled();
  launched[0]!.tell({ kind: 'failed', error: { code: 'io', message: 'no room', context: {} }, memoryBytes: 1 });
  await expect(failing).rejects.toMatchObject({ code: 'io', message: 'no room' });

  const unread = pool.run('import', task, quick, () => {
    throw new Error('the reader fell over');
  });
  await settled();
  launched[0]!.tell({ kind: 'message', message: {} });
  launched[0]!.tell({ kind: 'message', message: {} });
  expect(launched[0]!.heard).toEqual(['do', 'do', 'stop', 'taken', 'taken']);
  launched[0]!.tell({ kind: 'done', memoryBytes: 1 });
  await expect(unread).rejects.toThrow('the reader fell over');

  const abort = new AbortController();
  const cancelled = pool.run('import', task, { signal: abort.signal, writes: false }, () => 0);
  await settled();
  abort.abort(new Error('enough'));
  // It does not answer, and leaves nothing behind wherever it is stopped.
  await expect(cancelled).rejects.toThrow('enough');
  expect(launched[0]!.isKilled).toBe(true);
});

test('one that is cancelled before its process is ready is never begun, and the process is kept', async () => {
  const { launched, launch } = ledWorkers();
  pool = new WorkerPool(launch);
  const abort = new AbortController();
  const cancelled = pool.run('import', task, { signal: abort.signal, writes: true }, () => 0);
  abort.abort(new Error('enough'));
  await expect(cancelled).rejects.toThrow('enough');
  expect(launched[0]!.heard).toEqual(['stop']);
  expect(launched[0]!.isKilled).toBe(false);
});

test('a process that dies fails its task in words, and the next task gets another', async () => {
  const { launched, launch } = ledWorkers();
  pool = new WorkerPool(launch);
  const running = pool.run('training data', task as never, quick, () => 0);
  await settled();
  launched[0]!.exit({ code: null, signal: 'SIGSEGV' });
  await expect(running).rejects.toMatchObject({
    code: 'process-died',
    message: 'The training data process crashed (SIGSEGV). Try again.',
  });
  const next = pool.run('import', task, quick, () => 0);
  await settled();
  launched[1]!.tell({ kind: 'done', memoryBytes: 1 });
  await next;
});

test('a real process does its tasks one after the other, and tells what is wrong with one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-workers-'));
  let launches = 0;
  pool = new WorkerPool(() => {
    launches++;
    return launchWorker();
  });
  try {
    const file = join(folder, 'project.db');
    createProjectStore(file, { projectId: 'p' as ProjectId, name: 'P', createdAt: '2026-01-02T03:04:05.000Z' }).close();
    await pool.run('checkpoint', { file }, { signal: null, writes: true }, () => undefined);
    const missing = { kind: 'inspect-weights', path: join(folder, 'none.pt') } as const;
    await expect(pool.run('import', missing, quick, () => undefined)).rejects.toMatchObject({ code: 'not-found' });
    await pool.run('checkpoint', { file }, { signal: null, writes: true }, () => undefined);
    expect(launches).toBe(1);
  } finally {
    await pool.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('a task that waits for its reader has eight messages under way at most, and hears that it is stopped', async () => {
  const sent: number[] = [];
  const port = new TaskPort<number>((message) => sent.push(message));
  const sending = (async () => {
    for (let i = 0; i < 20; i++) await port.postAndWait(i);
  })();
  await settled();
  expect(sent).toHaveLength(8);
  port.taken();
  port.taken();
  await settled();
  expect(sent).toHaveLength(10);
  port.stop();
  await expect(sending).rejects.toMatchObject({ code: 'cancelled' });
  expect(() => port.post(0)).toThrow('cancelled');
});
