/** Which nodes compute in half precision, how few casts that takes, and how far the gradients of whole steps move. */
import { afterAll, describe, expect, test, vi } from 'vitest';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { tensor, type Graph, type Node, type Value } from '../../src-main/engine/graph/types.ts';
import { planNetwork, type LayerSpec } from '../../src-main/engine/nn/network.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { withHalfWeights } from '../../src-main/engine/train/device-check.ts';
import { describeNodes } from '../../src-main/engine/train/inspect-step.ts';
import {
  buildExampleStep,
  exampleFeeds,
  exampleNetwork,
  type ExampleNetwork,
} from '../../src-main/engine/train/example-step.ts';
import { yolov8 } from '../../src-main/engine/zoo/yolov8.ts';
import { floats, numbersOf, relativeError, runGraph, runtime, type Feeds } from '../helpers/engine-run.ts';
import { emulateHalf } from '../helpers/half-emulation.ts';

vi.setConfig({ testTimeout: 120_000 });

const mixed = (graph: Graph): Graph => optimise(graph, { precision: 'mixed' });

function graphOf(build: (g: Builder) => Record<string, Value>): Graph {
  const g = newGraph('case');
  for (const [name, value] of Object.entries(build(g))) g.output(value, name);
  return g.graph;
}

/** "MatMul float16" for each node, casts left out. */
const computed = ({ nodes }: Graph): string[] =>
  nodes
    .filter(({ opType }) => opType !== 'Cast')
    .map(({ opType, inputs }) => `${opType} ${inputs.find((input) => input && input.dataType !== 'bool')!.dataType}`);

const castsOf = ({ nodes }: Graph): Node[] => nodes.filter(({ opType }) => opType === 'Cast');

/** Casts that read a cast, or what another cast reads and makes too. */
function needlessCasts(graph: Graph): string[] {
  const casts = castsOf(graph);
  const made = new Map(casts.map((node) => [node.outputs[0]!.name, node]));
  const seen = new Set<string>();
  return casts.flatMap(({ name, inputs: [source], outputs: [to] }) => {
    const key = `${source!.name} ${to!.dataType}`;
    const needless = made.has(source!.name) || seen.has(key);
    seen.add(key);
    return needless ? [name] : [];
  });
}

