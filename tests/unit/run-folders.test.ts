/** The folders of runs: new ones never take the place of others, and they come and go with their rows. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { superviseRuns } from '../helpers/supervised-runs.ts';
import { trash } from '../helpers/trash.ts';

const runs = superviseRuns();

describe('folders', () => {
  test('count up past the highest, also past folders without rows, and never overwrite', async () => {
    const all = join(runs.project.opened.folder, 'runs');
    await mkdir(join(all, 'lenet5-7'), { recursive: true });
    await writeFile(join(all, 'lenet5-7', 'mine.txt'), 'keep');
    await mkdir(join(all, 'lenet5-copy'));
    expect((await runs.start()).name).toBe('lenet5-8');
    const [, together] = await Promise.all([runs.start(), runs.start()]);
    expect(new Set(await readdir(all))).toEqual(
      new Set(['lenet5-7', 'lenet5-8', 'lenet5-9', 'lenet5-10', 'lenet5-copy']),
    );
    expect(runs.project.opened.store.runs.folder(together.runId)).toMatch(/^runs\/lenet5-(9|10)$/);
    expect(await readFile(join(all, 'lenet5-7', 'mine.txt'), 'utf8')).toBe('keep');
  });

  test('go with the run, which must not be in progress', async () => {
    const { runId } = await runs.start();
    const folder = runs.folder(runId);
    await expect(runs.delete(runId)).rejects.toThrow('“lenet5-1” is training. Cancel it first.');
    runs.trainer(0).begin().say({ kind: 'finished', epochsDone: 2 }).exit(0);
    await runs.delete(runId);
    expect(existsSync(folder)).toBe(true);
    await trash.empty(runs.project.opened, { kind: 'run', runId });
    expect(await readdir(join(runs.project.opened.folder, 'runs'))).toEqual([]);
    expect(runs.project.opened.store.runs.count()).toBe(0);
    expect(runs.emitted.at(-1)).toEqual({ event: 'run.removed', payload: { projectId: runs.projectId, runId } });
  });

  test('that are gone already do not keep a run from being deleted', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).exit(1);
    await rm(runs.folder(runId), { recursive: true });
    await runs.delete(runId);
    expect(runs.project.opened.store.runs.count()).toBe(0);
  });

  test('of a deletion that a crash cut short come back with their rows, or go without them', async () => {
    const { runId } = await runs.start();
    runs.trainer(0).exit(1);
    const all = join(runs.project.opened.folder, 'runs');
    await rename(runs.folder(runId), join(all, '.deleted-lenet5-1'));
    await mkdir(join(all, '.deleted-lenet5-9'));
    await runs.reopen();
    expect(await readdir(all)).toEqual(['lenet5-1']);
    expect(existsSync(join(all, 'lenet5-1', 'config.json'))).toBe(true);
  });
});
