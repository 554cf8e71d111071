/**
 * Membranes of cells beside PyTorch: the same U-Net over MobileNetV2, from the same first weights (ImageNet's in the encoder),
 * with the same images in the same order, so that what is left is how both compute. Both run at the same time on one thread
 * each: no figure here is a time.
 */
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { epochOrder } from '../../src-main/engine/data/epoch-order.ts';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import { tensorShapes } from '../../src-main/engine/nn/network.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import { startWeights, type StartFile } from '../../src-main/engine/train/start-weights.ts';
import { hashFile } from '../../src-main/engine/weights/file-hash.ts';
import { writeSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { planModel, preprocessingOf } from '../../src-main/engine/zoo/registry.ts';
import { shapesConfig, sumOf } from '../helpers/segmentation-run.ts';
import { phase } from '../helpers/run-config.ts';
import { measuredOnce, trainOrGoOn, type KeptRuns, type Measuring } from './kept-run.ts';
import { startPythonPeer, type PythonSearch } from './python-peer.ts';
import { packMembrane } from './segmentation-data.ts';
import { imagenetStart, mobilenetOptions } from './segmentation-transfer.ts';

export interface MembraneOptions extends KeptRuns {
  membrane: string;
  weights: string;
  folder: string;
  epochs: number;
  seeds: number;
  search: PythonSearch;
  progress(text: string): void;
}

/** F1 of the membranes' pixels after each epoch, a list a seed, shorter than asked for where a training is not to go on now; PyTorch's is empty where it is not installed. */
export interface MembraneCurves {
  ours: number[][];
  pytorch: number[][];
}

const side = 256;
const learningRate = 1e-3;
/** Falls to a tenth: at a high rate both sides' measures jump about from epoch to epoch. */
const schedule = { kind: 'exponential', gamma: 0.8 } as const;

export async function trainOnMembrane(options: MembraneOptions): Promise<MembraneCurves> {
  const { membrane, weights, folder, kept, only, epochs, seeds, search, progress } = options;
  const data = await packMembrane(membrane, side, folder);
  const imagenet = await imagenetStart(weights);
  const curves: MembraneCurves = { ours: [], pytorch: [] };
  for (let seed = 0; seed < seeds; seed++) {
    const config = recipe(epochs, seed);
    const start = await firstWeights(config, data, imagenet, join(folder, `first-${seed}.safetensors`));
    const said =
      (who: string) =>
      (epoch: number, f1: number): void =>
        progress(`membrane, seed ${seed}, ${who}: epoch ${epoch} of ${epochs}, F1 ${f1.toFixed(4)}`);
    const { train, evaluation, fit } = data;
    const decisive = { train, evaluation, fit, start: start.sha256 };
    const shared = { kept, only, name: 'membrane', config, data, start, decisive } as const;
    const [own, other] = await Promise.all([
      trainOrGoOn({ ...shared, threads: 1, series: 'test/dice', said: said('ours') }),
      search.found ? trainTorch(search.python, config, data, start, { kept, only, said: said('PyTorch') }) : null,
    ]);
    curves.ours.push(own);
    if (other) curves.pytorch.push(other);
  }
  return curves;
}

const recipe = (epochs: number, seed: number): RunConfig =>
  shapesConfig({
    model: { id: 'unet', options: mobilenetOptions },
    loss: sumOf(true, { kind: 'cross-entropy', classWeights: null }, { kind: 'dice', smooth: 1 }),
    batchSize: 4,
    phases: [phase({ epochs, learningRate, schedule })],
    seed,
  });

/** Fresh ones of the seed, over them the file's with its norms built again, in one file that both start from. */
async function firstWeights(
  config: RunConfig,
  data: TrainingData,
  file: StartFile,
  target: string,
): Promise<StartFile> {
  const plan = planModel(config.model.id, config.model.options, [3, side, side], 1);
  const { tensors } = await startWeights({
    file,
    plan,
    preprocessing: preprocessingOf(config.model),
    config,
    data,
    runtime: new OnnxRuntime(),
    threads: cpus().length,
    signal: new AbortController().signal,
  });
  const shapes = tensorShapes(plan);
  const named = [...tensors].map(
    ([name, values]) => [name, { dtype: 'F32', shape: shapes.get(name)!, data: values }] as const,
  );
  await writeSafetensors(target, new Map(named));
  return { ...file, label: 'first weights', path: target, sha256: await hashFile(target, 'sha256') };
}

async function trainTorch(
  python: string,
  { seed, batchSize, phases: [only] }: RunConfig,
  { packs, train, evaluation }: TrainingData,
  start: StartFile,
  shared: Pick<Measuring, 'kept' | 'only' | 'said'>,
): Promise<number[]> {
  const { epochs } = only!;
  const request = {
    weights: start.path,
    images: packs[0]!.file,
    masks: packs[1]!.file,
    side,
    order: Array.from({ length: epochs }, (_, epoch) =>
      Array.from(epochOrder(train.rows.length, seed, epoch), (place) => train.rows[place]!),
    ),
    evaluated: evaluation.rows,
    batchSize,
    learningRate,
    gamma: schedule.gamma,
  };
  const { weights: _path, images: _images, masks: _masks, ...decisive } = request;
  const name = `membrane-pytorch-seed${seed}`;
  const measuring = { ...shared, name, decisive: { ...decisive, start: start.sha256 }, epochs };
  return measuredOnce(measuring, async (_folder, keep) => {
    const peer = startPythonPeer(python, join(import.meta.dirname, 'segmentation_peer.py'));
    try {
      for (let epoch = 1; epoch <= epochs; epoch++) {
        const { f1 } = await (epoch === 1 ? peer.ask<{ f1: number }>(request) : peer.next<{ f1: number }>());
        keep(epoch, f1);
      }
    } finally {
      await peer.close();
    }
  });
}
