/** A run's folder as it would be after an epoch in which nothing was learned, for tests of what is done with trained networks. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { tensorShapes } from '../../src-main/engine/nn/network.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { startPosition, writeCheckpoint } from '../../src-main/engine/train/checkpoint.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { taskFor } from '../../src-main/engine/train/tasks/index.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { planModel } from '../../src-main/engine/zoo/registry.ts';
import type { SmallData } from './training-run.ts';

/** Into the data's own folder, with fresh weights that say something of every image. */
export async function writeFreshRun(config: RunConfig, { folder, data }: SmallData): Promise<void> {
  const { channels, heightPx, widthPx } = data.packs[data.evaluation.packs[0]!]!;
  const imageShape = [channels, heightPx, widthPx];
  const { outputCount } = taskFor({ config, categoryCount: data.categories.length, imageShape });
  const plan = planModel(config.model.id, config.model.options, imageShape, outputCount);
  const tensors = initialise(plan.parameters, plan.buffers, 3);
  // A fresh detector scores everything near 0, far below what is looked at.
  for (const name of [0, 1, 2].map((level) => `model.22.cv3.${level}.2.bias`)) tensors.get(name)?.fill(-2);
  await mkdir(dirname(runFiles.checkpoint(folder, 'best')), { recursive: true });
  await writeFile(runFiles.config(folder), JSON.stringify(config));
  await writeTrainingData(runFiles.data(folder), data);
  const checkpoint = { position: startPosition, tensors, averages: null, slots: new Map() };
  await writeCheckpoint(runFiles.checkpoint(folder, 'best'), checkpoint, tensorShapes(plan), config.model.id);
}
