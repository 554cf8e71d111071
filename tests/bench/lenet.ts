/**
 * LeNet-5 on CIFAR-10: the time of an epoch of ours over PyTorch's, interleaved in one run. PyTorch is at its best: all
 * images in memory as one normalised float tensor, batches by index, two threads.
 */
import { join } from 'node:path';
import { SplitImages } from '../../src-main/engine/data/split-images.ts';
import { permutation, Random } from '../../src-main/engine/data/random.ts';
import { optimiserFor } from '../../src-main/engine/nn/optimisers/index.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import { maximumSteps, StepRunner } from '../../src-main/engine/train/step-runner.ts';
import { taskFor } from '../../src-main/engine/train/tasks/index.ts';
import { TrainingState } from '../../src-main/engine/train/training-state.ts';
import { modelSpec, planModel } from '../../src-main/engine/zoo/registry.ts';
import type { PhaseConfig } from '../../src-main/contract/model/run.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { repository } from '../helpers/app-session.ts';
import { interleave, median, type Bar, type BenchContext, type BenchOutcome, type Figure } from './bench.ts';
import { fullCifar10, type Cifar10 } from './cifar10-data.ts';
import { findPython, startPythonPeer, type PythonPeer } from './python-peer.ts';

const batchSize = 64;
const threads = 2;
const phase: PhaseConfig = {
  epochs: 1,
  learningRate: 0.001,
  optimiser: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  schedule: { kind: 'constant' },
  warmup: { epochs: 0, startFactor: 0.1 },
  freeze: [],
  decayAll: false,
  clipNorm: null,
};
const variants = [
  { name: 'plain', label: 'LeNet-5', batchNorm: false },
  { name: 'batchNorm', label: 'LeNet-5 with batch norm', batchNorm: true },
] as const;

export async function runLenet({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  const cifar = await fullCifar10(progress);
  const search = await findPython(['torch', 'numpy']);
  const peer = search.found
    ? startPythonPeer(search.python, join(repository, 'tests', 'bench', 'lenet_peer.py'), [
        cifar.folder,
        String(threads),
      ])
    : null;
  const notes = search.found ? [`Peer: PyTorch ${search.versions.torch}, ${threads} threads.`] : [search.mend];
  const outcome: BenchOutcome = { figures: [], bars: [], notes };
  try {
    if (peer) await peer.next();
    for (const variant of variants) {
      progress(`timing ${variant.label}`);
      const { figures, bars } = await timeVariant(cifar, peer, variant, quick);
      outcome.figures.push(...figures);
      outcome.bars.push(...bars);
    }
  } finally {
    await peer?.close();
  }
  return outcome;
}

async function timeVariant(
  cifar: Cifar10,
  peer: PythonPeer | null,
  { name, label, batchNorm }: (typeof variants)[number],
  quick: boolean,
): Promise<{ figures: Figure[]; bars: Bar[] }> {
  const rounds = quick ? 5 : 9;
  const steps = quick ? 2 * maximumSteps : Math.floor(cifar.data.train.rows.length / batchSize);
  const ours = await OurEpoch.create(cifar, batchNorm);
  try {
    const contenders = {
      ours: () => ours.msPerStep(steps),
      ...(peer
        ? {
            torch: async () => (await peer.ask<{ msPerStep: number }>({ command: 'time', batchNorm, steps })).msPerStep,
          }
        : {}),
    };
    for (const warmUp of Object.values(contenders)) await warmUp();
    const measured = await interleave<string>(rounds, contenders);
    const torch = measured['torch'];
    const stepsPerEpoch = Math.ceil(cifar.data.train.rows.length / batchSize);
    const ratio = torch ? median(measured['ours']!.map((ms, round) => ms / torch[round]!)) : null;
    return {
      figures: [
        {
          name: `${name}EpochOverPyTorch`,
          value: ratio,
          explanation: `${label}: our epoch time ÷ PyTorch's, median of ${rounds} rounds of ${steps} steps`,
        },
        {
          name: `${name}EpochMs`,
          value: median(measured['ours']!) * stepsPerEpoch,
          explanation: 'ours, an epoch of training steps',
        },
        {
          name: `${name}PyTorchEpochMs`,
          value: torch ? median(torch) * stepsPerEpoch : null,
          explanation: "PyTorch's",
        },
      ],
      bars: [{ figure: `${name}EpochOverPyTorch`, bar: 1, direction: 'at-most' }],
    };
  } finally {
    await ours.close();
  }
}

/** Our side, through what the trainer itself uses. */
class OurEpoch {
  private readonly images: SplitImages;
  private readonly runner: StepRunner;
  private step = 0;

  private constructor(images: SplitImages, runner: StepRunner) {
    this.images = images;
    this.runner = runner;
  }

  static async create({ data }: Cifar10, batchNorm: boolean): Promise<OurEpoch> {
    const images = await SplitImages.open(data.train, data.packs);
    const task = taskFor({
      config: {
        task: 'classification',
        model: { id: 'lenet5', options: { batchNorm, dropout: 0 } },
        loss: { kind: 'cross-entropy', softmaxBeforeLoss: false },
        batchSize,
        accumulation: 1,
      },
      categoryCount: data.categories.length,
      imageShape: images.imageShape,
    });
    const plan = planModel('lenet5', { batchNorm, dropout: 0 }, images.imageShape, task.outputCount);
    const tensors = initialise(plan.parameters, plan.buffers, 0);
    const kept = { tensors, averages: null, slots: new Map() };
    const state = new TrainingState(plan, { accumulation: 1, ema: null }, phase, kept);
    const runner = new StepRunner({
      runtime: new OnnxRuntime(),
      device: 'cpu',
      threads,
      tuning: null,
      plan,
      preprocessing: modelSpec('lenet5').preprocessing,
      task,
      augmentation: noAugmentation,
      images,
      labels: await task.openLabels(data.train, data, images),
      seed: 0,
      state,
    });
    return new OurEpoch(images, runner);
  }

  /** Shuffles and trains, as an epoch does. */
  async msPerStep(steps: number): Promise<number> {
    const started = performance.now();
    const order = permutation(this.images.count, Random.derive(0, 'shuffle', this.step));
    const definition = optimiserFor(phase.optimiser);
    for (let done = 0; done < steps; done += maximumSteps) {
      const batch = Array.from({ length: Math.min(maximumSteps, steps - done) }, (_, i) => ({
        epoch: 0,
        positions: order.subarray((done + i) * batchSize, (done + i + 1) * batchSize),
        draws: null,
        numbers: definition.stepNumbers(phase.optimiser, phase.learningRate, this.step + i + 1),
        completesUpdate: true,
      }));
      await this.runner.run(batch, this.step);
      this.step += batch.length;
    }
    return (performance.now() - started) / steps;
  }

  async close(): Promise<void> {
    await this.runner.close();
    await this.images.close();
  }
}
