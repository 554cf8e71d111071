/**
 * The trainer on small generated data: it learns, the same seed gives the same bytes however the work is cut up, and
 * what goes wrong is said in words with nothing left open.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { Random } from '../../src-main/engine/data/random.ts';
import { SplitImages } from '../../src-main/engine/data/split-images.ts';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { floatValues, readSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { planModel } from '../../src-main/engine/zoo/registry.ts';
import { adam, momentum, phase, smallConfig } from '../helpers/run-config.ts';
import {
  everythingOn,
  makeSmallData,
  remains,
  runTraining,
  valuesOf,
  WatchedRuntime,
  type Reported,
  type RunOptions,
  type SmallData,
} from '../helpers/training-run.ts';

/** Where the CUDA provider is installed, the device may well be there. */
const hasCuda = existsSync(
  new URL(
    '../../node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so',
    import.meta.url,
  ),
);

vi.setConfig({ testTimeout: 60_000 });

let small: SmallData;
let data: TrainingData;
let runtime: WatchedRuntime;
let folderNumber = 0;

beforeAll(async () => {
  // 70 images in batches of 16: four whole ones and a rest of 6.
  small = await makeSmallData({ train: 70, test: 30, channels: 1, side: 16 });
  data = small.data;
});
afterAll(() => small.dispose());
beforeEach(() => {
  runtime = new WatchedRuntime();
});
afterEach(() => {
  vi.restoreAllMocks();
  expect(runtime.liveSessions, 'sessions that nobody released').toBe(0);
});

async function newFolder(): Promise<string> {
  const folder = join(small.folder, `run-${folderNumber++}`);
  await mkdir(join(folder, 'checkpoints'), { recursive: true });
  return folder;
}
const run = (folder: string, config: RunConfig, options: RunOptions = {}): Promise<Reported> =>
  runTraining(folder, config, data, { runtime, ...options });

/** Makes time pass by `stepMs` whenever the trainer looks at the clock: slow machines do one step a dispatch. */
function pretendEachLookTakes(stepMs: number): void {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (now += stepMs));
}

const configs: Record<string, RunConfig> = {
  'SGD with momentum': smallConfig({ phases: [phase({ optimiser: momentum, learningRate: 0.02 })] }),
  Adam: smallConfig(),
  'Adam, batch norm, dropout': smallConfig({}, { batchNorm: true, dropout: 0.3 }),
  'AdamW with everything on': everythingOn([
    phase({ optimiser: { ...adam, kind: 'adamw', weightDecay: 0.05 }, clipNorm: 1 }),
  ]),
  'two phases with freezing and an exponential schedule': smallConfig(
    {
      phases: [
        phase({ epochs: 1, freeze: ['conv1', 'norm1', 'fc2'], learningRate: 0.004 }),
        phase({
          epochs: 2,
          optimiser: { ...momentum, nesterov: true },
          learningRate: 0.02,
          schedule: { kind: 'exponential', gamma: 0.5 },
        }),
      ],
    },
    { batchNorm: true, dropout: 0.2 },
  ),
};
const named = Object.entries(configs);

