/** The check of a device: what it compares, how it judges, and that it finds a device that computes wrong numbers. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { Device } from '../../src-main/contract/model/run.ts';
import type { Graph, Tensor } from '../../src-main/engine/graph/types.ts';
import { readModel } from '../../src-main/engine/graph/onnx-model.ts';
import { tensor } from '../../src-main/engine/graph/types.ts';
import { elementTypes } from '../../src-main/engine/onnx/facts.ts';
import { opRules } from '../../src-main/engine/ops/index.ts';
import type { Runtime, Session, SessionOptions } from '../../src-main/engine/runtime/runtime.ts';
import { checkDevice, checkParity, relativeError } from '../../src-main/engine/train/device-check.ts';
import {
  buildExampleStep,
  exampleFeeds,
  exampleNetwork,
  exampleNetworks,
} from '../../src-main/engine/train/example-step.ts';
import { loopFeeds, loopOfSteps } from '../../src-main/engine/train/example-loop.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { numbersOf, runGraph, runtime } from '../helpers/engine-run.ts';

vi.setConfig({ testTimeout: 120_000 });
afterEach(() => expect(runtime.liveSessions).toBe(0));

/** The CPU under another name, whose results `spoil` may change. */
function deviceOnCpu(spoil: (results: Record<string, Tensor>) => void): Runtime {
  return {
    description: 'test 1.0',
    liveSessions: 0,
    async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
      const session = await runtime.createSession(model, { ...options, device: 'cpu' });
      if (options.device === 'cpu') return session;
      return {
        readKept: () => session.readKept(),
        release: () => session.release(),
        run: async (feeds, into) => {
          const results = await session.run(feeds, into);
          spoil(results);
          return results;
        },
      };
    },
  };
}

/** The runtime, and a clock by which each of its runs takes so long, however long it takes here. */
function timed(inner: Runtime, runMs: (device: Device) => number) {
  let timeMs = 0;
  const timedRuntime: Runtime = {
    ...inner,
    async createSession(model, options) {
      const session = await inner.createSession(model, options);
      return {
        readKept: () => session.readKept(),
        release: () => session.release(),
        run: (feeds, into) => {
          timeMs += runMs(options.device);
          return session.run(feeds, into);
        },
      };
    },
  };
  return { runtime: timedRuntime, clock: { now: () => timeMs } };
}

/** Whether something in the graph is cast to float16. */
const toHalf = (graph: Graph): boolean =>
  graph.nodes.some(({ opType, attributes: { to, body } }) =>
    opType === 'Loop' ? toHalf(body as Graph) : opType === 'Cast' && to === elementTypes.float16,
  );

describe('an example step', () => {
  test('is there for every network of the zoo, with PyTorch’s parameter counts', () => {
    const counts = exampleNetworks.map(({ name, size, plan }) => {
      const { parameters } = plan(size);
      return [name, parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)];
    });
    expect(Object.fromEntries(counts)).toMatchObject({ lenet5: 62_006, yolov8n: 3_157_200 });
    expect(new Set(exampleNetworks.map(({ name }) => name)).size).toBe(exampleNetworks.length);
  });

  test('has the gradient of its loss: a step against it lowers the loss', async () => {
    const step = buildExampleStep(exampleNetwork('lenet5'), { batchSize: 4 });
    const graph = optimise(step.graph);
    const feeds = exampleFeeds(step, 5);
    const before = await runGraph(graph, feeds);
    const gradient = numbersOf(before, 'gradient');
    const squared = gradient.reduce((sum, g) => sum + g * g, 0);
    const rate = 1e-4;
    const moved = (feeds['parameters']!.data as Float32Array).map((p, i) => p - rate * gradient[i]!);
    const after = await runGraph(graph, { ...feeds, parameters: { ...feeds['parameters']!, data: moved } });
    const drop = numbersOf(before, 'loss')[0]! - numbersOf(after, 'loss')[0]!;
    expect(drop / (rate * squared)).toBeCloseTo(1, 1);
  });
});

describe('example steps in a row', () => {
  test('are each a step from the weights of the one before', async () => {
    const step = buildExampleStep(exampleNetwork('lenet5-bn'), { batchSize: 4 });
    const feeds = exampleFeeds(step, 5);
    const once = optimise(step.graph);
    const first = await runGraph(once, feeds);
    const second = await runGraph(once, {
      ...feeds,
      step: tensor('int64', [], [1]),
      parameters: first['parametersNext']!,
      buffers: first['buffersNext']!,
    });
    const both = await runGraph(optimise(loopOfSteps(step.graph, 3)), loopFeeds(feeds, 2));
    expect(numbersOf(both, 'losses')).toEqual([first, second].flatMap((results) => numbersOf(results, 'loss')));
    expect(numbersOf(both, 'parametersAfter')).toEqual(numbersOf(second, 'parametersNext'));
    expect(numbersOf(both, 'buffersAfter')).toEqual(numbersOf(second, 'buffersNext'));
  });
});

