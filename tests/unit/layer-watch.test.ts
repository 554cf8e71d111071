/** What is measured of the layers is what the weights say, is the same where a run was stopped, and changes nothing. */
import { appendFile, readFile, truncate } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { readLayerNorms, readTensorSpread } from '../../src-main/engine/train/layer-records.ts';
import { LayerWatch } from '../../src-main/engine/train/layer-watch.ts';
import type { Session, SessionOptions } from '../../src-main/engine/runtime/runtime.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { looksApart } from '../../src-main/engine/train/step-runner.ts';
import { floatValues, readSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { momentum, phase, smallConfig } from '../helpers/run-config.ts';
import {
  everythingOn,
  makeSmallData,
  newFolder,
  remains,
  runTraining,
  valuesOf,
  WatchedRuntime,
  type SmallData,
} from '../helpers/training-run.ts';

let small: SmallData;
beforeAll(async () => {
  small = await makeSmallData({ train: 40, test: 20, channels: 1, side: 16 });
});
afterAll(() => small.dispose());

/** Notes what the sessions of training steps were asked for. */
class NotedRuntime extends WatchedRuntime {
  readonly trained: { steps: number; shows: boolean }[] = [];
  override async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const session = await super.createSession(model, options);
    return {
      ...session,
      run: (feeds, into) => {
        const steps = feeds['steps'];
        if (steps) this.trained.push({ steps: Number(steps.data[0]), shows: 'shownGradient' in feeds });
        return session.run(feeds, into);
      },
    };
  }
}

const watching = (config: RunConfig, layers: RunConfig['monitoring']['layers']): RunConfig => ({
  ...config,
  monitoring: { historyMegabytes: 0, layers },
});

/** Norms in float64 of the tensors of a checkpoint, by name. */
async function weightsOf(folder: string): Promise<Map<string, Float32Array>> {
  const { tensors } = await readSafetensors(runFiles.checkpoint(folder, 'last'));
  return new Map([...tensors].map(([name, tensor]) => [name, floatValues(tensor)]));
}
const norm = (values: Iterable<number>): number => Math.hypot(...values);

/** One step an epoch of plain descent, whose gradient can be read from what it did to the weights. */
const learningRate = 0.5;
const descending = (epochs: number): RunConfig =>
  smallConfig({
    batchSize: 40,
    phases: [
      phase({
        epochs,
        learningRate,
        optimiser: { ...momentum, momentum: 0, nesterov: false, weightDecay: 0 },
        clipNorm: 0.01,
      }),
    ],
  });

