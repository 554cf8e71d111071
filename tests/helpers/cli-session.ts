/**
 * The command line against a fake backend: what it asks for, what it prints where, and how it ends. `cli` runs a command;
 * the other exports tell of the latest one, and each test begins with an empty project folder.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';
import type { CallName, Handlers } from '../../src-main/contract/ipc.ts';
import type { CatalogueState } from '../../src-main/contract/model/weights.ts';
import type { RunSummary } from '../../src-main/contract/model/run.ts';
import { runCli } from '../../src-main/hosts/cli/program.ts';
import { fakeTasks, type FakeTasks } from './devices.ts';
import { createFakeBackend, sample, type FakeBackend } from './fake-backend.ts';
import { fakeTrainers } from './fake-trainer.ts';

export const { projectId } = sample.project;
export const running: RunSummary = { ...sample.run, status: 'running', epochsDone: 0 };

export let folder: string;
export let backend: FakeBackend;
export let stdout: string;
export let stderr: string;
export let interrupt: () => void;
export let aborted: boolean;
export let tasks: FakeTasks;
export let trainers: ReturnType<typeof fakeTrainers>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-cli-'));
  mkdirSync(join(folder, 'project', 'inside'), { recursive: true });
  writeFileSync(join(folder, 'project', 'project.sqlite'), '');
  aborted = false;
  trainers = fakeTrainers();
  tasks = fakeTasks((_task, child) => child.exit(0));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** How the engine's tasks go from now on. */
export function performTasks(...perform: Parameters<typeof fakeTasks>): void {
  tasks = fakeTasks(...perform);
}

interface Setting {
  handlers?: Partial<Handlers>;
  cwd?: string;
  isTTY?: boolean;
}

export function cli(args: string[], { handlers = {}, cwd = join(folder, 'project'), isTTY = false }: Setting = {}) {
  backend = createFakeBackend(handlers);
  stdout = '';
  stderr = '';
  const io = {
    stdout: { write: (text: string) => void (stdout += text) },
    stderr: { write: (text: string) => void (stderr += text), isTTY },
    cwd,
    onInterrupt: (listener: () => void) => {
      interrupt = listener;
      return () => (interrupt = () => {});
    },
    abort: () => void (aborted = true),
  };
  return runCli(args, io, { openBackend: () => backend, launchTask: tasks.launch, launchTrainer: trainers.launch });
}

export const requestsOf = (name: CallName) =>
  backend.requests.filter((each) => each.name === name).map(({ request }) => request);
export const until = (condition: () => boolean) => vi.waitUntil(condition, { interval: 1, timeout: 30_000 });
/** The command listens for the end of a run once it has looked at it. */
export const watching = () => until(() => requestsOf('run.get').length > 0);

/** Weights of the catalogue. */
export const published: CatalogueState = {
  id: 'ours',
  label: 'Our weights',
  publisher: 'us',
  trainedOn: 'nothing',
  url: 'https://example.org/ours.pth',
  fileName: 'ours.pth',
  sizeBytes: 2_000_000,
  sha256Prefix: '01234567',
  licence: { name: 'AGPL-3.0', consequence: 'What follows from it.', restrictive: true },
  padding: 'symmetric',
  scaling: 'imagenet',
  normEpsilon: null,
  networks: ['lenet5'],
  path: null,
  suits: true,
};
