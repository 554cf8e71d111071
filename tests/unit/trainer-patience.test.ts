/** Early stop: a run ends where it gets no better, keeps its best epoch, and a resumed one comes to the same end. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readPredictions } from '../../src-main/engine/train/predictions-file.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';
import { makeSmallData, runTraining, valuesOf, type SmallData } from '../helpers/training-run.ts';

vi.setConfig({ testTimeout: 60_000 });

let small: SmallData;
beforeAll(async () => {
  small = await makeSmallData({ train: 32, test: 30, channels: 1, side: 16 });
});
afterAll(() => small.dispose());

/** A rate so low that the accuracy stays where it is. */
const still = (patience: number | null, phases = [phase({ epochs: 6, learningRate: 1e-9 })]) =>
  smallConfig({ patience, phases });

async function folderFor(name: string): Promise<string> {
  const folder = join(small.folder, name);
  await mkdir(folder);
  return folder;
}

test('ends after so many epochs that are no better, with the first one as its best', async () => {
  const folder = await folderFor('still');
  const { outcome, points, logs } = await runTraining(folder, still(2), small.data);
  const reason =
    'Stopped early: test accuracy was no better for 2 epochs. The best epoch was 1; its weights and predictions are kept.';
  expect(outcome).toEqual({ kind: 'finished', epochsDone: 3, reason });
  const accuracies = valuesOf({ points }, 'test/accuracy');
  expect(new Set(accuracies).size).toBe(1);
  expect(logs.map(({ text }) => text)).toContainEqual(reason);
  expect((await readPredictions(runFiles.predictions(folder))).epoch).toBe(1);
  const again = await runTraining(folder, still(2), small.data, { resume: true });
  expect(again.outcome).toEqual(outcome);
  expect(again.points).toEqual([]);
});

test('goes on where an epoch is better, and where patience is off', async () => {
  const learning = still(1, [phase({ epochs: 3, learningRate: 0.01 })]);
  const better = await runTraining(await folderFor('learning'), learning, small.data);
  const accuracies = valuesOf(better, 'test/accuracy');
  const firstWorse = accuracies.findIndex((value, i) => i > 0 && value <= Math.max(...accuracies.slice(0, i)));
  expect(better.outcome.epochsDone).toBe(firstWorse < 0 ? 3 : firstWorse + 1);
  expect(accuracies.length).toBeGreaterThan(1);
  const off = await runTraining(await folderFor('off'), still(null), small.data);
  expect(off.outcome.epochsDone).toBe(6);
});

test('ends the whole run, also at the end of a phase, and says nothing where the run was over anyway', async () => {
  const slow = phase({ epochs: 2, learningRate: 1e-9 });
  const between = await runTraining(await folderFor('phases'), still(1, [slow, slow]), small.data);
  expect(between.outcome).toMatchObject({ kind: 'finished', epochsDone: 2 });
  expect(between.outcome).toHaveProperty('reason', expect.stringContaining('was no better for one epoch.'));
  const over = await runTraining(await folderFor('over'), still(1, [slow]), small.data);
  expect(over.outcome).toEqual({ kind: 'finished', epochsDone: 2 });
  expect(over.logs.some(({ text }) => text.includes('Stopped early'))).toBe(false);
});
