/** Evaluation graphs: batch norm inside of convolutions, and blocked layouts from one convolution to the next. */
import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../../src-main/engine/data/random.ts';
import { sizeOf, tensor, type Graph, type Tensor, type Value } from '../../src-main/engine/graph/types.ts';
import { verify } from '../../src-main/engine/graph/verify.ts';
import { buildNetwork, planNetwork, type LayerSpec } from '../../src-main/engine/nn/network.ts';
import { newGraph, opRules } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { foldIntoConvolutions } from '../../src-main/engine/passes/inference.ts';
import { removeDeadNodes } from '../../src-main/engine/passes/simplify.ts';
import { findChannelBlock } from '../helpers/channel-block.ts';
import { numbersOf, relativeError, runGraph, runtime } from '../helpers/engine-run.ts';

const channelBlock = await findChannelBlock();
afterAll(() => expect(runtime.liveSessions).toBe(0));

const conv = (path: string, outChannels: number): LayerSpec => ({
  kind: 'conv2d',
  path,
  outChannels,
  kernel: 3,
  stride: 1,
  padding: 1,
  bias: false,
});

/** Two convolutions with a shortcut, side by side with their input, and one more behind. */
const layers: readonly LayerSpec[] = [
  conv('conv1', 16),
  { kind: 'batchNorm', path: 'norm1' },
  { kind: 'silu', path: 'act1' },
  conv('conv2', 16),
  { kind: 'batchNorm', path: 'norm2' },
  { kind: 'relu', path: 'act2' },
  { kind: 'add', path: 'sum', from: ['act1', 'act2'] },
  { kind: 'concat', path: 'both', from: ['act1', 'sum'] },
  { kind: 'conv2d', path: 'conv3', outChannels: 32, kernel: 3, stride: 1, padding: 1 },
  { kind: 'batchNorm', path: 'norm3' },
];

function network(): { graph: Graph; feeds: Record<string, Tensor> } {
  const plan = planNetwork(layers, [3, 8, 8]);
  const g = newGraph('network');
  const random = Random.derive(5, 'inference');
  const pixels = Uint8Array.from({ length: 2 * 3 * 8 * 8 }, () => random.below(256));
  const feeds: Record<string, Tensor> = { images: { dataType: 'uint8', shape: [2, 3, 8, 8], data: pixels } };
  const inputs = new Map<string, Value>();
  for (const { name, shape } of [...plan.parameters, ...plan.buffers]) {
    const isVariance = name.endsWith('running_var');
    const values = Array.from({ length: sizeOf(shape) }, () => (isVariance ? 0.5 + random.uniform() : random.normal()));
    feeds[name] = tensor('float32', shape, values);
    inputs.set(name, g.input(name, 'float32', shape));
  }
  const [output] = buildNetwork(
    plan,
    g,
    { bytes: g.input('images', 'uint8', [2, 3, 8, 8]), preprocessing: { range: [0, 1], mean: 0, std: 1 } },
    { mode: 'inference', tensor: (name) => inputs.get(name)!, updateBuffer: () => undefined, step: null, seed: 0 },
  );
  g.output(output, 'y');
  return { graph: g.graph, feeds };
}

const count = ({ nodes }: Graph, opType: string): number => nodes.filter((node) => node.opType === opType).length;

describe('a network that is only evaluated', () => {
  test.each([null, channelBlock])('gives the same numbers in blocks of %s', async (block) => {
    const { graph, feeds } = network();
    const inferred = optimise(graph, { channelBlock: block, forInference: true });
    const expected = numbersOf(await runGraph(optimise(graph), feeds), 'y');
    expect(relativeError(numbersOf(await runGraph(inferred, feeds), 'y'), expected)).toBeLessThan(1e-5);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(1);
  });

  test.skipIf(!channelBlock)('comes back to the plain layout once, at its end', () => {
    const { graph } = network();
    expect(count(optimise(graph, { channelBlock }), 'ReorderOutput')).toBe(3);
    expect(count(optimise(graph, { channelBlock, forInference: true }), 'ReorderOutput')).toBe(1);
  });
});

describe('what goes into a convolution', () => {
  const scaled = (readTwice: boolean, vectorShape: readonly number[]): Graph => {
    const g = newGraph('scaled');
    const attributes = { kernel_shape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };
    const y = g.op('Conv', [g.input('x', 'float32', [1, 2, 3, 3]), g.input('w', 'float32', [2, 2, 1, 1])], attributes);
    g.output(g.add(g.mul(y, g.input('s', 'float32', vectorShape)), g.input('o', 'float32', [1, 2, 1, 1])), 'y');
    if (readTwice) g.output(g.op('Relu', [y]), 'other');
    return g.graph;
  };
  const left = (graph: Graph): number => {
    const folded = removeDeadNodes(foldIntoConvolutions(graph));
    verify(folded, opRules);
    return folded.nodes.filter(({ opType, outputs }) => /Mul|Add/.test(opType) && outputs[0]!.shape[2] === 3).length;
  };

  test('is what each channel is multiplied by and what is added to it', () => {
    expect(left(scaled(false, [1, 2, 1, 1]))).toBe(0);
  });

  test('is nothing where somebody else reads the convolution, or where it is no vector over channels', () => {
    expect(left(scaled(true, [1, 2, 1, 1]))).toBe(2);
    expect(left(scaled(false, [1, 1, 3, 3]))).toBe(2);
  });
});
