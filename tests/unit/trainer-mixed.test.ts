/** Whole runs in mixed precision: they learn as in float32, keep the loss's scale, and go on to the same bytes. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { readCheckpoint, writeCheckpoint } from '../../src-main/engine/train/checkpoint.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { Throughput } from '../../src-main/engine/train/throughput.ts';
import { readSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { makeShapes, shapesConfig } from '../helpers/segmentation-run.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';
import {
  everythingOn,
  makeSmallData,
  remains,
  runTraining,
  valuesOf,
  type RunOptions,
  type SmallData,
} from '../helpers/training-run.ts';

vi.setConfig({ testTimeout: 120_000 });

let small: SmallData;
beforeAll(async () => {
  // 70 images in batches of 8: eight whole ones and a rest of 6.
  small = await makeSmallData({ train: 70, test: 20, channels: 1, side: 16 });
});
afterAll(() => small.dispose());

let folders = 0;
async function run(config: RunConfig, options: RunOptions & { folder?: string } = {}) {
  const { folder = join(small.folder, `run-${folders++}`), ...others } = options;
  await mkdir(folder, { recursive: true });
  return { folder, ...(await runTraining(folder, config, small.data, others)) };
}

async function keptScale(folder: string): Promise<number[] | null> {
  const { metadata } = await readSafetensors(runFiles.checkpoint(folder, 'last'));
  const { lossScale } = metadata;
  return lossScale === undefined ? null : (JSON.parse(lossScale) as number[]);
}

test('learns as well as in float32, and says that it does so in half', async () => {
  const config = smallConfig({ phases: [phase({ epochs: 8 })] });
  const single = await run(config);
  const mixed = await run({ ...config, precision: 'mixed' });
  const [expected, actual] = [single, mixed].map((ran) => valuesOf(ran, 'train/loss'));
  expect(expected!.at(-1)).toBeLessThan(0.7 * expected![0]!);
  actual!.forEach((loss, epoch) => expect(Math.abs(loss / expected![epoch]! - 1)).toBeLessThan(0.03));
  expect(actual).not.toEqual(expected);
  expect(mixed.logs[0]!.text).toContain('device cpu in mixed precision');
  expect(await keptScale(single.folder)).toBeNull();
  // 8 epochs of 5 updates, none of which overflowed.
  expect(await keptScale(mixed.folder)).toEqual([65536, 40, 0]);
});

/** So heavy that gradients overflow at the scale that a run begins with; Adam’s steps are the same as of any other. */
const lossWeight = 64;

test('a U-Net finds the scale at which its gradients fit, and learns from then on', async () => {
  const shapes = await makeShapes({ train: 12, test: 4, side: 32, squares: true });
  try {
    const folder = join(shapes.folder, 'run');
    await mkdir(folder);
    const term = { weight: lossWeight, loss: { kind: 'cross-entropy', classWeights: null } } as const;
    const config = shapesConfig({
      precision: 'mixed',
      loss: { kind: 'sum', binary: false, terms: [term] },
      phases: [phase({ epochs: 5, learningRate: 0.003 })],
    });
    const losses = valuesOf(await runTraining(folder, config, shapes.data), 'train/loss');
    const [scale, goodUpdates] = (await keptScale(folder))!;
    const leftOut = Math.log2(65536 / scale!);
    expect(leftOut).toBeGreaterThan(0);
    // Of two updates an epoch; those that are left out are the first.
    expect(leftOut + goodUpdates!).toBe(10);
    expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]!);
  } finally {
    await shapes.dispose();
  }
});

test('stopped at several steps and resumed, with everything on, ends with the same bytes', async () => {
  const config: RunConfig = {
    ...everythingOn([phase({ epochs: 2, clipNorm: 1 }), phase({ epochs: 1, freeze: ['conv1', 'norm2'] })]),
    precision: 'mixed',
  };
  const whole = await run(config);
  const oneByOne = vi.spyOn(Throughput.prototype, 'stepsWithin').mockReturnValue(1);
  // Between updates and in the midst of them.
  const stopAt = [2, 3, 7, 8, 13, 19, 26];
  const folder = join(small.folder, 'cut');
  let done = 0;
  for (const stop of [...stopAt, Infinity]) {
    const before = done;
    const part = await run(config, {
      folder,
      resume: before > 0,
      onSteps: (steps, cancel) => {
        done = before + steps;
        if (done >= stop) cancel();
      },
    });
    expect(part.outcome.kind).toBe(stop === Infinity ? 'finished' : 'cancelled');
  }
  oneByOne.mockRestore();
  expect(await remains(folder)).toEqual(await remains(whole.folder));
});

test('goes on with the scale that was kept: one that overflows is halved, and the weights stay', async () => {
  const config = { ...smallConfig({ phases: [phase({ epochs: 1 })] }), precision: 'mixed' } as const;
  const first = await run(config);
  const file = runFiles.checkpoint(first.folder, 'last');
  const { tensors } = await readSafetensors(file);
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  const kept = await readCheckpoint(file, new Map([...shapes].filter(([name]) => !name.startsWith('optimiser.'))));
  const start = { ...kept, lossScale: [2 ** 120, 7, 0] };
  await writeCheckpoint(file, start, shapes, 'lenet5');

  const further = { ...config, phases: [phase({ epochs: 2 })] };
  await run(further, { folder: first.folder, resume: true });
  // 70 images in batches of 16 are five updates, and all of them overflow.
  expect(await keptScale(first.folder)).toEqual([2 ** 115, 0, 0]);
  const after = await readCheckpoint(file, new Map([...shapes].filter(([name]) => !name.startsWith('optimiser.'))));
  expect(after.tensors).toEqual(kept.tensors);
  expect(after.slots).toEqual(kept.slots);
  expect(after.position.step).toBe(10);
});

test('where no scale is small enough, it is told what to do', async () => {
  const config = { ...smallConfig({ phases: [phase({ epochs: 1 })] }), precision: 'mixed' } as const;
  const first = await run(config);
  const file = runFiles.checkpoint(first.folder, 'last');
  const { tensors } = await readSafetensors(file);
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  const kept = await readCheckpoint(file, new Map([...shapes].filter(([name]) => !name.startsWith('optimiser.'))));
  await writeCheckpoint(file, { ...kept, lossScale: [2 ** -30, 7, 0] }, shapes, 'lenet5');
  const further = { ...config, phases: [phase({ epochs: 2 })] };
  await expect(run(further, { folder: first.folder, resume: true })).rejects.toThrow(
    /gradient overflowed half precision however small it was scaled\. Train in float32/,
  );
});
