/**
 * What watching a run costs it: the share of a training session's time that goes into records, messages, past epochs, the
 * norms of the layers, the machine's load and the looking for changes, with everything on. Measured around those calls in
 * one run, because a difference of one percent between two runs is less than what separates two equal ones. Taking the
 * gradient out of a step is no call of its own: it is measured by stretches of training with and without it that take turns.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usualMonitoring } from '../../src-main/contract/model/monitoring.ts';
import { SplitImages } from '../../src-main/engine/data/split-images.ts';
import { optimiserFor } from '../../src-main/engine/nn/optimisers/index.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import { EpochHistory } from '../../src-main/engine/train/epoch-history.ts';
import { Interventions } from '../../src-main/engine/train/interventions.ts';
import { LayerWatch } from '../../src-main/engine/train/layer-watch.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { StepRunner } from '../../src-main/engine/train/step-runner.ts';
import { train } from '../../src-main/engine/train/trainer.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { TrainingState } from '../../src-main/engine/train/training-state.ts';
import { planModel, preprocessingOf } from '../../src-main/engine/zoo/registry.ts';
import { MachineLoad } from '../../src-main/training-process/machine-load.ts';
import { RunRecorder } from '../../src-main/training-process/run-recorder.ts';
import { TrainingSession } from '../../src-main/training-process/session.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';
import { makeSmallData, taskOf } from '../helpers/training-run.ts';
import { median } from './bench.ts';

/** Of LeNet-5 on as many images as CIFAR-10 has: percent of the time from the first step to the last. */
export async function monitoringPercent(epochs: number): Promise<number> {
  const data = await makeSmallData({ train: 50_000, test: 10_000, channels: 3, side: 32 });
  const folder = join(data.folder, 'run');
  const restore: (() => void)[] = [];
  let spentMs = 0;
  const watch = <T extends object>(prototype: T, name: keyof T & string): void => {
    const original = prototype[name] as (...args: unknown[]) => unknown;
    const timed = function (this: T, ...args: unknown[]): unknown {
      const start = performance.now();
      const add = (): void => void (spentMs += performance.now() - start);
      const result = original.apply(this, args);
      if (result instanceof Promise) return result.finally(add);
      add();
      return result;
    };
    prototype[name] = timed as T[typeof name];
    restore.push(() => (prototype[name] = original as T[typeof name]));
  };
  try {
    await mkdir(folder);
    const config = smallConfig({ batchSize: 64, phases: [phase({ epochs })] });
    await writeFile(runFiles.config(folder), JSON.stringify(config));
    await writeTrainingData(runFiles.data(folder), data.data);
    watch(RunRecorder.prototype, 'record');
    watch(EpochHistory.prototype, 'keep');
    watch(Interventions.prototype, 'take');
    watch(MachineLoad.prototype, 'points');
    watch(LayerWatch.prototype, 'look');
    watch(LayerWatch.prototype, 'endEpoch');
    const begun = { ms: 0 };
    let failure: string | null = null;
    const session = new TrainingSession(
      (event) => {
        const start = performance.now();
        // As it travels to the parent.
        structuredClone(event);
        spentMs += performance.now() - start;
        if (event.kind === 'started') {
          begun.ms = performance.now();
          spentMs = 0;
        }
        if (event.kind === 'failed') failure = event.error.message;
      },
      async () => train,
    );
    session.handle({ kind: 'train', job: { folder, config, resume: false } });
    await session.ended;
    if (failure !== null) throw new Error(failure);
    return (100 * spentMs) / (performance.now() - begun.ms);
  } finally {
    for (const each of restore) each();
    await data.dispose();
  }
}

const batchSize = 64;
/** From one look at the gradient to the next: a quarter of an epoch of CIFAR-10. */
const stepsPerLook = 196;
const stepsPerDispatch = 49;

/** What it costs to look at gradients. */
export interface Looking {
  /** By which the steps from look to look take longer where the last one hands its gradient out; the median of many pairs. */
  percent: number;
  /** Once a run: the graph that hands it out. */
  graphMs: number;
}

export async function measureLooking(pairs: number): Promise<Looking> {
  const { data, dispose } = await makeSmallData({ train: 4000, test: 10, channels: 3, side: 32 });
  const images = await SplitImages.open(data.train, data.packs);
  const config = smallConfig({ batchSize, monitoring: { ...usualMonitoring, layers: 'norms' } });
  const task = taskOf(config);
  const labels = await task.openLabels(data.train, data, images);
  const plan = planModel(config.model.id, config.model.options, images.imageShape, task.outputCount);
  const tensors = initialise(plan.parameters, plan.buffers, 0);
  const { augmentation, seed } = config;
  // One runner for both: of two equal ones, one was up to two percent faster.
  const runner = new StepRunner({
    runtime: new OnnxRuntime(),
    device: 'cpu',
    threads: 0,
    tuning: null,
    plan,
    preprocessing: preprocessingOf(config.model),
    augmentation,
    task,
    images,
    labels,
    seed,
    state: new TrainingState(plan, config, config.phases[0]!, { tensors, averages: null, slots: new Map() }),
  });
  const { optimiser, learningRate } = phase();
  const steps = Array.from({ length: stepsPerLook }, (_, step) => ({
    epoch: 0,
    positions: Uint32Array.from({ length: batchSize }, (_, i) => (step * batchSize + i) % images.count),
    draws: null,
    numbers: optimiserFor(optimiser).stepNumbers(optimiser, learningRate, step + 1),
    completesUpdate: true,
  }));
  const whole = Array.from({ length: stepsPerLook / stepsPerDispatch }, () => stepsPerDispatch);
  const lengthsOf = (looks: boolean): number[] => (looks ? [...whole.slice(1), stepsPerDispatch - 1, 1] : whole);
  const runStretch = async (looks: boolean): Promise<void> => {
    let from = 0;
    for (const length of lengthsOf(looks)) {
      const isLook = looks && length === 1;
      await runner.run(steps.slice(from, from + length), from, isLook);
      from += length;
    }
  };
  try {
    const ratios: number[] = [];
    await runStretch(false);
    const start = performance.now();
    await runner.prepare(batchSize, true);
    const graphMs = performance.now() - start;
    for (let pair = -1; pair < pairs; pair++) {
      const times = [0, 0];
      for (const which of pair % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const start = performance.now();
        await runStretch(which === 1);
        times[which] = performance.now() - start;
      }
      // The first ones warm the caches.
      if (pair >= 0) ratios.push(times[1]! / times[0]!);
    }
    return { percent: 100 * (median(ratios) - 1), graphMs };
  } finally {
    await runner.close();
    await Promise.all([images.close(), labels.close()]);
    await dispose();
  }
}
