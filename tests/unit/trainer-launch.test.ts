/** The training process's launcher of the Node hosts, and the reading of Electron's exit status. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { launchNodeChild } from '../../src-main/hosts/node-child.ts';
import { exitOf } from '../../src-main/hosts/electron/wait-status.ts';
import type { TrainerProcess } from '../../src-main/services/backend.ts';
import type { TrainerEvent } from '../../src-main/training-process/messages.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'fovea-child-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Starts a child with this source and gives everything that it sends, and how it ends. */
function launch(source: string) {
  const file = join(folder, 'child.mjs');
  writeFileSync(file, source);
  const child: TrainerProcess = launchNodeChild(pathToFileURL(file));
  const events: TrainerEvent[] = [];
  child.onEvent((event) => events.push(event));
  return { child, events, exit: new Promise<unknown>((resolve) => child.onExit(resolve)) };
}

const ready = (child: TrainerProcess) => new Promise<void>((resolve) => child.onEvent(() => resolve()));

describe('the Node launcher', () => {
  it('carries commands and events, numbers that JSON has not among them', async () => {
    const { child, events, exit } = launch(`
      process.on('message', (command) => process.send(
        { kind: 'points', points: [{ value: NaN, got: command.kind }] }, () => process.exit(0)));
      process.send({ kind: 'ready' });
    `);
    await ready(child);
    child.send({ kind: 'cancel' });
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(events).toEqual([{ kind: 'ready' }, { kind: 'points', points: [{ value: Number.NaN, got: 'cancel' }] }]);
  });

  it('tells of the end only after everything that the child sent', async () => {
    const { events, exit } = launch(`
      for (let i = 0; i < 2000; i++) process.send({ kind: 'finished', epochsDone: i }, () => {
        if (i === 1999) process.exit(3);
      });
    `);
    expect(await exit).toEqual({ code: 3, signal: null });
    expect(events).toHaveLength(2000);
  });

  it('names the signal that killed a child', async () => {
    const { exit } = launch(`process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000);`);
    expect(await exit).toEqual({ code: null, signal: 'SIGSEGV' });
  });

  it('ends a child that hears nothing, and takes commands to a dead one in silence', async () => {
    const { child, exit } = launch(
      `process.on('SIGTERM', () => {}); process.send({ kind: 'ready' }, () => { for (;;); });`,
    );
    await ready(child);
    child.kill();
    expect(await exit).toEqual({ code: null, signal: 'SIGKILL' });
    expect(() => child.send({ kind: 'cancel' })).not.toThrow();
    child.kill();
  });

  it.runIf(process.platform === 'linux')('puts the child beyond the reach of Ctrl-C in the terminal', async () => {
    const { child, events, exit } = launch(`
      import { readFileSync } from 'node:fs';
      const group = Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')[2]);
      process.send({ kind: 'finished', epochsDone: group === process.pid ? 1 : 0 }, () => process.exit(0));
    `);
    await ready(child);
    await exit;
    expect(events).toEqual([{ kind: 'finished', epochsDone: 1 }]);
  });
});

describe("Electron's exit status", () => {
  it.each([
    [0, { code: 0, signal: null }],
    [1, { code: 1, signal: null }],
    [3, { code: 3, signal: null }],
    [768, { code: 3, signal: null }],
    [256, { code: 1, signal: null }],
    [9, { code: null, signal: 'SIGKILL' }],
    [11, { code: null, signal: 'SIGSEGV' }],
    [11 | 0x80, { code: null, signal: 'SIGSEGV' }],
  ])('%d on Linux', (status, exit) => {
    expect(exitOf(status, 'linux')).toEqual(exit);
  });

  it('is the exit code on Windows', () => {
    expect(exitOf(0xc0000005, 'win32')).toEqual({ code: 0xc0000005, signal: null });
  });
});
