/**
 * Runs that start from weights: what is loaded, what is recorded, that a resumed run ends with the same bytes, and that
 * batch norms which a file has folded away are made again without changing what the network computes.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sizeOf } from '../../src-main/engine/graph/types.ts';
import type { NetworkPlan } from '../../src-main/engine/nn/network.ts';
import { initialise, type NamedTensors } from '../../src-main/engine/nn/parameters.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { readProvenance, startWeights, type StartFile } from '../../src-main/engine/train/start-weights.ts';
import { weightTargets } from '../../src-main/engine/train/weight-targets.ts';
import { hashFile } from '../../src-main/engine/weights/file-hash.ts';
import { readSafetensors, writeSafetensors, type Tensor } from '../../src-main/engine/weights/safetensors.ts';
import { modelSpec, planModel } from '../../src-main/engine/zoo/registry.ts';
import { relativeError, runtime } from '../helpers/engine-run.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { infer } from '../helpers/infer-network.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';
import { makeSmallData, remains, runTraining, type SmallData } from '../helpers/training-run.ts';

let small: SmallData;
beforeAll(async () => {
  small = await makeSmallData({ train: 48, test: 16, channels: 3, side: 32 });
});
afterAll(async () => {
  await small.dispose();
  expect(runtime.liveSessions).toBe(0);
});

async function newFolder(name: string): Promise<string> {
  const folder = join(small.folder, name);
  await mkdir(folder);
  return folder;
}

async function startFrom(
  path: string,
  known: StartFile['known'] = { padding: null, scaling: null },
): Promise<StartFile> {
  return { label: 'a file', path, sha256: await hashFile(path, 'sha256'), known };
}

const config = smallConfig({ phases: [phase({ epochs: 1 })] }, { batchNorm: true, dropout: 0.2 });
let first: string;
beforeAll(async () => {
  first = await newFolder('first');
  await runTraining(first, config, small.data);
});

describe('a run from scratch', () => {
  test('records that nothing was loaded', async () => {
    const provenance = await readProvenance(first);
    expect(provenance).toMatchObject({ file: null, calibration: null, fit: { loaded: 0, naming: null } });
    expect(provenance!.fit.fresh.length).toBe(provenance!.fit.total);
  });

  test('of which nothing is recorded has none', async () => {
    expect(await readProvenance(await newFolder('unknown'))).toBeNull();
  });
});

describe('a run from another run', () => {
  const next = { ...config, seed: 9 };

  test('begins with the weights of the other, and says so', async () => {
    const folder = await newFolder('next');
    const start = await startFrom(runFiles.checkpoint(first, 'best'));
    const still = { ...next, phases: [phase({ epochs: 1, learningRate: 1e-12 })] };
    const { logs } = await runTraining(folder, still, small.data, { start });
    const provenance = await readProvenance(folder);
    expect(provenance).toMatchObject({
      file: { path: start.path, sha256: start.sha256 },
      fit: { naming: 'Fovea', fresh: [], unused: expect.any(Number) as number },
    });
    expect(provenance!.fit.loaded).toBe(provenance!.fit.total);
    expect(logs.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^Starts from a file .*: all \d+ tensors loaded\.$/),
    );
    const [before, after] = await Promise.all(
      [start.path, runFiles.checkpoint(folder, 'last')].map((file) => readSafetensors(file)),
    );
    for (const name of ['conv1.weight', 'fc3.bias'])
      expect(
        relativeError(after!.tensors.get(name)!.data as Float32Array, before!.tensors.get(name)!.data as Float32Array),
      ).toBeLessThan(1e-6);
  });

  test('stopped and resumed ends with the same bytes', async () => {
    const start = await startFrom(runFiles.checkpoint(first, 'last'));
    const [whole, cut] = [await newFolder('whole'), await newFolder('cut')];
    await runTraining(whole, next, small.data, { start });
    const stopped = await runTraining(cut, next, small.data, {
      start,
      onProgress: ({ step }, cancel) => step >= 1 && cancel(),
    });
    expect(stopped.outcome.kind).toBe('cancelled');
    await runTraining(cut, next, small.data, { start, resume: true });
    expect(await remains(cut)).toEqual(await remains(whole));
    expect(await readFile(runFiles.provenance(cut), 'utf8')).toBe(await readFile(runFiles.provenance(whole), 'utf8'));
  });

  test('trains on the same images in the same order as its twin from scratch', async () => {
    const start = await startFrom(runFiles.checkpoint(first, 'last'));
    const [fresh, pretrained] = [await newFolder('fresh'), await newFolder('pretrained')];
    const seen = [];
    for (const [folder, options] of [
      [fresh, {}],
      [pretrained, { start }],
    ] as const) {
      const order: unknown[] = [];
      await runTraining(folder, next, small.data, { ...options, runtime: recording(order) });
      seen.push(order);
    }
    expect(seen[0]!.length).toBeGreaterThan(0);
    expect(seen[1]).toEqual(seen[0]);
    expect(await remains(pretrained)).not.toEqual(await remains(fresh));
  });

  test('loads what fits another number of classes', async () => {
    const folder = await newFolder('fewer');
    const start = await startFrom(runFiles.checkpoint(first, 'last'));
    const data = { ...small.data, categories: ['a', 'b', 'c'] };
    const labels = (split: typeof data.train) => ({ ...split, labels: split.labels.map((label) => label % 3) });
    await runTraining(
      folder,
      next,
      { ...data, train: labels(data.train), evaluation: labels(data.evaluation) },
      { start },
    );
    expect((await readProvenance(folder))!.fit.fresh).toEqual([
      { name: 'fc3.weight', reason: 'shape', fileShape: [10, 84] },
      { name: 'fc3.bias', reason: 'shape', fileShape: [10] },
    ]);
  });
});

describe('a file that cannot be used', () => {
  test('because it has changed', async () => {
    const path = join(small.folder, 'changing.safetensors');
    await writeSafetensors(path, new Map([['conv1.bias', { dtype: 'F32', shape: [6], data: new Float32Array(6) }]]));
    const start = await startFrom(path);
    await writeSafetensors(
      path,
      new Map([['conv1.bias', { dtype: 'F32', shape: [6], data: new Float32Array(6).fill(1) }]]),
    );
    await expect(runTraining(await newFolder('changed'), config, small.data, { start })).rejects.toThrow(
      'it has changed since',
    );
  });

  test('because it is gone', async () => {
    const path = join(small.folder, 'gone.safetensors');
    await writeFile(path, '');
    const start = await startFrom(path);
    await expect(
      runTraining(await newFolder('gone'), config, small.data, { start: { ...start, path: `${path}.not` } }),
    ).rejects.toThrow('cannot be read');
  });

  test('because nothing in it fits', async () => {
    const path = join(small.folder, 'other.safetensors');
    await writeSafetensors(path, new Map([['bert.bias', { dtype: 'F32', shape: [1], data: new Float32Array(1) }]]));
    await expect(
      runTraining(await newFolder('other'), config, small.data, { start: await startFrom(path) }),
    ).rejects.toThrow('No tensor of a file fits this network');
  });
});

/** Remembers which images each training dispatch is fed. */
function recording(order: unknown[]): typeof runtime {
  return new Proxy(runtime, {
    get(target, key) {
      if (key !== 'createSession') return Reflect.get(target, key) as unknown;
      return async (...args: Parameters<typeof runtime.createSession>) => {
        const session = await target.createSession(...args);
        return {
          ...session,
          run: (...[feeds, into]: Parameters<typeof session.run>) => {
            if (feeds['steps']) order.push([...feeds['indices']!.data].map(Number));
            return session.run(feeds, into);
          },
          readKept: () => session.readKept(),
          release: () => session.release(),
        };
      };
    },
  });
}

