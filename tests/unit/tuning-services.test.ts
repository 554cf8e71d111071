/** Measuring layers: one at a time, not beside a run, cancelled with nothing left behind, and forgotten. */
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import type { TaskCommand, TaskEvent } from '../../src-main/training-process/messages.ts';
import { JobRegistry } from '../../src-main/services/jobs.ts';
import { createTuningHandlers, tuningFile } from '../../src-main/services/runs/tuning.ts';
import { createRunProject, runContext, testConfig, type RunProject } from '../helpers/run-project.ts';

/** A task process whose events the test sends. */
class FakeTask {
  static last: FakeTask | null = null;
  command: TaskCommand | null = null;
  #listen: (event: TaskEvent) => void = () => undefined;
  #exit: (exit: { code: number | null; signal: NodeJS.Signals | null }) => void = () => undefined;
  constructor() {
    FakeTask.last = this;
    setTimeout(() => this.emit({ kind: 'ready' }));
  }
  emit(event: TaskEvent): void {
    this.#listen(event);
  }
  send(command: TaskCommand): void {
    this.command = command;
  }
  onEvent(listener: (event: TaskEvent) => void): void {
    this.#listen = listener;
  }
  onExit(listener: (exit: { code: number | null; signal: NodeJS.Signals | null }) => void): void {
    this.#exit = listener;
  }
  kill(): void {
    this.#exit({ code: null, signal: 'SIGKILL' });
  }
  end(event: TaskEvent): void {
    this.emit(event);
    this.#exit({ code: 0, signal: null });
  }
}

let folder: string;
let project: RunProject;
let jobs: JobRegistry;
let handlers: Pick<Handlers, Extract<keyof Handlers, `tuning.${string}`>>;
let trains = false;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-tuning-services-'));
  const { context, emitted } = runContext(() => {
    throw new Error('nothing trains in this test');
  });
  const ports = { ...context.ports, userDataFolder: folder, launchTask: () => new FakeTask() };
  project = await createRunProject(context.projects);
  jobs = new JobRegistry((event, payload) => void emitted.push({ event, payload } as never));
  handlers = createTuningHandlers({ ...context, ports }, jobs, () => trains);
  trains = false;
});
afterEach(async () => {
  await jobs.close();
  await project.dispose();
  await rm(folder, { recursive: true, force: true });
});

const request = () => ({ projectId: project.opened.project.projectId, config: testConfig(project.datasetId) });
const listed = (): Job => jobs.list(project.opened.project.projectId)[0]!;
const asked = () => vi.waitUntil(() => FakeTask.last?.command?.task);

test('a measurement is asked for the plan, tells how far it is and what it gained', async () => {
  expect(await handlers['tuning.get']({})).toEqual({ isMeasured: false });
  const started = await handlers['tuning.start'](request());
  expect(started).toMatchObject({ kind: 'tuning', state: 'running', tuning: null });
  expect(await asked()).toMatchObject({
    name: 'tune-run',
    request: { inputShape: [3, 32, 32], categoryCount: 10, tuning: tuningFile({ userDataFolder: folder }) },
  });
  FakeTask.last!.emit({ kind: 'progress', step: 'Timing layers', done: 3, total: 12 });
  expect(listed()).toMatchObject({ step: 'Timing layers', done: 3, total: 12, unit: 'timings' });
  FakeTask.last!.end({ kind: 'done', answer: { gain: { beforeMs: 10, afterMs: 9 }, measured: 12 } });
  await vi.waitUntil(() => listed().state === 'done');
  expect(listed().tuning).toEqual({ gain: { beforeMs: 10, afterMs: 9 }, measured: 12 });
});

test('there is one at a time, and none beside a run', async () => {
  trains = true;
  await expect(handlers['tuning.start'](request())).rejects.toMatchObject({ code: 'busy' });
  trains = false;
  await handlers['tuning.start'](request());
  await expect(handlers['tuning.start'](request())).rejects.toMatchObject({ code: 'busy' });
  await asked();
  await jobs.cancel(listed().jobId);
  expect(listed()).toMatchObject({ state: 'cancelled', tuning: null });
  expect((await handlers['tuning.start'](request())).state).toBe('running');
});

test('what failed says why, and the next one can begin', async () => {
  await handlers['tuning.start'](request());
  await asked();
  FakeTask.last!.end({
    kind: 'failed',
    error: { code: 'out-of-memory', message: 'There is not enough memory.', context: {} },
  });
  await vi.waitUntil(() => listed().state === 'failed');
  expect(listed().error?.message).toBe('There is not enough memory.');
  expect((await handlers['tuning.start'](request())).state).toBe('running');
});

test('what was measured is forgotten with its file', async () => {
  const file = tuningFile({ userDataFolder: folder });
  writeFileSync(file, '{}');
  expect(await handlers['tuning.get']({})).toEqual({ isMeasured: true });
  await handlers['tuning.forget']({});
  expect(existsSync(file)).toBe(false);
  expect(await handlers['tuning.get']({})).toEqual({ isMeasured: false });
  await handlers['tuning.forget']({});
});
