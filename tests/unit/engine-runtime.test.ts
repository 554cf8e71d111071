/** The port to onnxruntime: probes, what its failures become, and what a device needs of a graph. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src-main/engine/data/random.ts';
import { isGraph, sizeOf, tensor, type Graph, type Tensor } from '../../src-main/engine/graph/types.ts';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { writeModel } from '../../src-main/engine/graph/onnx-model.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { fitDevice, nodesForCpu } from '../../src-main/engine/passes/fit-device.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { runFailure, sessionFailure } from '../../src-main/engine/runtime/failure.ts';
import { probeDevice } from '../../src-main/engine/runtime/probe.ts';
import type { Session } from '../../src-main/engine/runtime/runtime.ts';
import { buildExampleStep, exampleFeeds, exampleNetwork } from '../../src-main/engine/train/example-step.ts';
import { stateLayout, updateSettings } from '../../src-main/engine/train/state-layout.ts';
import { buildTrainGraph } from '../../src-main/engine/train/step-graph.ts';
import { taskFor } from '../../src-main/engine/train/tasks/index.ts';
import { asLoop, unrollLoop } from '../../src-main/engine/train/unrolled-session.ts';
import { planModel } from '../../src-main/engine/zoo/registry.ts';
import { numbersOf, runGraph, runtime } from '../helpers/engine-run.ts';
import { rejectionOf } from '../helpers/errors.ts';
import { momentum, phase, smallConfig } from '../helpers/run-config.ts';

describe('a probe', () => {
  test('runs something on the device', async () => {
    expect(await probeDevice(runtime, 'cpu')).toEqual({ device: 'cpu', works: true, error: null });
  });

  test('of a device that onnxruntime does not have here gives its words, and never the CPU in its place', async () => {
    const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
    const { works, error } = await probeDevice(runtime, absent);
    expect(works).toBe(false);
    expect(error).toContain('backend not found');
    expect(runtime.liveSessions).toBe(0);
  });

  test.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'of CUDA names the library that is missing, where it is',
    async () => {
      const { works, error } = await probeDevice(runtime, 'cuda');
      if (!works) expect(error).toMatch(/\n.*(cannot open shared object file|no such file|\.so)/i);
    },
  );
});

describe('a failure', () => {
  const onNode = (reason: string): Error =>
    new Error(`Non-zero status code returned while running Conv node. Name:'conv1/Conv_3' Status Message: ${reason}`);

  test('for want of memory says what to lower, however the provider words it', () => {
    const arena = runFailure(
      onNode('bfc_arena.cc:360 Failed to allocate memory for requested buffer of size 2400000000'),
      'cpu',
    );
    expect(arena.code).toBe('out-of-memory');
    expect(arena.message).toBe(
      'The memory of this machine ran out at "conv1/Conv_3", where 2400 MB more were needed. Lower the batch size and raise the number of batches for each update, use smaller images, or close other programs.',
    );
    for (const words of [
      'std::bad_alloc',
      'CUDA failure 2: out of memory ; GPU=0',
      'Available memory of 100 is smaller than requested bytes of 200',
      '80070 E_OUTOFMEMORY: Not enough memory resources are available',
      'Array buffer allocation failed',
    ]) {
      expect(runFailure(onNode(words), 'cuda').code, words).toBe('out-of-memory');
      expect(sessionFailure(new Error(words), 'webgpu', null).code, words).toBe('out-of-memory');
    }
  });

  test('of a device names the node, keeps the provider’s words and says that the run can go on', () => {
    const noHalf = runFailure(onNode('Program Cast requires f16 but the device does not support it.'), 'webgpu');
    expect(noHalf).toMatchObject({
      code: 'unsupported',
      message: 'The device "webgpu" cannot compute in half precision. Choose float32 as the precision.',
    });
    const failure = runFailure(onNode('Device lost'), 'webgpu');
    expect(failure).toMatchObject({
      code: 'device-failed',
      context: { device: 'webgpu', node: 'conv1/Conv_3', opType: 'Conv' },
    });
    expect(failure.message).toMatch(
      /^The device "webgpu" failed at "conv1\/Conv_3": .*Device lost\. The run can go on/,
    );
  });

  test('on the CPU is our own, as is a graph that it refuses', () => {
    expect(runFailure(onNode('bad shape'), 'cpu')).toMatchObject({ code: 'internal' });
    expect(sessionFailure(new Error('no such op'), 'cpu', null).message).toBe(
      'internal: onnxruntime refused the graph: no such op',
    );
    expect(sessionFailure(new Error('no driver'), 'cuda', 'libcuda.so.1')).toMatchObject({
      code: 'unsupported',
      context: { providerError: 'no driver\nlibcuda.so.1' },
    });
  });

  test('of the real allocator is understood', async () => {
    const g = newGraph('huge');
    g.output(g.expand(g.input('x', 'float32', [1]), [100_000, 100_000, 100]), 'y');
    const failure = await rejectionOf(runGraph(g.graph, { x: tensor('float32', [1], [1]) }));
    expect(failure).toMatchObject({ code: 'out-of-memory', context: { node: 'Expand_1' } });
    expect(failure.message).toContain('4000000 MB more were needed');
  });
});

describe('a graph for WebGPU', () => {
  /** All nodes, those in loops too. */
  const nodesOf = (graph: Graph): Graph['nodes'] =>
    graph.nodes.flatMap((node) => {
      const bodies = Object.values(node.attributes).filter((value) => value !== undefined && isGraph(value));
      return [node, ...bodies.flatMap(nodesOf)];
    });
  const pieces = (graph: Graph): number =>
    Math.max(
      ...nodesOf(graph).map(({ opType, inputs, outputs }) =>
        opType === 'Split' ? outputs.length : opType === 'Concat' ? inputs.length : 0,
      ),
    );

  test('splits and concatenates a few pieces at a time, with the same numbers', async () => {
    const step = buildExampleStep(exampleNetwork('lenet5-bn'), { batchSize: 2 });
    const graph = optimise(step.graph);
    const fitted = fitDevice(graph, 'webgpu');
    expect(pieces(graph)).toBeGreaterThan(7);
    expect(pieces(fitted)).toBeLessThanOrEqual(7);
    const feeds = exampleFeeds(step, 3);
    const [expected, actual] = [await runGraph(graph, feeds), await runGraph(fitted, feeds)];
    for (const name of step.results) expect(numbersOf(actual, name), name).toEqual(numbersOf(expected, name));
  });

  test('keeps lengths and order also where pieces differ and there are hundreds', async () => {
    const g = newGraph('pieces');
    const lengths = Array.from({ length: 120 }, (_, i) => 1 + (i % 3));
    const total = lengths.reduce((a, b) => a + b);
    const parts = g.split(g.input('x', 'float32', [total]), lengths, 0);
    parts.forEach((part, i) => i % 40 === 0 && g.output(part, `part${i}`));
    g.output(g.concat([...parts].reverse(), 0), 'reversed');
    // As a pass leaves it that has taken the renaming away.
    const [joined] = g.copy(
      { name: 'join', opType: 'Concat', domain: '', inputs: parts, outputs: [], attributes: { axis: 0 } },
      ['joined'],
    );
    g.graph.outputs.push(joined!);
    const feeds = {
      x: tensor(
        'float32',
        [total],
        Array.from({ length: total }, (_, i) => i),
      ),
    };
    const fitted = fitDevice(g.graph, 'webgpu');
    expect(pieces(fitted)).toBeLessThanOrEqual(7);
    expect(await runGraph(fitted, feeds)).toEqual(await runGraph(g.graph, feeds));
  });

  test('is left as it is for the other devices', () => {
    const graph = optimise(buildExampleStep(exampleNetwork('lenet5-bn'), { batchSize: 2 }).graph);
    for (const device of ['cpu', 'cuda', 'dml', 'coreml'] as const) {
      expect(fitDevice(graph, device)).toBe(graph);
      expect(nodesForCpu(graph, device)).toEqual([]);
    }
  });

  test('leaves to the CPU what the provider cannot do well, in loops too', () => {
    const g = newGraph('pool');
    const attributes = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] };
    const x = g.input('x', 'float32', [1, 1, 4, 4]);
    const [, indices] = g.scope('pool1', () => g.ops('MaxPool', [x], attributes, 2));
    g.output(g.op('MaxPool', [x], attributes), 'plain');
    g.output(indices!, 'indices');
    const body = g.subgraph('body');
    body.input('turn', 'int64', []);
    const goOn = body.input('go', 'bool', []);
    const power = body.op('Pow', [body.input('now', 'float32', [1, 1, 4, 4]), body.float(2)]);
    body.output(goOn, 'again');
    body.output(power, 'next');
    g.output(g.ops('Loop', [g.int(2), g.constant(tensor('bool', [], [1])), x], { body: body.graph }, 1)[0]!, 'powers');
    expect(nodesForCpu(g.graph, 'webgpu')).toEqual([expect.stringMatching(/^pool1\/MaxPool_/), power.name]);
    expect(nodesForCpu(g.graph, 'cuda')).toEqual([]);
    expect(writeModel(g.graph).length).toBeGreaterThan(0);
  });
});