describe('folded batch norms', () => {
  const { preprocessing } = modelSpec('mobilenet_v2');
  const plan = planModel('mobilenet_v2', { smallImages: true }, [3, 32, 32], 10);

  /** A network whose norms have something to say. */
  function original(): NamedTensors {
    const tensors = initialise(plan.parameters, plan.buffers, 3);
    const random = seededRandom(5);
    for (const { norm } of weightTargets(plan).norms) {
      const fill = (name: string, value: () => number): void =>
        void tensors.set(`${norm}.${name}`, Float32Array.from(tensors.get(`${norm}.${name}`)!, value));
      fill('weight', () => 0.5 + random());
      fill('bias', () => random() - 0.5);
      fill('running_mean', () => 0.2 * (random() - 0.5));
      fill('running_var', () => 0.5 + random());
    }
    return tensors;
  }

  /** γ/√(v + ε)·W, and β − γ·m/√(v + ε) as the convolution's bias. */
  function fold(tensors: NamedTensors): Map<string, Tensor> {
    const { targets, norms } = weightTargets(plan);
    const shapes = new Map(targets.map(({ name, shape }) => [name, shape]));
    const folded = new Map<string, Tensor>();
    for (const [name, data] of tensors) folded.set(name, { dtype: 'F32', shape: shapes.get(name)!, data });
    for (const { conv, norm } of norms) {
      const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((name) =>
        tensors.get(`${norm}.${name}`)!,
      ) as [Float32Array, Float32Array, Float32Array, Float32Array];
      const slope = gamma.map((value, c) => value / Math.sqrt(variance[c]! + 1e-5));
      const weight = tensors.get(`${conv}.weight`)!;
      const perChannel = weight.length / slope.length;
      const shape = shapes.get(`${conv}.weight`)!;
      folded.set(`${conv}.weight`, {
        dtype: 'F32',
        shape,
        data: weight.map((value, i) => value * slope[Math.floor(i / perChannel)]!),
      });
      folded.set(`${conv}.bias`, {
        dtype: 'F32',
        shape: [slope.length],
        data: beta.map((value, c) => value - mean[c]! * slope[c]!),
      });
      for (const name of ['weight', 'bias', 'running_mean', 'running_var']) folded.delete(`${norm}.${name}`);
    }
    return folded;
  }

  test('are rebuilt so that the network computes what it computed', async () => {
    const tensors = original();
    const path = join(small.folder, 'folded.safetensors');
    await writeSafetensors(path, fold(tensors));
    const started = await startWeights({
      file: await startFrom(path),
      plan,
      preprocessing,
      config: { seed: 1, device: 'cpu' },
      data: small.data,
      runtime,
      threads: 1,
      signal: new AbortController().signal,
    });
    const { fit, calibration } = started.provenance;
    expect(fit).toMatchObject({ rebuiltNorms: 52, loaded: fit.total, unused: 0 });
    expect(calibration!.images).toBe(48);
    expect(calibration!.difference).toBeLessThan(1e-4);
    const [before, after] = [await scoresOf(plan, tensors), await scoresOf(plan, started.tensors)];
    expect(relativeError(after, before)).toBeLessThan(1e-4);
    // And their statistics are those of the images: the first norm's output has its own weight as deviation.
    const variance = started.tensors.get('features.0.1.running_var')!;
    const weight = started.tensors.get('features.0.1.weight')!;
    expect(
      relativeError(
        weight.map((value) => value * value),
        variance.map((value) => value + 1e-5),
      ),
    ).toBeLessThan(1e-5);
    expect(variance.every((value) => value < 0.9)).toBe(true);
  });

  test('a norm that was trained with another ε keeps what it computes', async () => {
    const tensors = original();
    const shapes = new Map(weightTargets(plan).targets.map(({ name, shape }) => [name, shape]));
    const path = join(small.folder, 'other-epsilon.safetensors');
    // As if they were weights for ε = 0.3: with our 1e-5 each norm's weight must grow less.
    await writeSafetensors(
      path,
      new Map([...tensors].map(([name, data]) => [name, { dtype: 'F32', shape: shapes.get(name)!, data }])),
    );
    const shared = {
      plan,
      preprocessing,
      config: { seed: 1, device: 'cpu' as const },
      data: small.data,
      runtime,
      threads: 1,
    };
    const { tensors: loaded } = await startWeights({
      ...shared,
      file: await startFrom(path, { padding: null, scaling: null, normEpsilon: 0.3 }),
      signal: new AbortController().signal,
    });
    const [weight, variance] = ['weight', 'running_var'].map((name) => tensors.get(`features.0.1.${name}`)!) as [
      Float32Array,
      Float32Array,
    ];
    const wanted = weight.map((value, c) => value / Math.sqrt(variance[c]! + 0.3));
    const got = loaded.get('features.0.1.weight')!.map((value, c) => value / Math.sqrt(variance[c]! + 1e-5));
    expect(relativeError(got, wanted)).toBeLessThan(1e-6);
  });

  /** Scores of eight images. */
  async function scoresOf(network: NetworkPlan, tensors: NamedTensors): Promise<number[]> {
    const random = seededRandom(77);
    const images = Uint8Array.from({ length: 8 * sizeOf(network.inputShape) }, () => Math.floor(random() * 256));
    const [scores] = await infer(network, tensors, preprocessing, images);
    return Array.from(scores!.data, Number);
  }
});