describe('the layers of a run', () => {
  test('have the lengths of their weights, and of the gradient before it was clipped', async () => {
    const [one, two] = [await newFolder(small, 'one'), await newFolder(small, 'two')];
    await runTraining(one, watching(descending(1), 'norms'), small.data);
    const reported = await runTraining(two, watching(descending(2), 'norms'), small.data);
    const [before, after] = [await weightsOf(one), await weightsOf(two)];
    const { tensors, epochs, weightNorms, gradientNorms } = await readLayerNorms(runFiles.layers(two));
    expect([...epochs]).toEqual([1, 2]);
    const count = tensors.length;
    const steps = tensors.map(({ name }) => after.get(name)!.map((value, i) => before.get(name)![i]! - value));
    const moved = norm(steps.flatMap((step) => [...step]));
    // The update was as long as the rate times the norm that it was clipped to.
    expect(moved / (learningRate * 0.01)).toBeCloseTo(1, 3);
    const total = valuesOf(reported, 'epoch/gradientNorm')[1]!;
    expect(total).toBeGreaterThan(0.01);
    tensors.forEach(({ name, values }, i) => {
      const weights = after.get(name)!;
      expect(values).toBe(weights.length);
      expect(weightNorms[count + i]! / norm(weights)).toBeCloseTo(1, 5);
      expect(gradientNorms[count + i]! / total).toBeCloseTo(norm(steps[i]!) / moved, 3);
    });
    expect(valuesOf(reported, 'epoch/weightNorm')[1]! / norm(weightNorms.slice(count))).toBeCloseTo(1, 6);
  });

  test('spread as their weights do', async () => {
    const folder = await newFolder(small, 'spread');
    await runTraining(folder, watching(descending(2), 'histograms'), small.data);
    const name = 'conv2.weight';
    const weights = [...(await weightsOf(folder)).get(name)!];
    const { bins, epochs, weights: spread, gradients } = await readTensorSpread(runFiles.layers(folder), name);
    expect([epochs.length, spread.shares.length]).toEqual([2, 2 * bins]);
    expect([spread.low[1], spread.high[1]]).toEqual([Math.min(...weights), Math.max(...weights)]);
    const middle = bins / 2;
    const centre = (spread.low[1]! + spread.high[1]!) / 2;
    const below = weights.filter((value) => value < centre).length / weights.length;
    const share = spread.shares.slice(bins, bins + middle).reduce((sum, each) => sum + each, 0) / 65535;
    expect(Math.abs(share - below)).toBeLessThan(0.001 + 1 / weights.length);
    const all = gradients.shares.slice(bins).reduce((sum, each) => sum + each, 0);
    expect(Math.abs(all / 65535 - 1)).toBeLessThan(0.001);
    expect(gradients.high[1]).toBeGreaterThan(gradients.low[1]!);
    await expect(readTensorSpread(runFiles.layers(folder), 'conv2.bias')).rejects.toThrow('no histograms');
  });

  test('are the same where the run was stopped, and nothing that is learned depends on them', async () => {
    const config = watching(everythingOn([phase({ epochs: 3 })]), 'histograms');
    const [whole, stopped, unwatched] = [
      await newFolder(small, 'whole'),
      await newFolder(small, 'stopped'),
      await newFolder(small, 'unwatched'),
    ];
    const reported = await runTraining(whole, config, small.data);
    for (const epoch of [0, 1, 2]) {
      await runTraining(stopped, config, small.data, {
        resume: true,
        onProgress: ({ epoch: current, step }, cancel) => current === epoch + 1 && step > 0 && step < 5 && cancel(),
      });
    }
    const rest = await runTraining(stopped, config, small.data, { resume: true });
    await runTraining(unwatched, watching(config, 'nothing'), small.data);
    expect(await remains(stopped)).toEqual(await remains(whole));
    expect(await remains(unwatched)).toEqual(await remains(whole));
    const file = await readFile(runFiles.layers(stopped));
    expect(file.equals(await readFile(runFiles.layers(whole)))).toBe(true);
    expect(valuesOf(rest, 'epoch/gradientNorm').at(-1)).toBe(valuesOf(reported, 'epoch/gradientNorm').at(-1));
    await expect(readFile(runFiles.layers(unwatched))).rejects.toThrow('ENOENT');
  });

  test('have their gradient handed out by the steps that are looked at, and by no others', async () => {
    const folder = await newFolder(small, 'apart');
    const runtime = new NotedRuntime();
    const config = watching(smallConfig({ batchSize: 4, phases: [phase({ epochs: 2 })] }), 'norms');
    await runTraining(folder, config, small.data, { runtime });
    // Ten steps an epoch, of which 2, 5, 7 and 10 are looked at.
    expect(runtime.trained.filter(({ shows }) => shows).map(({ steps }) => steps)).toEqual(Array(8).fill(1));
    expect(runtime.trained.reduce((sum, { steps }) => sum + steps, 0)).toBe(20);
    expect(looksApart('cpu', { inputShape: [3, 512, 512] }, 2)).toBe(false);
  });

  test('a frozen one has no gradient', async () => {
    const folder = await newFolder(small, 'frozen');
    const phases = [phase({ epochs: 1, freeze: ['conv1'] })];
    await runTraining(folder, watching(smallConfig({ phases }), 'norms'), small.data);
    const { tensors, gradientNorms, weightNorms } = await readLayerNorms(runFiles.layers(folder));
    tensors.forEach(({ name }, i) => {
      expect(Number.isNaN(gradientNorms[i])).toBe(name.startsWith('conv1.'));
      expect(weightNorms[i]).toBeGreaterThan(0);
    });
  });
});

describe('the file of layers', () => {
  test('forgets epochs that come again and what is not whole, and a damaged one is begun anew', async () => {
    const folder = await newFolder(small, 'file');
    const config = watching(smallConfig({ phases: [phase({ epochs: 2 })] }), 'norms');
    await runTraining(folder, config, small.data);
    const file = runFiles.layers(folder);
    const whole = await readFile(file);
    await appendFile(file, new Uint8Array(5));
    expect([...(await readLayerNorms(file)).epochs]).toEqual([1, 2]);
    await truncate(file, whole.length - 1);
    expect([...(await readLayerNorms(file)).epochs]).toEqual([1]);
    await truncate(file, 10);
    await expect(readLayerNorms(file)).rejects.toThrow('is damaged');
    await runTraining(folder, config, small.data);
    expect((await readFile(file)).equals(whole)).toBe(true);
  });
});

test('a few updates of an epoch are looked at, the last one always', async () => {
  const folder = await newFolder(small, 'looks');
  const plan = { parameters: [], buffers: [], inputShape: [1, 4, 4], nodes: [], outputs: [] };
  const looks = async (stepsPerEpoch: number, accumulation: number): Promise<number[]> => {
    const config = { accumulation, monitoring: { historyMegabytes: 0, layers: 'norms' as const } };
    const watch = (await LayerWatch.open({ folder, config, plan: plan as never, epochsDone: 0 }))!;
    const found: number[] = [];
    for (let at = 0; Number.isFinite(at); found.push(at)) {
      at += watch.stepsUntilLook(at, stepsPerEpoch);
      if (!Number.isFinite(at)) break;
    }
    return found;
  };
  expect(await looks(100, 1)).toEqual([25, 50, 75, 100]);
  expect(await looks(3, 1)).toEqual([1, 2, 3]);
  expect(await looks(10, 3)).toEqual([3, 6, 9, 10]);
});
