/**
 * A run with everything on (accumulation, moving average, augmentation, clipping, warm-up, dropout, batch norm, phases),
 * stopped at twenty random steps and resumed each time, ends with the bytes of one that never stopped: every optimiser.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { OptimiserConfig, RunConfig } from '../../src-main/contract/model/run.ts';
import { permutation, Random } from '../../src-main/engine/data/random.ts';
import { lower } from '../../src-main/engine/passes/lower.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import { buildExampleStep } from '../../src-main/engine/train/example-step.ts';
import { Throughput } from '../../src-main/engine/train/throughput.ts';
import { placeOf } from '../../src-main/engine/tuner/machine.ts';
import { nodeKey, writeTuning } from '../../src-main/engine/tuner/tuning.ts';
import { planModel } from '../../src-main/engine/zoo/registry.ts';
import { phase } from '../helpers/run-config.ts';
import {
  everythingOn,
  makeSmallData,
  remains,
  runTraining,
  type Reported,
  type SmallData,
} from '../helpers/training-run.ts';

const epochs = 4;
const stepsPerEpoch = 9;
const stops = 20;

let small: SmallData;
beforeAll(async () => {
  // 70 images in batches of 8: eight whole ones and a rest of 6.
  small = await makeSmallData({ train: 70, test: 20, channels: 1, side: 16 });
});
afterAll(() => small.dispose());

async function newFolder(name: string): Promise<string> {
  const folder = join(small.folder, name);
  await mkdir(folder);
  return folder;
}

const adam = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.02 };
const rmsprop = { kind: 'rmsprop', alpha: 0.9, epsilon: 1e-6, weightDecay: 0.02 } as const;
const optimisers: Record<string, OptimiserConfig> = {
  SGD: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0.01 },
  'SGD, Nesterov momentum': { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.01 },
  Adam: { kind: 'adam', ...adam },
  AdamW: { kind: 'adamw', ...adam },
  RMSprop: { ...rmsprop, momentum: 0, centered: false },
  'RMSprop, centred, momentum': { ...rmsprop, momentum: 0.8, centered: true },
};

function configFor(optimiser: OptimiserConfig): RunConfig {
  const learningRate = optimiser.kind === 'sgd' ? 0.02 : 0.002;
  const settings = { optimiser, learningRate, clipNorm: 1, warmup: { epochs: 1.5, startFactor: 0.1 } };
  return everythingOn([
    phase({
      ...settings,
      epochs: 2,
      schedule: { kind: 'one-cycle', startFactor: 0.1, finalFactor: 0.01, riseFraction: 0.4 },
    }),
    phase({
      ...settings,
      epochs: epochs - 2,
      schedule: { kind: 'cosine', finalFactor: 0.1 },
      freeze: ['conv1', 'norm2'],
    }),
  ]);
}

describe(`stopped at ${stops} random steps and resumed`, () => {
  test.each(Object.entries(optimisers))('%s', { timeout: 120_000 }, async (name, optimiser) => {
    const config = configFor(optimiser);
    const [whole, cut] = [await newFolder(`whole ${name}`), await newFolder(`cut ${name}`)];
    const straight = await runTraining(whole, config, small.data);

    const seed = 31;
    const order = permutation(epochs * stepsPerEpoch - 1, Random.derive(seed, 'stops', name));
    const stopAt = new Set(order.subarray(0, stops).map((step) => step + 1));
    const oneByOne = vi.spyOn(Throughput.prototype, 'stepsWithin').mockReturnValue(1);
    const parts: Reported[] = [];
    let stepsBefore = 0;
    do {
      let stepsHere = 0;
      parts.push(
        await runTraining(cut, config, small.data, {
          resume: parts.length > 0,
          onSteps: (steps, cancel) => {
            const isStep = steps > stepsHere; // and not the report of an epoch
            stepsHere = steps;
            if (isStep && stopAt.has(stepsBefore + steps)) cancel();
          },
        }),
      );
      stepsBefore += stepsHere;
    } while (parts.at(-1)!.outcome.kind === 'cancelled');
    oneByOne.mockRestore();

    const what = `stops of seed ${seed} at ${[...stopAt].sort((a, b) => a - b).join(', ')}`;
    expect(parts.length, what).toBe(stops + 1);
    expect(await remains(cut), what).toEqual(await remains(whole));
    expect(parts.flatMap(({ points }) => points)).toEqual(straight.points);
  });
});

test('a run keeps to what was measured of its layers when it began', { timeout: 60_000 }, async () => {
  const config = configFor(optimisers['Adam']!);
  const [whole, cut, file] = [
    await newFolder('measured whole'),
    await newFolder('measured cut'),
    join(small.folder, 'tuning.json'),
  ];
  const runtime = new OnnxRuntime();
  const place = await placeOf(runtime, { device: 'cpu', threads: 1 });
  const plan = planModel(config.model.id, config.model.options, [1, 16, 16], 10);
  const network = {
    name: 'small',
    label: 'small',
    batchSize: config.batchSize,
    size: [16, 16] as const,
    plan: () => plan,
  };
  // Not as the rules have it: other formulations round otherwise.
  const choices = new Map<string, string>();
  lower(buildExampleStep(network).graph, {
    channelBlock: place.channelBlock,
    choose: (node, applicable) => {
      if (applicable.length > 1) choices.set(nodeKey(node), applicable.at(-1)!);
      return applicable[0]!;
    },
  });
  writeTuning(file, place, choices);
  const options = { tuning: file, threads: 1, runtime };
  await runTraining(whole, config, small.data, options);
  const plain = await newFolder('not measured');
  await runTraining(plain, config, small.data, { threads: 1, runtime });
  expect(await remains(plain)).not.toEqual(await remains(whole));

  const parts = await runTraining(cut, config, small.data, {
    ...options,
    onSteps: (steps, cancel) => void (steps >= stepsPerEpoch && cancel()),
  });
  expect(parts.outcome.kind).toBe('cancelled');
  await rm(file); // forgotten meanwhile
  await runTraining(cut, config, small.data, { ...options, resume: true });
  expect(await remains(cut)).toEqual(await remains(whole));

  // One that begins anew takes what is known now: nothing.
  await runTraining(cut, config, small.data, options);
  expect(await remains(cut)).toEqual(await remains(plain));
  expect(runtime.liveSessions).toBe(0);
});
