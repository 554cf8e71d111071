/** What the trainer makes of accumulation, moving averages, clipping, weight decay and phases, on small generated data. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { Position } from '../../src-main/engine/train/checkpoint.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { Throughput } from '../../src-main/engine/train/throughput.ts';
import { floatValues, readSafetensors, writeSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { relativeError } from '../helpers/engine-run.ts';
import { adam, momentum, phase, smallConfig } from '../helpers/run-config.ts';
import {
  makeSmallData,
  remains,
  runTraining,
  valuesOf,
  WatchedRuntime,
  type Reported,
  type RunOptions,
  type SmallData,
} from '../helpers/training-run.ts';

vi.setConfig({ testTimeout: 60_000 });

let small: SmallData;
let runtime: WatchedRuntime;
let folderNumber = 0;
beforeAll(async () => {
  // 70 images in batches of 16: four whole ones and a rest of 6.
  small = await makeSmallData({ train: 70, test: 30, channels: 1, side: 16 });
});
afterAll(() => small.dispose());
beforeEach(() => void (runtime = new WatchedRuntime()));
afterEach(() => {
  vi.restoreAllMocks();
  expect(runtime.liveSessions, 'sessions that nobody released').toBe(0);
});

interface Finished {
  folder: string;
  reported: Reported;
}
async function newFolder(): Promise<string> {
  const folder = join(small.folder, `run-${folderNumber++}`);
  await mkdir(folder);
  return folder;
}
async function run(config: RunConfig, options: RunOptions & { folder?: string } = {}): Promise<Finished> {
  const { folder = await newFolder(), ...others } = options;
  return { folder, reported: await runTraining(folder, config, small.data, { runtime, ...others }) };
}

type Values = Map<string, Float32Array>;
async function checkpoint(
  { folder }: Finished,
  name: 'last' | 'best' = 'last',
): Promise<{ values: Values; position: Record<string, number> }> {
  const { tensors, metadata } = await readSafetensors(runFiles.checkpoint(folder, name));
  return {
    values: new Map([...tensors].map(([key, tensor]) => [key, floatValues(tensor)])),
    position: JSON.parse(metadata['position']!) as Record<string, number>,
  };
}
const weights = (values: Values): Values =>
  new Map([...values].filter(([name]) => !/^(optimiser|average)\./.test(name)));
const averages = (values: Values): Values =>
  new Map(
    [...values]
      .filter(([name]) => name.startsWith('average.'))
      .map(([name, data]) => [name.slice('average.'.length), data]),
  );
const furthest = (a: Values, b: Values): number =>
  Math.max(...[...b].map(([name, values]) => relativeError(a.get(name)!, values)));

describe('accumulation', () => {
  const sgd = phase({ optimiser: momentum, learningRate: 0.02 });

  test('of two steps is a batch twice as large, the rest of an epoch included', async () => {
    const [halves, whole] = [
      await run(smallConfig({ batchSize: 16, accumulation: 2, phases: [sgd] })),
      await run(smallConfig({ batchSize: 32, phases: [sgd] })),
    ];
    const [a, b] = [await checkpoint(halves), await checkpoint(whole)];
    expect(furthest(weights(a.values), weights(b.values))).toBeLessThan(1e-5);
    expect([a.position['step'], a.position['update'], b.position['update']]).toEqual([10, 6, 6]);
    // The loss of an epoch is the mean over its images either way.
    expect(valuesOf(halves.reported, 'train/loss')[0]).toBeCloseTo(valuesOf(whole.reported, 'train/loss')[0]!, 5);
  });

  test('of more steps than an epoch has is one update an epoch', async () => {
    const [many, whole] = [
      await run(smallConfig({ batchSize: 16, accumulation: 64, phases: [sgd] })),
      await run(smallConfig({ batchSize: 70, phases: [sgd] })),
    ];
    const [a, b] = [await checkpoint(many), await checkpoint(whole)];
    expect(a.position['update']).toBe(2);
    expect(furthest(weights(a.values), weights(b.values))).toBeLessThan(1e-5);
  });

  test('is in a checkpoint only while an update is incomplete', async () => {
    vi.spyOn(Throughput.prototype, 'stepsWithin').mockReturnValue(1);
    const config = smallConfig({ accumulation: 3, phases: [sgd] });
    const isKept = async (stepsDone: number): Promise<boolean> => {
      const cut = await run(config, { onSteps: (steps, cancel) => void (steps === stepsDone && cancel()) });
      return [...(await checkpoint(cut)).values.keys()].some((name) => name.startsWith('optimiser.gradientSum.'));
    };
    const kept = [await isKept(1), await isKept(2), await isKept(3), await isKept(4), await isKept(5), await isKept(6)];
    expect(kept).toEqual([true, true, false, true, false, true]);
  });
});

describe('the moving average', () => {
  const ema = { decay: 0.9, warmupSteps: 4 };

  test('is kept beside the weights, evaluated, and is the best', async () => {
    const config = smallConfig({ ema, phases: [phase({ epochs: 3 })] }, { batchNorm: true });
    const finished = await run(config);
    const { values } = await checkpoint(finished);
    const [own, averaged] = [weights(values), averages(values)];
    expect([...averaged.keys()].sort()).toEqual([...own.keys()].sort());
    expect(furthest(averaged, own)).toBeGreaterThan(1e-3);
    expect([...own.keys()].some((name) => name.endsWith('running_mean'))).toBe(true);

    const atBest = finished.reported.checkpoints.filter(({ best }) => best).at(-1)!.epoch;
    const until = await run({ ...config, phases: [phase({ epochs: atBest })] });
    const best = await checkpoint(finished, 'best');
    expect([...best.values]).toEqual([...averages((await checkpoint(until)).values)]);

    // Training itself does not see it.
    const without = await run({ ...config, ema: null });
    expect([...weights((await checkpoint(without)).values)]).toEqual([...own]);
    expect(valuesOf(without.reported, 'train/loss')).toEqual(valuesOf(finished.reported, 'train/loss'));
    expect(valuesOf(without.reported, 'test/loss')).not.toEqual(valuesOf(finished.reported, 'test/loss'));
  });

  test('of decay 0 is the weights themselves', async () => {
    const config = smallConfig({ ema: { decay: 0, warmupSteps: 0 } }, { batchNorm: true });
    const [averaged, plain] = [await run(config), await run({ ...config, ema: null })];
    const { values } = await checkpoint(averaged);
    expect(furthest(averages(values), weights(values))).toBeLessThan(1e-6);
    const [a, b] = [averaged, plain].map(({ reported }) => valuesOf(reported, 'test/loss')) as [number[], number[]];
    a.forEach((loss, epoch) => expect(loss).toBeCloseTo(b[epoch]!, 5));
  });

  test('still arrives at weights that a later phase has frozen', async () => {
    const phases = [phase({ epochs: 2 }), phase({ epochs: 6, freeze: ['conv1'] })];
    const config = smallConfig({ ema: { decay: 0.9, warmupSteps: 0 }, phases });
    const before = await checkpoint(await run({ ...config, phases: phases.slice(0, 1) }));
    const after = await checkpoint(await run(config));
    const distance = ({ values }: typeof after): number =>
      relativeError(values.get('average.conv1.weight')!, values.get('conv1.weight')!);
    expect(after.values.get('conv1.weight')).toEqual(before.values.get('conv1.weight'));
    // Six epochs of five updates: 0.9³⁰ of the way is left.
    expect(distance(after) / distance(before)).toBeCloseTo(0.9 ** 30, 3);
  });
});

describe('clipping', () => {
  test('beyond the reach of any gradient changes nothing, and within it shortens the steps', async () => {
    const clipped = (clipNorm: number | null): Promise<Finished> =>
      run(
        smallConfig({
          phases: [phase({ optimiser: { ...momentum, momentum: 0, weightDecay: 0 }, learningRate: 0.1, clipNorm })],
        }),
      );
    const [free, loose, tight] = [await clipped(null), await clipped(1e6), await clipped(1e-3)];
    expect(await remains(loose.folder)).toEqual(await remains(free.folder));
    const start = (await checkpoint(await run(smallConfig({ phases: [phase({ epochs: 1, learningRate: 1e-30 })] }))))
      .values;
    const { values } = await checkpoint(tight);
    let squares = 0;
    for (const [name, data] of weights(values))
      data.forEach((value, i) => (squares += (value - start.get(name)![i]!) ** 2));
    // Ten steps of η · 10⁻³, about in one direction.
    expect(Math.sqrt(squares)).toBeLessThanOrEqual(10 * 0.1 * 1e-3 * 1.0001);
    expect(Math.sqrt(squares)).toBeGreaterThan(3 * 0.1 * 1e-3);
  });
});

describe('weight decay', () => {
  test('spares biases and norms unless it is told to reach them', async () => {
    // With a rate so small that only the decay, which is huge, moves anything.
    const optimiser = { ...adam, kind: 'adamw', weightDecay: 1e6 } as const;
    const decayed = async (decayAll: boolean): Promise<string[]> => {
      const config = (epochs: number): RunConfig =>
        smallConfig({ phases: [phase({ epochs, optimiser, learningRate: 1e-8, decayAll })] }, { batchNorm: true });
      const [one, two] = [await checkpoint(await run(config(1))), await checkpoint(await run(config(2)))];
      const names = [...weights(one.values).keys()].filter((name) => !name.includes('running'));
      const size = ({ values }: typeof one, name: string): number =>
        values.get(name)!.reduce((sum, value) => sum + Math.abs(value), 0);
      // An epoch is five steps.
      return names.filter((name) => Math.abs(size(two, name) / size(one, name) - 0.99 ** 5) < 1e-6);
    };
    const matrices = ['conv1.weight', 'conv2.weight', 'fc1.weight', 'fc2.weight', 'fc3.weight'];
    expect((await decayed(false)).sort()).toEqual(matrices);
    expect(await decayed(true)).toEqual(
      expect.arrayContaining([...matrices, 'norm1.weight', 'conv1.bias', 'fc3.bias']),
    );
  });
});

describe('phases', () => {
  const first = phase({ epochs: 2, optimiser: { ...adam, weightDecay: 0.01 } });

  test('with the same optimiser on the same weights go on as if they were one', async () => {
    const [two, one] = [
      await run(smallConfig({ ema: { decay: 0.9, warmupSteps: 2 }, phases: [first, first] })),
      await run(smallConfig({ ema: { decay: 0.9, warmupSteps: 2 }, phases: [{ ...first, epochs: 4 }] })),
    ];
    expect(await remains(two.folder)).toEqual(await remains(one.folder));
  });

  test.each([
    ['other settings', { optimiser: { ...adam, weightDecay: 0.02 } }],
    ['another optimiser', { optimiser: momentum }],
    ['other frozen weights', { freeze: ['conv1'] }],
  ])('with %s begin with fresh moments', async (_, changes) => {
    const { position } = await checkpoint(
      await run(smallConfig({ phases: [first, { ...first, epochs: 1, ...changes }] })),
    );
    expect([position['update'], position['optimiserUpdate']]).toEqual([15, 5]);
  });

  test('say in the log what they train', async () => {
    const { reported } = await run(
      smallConfig({
        phases: [
          { ...first, epochs: 1 },
          { ...first, epochs: 1, freeze: ['fc1', 'fc2', 'fc3'] },
        ],
      }),
    );
    const logged = reported.logs.map(({ text }) => text).filter((text) => text.startsWith('Phase'));
    expect(logged).toEqual([
      expect.stringMatching(/^Phase 1 of 2: 1 epochs with adam, (\d+) of \1 parameters are trained\.$/),
      expect.stringMatching(/^Phase 2 of 2: 1 epochs with adam, 2572 of \d+ parameters are trained\.$/),
    ]);
  });

  test('each have their own schedule, counted in their own updates', async () => {
    const phases = [
      phase({ epochs: 2, learningRate: 0.01, schedule: { kind: 'step', everyEpochs: 1, gamma: 0.5 } }),
      phase({ epochs: 2, learningRate: 0.004, schedule: { kind: 'linear', finalFactor: 0 } }),
    ];
    const { reported } = await run(smallConfig({ phases, accumulation: 2 }));
    // Three updates an epoch; the last of the linear ones are updates 2 and 5 of 6.
    expect(valuesOf(reported, 'epoch/learningRate').map((rate) => Number(rate.toFixed(9)))).toEqual([
      0.01,
      0.005,
      Number((0.004 * (4 / 6)).toFixed(9)),
      Number((0.004 / 6).toFixed(9)),
    ]);
  });
});

test('a long epoch is saved every few minutes, and goes on from there', async () => {
  const minute = 60_000;
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 2 * minute));
  const config = smallConfig({ phases: [phase({ epochs: 1 })], batchSize: 4, accumulation: 3 });
  const { reported } = await run(config);
  const within = reported.checkpoints.map(({ epoch }) => epoch).filter((epoch) => epoch < 1);
  expect(within.length).toBeGreaterThan(2);
  // Stopped by an error in the middle of the epoch, without a chance to save.
  const folder = await newFolder();
  const failing = run(config, {
    folder,
    onSteps: (steps) => {
      if (steps > 10) throw new Error('the process died');
    },
  });
  await expect(failing).rejects.toThrow('the process died');
  const rest = await run(config, { folder, resume: true });
  expect(rest.reported.started[0]!.epochsDone).toBeGreaterThan(0);
  const whole = await run(config);
  expect(await remains(folder)).toEqual(await remains(whole.folder));
});

describe('checkpoints of version 1', () => {
  test('go on where they stood', async () => {
    vi.spyOn(Throughput.prototype, 'stepsWithin').mockReturnValue(1);
    const config = smallConfig({
      phases: [phase({ epochs: 1 }), phase({ epochs: 2, optimiser: momentum, learningRate: 0.01 })],
    });
    const whole = await run(config);
    const cut = await run(config, { onSteps: (steps, cancel) => void (steps === 8 && cancel()) });
    const file = runFiles.checkpoint(cut.folder, 'last');
    const { tensors, metadata } = await readSafetensors(file);
    const { update, optimiserUpdate, counts, best, ...position } = JSON.parse(metadata['position']!) as Position;
    expect([update, optimiserUpdate]).toEqual([8, 3]);
    await writeSafetensors(file, tensors, {
      ...metadata,
      version: '1',
      position: JSON.stringify({
        ...position,
        stepInPhase: optimiserUpdate,
        correctSum: counts['correct']![0],
        bestAccuracy: best,
      }),
    });
    await run(config, { folder: cut.folder, resume: true });
    expect(await remains(cut.folder)).toEqual(await remains(whole.folder));
  });
});

describe('weights that are no numbers', () => {
  // 10¹⁰ · weight · 10³⁰ is beyond float32.
  const optimiser = { ...momentum, momentum: 0, weightDecay: 1e10 };
  const explode = smallConfig({ phases: [phase({ optimiser, learningRate: 1e30, epochs: 1 })] });

  test('are found by the loss of the next step, and the step that made them is named', async () => {
    await expect(run(explode)).rejects.toThrow(
      /^The weights or their gradient stopped being finite numbers at step 1\b.*\. Lower the learning rate, or clip the gradient\.$/,
    );
  });

  test('are found after the last step, and never saved', async () => {
    const folder = await newFolder();
    const failing = run({ ...explode, batchSize: 70 }, { folder });
    await expect(failing).rejects.toThrow('The weights or their gradient stopped being finite numbers at step 1.');
    await expect(failing).rejects.toMatchObject({ code: 'bad-input', context: { step: 1 } });
    await expect(readSafetensors(runFiles.checkpoint(folder, 'last'))).rejects.toMatchObject({ code: 'not-found' });
  });
});
