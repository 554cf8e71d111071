/** Opens what a run trains with: images and labels of both splits, the network's plan, and the weights that it goes on from. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { PhaseConfig } from '../../contract/model/run.ts';
import { isMadeAnew } from '../data/augmentation.ts';
import { labelCapacity, sampleSettings } from '../data/samples/sample-split.ts';
import { SampleStream } from '../data/samples/sample-stream.ts';
import { SplitImages, type ExampleImages } from '../data/split-images.ts';
import type { SplitData } from '../data/training-data.ts';
import { isFrozen, tensorShapes, type NetworkPlan } from '../nn/network.ts';
import { OnnxRuntime } from '../runtime/onnxruntime.ts';
import { planModel, preprocessingOf } from '../zoo/registry.ts';
import { readCheckpoint, startPosition, type Checkpoint } from './checkpoint.ts';
import { Interventions } from './interventions.ts';
import { LayerWatch } from './layer-watch.ts';
import { runFiles } from './run-folder.ts';
import { startInWords, startWeights, writeProvenance } from './start-weights.ts';
import type { SplitLabels, Task } from './tasks/definition.ts';
import { taskFor } from './tasks/index.ts';
import type { TrainOptions } from './train-options.ts';

/** What of a split the steps read. */
interface OpenSplit<Images = SplitImages> {
  images: Images;
  labels: SplitLabels;
}

export interface OpenRun {
  task: Task;
  plan: NetworkPlan;
  splits: { train: OpenSplit<ExampleImages>; evaluation: OpenSplit };
  /** Where it begins or goes on. */
  checkpoint: Checkpoint;
  /** A tuner's file; the rules decide where it is not there. */
  tuning: string;
  interventions: Interventions;
  /** Null where no layer is looked at. */
  layers: LayerWatch | null;
  close(): Promise<void>;
}

/** Null where it was cancelled before the first step. Throws like `train`; then nothing stays open. */
export async function openRun(options: TrainOptions): Promise<OpenRun | null> {
  const { folder, config, data } = options;
  await makeCheckpointFolder(folder);
  const opened: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => void (await Promise.all(opened.map((each) => each.close())));
  const open = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const made = await opening;
    opened.push(made);
    return made;
  };
  const capacity = labelCapacity(data, config);
  try {
    const train = await open(openTrainImages(options, capacity));
    const evaluation = await open(SplitImages.open(data.evaluation, data.packs));
    const { imageShape } = train;
    const task = taskFor({ config, categoryCount: data.categories.length, imageShape, labelCapacity: capacity });
    const plan = planModel(config.model.id, config.model.options, imageShape, task.outputCount);
    config.phases.forEach((phase, index) => checkFreezing(plan, phase, index + 1));
    const withLabels = async <I extends ExampleImages>(split: SplitData, images: I): Promise<OpenSplit<I>> => ({
      images,
      labels: await open(task.openLabels(split, data, images)),
    });
    const splits = {
      train: await withLabels(data.train, train),
      evaluation: await withLabels(data.evaluation, evaluation),
    };
    const interventions = await Interventions.open(folder);
    const checkpoint = await firstCheckpoint(options, plan);
    const layers = await LayerWatch.open({ folder, config, plan, epochsDone: checkpoint.position.epoch });
    const tuning = await ownTuning(options);
    return { task, plan, splits, checkpoint, tuning, interventions, layers, close };
  } catch (error) {
    await close();
    if (error instanceof FoveaError && error.code === 'cancelled') return null;
    throw error;
  }
}

async function makeCheckpointFolder(runFolder: string): Promise<void> {
  const folder = dirname(runFiles.checkpoint(runFolder, 'last'));
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError('io', `Could not make the folder ${folder}: ${reason}`, { file: folder }, { cause });
  }
}

function checkFreezing(plan: NetworkPlan, { freeze }: PhaseConfig, phaseNumber: number): void {
  if (plan.parameters.some((parameter) => !isFrozen(parameter, freeze))) return;
  throw new FoveaError(
    'invalid-request',
    `Every layer is frozen in phase ${phaseNumber}, so there is nothing to train. Leave at least one layer free.`,
    { phase: phaseNumber },
  );
}

/** As they are, or made anew for each epoch where the graph cannot do what is asked for. */
function openTrainImages({ config, data, sampleWorker }: TrainOptions, capacity: number): Promise<ExampleImages> {
  if (!isMadeAnew(config)) return SplitImages.open(data.train, data.packs);
  return SampleStream.open({
    data,
    split: data.train,
    settings: sampleSettings(config),
    labelCapacity: capacity,
    batchSize: config.batchSize,
    ...(sampleWorker && { worker: sampleWorker }),
  });
}

/**
 * The run's own copy of what a tuner measured, made when it begins: other formulations round otherwise, and a run that goes on
 * would not give what it gives in one go.
 */
async function ownTuning({ folder, resume, tuning }: TrainOptions): Promise<string> {
  const own = runFiles.tuning(folder);
  if (resume) return own;
  try {
    await rm(own, { force: true });
    if (tuning !== undefined && existsSync(tuning)) await copyFile(tuning, own);
    return own;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError('io', `Could not write ${own}: ${reason}`, { file: own }, { cause });
  }
}

/** The last checkpoint where the run goes on, else fresh weights, over them those that it starts from. */
async function firstCheckpoint(options: TrainOptions, plan: NetworkPlan): Promise<Checkpoint> {
  const { config, folder, resume } = options;
  if (resume) {
    try {
      return await readCheckpoint(runFiles.checkpoint(folder, 'last'), tensorShapes(plan));
    } catch (error) {
      // A run that died before its first checkpoint starts over.
      if (!(error instanceof FoveaError && error.code === 'not-found')) throw error;
    }
  }
  const { start = null, data, signal, report, threads = 0 } = options;
  const { tensors, provenance } = await startWeights({
    file: start,
    plan,
    preprocessing: preprocessingOf(config.model),
    config,
    data,
    runtime: options.runtime ?? new OnnxRuntime(),
    threads,
    signal,
  });
  await writeProvenance(folder, provenance);
  for (const line of startInWords(provenance)) report.log('info', line);
  return { position: startPosition, tensors, averages: null, slots: new Map() };
}
