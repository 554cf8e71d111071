/** The network of a run as one of its checkpoints has it, read from the run's folder, which needs no database. */
import { readFile } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import { readRunConfig } from '../../contract/model/run-config-versions.ts';
import type { CheckpointName, RunConfig } from '../../contract/model/run.ts';
import type { TrainingData } from '../data/training-data.ts';
import type { Shape } from '../graph/types.ts';
import { tensorShapes, type NetworkPlan } from '../nn/network.ts';
import type { NamedTensors } from '../nn/parameters.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';
import { planModel, preprocessingOf } from '../zoo/registry.ts';
import { readCheckpoint } from './checkpoint.ts';
import { runFiles } from './run-folder.ts';
import { taskFor } from './tasks/index.ts';
import type { Task } from './tasks/definition.ts';
import { readTrainingData } from './training-data-file.ts';

export interface TrainedNetwork {
  config: RunConfig;
  /** What it was trained on; `categories` are its classes. */
  data: TrainingData;
  task: Task;
  plan: NetworkPlan;
  preprocessing: Preprocessing;
  /** The weights that are evaluated: the averages where there are any. */
  tensors: NamedTensors;
  /** Epochs done when the checkpoint was written. */
  epoch: number;
}

/** Throws FoveaError `not-found` where there is no checkpoint yet, `bad-input` where a file is damaged. */
export async function openTrained(folder: string, checkpoint: CheckpointName): Promise<TrainedNetwork> {
  const config = await readConfig(runFiles.config(folder));
  const data = await readTrainingData(runFiles.data(folder));
  const imageShape = imageShapeOf(data);
  const task = taskFor({ config, categoryCount: data.categories.length, imageShape });
  const plan = planModel(config.model.id, config.model.options, imageShape, task.outputCount);
  const { tensors, averages, position } = await readCheckpoint(
    runFiles.checkpoint(folder, checkpoint),
    tensorShapes(plan),
  );
  const preprocessing = preprocessingOf(config.model);
  return { config, data, task, plan, preprocessing, tensors: averages ?? tensors, epoch: position.epoch };
}

async function readConfig(file: string): Promise<RunConfig> {
  try {
    return readRunConfig(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    if (cause instanceof FoveaError) throw cause;
    throw new FoveaError('bad-input', `The run's configuration cannot be read: ${file}.`, { file }, { cause });
  }
}

/** [C, H, W] of what the network reads. */
function imageShapeOf({ packs, evaluation, train }: TrainingData): Shape {
  const { channels, heightPx, widthPx } = packs[(evaluation.packs[0] ?? train.packs[0])!]!;
  return [channels, heightPx, widthPx];
}