describe('what a session keeps', () => {
  test('goes into the next run by itself, can be read and be replaced', async () => {
    const g = newGraph('running sum');
    const sum = g.input('sum', 'float32', [2]);
    const x = g.input('x', 'float32', [2]);
    g.output(g.add(sum, x), 'sumNext');
    g.output(g.reduceSum(sum, [0]), 'total');
    const floats = (...values: number[]) => tensor('float32', [2], values);
    const options = { device: 'cpu', threads: 1, kept: { sum: 'sumNext' } } as const;
    const session = await runtime.createSession(writeModel(g.graph), options);
    try {
      expect(await session.readKept()).toEqual({});
      const first = await session.run({ sum: floats(1, 2), x: floats(10, 20) });
      expect(Object.keys(first)).toEqual(['total']);
      expect(numbersOf(await session.run({ x: floats(10, 20) }), 'total')).toEqual([33]);
      expect([...(await session.readKept())['sum']!.data]).toEqual([21, 42]);
      expect(numbersOf(await session.run({ sum: floats(5, 5), x: floats(0, 0) }), 'total')).toEqual([10]);
    } finally {
      await session.release();
    }
  });
});

describe('a session that writes all', () => {
  const length = 2 ** 20;
  /** The middle of a longer array of nines. */
  const vector = (value: number): Tensor => ({
    dataType: 'float32',
    shape: [length],
    data: new Float32Array(length + 2).fill(9).subarray(1, -1).fill(value),
  });
  const ends = ({ data }: Tensor): number[] => {
    const whole = new Float32Array(data.buffer as ArrayBuffer);
    return [whole[0]!, whole[1]!, whole.at(-2)!, whole.at(-1)!];
  };
  const open = (g: Builder): Promise<Session> =>
    runtime.createSession(writeModel(g.graph, {}, { stopsCopies: true }), {
      device: 'cpu',
      threads: 1,
      writesAll: true,
    });

  test('writes where it is told, over what it read too, and copies nothing', async () => {
    const g = newGraph('in place');
    const [a, b] = [g.input('a', 'float32', [length]), g.input('b', 'float32', [length])];
    g.output(g.add(a, b), 'sum');
    g.output(g.mul(a, b), 'product');
    const session = await open(g);
    try {
      const [fed, product] = [{ a: vector(2), b: vector(3) }, vector(0)];
      const before = process.memoryUsage().arrayBuffers;
      expect(await session.run(fed, { sum: fed.b, product })).toEqual({});
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * length);
      expect(ends(fed.b)).toEqual([9, 5, 5, 9]);
      expect(ends(product)).toEqual([9, 6, 6, 9]);
    } finally {
      await session.release();
    }
  });

  test('tells of a graph that fails', async () => {
    const g = newGraph('outside');
    g.output(g.gather(g.input('a', 'float32', [length]), g.input('index', 'int64', [])), 'one');
    const session = await open(g);
    try {
      const feeds = { a: vector(1), index: tensor('int64', [], [length]) };
      await expect(session.run(feeds, { one: tensor('float32', [], [0]) })).rejects.toMatchObject({ code: 'internal' });
    } finally {
      await session.release();
    }
  });
});

