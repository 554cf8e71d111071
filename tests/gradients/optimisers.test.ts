/** Fifty steps of every optimiser and schedule on a small network against PyTorch, and the schedules by themselves. */
import { describe, expect, test } from 'vitest';
import type { OptimiserConfig, ScheduleConfig } from '../../src-main/contract/model/run.ts';
import { planNetwork } from '../../src-main/engine/nn/network.ts';
import { optimiserFor } from '../../src-main/engine/nn/optimisers.ts';
import { scheduleFactor } from '../../src-main/engine/nn/schedules.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import { relativeError } from '../helpers/engine-run.ts';
import { goldenParameters, runGoldenSteps, type ImageSpec, type ParameterSpec } from '../helpers/golden-training.ts';

interface Golden {
  images: ImageSpec;
  indices: number[][];
  stepsPerEpoch: number;
  parameters: ParameterSpec[];
  runs: {
    name: string;
    optimiser: OptimiserConfig;
    learningRate: number;
    schedule: ScheduleConfig;
    losses: number[];
    tensors: Record<string, number[]>;
  }[];
}
const golden = readGolden<Golden>('optimisers.json');
const plan = planNetwork(
  [
    { kind: 'conv2d', path: 'conv', outChannels: 4, kernel: 3, stride: 1, padding: 0 },
    { kind: 'relu', path: 'relu' },
    { kind: 'flatten', path: 'flatten' },
    { kind: 'linear', path: 'fc', outFeatures: 5 },
  ],
  [1, 6, 6],
);

describe('fifty steps end where PyTorch ends', () => {
  test.each(golden.runs.map((run) => [run.name, run] as const))(
    '%s',
    async (_, { optimiser, learningRate, schedule, losses, tensors }) => {
      const learningRates = golden.indices.map(
        (_batch, step) => learningRate * scheduleFactor(schedule, Math.floor(step / golden.stepsPerEpoch)),
      );
      const { images, indices } = golden;
      const parameters = goldenParameters(golden.parameters);
      const loss = { kind: 'cross-entropy', softmaxBeforeLoss: false } as const;
      const [result] = await runGoldenSteps({ plan, loss, optimiser, images, indices, learningRates, parameters }, [
        indices.length,
      ]);
      expect(relativeError(result!.losses, losses)).toBeLessThan(1e-5);
      const errors = Object.entries(tensors).map(
        ([name, values]) => [name, relativeError(result!.tensors.get(name)!, values)] as const,
      );
      expect(errors.map(([name]) => name).sort()).toEqual(plan.parameters.map(({ name }) => name).sort());
      expect(errors.filter(([, error]) => error > 1e-5)).toEqual([]);
    },
  );

  test('the golden runs hold every kind of optimiser and schedule, with and without weight decay', () => {
    const kinds = golden.runs.map(
      ({ optimiser, schedule }) => `${optimiser.kind} ${schedule.kind} ${optimiser.weightDecay > 0}`,
    );
    expect([...new Set(kinds)].sort()).toEqual([
      'adam constant false',
      'adam constant true',
      'adam exponential false',
      'sgd constant false',
      'sgd constant true',
      'sgd exponential true',
    ]);
  });
});

describe('numbers of a step', () => {
  test('Adam corrects its moments for their start at zero', () => {
    const config = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 } as const;
    // η / (1 − β₁ᵗ) and 1 / √(1 − β₂ᵗ)
    const [rate, correction] = optimiserFor(config).stepNumbers(config, 0.001, 2);
    expect(rate).toBeCloseTo(0.001 / 0.19, 12);
    expect(correction).toBeCloseTo(1 / Math.sqrt(0.001999), 10);
  });

  test('SGD keeps a momentum only where it has one', () => {
    const config = { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;
    expect(optimiserFor(config).slots(config)).toEqual([]);
    const moving = { ...config, momentum: 0.9 };
    expect(optimiserFor(moving).slots(moving)).toEqual(['momentum']);
  });
});

describe('schedules', () => {
  test('a constant one stays', () => {
    expect([0, 1, 99].map((epoch) => scheduleFactor({ kind: 'constant' }, epoch))).toEqual([1, 1, 1]);
  });
  test('an exponential one falls by gamma each epoch', () => {
    expect([0, 1, 2, 3].map((epoch) => scheduleFactor({ kind: 'exponential', gamma: 0.5 }, epoch))).toEqual([
      1, 0.5, 0.25, 0.125,
    ]);
  });
});