describe('a graph', () => {
  const x = (g: Builder): Value => g.input('x', 'float32', [4, 8]);

  test('multiplies in half, with the chain behind it, and sums in single', () => {
    const graph = graphOf((g) => {
      const product = g.op('Relu', [g.matmul(x(g), g.input('w', 'float32', [8, 3]))]);
      return { y: g.mul(product, product), sum: g.reduceSum(product, [0]) };
    });
    const after = mixed(graph);
    expect(computed(after)).toEqual(['MatMul float16', 'Relu float16', 'Mul float16', 'ReduceSum float32']);
    expect(after.outputs.map(({ dataType }) => dataType)).toEqual(['float32', 'float32']);
    // Two inputs down; the product for the sum and the square for the output up.
    expect(castsOf(after)).toHaveLength(4);
    expect(needlessCasts(after)).toEqual([]);
  });

  test('without a product stays as it is, and so does one in float32', () => {
    const chain = graphOf((g) => ({ y: g.op('Relu', [g.add(x(g), g.float(1))]) }));
    expect(mixed(chain)).toEqual(optimise(chain));
    const product = graphOf((g) => ({ y: g.matmul(x(g), g.input('w', 'float32', [8, 3])) }));
    expect(optimise(product, { precision: 'float32' })).toEqual(optimise(product));
  });

  test.each<[string, (g: Builder, half: Value) => Value, string]>([
    ['the exponential', (g, half) => g.op('Exp', [half]), 'Exp float32'],
    ['the softmax', (g, half) => g.op('LogSoftmax', [half], { axis: 1 }), 'LogSoftmax float32'],
    ['squares that only a sum reads', (g, half) => g.reduceSum(g.mul(half, half), [1]), 'Mul float32'],
    ['a number that half precision does not have', (g, half) => g.add(half, g.float(1e-8)), 'Add float32'],
    ['one that it has', (g, half) => g.add(half, g.float(0.5)), 'Add float16'],
    ['a vector', (g, half) => g.add(g.reshape(half, [12]), g.float(0.5)), 'Add float32'],
    ['the loss', (g, half) => g.scope('loss', () => g.neg(half)), 'Neg float32'],
    ['its gradient', (g, half) => g.scope('gradient/loss/Neg_1', () => g.neg(half)), 'Neg float32'],
    [
      'products in the loss',
      (g, half) => g.scope('loss', () => g.fusedMatMul(half, half, { transB: true })),
      'FusedMatMul float32',
    ],
    ['a layer', (g, half) => g.scope('conv1', () => g.neg(half)), 'Neg float16'],
  ])('%s', (_what, build, expected) => {
    const graph = graphOf((g) => ({ y: build(g, g.matmul(x(g), g.input('w', 'float32', [8, 3]))) }));
    expect(computed(mixed(graph))).toContain(expected);
  });

  test('sums of rows times columns are no products: they leave the range of half precision', () => {
    const graph = graphOf((g) => {
      const half = g.matmul(x(g), g.input('w', 'float32', [8, 3]));
      const rows = g.reshape(half, [4, 1, 3]);
      return { y: g.fusedMatMul(rows, rows, { transB: true }) };
    });
    expect(computed(mixed(graph))).toContain('FusedMatMul float32');
  });

  test('cuts weights out of one half copy of their vector, and a mask becomes half at once', () => {
    const graph = graphOf((g) => {
      const flat = g.input('parameters', 'float32', [8 * 3 + 3 * 2 + 2]);
      const [first, second, bias] = g.split(flat, [24, 6, 2], 0);
      const hidden = g.matmul(x(g), g.reshape(first!, [8, 3]));
      const mask = g.cast(g.op('Greater', [hidden, g.float(0)]), 'float32');
      const y = g.matmul(g.mul(hidden, mask), g.reshape(second!, [3, 2]));
      return { y: g.add(y, g.reshape(bias!, [1, 2])) };
    });
    const casts = castsOf(mixed(graph)).map(({ inputs: [from], outputs: [to] }) => [from!.dataType, to!.shape.length]);
    // x and the vector; the mask; the result; the constant 0.
    expect(casts.filter(([from]) => from === 'float32')).toEqual(
      expect.arrayContaining([
        ['float32', 1],
        ['float32', 2],
      ]),
    );
    expect(casts.filter(([, rank]) => rank === 1)).toHaveLength(1);
    expect(casts.filter(([from]) => from === 'bool')).toEqual([['bool', 2]]);
    expect(needlessCasts(mixed(graph))).toEqual([]);
  });

  test('keeps ten bits behind the point', async () => {
    const graph = graphOf((g) => ({ y: g.matmul(x(g), g.input('w', 'float32', [8, 3])) }));
    const row = [1 + 2 ** -12, 0, 0, 0, 0, 0, 0, 0];
    const feeds = { x: floats([4, 8], [row, row, row, row].flat()), w: floats([8, 3], new Array<number>(24).fill(1)) };
    expect(numbersOf(await runGraph(emulateHalf(mixed(graph)), feeds), 'y')[0]).toBe(1);
    expect(numbersOf(await runGraph(optimise(graph), feeds), 'y')[0]).toBe(1 + 2 ** -12);
  });
});

test('half numbers can be looked at, and the first bad one is found among them', async () => {
  const graph = mixed(
    graphOf((g) => {
      const product = g.matmul(g.input('x', 'float32', [2, 2]), g.input('w', 'float32', [2, 2]));
      return { y: g.op('Relu', [g.op('Relu', [product])]) };
    }),
  );
  const look = async (x: number[]): Promise<string[]> => {
    const lines: string[] = [];
    const feeds = { x: floats([2, 2], x), w: floats([2, 2], [1, 0, 0, 1]) };
    await describeNodes({ runtime, device: 'cpu', graph, feeds, step: 0 }, (line) => lines.push(line));
    return lines;
  };
  expect(await look([1, -2, 3, 0.5])).toContainEqual(
    expect.stringMatching(/MatMul \[2, 2\] min -2\.000 max 3\.000 mean 0\.6250$/),
  );
  const overflowing = await look([1, 70_000, 3, 0.5]);
  expect(overflowing.find((line) => line.includes('not finite'))).toMatch(/Cast \[2, 2\] .* 1 not finite ← the first/);
});