describe('a comparison', () => {
  const network = exampleNetwork('lenet5');
  const shape = { batchSize: 8 };

  test('of the CPU with itself finds no difference that matters', async () => {
    const row = await checkParity(runtime, 'cpu', network, shape);
    expect(row).toMatchObject({ name: 'LeNet-5, one step', passed: true, note: null });
    expect(row.error).toBeLessThan(1e-5);
  });

  test.each([
    ['one wrong gradient', ({ gradient }: Record<string, Tensor>) => void ((gradient!.data as Float32Array)[7]! += 1)],
    ['NaN', ({ gradient }: Record<string, Tensor>) => void ((gradient!.data as Float32Array)[7] = NaN)],
    [
      'weights that did not move',
      (results: Record<string, Tensor>) => void (results['parametersNext'] = tensor('float32', [1], [0])),
    ],
  ])('finds %s', async (_what, spoil) => {
    const row = await checkParity(deviceOnCpu(spoil), 'webgpu', network, shape);
    expect(row.passed).toBe(false);
    expect(row.error).toBeGreaterThan(row.tolerance);
  });

  test('that cannot be made keeps the provider’s words', async () => {
    const failing: Runtime = {
      ...deviceOnCpu(() => undefined),
      createSession: (model, options) =>
        options.device === 'cpu'
          ? runtime.createSession(model, options)
          : Promise.reject(new FoveaError('unsupported', 'No.', { providerError: 'No adapter' })),
    };
    const row = await checkParity(failing, 'webgpu', network, shape);
    expect(row).toMatchObject({ error: null, passed: false, note: 'No adapter' });
  });

  test('is relative to the largest value', () => {
    const [a, b] = [tensor('float32', [2], [100, 1]), tensor('float32', [2], [100, 2])];
    expect(relativeError(a, b)).toBeCloseTo(0.01, 6);
    expect(relativeError(tensor('float32', [1], [1]), b)).toBe(Infinity);
    expect(relativeError(undefined, b)).toBe(Infinity);
    expect(relativeError(tensor('float32', [1], [0.5]), tensor('float32', [1], [0]))).toBe(0.5);
  });
});

describe('a check', () => {
  const check = async (device: Device, onRuntime: Runtime, runMs = { cpu: 250, device: 250 }) => {
    const steps: [string, number, number][] = [];
    const { runtime: timedRuntime, clock } = timed(onRuntime, (on) => (on === 'cpu' ? runMs.cpu : runMs.device));
    const report = await checkDevice(timedRuntime, device, (...step) => void steps.push(step), clock);
    return { report, steps };
  };
  const right = deviceOnCpu(() => undefined);

  test('of a device that is right says so, and how far it is on the way', async () => {
    const { report, steps } = await check('webgpu', right, { cpu: 200, device: 100 });
    expect(report.parity.filter(({ passed }) => !passed)).toEqual([]);
    expect(report.parity.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Convolution 3×3, stride 2, one step', 'YOLOv8n, one step']),
    );
    expect(report).toMatchObject({ runtime: 'test 1.0', verdict: 'slow' });
    expect(report.advice).toContain('computes the same numbers as the CPU but trains LeNet-5 at 0.5 times its speed');
    // Four steps of 64 images, which are a run each on WebGPU and one together on the CPU; eight products of 2 · 512³ operations.
    const [images, products] = [4 * 64, (8 * 2 * 512 ** 3) / 1e9];
    const speed = (name: string, unit: string, value: number, cpuValue: number) => {
      return { name, unit, value: expect.closeTo(value, 6), cpuValue: expect.closeTo(cpuValue, 6) };
    };
    expect(report.speed).toEqual([
      speed('LeNet-5, batches of 64', 'images/s', images / 0.4, images / 0.2),
      speed('LeNet-5, batches of 64, in mixed precision', 'images/s', images / 0.4, images / 0.2),
      speed('Matrix products', 'GFLOP/s', products / 0.1, products / 0.2),
    ]);
    expect(steps[0]).toEqual(['comparing Convolution 3×3, one step', 0, report.parity.length + 3]);
    expect(steps.at(-1)).toEqual(['Done', report.parity.length + 3, report.parity.length + 3]);
    expect(steps.map(([, done]) => done)).toEqual(steps.map((_, i) => i));
    expect(report.advice).toMatch(/Mixed precision is right on it/);
  });

  test('of one that is faster says how much', async () => {
    const { report } = await check('webgpu', right, { cpu: 600, device: 50 });
    expect(report.verdict).toBe('good');
    expect(report.advice).toContain('trains LeNet-5 3.0 times as fast');
  });

  test('of one that is wrong warns, and names what is wrong', async () => {
    const spoiled = deviceOnCpu(({ gradient }) => {
      if (gradient?.data.length === 62_006) (gradient.data as Float32Array)[0]! += 1;
    });
    const { report } = await check('cuda', spoiled);
    expect(report.verdict).toBe('wrong');
    expect(report.advice).toBe('Do not train on it. It computes other numbers than the CPU: LeNet-5, one step.');
  });

  test('of one that cannot compute in half precision advises against that only', async () => {
    const { report } = await check('dml', {
      ...right,
      createSession: (model, options) =>
        options.device === 'dml' && toHalf(readModel(model, opRules.inferOutputs).graph)
          ? Promise.reject(new FoveaError('unsupported', 'No.', { providerError: 'No float16' }))
          : right.createSession(model, options),
    });
    expect(report.verdict).not.toBe('wrong');
    expect(report.advice).toContain('Use float32: mixed precision cannot run on it (LeNet-5, one step');
  });
});