describe('a training loop without a Loop', () => {
  const training = (): Graph => {
    const config = smallConfig({ phases: [phase({ optimiser: momentum })] });
    const plan = planModel('lenet5', { batchNorm: true, dropout: 0.2 }, [3, 32, 32], 10);
    return buildTrainGraph({
      plan,
      layout: stateLayout(plan, config.phases[0]!),
      update: updateSettings(config, config.phases[0]!),
      preprocessing: { range: [0, 1], mean: 0, std: 1 },
      augmentation: config.augmentation,
      task: taskFor({ config, categoryCount: 10, imageShape: [3, 32, 32] }),
      imageCount: 12,
      batchSize: 4,
      maximumSteps: 3,
      seed: 2,
    });
  };
  const feedsFor = (graph: Graph, steps: number): Record<string, Tensor> =>
    Object.fromEntries(
      graph.inputs.map(({ name, dataType, shape }) => {
        const random = Random.derive(3, name);
        const values = Array.from({ length: sizeOf(shape) }, (_, i) => {
          if (name === 'steps') return steps;
          if (name === 'firstStep') return 7;
          if (name === 'indices') return i % 12;
          if (dataType === 'int64') return random.below(10);
          return dataType === 'uint8' ? random.below(256) : 0.05 + 0.1 * random.uniform();
        });
        return [name, tensor(dataType, shape, values)];
      }),
    );

  test.each([1, 3])('gives the bytes of the one with a Loop after %i steps', async (steps) => {
    const graph = training();
    const feeds = feedsFor(graph, steps);
    const expected = await runGraph(graph, feeds);
    const loop = unrollLoop(graph)!;
    const kept = Object.fromEntries(loop.carried.map(({ input, output }) => [input, output]));
    const options = { device: 'cpu', threads: 1, kept } as const;
    const session = asLoop(await runtime.createSession(writeModel(loop.graph), options), loop);
    try {
      const actual = await session.run(feeds);
      expect(Object.keys(actual).sort()).toEqual(graph.outputs.map(({ name }) => name).sort());
      for (const name of Object.keys(actual)) expect(numbersOf(actual, name), name).toEqual(numbersOf(expected, name));
      expect(actual['losses']!.shape).toEqual([steps]);
      // The state of the first run is not that of the second.
      expect(numbersOf(await session.run(feeds), 'losses')).toEqual(numbersOf(expected, 'losses'));
    } finally {
      await session.release();
    }
    expect(runtime.liveSessions).toBe(0);
  });

  test('is for loops alone', () => {
    expect(unrollLoop(buildExampleStep(exampleNetwork('lenet5'), { batchSize: 1 }).graph)).toBeNull();
  });
});