test('weights are rounded to half as the test’s measure says', () => {
  const { parameters } = withHalfWeights({ parameters: tensor('float32', [4], [1 + 2 ** -12, -0.3, 0, 1000.4]) });
  expect([...(parameters!.data as Float32Array)]).toEqual([...new Float16Array([1 + 2 ** -12, -0.3, 0, 1000.4])]);
});

const network = (name: string, size: number, layers: readonly LayerSpec[], outputs?: readonly string[]) =>
  ({
    name,
    label: name,
    batchSize: 4,
    size: [size, size],
    plan: ([height, width]) => planNetwork(layers, [3, height, width], outputs),
  }) satisfies ExampleNetwork;

const conv = (path: string, outChannels: number, from?: string | readonly string[], stride = 1): LayerSpec => ({
  kind: 'conv2d',
  path,
  outChannels,
  kernel: 3,
  stride,
  padding: 1,
  ...(from !== undefined && { from: from as string }),
});
const norm = (path: string): LayerSpec => ({ kind: 'batchNorm', path });
const relu = (path: string): LayerSpec => ({ kind: 'relu', path });

/** Down and up once, with what U-Nets have: pooling, upsampling, and a connection past both. */
const smallUnet = network('a small U-Net', 16, [
  conv('encoder', 8),
  norm('encoderNorm'),
  relu('encoderRelu'),
  { kind: 'maxPool2d', path: 'pool', kernel: 2, stride: 2 },
  conv('middle', 16),
  norm('middleNorm'),
  relu('middleRelu'),
  { kind: 'upsample', path: 'up', factor: 2, mode: 'nearest' },
  { kind: 'concat', path: 'joined', from: ['up', 'encoderRelu'] },
  conv('decoder', 8),
  norm('decoderNorm'),
  relu('decoderRelu'),
  { ...conv('head', 2), kernel: 1, padding: 0 } as LayerSpec,
]);

/** The first blocks of YOLOv8n: strided convolutions, batch norm, SiLU and a C2f. */
const yoloStem = (): ExampleNetwork => {
  const { layers } = yolov8('n', 4);
  const until = layers.findIndex(({ path }) => path.startsWith('model.3'));
  return network('the stem of YOLOv8n', 64, layers.slice(0, until));
};

describe('a step’s gradients lie as near float32’s as ten roundings of its weights:', () => {
  const networks: [string, ExampleNetwork][] = [
    ['LeNet-5, the batch innermost', exampleNetwork('lenet5')],
    ['LeNet-5 with batch norm', exampleNetwork('lenet5-bn')],
    ['a small U-Net', smallUnet],
    ['the stem of YOLOv8n', yoloStem()],
  ];

  test.each(networks)('%s', async (_name, example) => {
    const step = buildExampleStep(example, { batchSize: 16 });
    const feeds = exampleFeeds(step, 1);
    const single = optimise(step.graph);
    const half = mixed(step.graph);
    const expected = numbersOf(await runGraph(single, feeds), 'gradient');
    const errorOf = async (graph: Graph, fed: Feeds): Promise<number> =>
      relativeError(numbersOf(await runGraph(graph, fed), 'gradient'), expected);
    const allowed = 10 * (await errorOf(single, withHalfWeights(feeds)));
    const emulated = await errorOf(emulateHalf(half), feeds);
    const real = await errorOf(half, feeds);
    expect(allowed).toBeLessThan(0.8);
    expect(emulated).toBeLessThan(allowed);
    expect(real).toBeLessThan(allowed);
    expect(emulated).toBeLessThan(0.06);
    // It is not float32 in disguise.
    expect(emulated).toBeGreaterThan(1e-4);
  });

  test.each(networks)('no cast of %s is needless', (_name, example) => {
    const graph = mixed(buildExampleStep(example, { batchSize: 4 }).graph);
    expect(needlessCasts(graph)).toEqual([]);
    const convolutions = graph.nodes.filter(({ opType }) => opType === 'Conv' || opType === 'MatMul');
    expect(convolutions.filter(({ outputs }) => outputs[0]!.dataType !== 'float16')).toEqual([]);
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
