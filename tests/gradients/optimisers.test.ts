/**
 * Fifty steps of a small network against PyTorch for every optimiser, parameter groups, clipping, accumulation and
 * schedules, and the moving average against its formula. Bar: 1e-5 of each tensor's largest element.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type { PhaseConfig, RunConfig } from '../../src-main/contract/model/run.ts';
import { planNetwork, type LayerSpec, type NetworkPlan } from '../../src-main/engine/nn/network.ts';
import { optimiserFor } from '../../src-main/engine/nn/optimisers/index.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import { relativeError, runtime } from '../helpers/engine-run.ts';
import { goldenParameters, runGoldenSteps, type ImageSpec, type ParameterSpec } from '../helpers/golden-training.ts';

type ModelName = 'plain' | 'norm';
interface GoldenRun {
  name: string;
  model: ModelName;
  phase: PhaseConfig;
  accumulation: number;
  ema: RunConfig['ema'];
  losses: number[];
  tensors: Record<string, number[]>;
  averages: Record<string, number[]> | null;
}
interface Golden {
  images: ImageSpec;
  indices: number[][];
  parameters: Record<ModelName, ParameterSpec[]>;
  runs: GoldenRun[];
}
const golden = readGolden<Golden>('optimisers.json');
const bar = 1e-5;

const conv = { kind: 'conv2d', path: 'conv', outChannels: 4, kernel: 3, stride: 1, padding: 0 } as const;
const rest: readonly LayerSpec[] = [
  { kind: 'relu', path: 'relu' },
  { kind: 'flatten', path: 'flatten' },
  { kind: 'linear', path: 'fc', outFeatures: 5 },
];
const plans: Record<ModelName, NetworkPlan> = {
  plain: planNetwork([conv, ...rest], [1, 6, 6]),
  norm: planNetwork([{ ...conv, bias: false }, { kind: 'batchNorm', path: 'norm' }, ...rest], [1, 6, 6]),
};

/** Tensors further from the golden ones than the bar. */
function wrong(actual: ReadonlyMap<string, Float32Array>, wanted: Record<string, number[]>): [string, number][] {
  expect([...actual.keys()].sort()).toEqual(Object.keys(wanted).sort());
  const errors = Object.entries(wanted).map(([name, values]): [string, number] => [
    name,
    relativeError(actual.get(name)!, values),
  ]);
  return errors.filter(([, error]) => error > bar);
}

describe('fifty steps end where PyTorch ends', () => {
  test.each(golden.runs.map((run) => [run.name, run] as const))('%s', async (_, run) => {
    const { phase, accumulation, ema, model } = run;
    const { images, indices } = golden;
    const [result] = await runGoldenSteps(
      {
        plan: plans[model],
        loss: { kind: 'cross-entropy', softmaxBeforeLoss: false },
        phase,
        settings: { accumulation, ema },
        images,
        indices,
        parameters: goldenParameters(golden.parameters[model]),
      },
      [indices.length],
    );
    const { losses, tensors, averages } = result!;
    expect(relativeError(losses, run.losses)).toBeLessThan(bar);
    expect(wrong(tensors, run.tensors)).toEqual([]);
    expect(averages === null).toBe(run.averages === null);
    if (averages && run.averages) {
      expect(wrong(averages, run.averages)).toEqual([]);
      // The averages are something else than the weights, or the comparison would show nothing.
      expect(wrong(averages, run.tensors).length).toBe(averages.size);
    }
  });

  test.each(golden.runs.map((run) => [run.name, run] as const))(
    '%s: updated in place, to the same bytes',
    async (_, run) => {
      const { phase, accumulation, ema, model } = run;
      const { images, indices } = golden;
      const steps = {
        plan: plans[model],
        loss: { kind: 'cross-entropy', softmaxBeforeLoss: false },
        phase,
        settings: { accumulation, ema, monitoring: { historyMegabytes: 1, layers: 'norms' } },
        images,
        indices,
        parameters: goldenParameters(golden.parameters[model]),
      } as const;
      const stops = [7, 20];
      const within = await runGoldenSteps(steps, stops);
      const inPlace = await runGoldenSteps({ ...steps, leastInPlace: 1 }, stops);
      expect(inPlace).toEqual(within);
      for (const { gradients } of inPlace)
        expect([...gradients!.values()].some((values) => values.some((value) => value !== 0))).toBe(true);
    },
  );

  const kindsOf = (of: (run: GoldenRun) => unknown): unknown[] => [...new Set(golden.runs.map(of))].sort();

  test('the golden runs hold every optimiser, with all that can be on or off, and every schedule', () => {
    expect(kindsOf(({ phase }) => phase.optimiser.kind)).toEqual(['adam', 'adamw', 'rmsprop', 'sgd']);
    expect(kindsOf(({ phase }) => phase.schedule.kind)).toEqual([
      'constant',
      'cosine',
      'exponential',
      'linear',
      'one-cycle',
      'step',
    ]);
    for (const kind of ['adam', 'adamw', 'rmsprop', 'sgd']) {
      const runs = golden.runs.filter(({ phase }) => phase.optimiser.kind === kind);
      const has = (of: (run: GoldenRun) => boolean): boolean[] =>
        [true, false].map((on) => runs.some((run) => of(run) === on));
      expect(
        has(({ phase }) => phase.optimiser.weightDecay > 0),
        `${kind}: weight decay`,
      ).toEqual([true, true]);
      expect(
        has(({ phase }) => phase.decayAll),
        `${kind}: decay of everything`,
      ).toEqual([true, true]);
      expect(
        has(({ accumulation }) => accumulation > 1),
        `${kind}: accumulation`,
      ).toEqual([true, true]);
    }
    expect(golden.runs.filter(({ phase }) => phase.clipNorm !== null).length).toBeGreaterThan(2);
    expect(golden.runs.filter(({ ema }) => ema !== null).length).toBeGreaterThan(2);
  });
});

describe('numbers of a step', () => {
  test('Adam corrects its moments for their start at zero', () => {
    const config = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 } as const;
    const c = Math.sqrt(0.001999); // of 1 − β₂ᵗ
    const [rate, epsilon] = optimiserFor(config).stepNumbers(config, 0.001, 2);
    expect(rate).toBeCloseTo((c * 0.001) / 0.19, 12);
    expect(epsilon).toBeCloseTo(c * config.epsilon, 16);
  });

  test('an optimiser keeps only what it needs', () => {
    const sgd = { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;
    const rmsprop = {
      kind: 'rmsprop',
      alpha: 0.9,
      epsilon: 1e-8,
      momentum: 0,
      centered: false,
      weightDecay: 0,
    } as const;
    const configs = [sgd, { ...sgd, momentum: 0.9 }, rmsprop, { ...rmsprop, momentum: 0.9, centered: true }];
    expect(configs.map((config) => optimiserFor(config).slots(config))).toEqual([
      [],
      ['momentum'],
      ['meanSquare'],
      ['meanSquare', 'mean', 'momentum'],
    ]);
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