describe('training', () => {
  test('learns', async () => {
    const larger = await makeSmallData({ train: 300, test: 100, channels: 3, side: 16 });
    try {
      const folder = await newFolder();
      const reported = await runTraining(
        folder,
        smallConfig({ phases: [phase({ epochs: 8, learningRate: 0.004 })] }),
        larger.data,
        { runtime },
      );
      expect(reported.outcome).toEqual({ kind: 'finished', epochsDone: 8 });
      const losses = valuesOf(reported, 'train/loss');
      expect(losses[0]).toBeGreaterThan(1.5);
      expect(losses.at(-1)).toBeLessThan(0.6);
      expect(valuesOf(reported, 'test/accuracy').at(-1)).toBeGreaterThan(0.85);
    } finally {
      await larger.dispose();
    }
  });

  test('measures training and evaluation images alike', async () => {
    // With a rate of almost nothing and the same images in both splits, both must give the same numbers.
    const same: TrainingData = { ...data, evaluation: data.train };
    const config = smallConfig({ phases: [phase({ epochs: 1, learningRate: 1e-12 })] });
    const reported = await runTraining(await newFolder(), config, same, { runtime });
    expect(valuesOf(reported, 'train/loss')[0]).toBeCloseTo(valuesOf(reported, 'test/loss')[0]!, 5);
    expect(valuesOf(reported, 'train/accuracy')).toEqual(valuesOf(reported, 'test/accuracy'));
  });

  test('reports every step and epoch', async () => {
    const config = smallConfig({
      phases: [
        phase({ epochs: 2, schedule: { kind: 'exponential', gamma: 0.5 }, learningRate: 0.01 }),
        phase({ epochs: 1 }),
      ],
    });
    const reported = await run(await newFolder(), config);
    const steps = reported.points.filter(({ series }) => series === 'step/loss');
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
    expect(steps.slice(0, 5).map(({ epoch }) => epoch)).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    expect(valuesOf(reported, 'epoch/learningRate')).toEqual([0.01, 0.005, 0.002]);
    const epochs = reported.points.filter(({ series }) => series === 'test/accuracy');
    expect(epochs.map(({ step, epoch }) => [step, epoch])).toEqual([
      [5, 1],
      [10, 2],
      [15, 3],
    ]);
    expect(reported.started).toEqual([{ parameterCount: expect.any(Number), epochsDone: 0 }]);
    expect(reported.progress.map(({ activity }) => activity)).toEqual(
      expect.arrayContaining(['training', 'evaluating', 'saving']),
    );
    expect(reported.progress.every(({ step, stepsPerEpoch }) => stepsPerEpoch === 5 && step <= 5)).toBe(true);
    // The epoch's loss is the mean over its images, the smaller last batch weighing less.
    const [first] = valuesOf(reported, 'train/loss');
    const weighted = steps.slice(0, 5).reduce((sum, { value }, i) => sum + value * (i < 4 ? 16 : 6), 0) / 70;
    expect(first).toBeCloseTo(weighted, 6);
  });

  test('keeps the best epoch apart, without the optimiser', async () => {
    const folder = await newFolder();
    const reported = await run(folder, smallConfig({ phases: [phase({ epochs: 4 })] }));
    const accuracies = valuesOf(reported, 'test/accuracy');
    const best = accuracies.indexOf(Math.max(...accuracies)) + 1;
    expect(reported.checkpoints.filter((checkpoint) => checkpoint.best).at(-1)).toEqual({ epoch: best, best: true });
    const [last, kept] = [
      await readSafetensors(runFiles.checkpoint(folder, 'last')),
      await readSafetensors(runFiles.checkpoint(folder, 'best')),
    ];
    expect(JSON.parse(kept.metadata['position']!)).toMatchObject({
      epoch: best,
      best: Math.max(...accuracies),
    });
    expect([...kept.tensors.keys()].filter((name) => name.startsWith('optimiser.'))).toEqual([]);
    expect(last.tensors.has('optimiser.firstMoment.conv1.weight')).toBe(true);
    expect(last.tensors.get('conv1.weight')!.shape).toEqual([6, 1, 5, 5]);
  });

  test('an epoch of one batch that is larger than the split', async () => {
    const reported = await run(await newFolder(), smallConfig({ batchSize: 500, phases: [phase({ epochs: 1 })] }));
    expect(reported.outcome.kind).toBe('finished');
    expect(valuesOf(reported, 'step/loss')).toHaveLength(1);
  });

  test('a last batch of one image is no trouble for batch norm', async () => {
    const reported = await run(
      await newFolder(),
      smallConfig({ batchSize: 23, phases: [phase({ epochs: 2 })] }, { batchNorm: true }),
    );
    expect(valuesOf(reported, 'step/loss')).toHaveLength(8);
    expect(valuesOf(reported, 'step/loss').every(Number.isFinite)).toBe(true);
  });
});

