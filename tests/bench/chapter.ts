/**
 * The chapter's figures on full CIFAR-10: LeNet-5 for 50 epochs and with batch norm for 20, Adam 0.001, batches of 64,
 * with the softmax applied before the loss as the chapter does and with the proper loss; mean of three seeds, beside
 * PyTorch with the same recipe. Train accuracy is the average over the epoch's own batches, test accuracy that after
 * the last epoch. Both sides run at the same time on one thread each: no figure here is a time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { train } from '../../src-main/engine/train/trainer.ts';
import { repository } from '../helpers/app-session.ts';
import type { BenchContext, BenchOutcome } from './bench.ts';
import { fullCifar10, type Cifar10 } from './cifar10-data.ts';
import { findPython, startPythonPeer, type PythonPeer } from './python-peer.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';

interface Recipe {
  name: string;
  label: string;
  batchNorm: boolean;
  softmaxBeforeLoss: boolean;
  epochs: number;
}
interface Accuracy {
  train: number;
  test: number;
}

const recipes: readonly Recipe[] = [
  {
    name: 'softmaxPlain',
    label: 'softmax before the loss, 50 epochs',
    batchNorm: false,
    softmaxBeforeLoss: true,
    epochs: 50,
  },
  {
    name: 'softmaxBatchNorm',
    label: 'softmax before the loss, batch norm, 20 epochs',
    batchNorm: true,
    softmaxBeforeLoss: true,
    epochs: 20,
  },
  { name: 'properPlain', label: 'proper loss, 50 epochs', batchNorm: false, softmaxBeforeLoss: false, epochs: 50 },
  {
    name: 'properBatchNorm',
    label: 'proper loss, batch norm, 20 epochs',
    batchNorm: true,
    softmaxBeforeLoss: false,
    epochs: 20,
  },
];
const tolerance = 0.015;
const batchNormGain = 0.02;

export async function runChapter({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  const seeds = quick ? [0] : [0, 1, 2];
  const cifar = await fullCifar10(progress);
  const search = await findPython(['torch', 'numpy']);
  const outcome: BenchOutcome = {
    figures: [],
    bars: [],
    notes: search.found ? [`Peer: PyTorch ${search.versions.torch}.`] : [search.mend],
  };
  if (quick) outcome.notes.push('--quick: one seed and a fifth of the epochs; the bars are meant for the whole.');
  const peer = search.found
    ? startPythonPeer(search.python, join(repository, 'tests', 'bench', 'lenet_peer.py'), [cifar.folder, '1'])
    : null;
  const means = new Map<string, Accuracy>();
  try {
    if (peer) await peer.next();
    for (const full of recipes) {
      const recipe = quick ? { ...full, epochs: full.epochs / 5 } : full;
      const ours: Accuracy[] = [];
      const torch: Accuracy[] = [];
      for (const seed of seeds) {
        const [own, other] = await Promise.all([
          trainOurs(cifar, recipe, seed),
          peer ? trainTorch(peer, recipe, seed) : null,
        ]);
        progress(`${recipe.label}, seed ${seed}: ours ${text(own)}, PyTorch ${other ? text(other) : 'not installed'}`);
        ours.push(own);
        if (other) torch.push(other);
      }
      means.set(recipe.name, mean(ours));
      addFigures(outcome, recipe, mean(ours), torch.length > 0 ? mean(torch) : null);
    }
  } finally {
    await peer?.close();
  }
  for (const loss of ['softmax', 'proper']) {
    const gain = means.get(`${loss}BatchNorm`)!.test - means.get(`${loss}Plain`)!.test;
    outcome.figures.push({
      name: `${loss}BatchNormGain`,
      value: gain,
      explanation: 'test accuracy gained by batch norm',
    });
    outcome.bars.push({ figure: `${loss}BatchNormGain`, bar: batchNormGain, direction: 'at-least' });
  }
  return outcome;
}

function addFigures(outcome: BenchOutcome, { name, label }: Recipe, ours: Accuracy, torch: Accuracy | null): void {
  const add = (suffix: string, value: number | null, explanation: string): void =>
    void outcome.figures.push({ name: `${name}${suffix}`, value, explanation });
  add('Test', ours.test, `${label}: our test accuracy`);
  add('Train', ours.train, 'our train accuracy');
  add('PyTorchTest', torch?.test ?? null, "PyTorch's test accuracy");
  add('PyTorchTrain', torch?.train ?? null, "PyTorch's train accuracy");
  for (const [suffix, key] of [
    ['TestDifference', 'test'],
    ['TrainDifference', 'train'],
  ] as const) {
    add(suffix, torch && Math.abs(ours[key] - torch[key]), `how far apart the ${key} accuracies are`);
    outcome.bars.push({ figure: `${name}${suffix}`, bar: tolerance, direction: 'at-most' });
  }
}

async function trainOurs({ data }: Cifar10, recipe: Recipe, seed: number): Promise<Accuracy> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-chapter-'));
  const accuracy: Accuracy = { train: NaN, test: NaN };
  try {
    await train({
      folder,
      config: configFor(recipe, seed),
      data,
      resume: false,
      signal: new AbortController().signal,
      threads: 1,
      report: {
        started: () => {},
        progress: () => {},
        log: () => {},
        checkpoint: () => {},
        changed: () => {},
        points: (points) => {
          for (const { series, value } of points) {
            if (series === 'train/accuracy') accuracy.train = value;
            if (series === 'test/accuracy') accuracy.test = value;
          }
        },
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return accuracy;
}

function configFor({ batchNorm, softmaxBeforeLoss, epochs }: Recipe, seed: number): RunConfig {
  return smallConfig(
    {
      loss: { kind: 'cross-entropy', softmaxBeforeLoss },
      batchSize: 64,
      phases: [phase({ epochs, learningRate: 0.001 })],
      seed,
    },
    { batchNorm },
  );
}

async function trainTorch(
  peer: PythonPeer,
  { batchNorm, softmaxBeforeLoss, epochs }: Recipe,
  seed: number,
): Promise<Accuracy> {
  type Epoch = { trainAccuracy: number; testAccuracy: number };
  let last = await peer.ask<Epoch>({ command: 'train', batchNorm, softmaxBeforeLoss, epochs, seed });
  for (let epoch = 1; epoch < epochs; epoch++) last = await peer.next<Epoch>();
  return { train: last.trainAccuracy, test: last.testAccuracy };
}

const text = ({ train, test }: Accuracy): string => `${test.toFixed(4)} test / ${train.toFixed(4)} train`;
const mean = (values: readonly Accuracy[]): Accuracy => ({
  train: values.reduce((sum, { train }) => sum + train, 0) / values.length,
  test: values.reduce((sum, { test }) => sum + test, 0) / values.length,
});
