/** The tuner: it asks the runtime, times what applies, and never takes a way that computes something else. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { sizeOf, type Graph } from '../../src-main/engine/graph/types.ts';
import type { Formulation } from '../../src-main/engine/ops/definition.ts';
import { newGraph, OPS } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import type { Runtime } from '../../src-main/engine/runtime/runtime.ts';
import { channelBlockOf } from '../../src-main/engine/tuner/channel-block.ts';
import { lower } from '../../src-main/engine/passes/lower.ts';
import { buildExampleStep, exampleNetwork } from '../../src-main/engine/train/example-step.ts';
import { tuneStep } from '../../src-main/engine/train/time-steps.ts';
import { keepFaster, type WholeGraph } from '../../src-main/engine/tuner/keep-faster.ts';
import { tune, type TuneOutcome } from '../../src-main/engine/tuner/tune.ts';
import {
  chooseBy,
  nodeKey,
  readTuning,
  writeTuning,
  type Choices,
  type Place,
} from '../../src-main/engine/tuner/tuning.ts';
import { findChannelBlock } from '../helpers/channel-block.ts';
import { floats, numbersOf, relativeError, runGraph, runtime } from '../helpers/engine-run.ts';

const place: Place = { device: 'cpu', runtime: runtime.description, threads: 1, channelBlock: null };

/** Two convolutions of different shapes, with all gradients. */
function smallNetwork(): Graph {
  const g = newGraph('small');
  const x = g.input('x', 'float32', [2, 3, 6, 6]);
  const w1 = g.input('w1', 'float32', [4, 3, 3, 3]);
  const w2 = g.input('w2', 'float32', [5, 4, 1, 1]);
  const attributes = { strides: [1, 1], dilations: [1, 1], group: 1 };
  const first = g.op('Conv', [x, w1], { ...attributes, kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const second = g.op('Conv', [first, w2], { ...attributes, kernel_shape: [1, 1], pads: [0, 0, 0, 0] });
  const loss = g.reduceSum(g.mul(second, second), [0, 1, 2, 3]);
  gradients(g, loss, [w1, w2]).forEach((value, i) => g.output(value!, `gradient${i}`));
  return g.graph;
}
const feeds = {
  x: floats(
    [2, 3, 6, 6],
    Array.from({ length: 216 }, (_, i) => Math.sin(i)),
  ),
  w1: floats(
    [4, 3, 3, 3],
    Array.from({ length: 108 }, (_, i) => Math.cos(i)),
  ),
  w2: floats(
    [5, 4, 1, 1],
    Array.from({ length: 20 }, (_, i) => Math.sin(3 * i)),
  ),
};

test('the channel block is the one with which blocked convolutions are right', async () => {
  expect(await channelBlockOf(runtime, 'cpu')).toBe(await findChannelBlock());
  expect(await channelBlockOf(runtime, 'cuda')).toBeNull();
});

test('a runtime without blocked kernels has no channel block', async () => {
  const refusing: Runtime = {
    description: 'refusing',
    liveSessions: 0,
    createSession: () => Promise.reject(new FoveaError('internal', 'no such operator')),
  };
  expect(await channelBlockOf(refusing, 'cpu')).toBeNull();
});

describe('choices', () => {
  test('are made for every shape once, apply to the graph, and change no number', async () => {
    const { choices, finished } = await tune(smallNetwork(), { runtime, place });
    expect(finished).toBe(true);
    expect([...choices.keys()].map((key) => key.split(' | ')[0]).sort()).toEqual([
      'ConvInputGradient',
      'ConvWeightGradient',
      'ConvWeightGradient',
    ]);
    const reference = await runGraph(optimise(smallNetwork()), feeds);
    const tuned = await runGraph(optimise(smallNetwork(), { choose: chooseBy(choices) }), feeds);
    for (const name of ['gradient0', 'gradient1'])
      expect(relativeError(numbersOf(tuned, name), numbersOf(reference, name)), name).toBeLessThan(1e-5);
    const again = await tune(smallNetwork(), { runtime, place, known: choices, progress: () => expect.unreachable() });
    expect(again.choices).toEqual(choices);
  });

  test('stand beside what the rules take', async () => {
    const { choices, byRule } = await tune(smallNetwork(), { runtime, place });
    expect([...byRule.keys()]).toEqual([...choices.keys()]);
    const seen = new Map<string, string>();
    lower(smallNetwork(), {
      choose: (node, applicable) => {
        seen.set(nodeKey(node), applicable[0]!);
        return applicable[0]!;
      },
    });
    for (const [key, rule] of byRule) expect(seen.get(key), key).toBe(rule);
    const again = await tune(smallNetwork(), { runtime, place, known: choices });
    expect(again.byRule.size).toBe(0);
  });

  test('that no longer apply are passed over', () => {
    const node = smallNetwork().nodes[0]!;
    const choose = chooseBy(new Map([[nodeKey(node), 'gone']]));
    expect(choose(node, ['plain', 'blocked'])).toBe('plain');
    expect(chooseBy(new Map([[nodeKey(node), 'blocked']]))(node, ['plain', 'blocked'])).toBe('blocked');
  });

  test('stop where it is cancelled, with what was found', async () => {
    const cancel = new AbortController();
    const outcome = await tune(smallNetwork(), {
      runtime,
      place,
      signal: cancel.signal,
      progress: () => cancel.abort(),
    });
    expect(outcome.finished).toBe(false);
    expect(outcome.choices.size).toBe(1);
  });
});

describe('a wrong candidate', () => {
  const formulations = OPS.ConvInputGradient.formulations as unknown as Record<string, Formulation<never>>;
  afterEach(() => {
    delete formulations['wrong'];
  });
  /** First in the record's order, and far faster than the right ones. */
  function addWrong(wrong: Formulation<never>): void {
    const right = { ...formulations };
    for (const name of Object.keys(formulations)) delete formulations[name];
    Object.assign(formulations, { wrong }, right);
  }
  const chosenFor = async (opType: string): Promise<string | undefined> => {
    const { choices } = await tune(smallNetwork(), { runtime, place });
    return [...choices].find(([key]) => key.startsWith(`${opType} |`))?.[1];
  };

  test.each([
    ['zeros', 0],
    ['no numbers', NaN],
  ])('that gives %s is not chosen', async (_, value) => {
    const build: Formulation<never>['build'] = ({ g, attributes }) => [
      g.float(value, (attributes as { shape: number[] }).shape),
    ];
    addWrong({ applies: () => true, suits: () => true, build });
    expect(await chosenFor('ConvInputGradient')).not.toBe('wrong');
  });

  test('that the runtime refuses is not chosen', async () => {
    const build: Formulation<never>['build'] = ({ g, inputs: [, dy], attributes }) => [
      // An index beyond the axis, which only shows when it runs.
      g.expand(g.gather(g.reshape(dy, [sizeOf(dy.shape)]), g.int(1e6)), (attributes as { shape: number[] }).shape),
    ];
    addWrong({ applies: () => true, suits: () => true, build });
    expect(await chosenFor('ConvInputGradient')).not.toBe('wrong');
  });
});

describe('in the whole graph', () => {
  /** Each group of choices changes how long the graph takes; `fails` throws when it runs. */
  function graphs(change: Record<string, number | 'fails'>) {
    let open = 0;
    let most = 0;
    const opened: Choices[] = [];
    return {
      opened,
      counts: () => ({ open, most }),
      open: (choices: Choices): Promise<WholeGraph> => {
        opened.push(choices);
        most = Math.max(most, ++open);
        const taken = Object.entries(change).filter(([type]) => choices.get(`${type} | a`) === 'other');
        return Promise.resolve({
          run: () => {
            if (taken.some(([, by]) => by === 'fails')) return Promise.reject(new Error('out of memory'));
            const until = performance.now() + taken.reduce((ms, [, by]) => ms + Number(by), 8);
            while (performance.now() < until);
            return Promise.resolve();
          },
          release: () => Promise.resolve(void open--),
        });
      },
    };
  }
  const outcomeOf = (types: readonly string[], known: [string, string][] = []): TuneOutcome => ({
    choices: new Map([...known, ...types.map((type) => [`${type} | a`, 'other'] as const)]),
    byRule: new Map(types.map((type) => [`${type} | a`, 'rule'])),
    finished: true,
  });

  test('what makes it faster is kept, what does not is left to the rules', async () => {
    const { open, counts } = graphs({ Conv: 4, Sum: -4, Dot: -2 });
    const done: string[] = [];
    const kept = await keepFaster(outcomeOf(['Conv', 'Sum', 'Dot'], [['Known | a', 'earlier']]), {
      open,
      progress: (at, of) => void done.push(`${at} of ${of}`),
    });
    expect(Object.fromEntries(kept.choices)).toEqual({
      'Known | a': 'earlier',
      'Conv | a': 'rule',
      'Sum | a': 'other',
      'Dot | a': 'other',
    });
    expect(kept.gain!.afterMs).toBeLessThan(kept.gain!.beforeMs / 2);
    expect(done).toEqual(['1 of 4', '2 of 4', '3 of 4', '4 of 4']);
    expect(counts()).toEqual({ open: 0, most: 2 });
  });

  test('what was won by chance is not kept', async () => {
    // The rules' graph is slow at first, and then faster than what beat it.
    let opened = 0;
    const open = (choices: Choices): Promise<WholeGraph> => {
      const ms = choices.get('Conv | a') === 'other' ? 4 : ++opened === 1 ? 8 : 2;
      const run = (): Promise<void> => {
        const until = performance.now() + ms;
        while (performance.now() < until);
        return Promise.resolve();
      };
      return Promise.resolve({ run, release: () => Promise.resolve() });
    };
    const timed = outcomeOf(['Conv']);
    const { choices, gain } = await keepFaster(timed, { open });
    expect(choices).toEqual(timed.byRule);
    expect(gain).toBeNull();
  });

  test('where nothing differs from the rules, nothing is tried', async () => {
    const { open, opened, counts } = graphs({});
    const timed = outcomeOf(['Conv']);
    const kept = await keepFaster({ ...timed, choices: new Map(timed.byRule) }, { open });
    expect(kept.choices).toEqual(timed.byRule);
    expect(kept.gain).toBeNull();
    expect(opened).toHaveLength(0);
    expect(counts().open).toBe(0);
  });

  test('one that fails leaves nothing open', async () => {
    const { open, counts } = graphs({ Conv: 'fails' });
    await expect(keepFaster(outcomeOf(['Conv']), { open })).rejects.toThrow('out of memory');
    expect(counts().open).toBe(0);
  });

  test('a step of a network is tuned into the file, and the second time is known', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fovea-tuning-'));
    const file = join(folder, 'tuning.json');
    const step = buildExampleStep(exampleNetwork('lenet5'), { batchSize: 4 });
    const options = { device: 'cpu', threads: 1, precision: 'float32', file } as const;
    const steps: string[] = [];
    const first = await tuneStep(runtime, step, { ...options, report: (step) => void steps.push(step) });
    expect(first.measured).toBeGreaterThan(2);
    if (first.gain) expect(first.gain.afterMs).toBeLessThan(first.gain.beforeMs);
    expect(steps[0]).toBe('Timing layers');
    const own = { ...place, channelBlock: await channelBlockOf(runtime, 'cpu') };
    expect(readTuning(file, own).size).toBe(first.measured);
    const second = await tuneStep(runtime, step, { ...options, report: () => expect.unreachable() });
    expect(second.measured).toBe(0);
    expect(readTuning(file, own).size).toBe(first.measured);
    rmSync(folder, { recursive: true });
  });
});

describe('the file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fovea-tuning-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('gives back what was written, and only in the same place', () => {
    const file = join(folder, 'tuning.json');
    const choices = new Map([['Conv | 1×2 | {}', 'plain']]);
    writeTuning(file, place, choices);
    expect(readTuning(file, place)).toEqual(choices);
    const others: Place[] = [
      { ...place, device: 'cuda' },
      { ...place, runtime: 'onnxruntime 9' },
      { ...place, threads: 7 },
      { ...place, channelBlock: 8 },
    ];
    for (const other of others) expect(readTuning(file, other).size).toBe(0);
  });

  test('keeps each place by itself', () => {
    const file = join(folder, 'tuning.json');
    const elsewhere: Place = { ...place, device: 'cuda' };
    writeTuning(file, place, new Map([['a', 'b']]));
    writeTuning(file, elsewhere, new Map([['a', 'c']]));
    writeTuning(file, place, new Map([['a', 'd']]));
    expect(readTuning(file, place)).toEqual(new Map([['a', 'd']]));
    expect(readTuning(file, elsewhere)).toEqual(new Map([['a', 'c']]));
  });

  test('that is missing or damaged is as good as none', () => {
    const file = join(folder, 'tuning.json');
    expect(readTuning(file, place).size).toBe(0);
    writeTuning(file, place, new Map([['a', 'b']]));
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, -5));
    expect(readTuning(file, place).size).toBe(0);
    writeFileSync(file, '{"version": 2}');
    expect(readTuning(file, place).size).toBe(0);
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