describe('freezing', () => {
  test('leaves frozen tensors bit by bit as they were, and moves the others', async () => {
    const folder = await newFolder();
    const frozen = ['conv1', 'norm2', 'fc2'];
    const config = smallConfig({ phases: [phase({ epochs: 2, freeze: frozen })] }, { batchNorm: true });
    await run(folder, config);
    const { tensors } = await readSafetensors(runFiles.checkpoint(folder, 'last'));
    const plan = planModel('lenet5', config.model.options, [1, 16, 16], 10);
    const start = initialise(plan.parameters, plan.buffers, config.seed);
    const unchanged = plan.parameters
      .filter(({ name }) =>
        Buffer.from(floatValues(tensors.get(name)!).buffer).equals(Buffer.from(start.get(name)!.buffer)),
      )
      .map(({ name }) => name);
    expect(unchanged).toEqual(['conv1.weight', 'conv1.bias', 'norm2.weight', 'norm2.bias', 'fc2.weight', 'fc2.bias']);
    expect([...tensors.keys()].filter((name) => name.startsWith('optimiser.') && /conv1|norm2|fc2/.test(name))).toEqual(
      [],
    );
  });

  test('of everything is refused', async () => {
    const config = smallConfig({ phases: [phase({ freeze: ['conv1', 'conv2', 'fc1', 'fc2', 'fc3'] })] });
    await expect(run(await newFolder(), config)).rejects.toThrow(
      'Every layer is frozen in phase 1, so there is nothing to train. Leave at least one layer free.',
    );
    await expect(run(await newFolder(), config)).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('the same seed gives the same bytes', () => {
  test.each(named)('twice: %s', async (_, config) => {
    const [first, second] = [await newFolder(), await newFolder()];
    const [a, b] = [await run(first, config), await run(second, config)];
    expect(await remains(second)).toEqual(await remains(first));
    expect(b.points).toEqual(a.points);
  });

  test('and another seed others', async () => {
    const [first, second] = [await newFolder(), await newFolder()];
    await run(first, smallConfig());
    await run(second, smallConfig({ seed: 5 }));
    expect((await remains(second))['last']).not.toBe((await remains(first))['last']);
  });

  test.each(named)('in dispatches of one step or of many: %s', async (_, config) => {
    const [slow, fast] = [await newFolder(), await newFolder()];
    // A dispatch ends where a gradient is looked at, which is often in so short an epoch.
    const unwatched: RunConfig = { ...config, monitoring: { ...config.monitoring, layers: 'nothing' } };
    pretendEachLookTakes(1000);
    await run(slow, config);
    const slowDispatches = runtime.dispatches.splice(0);
    pretendEachLookTakes(0.001);
    await run(fast, unwatched);
    expect(Math.max(...slowDispatches.slice(1))).toBe(1);
    expect(runtime.dispatches).toContain(4);
    expect(runtime.dispatches.length).toBeLessThan(slowDispatches.length);
    expect(await remains(fast)).toEqual(await remains(slow));
  });

  test('with images read from their packs batch by batch', async () => {
    const config = configs['Adam, batch norm, dropout']!;
    const [resident, streamed] = [await newFolder(), await newFolder()];
    await run(resident, config);
    const open = SplitImages.open.bind(SplitImages);
    vi.spyOn(SplitImages, 'open').mockImplementation((split, packs) => open(split, packs, 1000));
    const feedRows = vi.spyOn(SplitImages.prototype, 'feedRows');
    await run(streamed, config);
    expect(feedRows.mock.results.map(({ value }) => value as number)).not.toContain(70);
    expect(await remains(streamed)).toEqual(await remains(resident));
  });
});

describe('stopped anywhere and resumed gives the bytes of a run that never stopped', () => {
  const cutSeeds = [1, 2];
  test.each(named.flatMap(([name, config]) => cutSeeds.map((seed) => [name, seed, config] as const)))(
    '%s, cuts of seed %i',
    async (_, seed, config) => {
      const [whole, cut] = [await newFolder(), await newFolder()];
      const straight = await run(whole, config);
      pretendEachLookTakes(1000); // one step a dispatch, so that any step can be the last
      const random = Random.derive(seed, 'cuts');
      const parts: Reported[] = [];
      do {
        const stopAfter = 1 + random.below(6);
        parts.push(
          await run(cut, config, {
            resume: parts.length > 0,
            onSteps: (steps, cancel) => void (steps >= stopAfter && cancel()),
          }),
        );
      } while (parts.at(-1)!.outcome.kind === 'cancelled');
      expect(parts.length, `parts with cut seed ${seed}`).toBeGreaterThan(1);
      expect(await remains(cut)).toEqual(await remains(whole));
      expect(parts.flatMap(({ points }) => points)).toEqual(straight.points);
      parts.slice(1).forEach(({ started }, i) => expect(started[0]!.epochsDone).toBe(parts[i]!.outcome.epochsDone));
    },
  );

  test('cancelled while it measures an epoch: the epoch is measured again', async () => {
    const [whole, cut] = [await newFolder(), await newFolder()];
    const straight = await run(whole, smallConfig());
    const first = await run(cut, smallConfig(), {
      onProgress: ({ activity }, cancel) => void (activity === 'evaluating' && cancel()),
    });
    expect(first.outcome).toEqual({ kind: 'cancelled', epochsDone: 1 });
    expect(valuesOf(first, 'test/loss')).toEqual([]);
    const second = await run(cut, smallConfig(), { resume: true });
    expect(second.outcome).toEqual({ kind: 'finished', epochsDone: 2 });
    expect(valuesOf(second, 'test/loss')).toEqual(valuesOf(straight, 'test/loss'));
    expect(await remains(cut)).toEqual(await remains(whole));
  });

  test('cancelled before the first step', async () => {
    const [whole, cut] = [await newFolder(), await newFolder()];
    await run(whole, smallConfig());
    const first = await run(cut, smallConfig(), { onProgress: (_, cancel) => cancel() });
    expect(first.outcome.kind).toBe('cancelled');
    await run(cut, smallConfig(), { resume: true });
    expect(await remains(cut)).toEqual(await remains(whole));
  });

  test('a finished run that is resumed stays as it is', async () => {
    const folder = await newFolder();
    await run(folder, smallConfig());
    const before = await remains(folder);
    const again = await run(folder, smallConfig(), { resume: true });
    expect(again.outcome).toEqual({ kind: 'finished', epochsDone: 2 });
    expect(again.points).toEqual([]);
    expect(await remains(folder)).toEqual(before);
  });

  test('without a checkpoint a resumed run starts over', async () => {
    const [whole, resumed] = [await newFolder(), await newFolder()];
    await run(whole, smallConfig());
    await run(resumed, smallConfig(), { resume: true });
    expect(await remains(resumed)).toEqual(await remains(whole));
  });
});

describe('what goes wrong is said in words', () => {
  test('a loss that explodes', async () => {
    const folder = await newFolder();
    const config = smallConfig({
      phases: [phase({ optimiser: { ...momentum, momentum: 0 }, learningRate: 1e18, epochs: 3 })],
    });
    const failing = run(folder, config);
    await expect(failing).rejects.toThrow(
      /^The loss became (NaN|Infinity) at step \d+\b.*\. Lower the learning rate, or check the images\.$/,
    );
    await expect(failing).rejects.toMatchObject({ code: 'bad-input', context: { step: expect.any(Number) } });
    await expect(stat(runFiles.checkpoint(folder, 'last'))).rejects.toThrow('ENOENT');
  });

  test('a pack that is gone', async () => {
    const file = join(small.folder, 'gone.u8');
    const broken: TrainingData = { ...data, packs: data.packs.map((pack, i) => (i === 1 ? { ...pack, file } : pack)) };
    const failing = runTraining(await newFolder(), smallConfig(), broken, { runtime });
    await expect(failing).rejects.toThrow(`The images in ${file} cannot be read: ENOENT`);
    await expect(failing).rejects.toMatchObject({ code: 'bad-input', context: { file } });
  });

  test.each([
    ['in memory', 2 ** 30],
    ['batch by batch', 1000],
  ])('a pack that ends too early, read %s', async (_, limitBytes) => {
    const file = join(small.folder, `short-${limitBytes}.u8`);
    await writeFile(file, await readFile(data.packs[0]!.file));
    await truncate(file, 10 * 256 + 100);
    const broken: TrainingData = { ...data, packs: data.packs.map((pack, i) => (i === 0 ? { ...pack, file } : pack)) };
    const open = SplitImages.open.bind(SplitImages);
    vi.spyOn(SplitImages, 'open').mockImplementation((split, packs) => open(split, packs, limitBytes));
    const failing = runTraining(await newFolder(), smallConfig(), broken, { runtime });
    await expect(failing).rejects.toThrow(
      /^.*short-\d+\.u8 ends too early: image \d+ is not whole\. Import the data set again\.$/,
    );
    await expect(failing).rejects.toMatchObject({ code: 'bad-input', context: { file, offset: expect.any(Number) } });
  });

  test('images of two sizes, and a split without images', async () => {
    const mixed: TrainingData = {
      ...data,
      packs: data.packs.map((pack, i) => (i === 1 ? { ...pack, widthPx: 8 } : pack)),
    };
    await expect(runTraining(await newFolder(), smallConfig(), mixed, { runtime })).rejects.toThrow(
      'All images of a split must have one size, got 1×16×16 and 1×16×8.',
    );
    const empty: TrainingData = { ...data, evaluation: { imageIds: [], packs: [], rows: [], labels: [] } };
    await expect(runTraining(await newFolder(), smallConfig(), empty, { runtime })).rejects.toThrow(
      'All images of a split must have one size, got no image.',
    );
  });

  test('images that are too small for the network', async () => {
    const tiny = await makeSmallData({ train: 20, test: 10, channels: 1, side: 8 });
    try {
      await expect(runTraining(await newFolder(), smallConfig(), tiny.data, { runtime })).rejects.toThrow(
        'conv2: an input of 6×2×2 is too small',
      );
    } finally {
      await tiny.dispose();
    }
  });

  test('a checkpoint of another network', async () => {
    const folder = await newFolder();
    await run(folder, smallConfig());
    const other = run(folder, smallConfig({}, { batchNorm: true }), { resume: true });
    await expect(other).rejects.toThrow(
      /last\.safetensors: "fc1\.weight" has|last\.safetensors: the tensor "norm1\.weight" is missing\./,
    );
    await expect(other).rejects.toMatchObject({ code: 'bad-input' });
  });

  test('a checkpoint that is cut off', async () => {
    const folder = await newFolder();
    await run(folder, smallConfig());
    await truncate(runFiles.checkpoint(folder, 'last'), 5000);
    await expect(run(folder, smallConfig(), { resume: true })).rejects.toThrow(
      /last\.safetensors is not a sound \.safetensors file: .* it is cut off/,
    );
  });

  test.skipIf(hasCuda)('a device that is not there', async () => {
    const failing = run(await newFolder(), smallConfig({ device: 'cuda' }));
    await expect(failing).rejects.toThrow('The device "cuda" cannot be used: ');
    await expect(failing).rejects.toMatchObject({ code: 'unsupported', context: { device: 'cuda' } });
  });

  test('a runtime that fails', async () => {
    runtime.failure = new FoveaError('internal', 'internal: no session today');
    await expect(run(await newFolder(), smallConfig())).rejects.toThrow('internal: no session today');
  });

  test('a folder that cannot be written', async () => {
    const folder = await newFolder();
    await rm(folder, { recursive: true });
    await writeFile(folder, 'a file in the way');
    await expect(run(folder, smallConfig({ phases: [phase({ epochs: 1, optimiser: adam })] }))).rejects.toMatchObject({
      code: 'io',
    });
  });
});
