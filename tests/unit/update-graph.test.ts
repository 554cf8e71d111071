/** The end of a step on three numbers: what accumulates, when the weights change, and how far a gradient is clipped. */
import { afterAll, describe, expect, test } from 'vitest';
import { FlatLayout } from '../../src-main/engine/nn/parameters.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import type { UpdateSettings } from '../../src-main/engine/train/state-layout.ts';
import { buildUpdate } from '../../src-main/engine/train/update-graph.ts';
import { tensor } from '../../src-main/engine/graph/types.ts';
import { floats, numbersOf, runGraph, runtime } from '../helpers/engine-run.ts';

const sgd = { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;
const layout = {
  groups: [{ layout: new FlatLayout([{ name: 'a', shape: [3] }]), decays: true, suffix: '' }],
  frozen: new FlatLayout([]),
  buffers: new FlatLayout([]),
};

interface Step {
  gradient: number[];
  /** Learning rate, then the weight of the step and the pace of the average where they are asked for. */
  numbers: number[];
  gradientSum?: number[];
  average?: number[];
  completes?: boolean;
}

/** Parameters are 1, 2, 3. */
async function update(changes: Partial<UpdateSettings>, step: Step): Promise<Record<string, number[]>> {
  const settings: UpdateSettings = {
    optimiser: sgd,
    clipNorm: null,
    accumulates: false,
    averages: 'nothing',
    ...changes,
  };
  const g = newGraph('update');
  const values = { parameters: [1, 2, 3], gradientSum: step.gradientSum, average: step.average };
  const carried = Object.entries(values).filter((entry): entry is [string, number[]] => entry[1] !== undefined);
  const numbers = step.numbers.map((_, i) => g.input(`number${i}`, 'float32', []));
  const next = buildUpdate(g, {
    layout,
    update: settings,
    state: new Map(carried.map(([name]) => [name, g.input(name, 'float32', [3])])),
    frozen: null,
    gradients: [g.input('gradient', 'float32', [3])],
    numbers,
    completes: settings.accumulates ? g.input('completes', 'bool', []) : null,
  });
  for (const [name] of carried) g.output(next.get(name)!, `${name}Next`);
  const results = await runGraph(g.graph, {
    ...Object.fromEntries(carried.map(([name, data]) => [name, floats([3], data)])),
    ...Object.fromEntries(step.numbers.map((number, i) => [`number${i}`, floats([], [number])])),
    gradient: floats([3], step.gradient),
    ...(settings.accumulates && { completes: tensor('bool', [], [Number(step.completes)]) }),
  });
  return Object.fromEntries(carried.map(([name]) => [name, numbersOf(results, `${name}Next`)]));
}

describe('accumulation', () => {
  const step = { gradient: [4, -8, 0], numbers: [0.5, 0.25], gradientSum: [1, 2, -3] };

  test('adds the weighted gradient and leaves the weights while an update is incomplete', async () => {
    const { parameters, gradientSum } = await update({ accumulates: true }, { ...step, completes: false });
    expect(parameters).toEqual([1, 2, 3]);
    expect(gradientSum).toEqual([2, 0, -3]);
  });

  test('then moves the weights by the sum and begins again at zero, not at minus zero', async () => {
    const { parameters, gradientSum } = await update({ accumulates: true }, { ...step, completes: true });
    expect(parameters).toEqual([0, 2, 4.5]);
    expect(gradientSum!.map((value) => Object.is(value, 0))).toEqual([true, true, true]);
  });

  test('moves the average only with the weights', async () => {
    const averaged = { ...step, numbers: [0.5, 0.25, 0.5], average: [1, 1, 1] };
    const settings = { accumulates: true, averages: 'trained' } as const;
    expect((await update(settings, { ...averaged, completes: false }))['average']).toEqual([1, 1, 1]);
    expect((await update(settings, { ...averaged, completes: true }))['average']).toEqual([0.5, 1.5, 2.75]);
  });
});

describe('clipping', () => {
  test('shortens a gradient that is longer than the bound to it', async () => {
    const { parameters } = await update({ clipNorm: 2.5 }, { gradient: [3, 0, -4], numbers: [1] });
    parameters!.forEach((value, i) => expect(value).toBeCloseTo([1 - 1.5, 2, 3 + 2][i]!, 5));
  });

  test('leaves a shorter one bit by bit', async () => {
    const gradient = [0.1, 0.2, -0.3];
    const step = { gradient, numbers: [0.7] };
    expect(await update({ clipNorm: 1 }, step)).toEqual(await update({}, step));
  });

  test('measures the sum of all steps, not each', async () => {
    const step = { gradient: [-3, 0, 4], numbers: [1, 1], gradientSum: [3, 0, -4], completes: true };
    expect((await update({ accumulates: true, clipNorm: 1e-3 }, step))['parameters']).toEqual([1, 2, 3]);
  });
});

test('an average that equals the weights stays exactly', async () => {
  const parameters = [1, 2, 3];
  const { average } = await update(
    { averages: 'trained' },
    { gradient: [0, 0, 0], numbers: [1, 0.3333], average: parameters },
  );
  expect(average).toEqual(parameters);
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
