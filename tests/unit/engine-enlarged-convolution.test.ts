/** Convolving before enlarging gives what enlarging and convolving gives, gradients included. */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { Random } from '../../src-main/engine/data/random.ts';
import { sizeOf, type Graph, type Shape, type Value } from '../../src-main/engine/graph/types.ts';
import { convolveJoined } from '../../src-main/engine/nn/enlarged-convolution.ts';
import { buildNetwork, planNetwork, type LayerSpec } from '../../src-main/engine/nn/network.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { findChannelBlock } from '../helpers/channel-block.ts';
import { floats, numbersOf, relativeError, runGraph, runtime } from '../helpers/engine-run.ts';

const channelBlock = await findChannelBlock();

interface Case {
  kernel: number;
  outChannels: number;
  /** Channels of what is joined; `null` stands for those of the enlarged image. */
  parts: readonly (number | null)[];
  /** Of the enlarged image. */
  small?: number;
  bias?: boolean;
}
const cases: Record<string, Case> = {
  '3×3, alone': { kernel: 3, outChannels: 4, parts: [null] },
  '3×3, alone, with bias': { kernel: 3, outChannels: 4, parts: [null], bias: true },
  '3×3, in front of two others': { kernel: 3, outChannels: 16, parts: [null, 2, 5], bias: true },
  '3×3, behind another': { kernel: 3, outChannels: 16, parts: [2, null] },
  '3×3, of so many channels that differences pay': {
    kernel: 3,
    outChannels: 32,
    parts: [2, null],
    small: 64,
    bias: true,
  },
  '1×1, in front of another': { kernel: 1, outChannels: 5, parts: [null, 2], bias: true },
};

/** The result and the gradients by everything, of the layer as it is built and as it is defined. */
function graphOf(
  { kernel: k, outChannels: o, parts, small = 3, bias = false }: Case,
  first: boolean,
): { graph: Graph; shapes: Map<string, Shape> } {
  const g = newGraph('enlarged');
  const inputs = parts.map((c, i) => g.input(`x${i}`, 'float32', c === null ? [2, small, 2, 3] : [2, c, 4, 6]));
  const channels = parts.reduce<number>((sum, c) => sum + (c ?? small), 0);
  const w = g.input('layer.weight', 'float32', [o, channels, k, k]);
  const b = bias ? g.input('layer.bias', 'float32', [o]) : null;
  const tensors = new Map([w, ...(b ? [b] : [])].map((value) => [value.name, value]));
  const y = first
    ? convolveJoined({ g, tensor: (name) => tensors.get(name)! }, 'layer', inputs, parts.indexOf(null))
    : asDefined();
  function asDefined(): Value {
    const joined = g.concat(
      inputs.map((x, i) => (parts[i] === null ? g.resize(x, [4, 6], 'nearest') : x)),
      1,
    );
    const pads = new Array<number>(4).fill((k - 1) / 2);
    const attributes = { kernel_shape: [k, k], strides: [1, 1], pads, dilations: [1, 1], group: 1 };
    return g.op('Conv', b ? [joined, w, b] : [joined, w], attributes);
  }
  const weights = g.constant(floats(y.shape, randomNumbers('loss', sizeOf(y.shape))));
  const loss = g.reduceSum(g.mul(y, weights), [0, 1, 2, 3]);
  const all = [...inputs, ...tensors.values()];
  g.output(y, 'y');
  gradients(g, loss, all).forEach((gradient, i) => g.output(gradient!, `gradient ${all[i]!.name}`));
  return { graph: g.graph, shapes: new Map(all.map(({ name, shape }) => [name, shape])) };
}

function randomNumbers(name: string, length: number): number[] {
  const random = Random.derive(1, name);
  return Array.from({ length }, () => random.uniform() - 0.5);
}

describe.each([
  ['plain', null],
  ['blocked', channelBlock],
])('%s', (_, block) => {
  test.each(Object.entries(cases))('%s', async (_name, testCase) => {
    const { graph, shapes } = graphOf(testCase, true);
    const feeds = Object.fromEntries(
      [...shapes].map(([name, shape]) => [name, floats(shape, randomNumbers(name, sizeOf(shape)))]),
    );
    const results = await runGraph(optimise(graph, { channelBlock: block }), feeds);
    const expected = await runGraph(optimise(graphOf(testCase, false).graph), feeds);
    for (const name of Object.keys(expected))
      expect(relativeError(numbersOf(results, name), numbersOf(expected, name)), name).toBeLessThan(1e-5);
  });
});

describe('a network', () => {
  const conv = (path: string, from: string): LayerSpec => ({
    kind: 'conv2d',
    path,
    from,
    outChannels: 4,
    kernel: 3,
    stride: 1,
    padding: 1,
  });
  const upsample: LayerSpec = { kind: 'upsample', path: 'up', factor: 2, mode: 'nearest' };
  const opTypesOf = (layers: readonly LayerSpec[], outputs?: readonly string[]): string[] => {
    const plan = planNetwork(layers, [3, 4, 4], outputs);
    const g = newGraph('network');
    const bytes = g.input('bytes', 'uint8', [1, 3, 4, 4]);
    const tensors = new Map(plan.parameters.map(({ name, shape }) => [name, g.input(name, 'float32', shape)]));
    const context = {
      mode: 'inference',
      tensor: (name: string) => tensors.get(name)!,
      updateBuffer: () => undefined,
      step: null,
      seed: 0,
    } as const;
    buildNetwork(plan, g, { bytes, preprocessing: { range: [0, 1], mean: 0, std: 1 } }, context);
    return g.graph.nodes.map(({ opType }) => opType);
  };

  test('does not make the enlarged image where only a convolution reads it', () => {
    const opTypes = opTypesOf([upsample, conv('conv', 'up')]);
    expect(opTypes).toContain('PhasesToImage');
    expect(opTypes).not.toContain('Resize');
  });

  test('makes it where somebody else reads it too', () => {
    const opTypes = opTypesOf([upsample, conv('conv', 'up')], ['up', 'conv']);
    expect(opTypes).toContain('Resize');
    expect(opTypes).not.toContain('PhasesToImage');
  });

  test('makes it for a convolution that is not of the kind', () => {
    const opTypes = opTypesOf([{ ...upsample, factor: 4 } as LayerSpec, conv('conv', 'up')]);
    expect(opTypes).not.toContain('PhasesToImage');
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
