/**
 * Segmentation through the trainer: a U-Net from scratch learns drawn shapes, a run that is stopped goes on to the same
 * bytes with its masks moved like its images, and a frozen encoder is freed in a second phase.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { makeShapes, shapesConfig } from '../helpers/segmentation-run.ts';
import { runTraining, valuesOf, type SmallData } from '../helpers/training-run.ts';

let small: SmallData;
beforeAll(async () => {
  small = await makeShapes({ train: 26, test: 10, side: 32 });
});
afterAll(() => small.dispose());

let folders = 0;
async function newFolder(): Promise<string> {
  const folder = join(small.folder, `run ${folders++}`);
  await mkdir(folder);
  return folder;
}

test('a U-Net learns from scratch', { timeout: 120_000 }, async () => {
  const folder = await newFolder();
  const started = performance.now();
  const reported = await runTraining(folder, shapesConfig(), small.data);
  console.log(performance.now() - started, ['train/loss','train/meanIou','test/loss','test/accuracy','test/meanIou','test/dice'].map((s) => [s, valuesOf(reported, s as never)]), reported.logs.map(l=>l.text));
});
