/** `fovea change` asks a run that trains in another process for a change, through its folder. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { runCli } from '../../src-main/hosts/cli/program.ts';

let project: string;
let folder: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'fovea-change-'));
  folder = join(project, 'runs', 'lenet5-1');
  mkdirSync(folder, { recursive: true });
  writeFileSync(runFiles.config(folder), '{}');
  writeFileSync(runFiles.lock(folder), '1\n');
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

async function cli(...args: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const io = {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    cwd: project,
    onInterrupt: () => () => {},
    abort: () => {},
  };
  const never = () => {
    throw new Error('It needs no backend and no process.');
  };
  return {
    exitCode: await runCli(args, io, { openBackend: never, launchTask: never, launchTrainer: never }),
    out,
    err,
  };
}

const requests = () =>
  readdirSync(runFiles.requests(folder))
    .toSorted()
    .map(
      (name) => (JSON.parse(readFileSync(join(runFiles.requests(folder), name), 'utf8')) as { change: unknown }).change,
    );

test('asks for everything that it is told, by name or by folder', async () => {
  const first = await cli('change', 'lenet5-1', '--rate', '0.1', '--epochs', '5');
  expect([first.exitCode, first.err]).toEqual([0, expect.stringContaining('learning rate × 0.1')]);
  const second = await cli('change', folder, '--finish', '--json');
  expect(JSON.parse(second.out)).toEqual({ folder, requested: [{ kind: 'finish' }] });
  expect(requests()).toEqual([
    { kind: 'learning-rate', factor: 0.1 },
    { kind: 'epochs', added: 5 },
    { kind: 'finish' },
  ]);
});

test('refuses where nothing is told, no run is there, or none trains', async () => {
  expect(await cli('change', 'lenet5-1')).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('Say what') as string,
  });
  expect(await cli('change', 'lenet5-9', '--finish')).toMatchObject({ exitCode: 1 });
  rmSync(runFiles.lock(folder));
  const idle = await cli('change', 'lenet5-1', '--finish');
  expect([idle.exitCode, idle.err]).toEqual([1, expect.stringContaining('No process trains')]);
  for (const bad of [
    ['--rate', '0'],
    ['--rate', '-1'],
    ['--epochs', '0'],
    ['--epochs', '1.5'],
  ])
    expect((await cli('change', 'lenet5-1', ...bad)).exitCode).toBe(2);
});
