/** The loss's scale over a sequence of updates, some of which overflow, against PyTorch. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { tensor, type Graph, type Tensor } from '../../src-main/engine/graph/types.ts';
import { FlatLayout } from '../../src-main/engine/nn/parameters.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { firstLossScale, hasLostScale, lossSeed } from '../../src-main/engine/train/loss-scaling.ts';
import { carriedVectors, type UpdateSettings } from '../../src-main/engine/train/state-layout.ts';
import { buildUpdate } from '../../src-main/engine/train/update-graph.ts';
import { floats, numbersOf, relativeError, runGraph, runtime, withSession } from '../helpers/engine-run.ts';

interface GoldenCase {
  name: string;
  accumulation: number;
  clipNorm: number | null;
  start: [scale: number, goodUpdates: number];
  steps: {
    /** Without the scale; words where it is not finite. */
    gradient: (number | 'inf' | '-inf' | 'nan')[];
    scale: number;
    goodUpdates: number;
    parameters: number[];
    momentum: number[];
  }[];
}
const golden = JSON.parse(readFileSync(new URL('../golden/engine/loss-scaling.json', import.meta.url), 'utf8')) as {
  cases: GoldenCase[];
};

const size = 3;
const layout = {
  groups: [{ layout: new FlatLayout([{ name: 'a', shape: [size] }]), decays: true, suffix: '' }],
  frozen: new FlatLayout([]),
  buffers: new FlatLayout([]),
};
const learningRate = 0.1;

function updateOf({ accumulation, clipNorm }: GoldenCase): { graph: Graph; settings: UpdateSettings } {
  const settings: UpdateSettings = {
    optimiser: { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 },
    clipNorm,
    accumulates: accumulation > 1,
    averages: 'nothing',
    scalesLoss: true,
  };
  const g = newGraph('update');
  const carried = carriedVectors(layout, settings);
  const number = (name: string) => g.input(name, 'float32', []);
  const next = buildUpdate(g, {
    layout,
    update: settings,
    state: new Map(carried.map((vector) => [vector.name, g.input(vector.name, 'float32', [vector.layout.length])])),
    frozen: null,
    gradients: [g.input('gradient', 'float32', [size])],
    numbers: [number('rate'), ...(settings.accumulates ? [number('weight')] : [])],
    completes: settings.accumulates ? g.input('completes', 'bool', []) : null,
  });
  for (const { name } of carried) g.output(next.get(name)!, `${name}Next`);
  return { graph: g.graph, settings };
}

const numberOf = (value: number | string): number =>
  typeof value === 'number' ? value : value === 'nan' ? NaN : value === 'inf' ? Infinity : -Infinity;

describe('the scale and the weights follow PyTorch’s', () => {
  test.each(golden.cases)('$name', async (testCase) => {
    const { accumulation, start, steps } = testCase;
    const { graph, settings } = updateOf(testCase);
    let state: Record<string, Tensor> = {
      ...Object.fromEntries(
        carriedVectors(layout, settings).map(({ name }) => [name, floats([size], new Array<number>(size).fill(0))]),
      ),
      parameters: floats([size], [1, -2, 0.5]),
      lossScale: floats([3], [...start, 0]),
    };
    await withSession(graph, async (session) => {
      for (const [i, step] of steps.entries()) {
        const scale = state['lossScale']!.data[0] as number;
        const completes = (i + 1) % accumulation === 0;
        const results = await session.run({
          ...state,
          gradient: floats(
            [size],
            step.gradient.map((value) => numberOf(value) * scale),
          ),
          rate: floats([], [learningRate]),
          ...(accumulation > 1 && {
            weight: floats([], [1 / accumulation]),
            completes: tensor('bool', [], [Number(completes)]),
          }),
        });
        state = Object.fromEntries(Object.keys(state).map((name) => [name, results[`${name}Next`]!]));
        const [nextScale, goodUpdates, overflowed] = numbersOf(state, 'lossScale');
        expect([nextScale, goodUpdates], `step ${i}`).toEqual([step.scale, step.goodUpdates]);
        const isBad = step.gradient.some((value) => typeof value === 'string');
        if (completes) expect(overflowed).toBe(0);
        else if (isBad) expect(overflowed).toBe(1);
        expect(relativeError(numbersOf(state, 'parameters'), step.parameters), `step ${i}`).toBeLessThan(1e-6);
        expect(relativeError(numbersOf(state, 'momentum'), step.momentum), `step ${i}`).toBeLessThan(1e-6);
        for (const { data } of Object.values(state))
          expect([...(data as Float32Array)].every(Number.isFinite)).toBe(true);
      }
    });
  });

  test('and has both kinds of overflow, growth and accumulation among the cases', () => {
    expect(golden.cases.map(({ accumulation }) => accumulation)).toContain(2);
    const scales = golden.cases.flatMap(({ start, steps }) => steps.map(({ scale }) => scale / start[0]));
    expect(scales).toEqual(expect.arrayContaining([0.25, 2]));
  });
});

test('a backward pass that begins with the scale gives every gradient times the scale', async () => {
  const g = newGraph('scaled');
  const x = g.input('x', 'float32', [2, 2]);
  const lossScale = g.input('lossScale', 'float32', [3]);
  const loss = g.reduceSum(g.mul(x, x), [0, 1]);
  const [gradient] = gradients(g, loss, [x], lossSeed(g, lossScale, loss));
  g.output(gradient!, 'gradient');
  const results = await runGraph(g.graph, { x: floats([2, 2], [1, -2, 3, 0]), lossScale: floats([3], [1024, 0, 0]) });
  expect(numbersOf(results, 'gradient')).toEqual([2048, -4096, 6144, 0]);
});

test('nothing is carried where the loss is not scaled', () => {
  const settings: UpdateSettings = {
    optimiser: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 },
    clipNorm: null,
    accumulates: false,
    averages: 'nothing',
  };
  expect(carriedVectors(layout, settings).map(({ name }) => name)).toEqual(['parameters']);
});

test('a scale that fell out of use is lost, the first is not', () => {
  expect(hasLostScale(firstLossScale)).toBe(false);
  expect(hasLostScale([2 ** -21, 0, 0])).toBe(true);
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
