/** Constant folding, chains that become one kernel, pieces that are joined first: what goes, what stays, and the numbers. */
import { afterAll, describe, expect, test } from 'vitest';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { float, tensor, type Graph, type Value } from '../../src-main/engine/graph/types.ts';
import { verify } from '../../src-main/engine/graph/verify.ts';
import { blockedConvolution, reorderInput, reorderOutput } from '../../src-main/engine/ops/blocked.ts';
import { newGraph, opRules } from '../../src-main/engine/ops/index.ts';
import { foldConstants } from '../../src-main/engine/passes/fold-constants.ts';
import { fuseChains } from '../../src-main/engine/passes/fuse.ts';
import { fuseIntoBlocked, keepBlocks } from '../../src-main/engine/passes/inference.ts';
import { cleanUpAlgebra } from '../../src-main/engine/passes/algebra.ts';
import { removeDeadNodes } from '../../src-main/engine/passes/simplify.ts';
import { findChannelBlock } from '../helpers/channel-block.ts';
import { floats, numbersOf, relativeError, runGraph, runtime } from '../helpers/engine-run.ts';

type Build = (g: Builder, x: Value) => Value;
const opTypesOf = ({ nodes }: Graph): string[] => nodes.map(({ opType }) => opType);
const sines = (shape: readonly number[]): ReturnType<typeof floats> =>
  floats(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 2 * Math.sin(i)),
  );

/** The graph before and after a pass; both run, and the largest relative error of the result is held below `bar`. */
async function holds(
  pass: (graph: Graph) => Graph,
  build: Build,
  shape: readonly number[],
  left: readonly string[],
  bar: number,
): Promise<Graph> {
  const g = newGraph('fusing');
  g.output(build(g, g.input('x', 'float32', shape)), 'y');
  const changed = removeDeadNodes(pass(g.graph));
  verify(changed, opRules);
  expect(opTypesOf(changed)).toEqual([...left, 'Identity']);
  const feeds = { x: sines(shape) };
  const [before, after] = [await runGraph(g.graph, feeds), await runGraph(changed, feeds)];
  const error = relativeError(numbersOf(after, 'y'), numbersOf(before, 'y'));
  expect(error).toBeLessThanOrEqual(bar);
  return changed;
}

describe('constants', () => {
  const matrix = (g: Builder): Value => g.constant(tensor('float32', [2, 3], [0.1, -2, 3, 0.7, 5, -6]));
  const cases: Record<string, [build: Build, left: string[]]> = {
    'sums, products, quotients and roots': [
      (g, x) => g.add(x, g.sqrt(g.div(g.mul(g.float(0.1), g.float(0.3)), g.sub(g.float(7), g.neg(g.float(3)))))),
      ['Add'],
    ],
    'operands that broadcast': [
      (g, x) => g.add(x, g.mul(matrix(g), g.constant(tensor('float32', [2, 1], [3, 0.3])))),
      ['Add'],
    ],
    'moves of elements': [
      (g, x) =>
        g.add(x, g.reshape(g.transpose(g.expand(g.reshape(matrix(g), [1, 2, 3]), [2, 2, 3]), [2, 0, 1]), [2, 6])),
      ['Add'],
    ],
    'pieces side by side': [(g, x) => g.add(x, g.concat([matrix(g), g.reciprocal(matrix(g))], 1)), ['Add']],
    'whole numbers as floats': [(g, x) => g.add(x, g.cast(g.constant(tensor('int32', [1], [-7])), 'float32')), ['Add']],
    'not what rounds in several ways, nor what depends on x': [
      (g, x) => g.add(g.mul(x, g.float(2)), g.op('Exp', [g.float(1)])),
      ['Mul', 'Exp', 'Add'],
    ],
    'not what would make the model swell': [
      (g, x) => g.add(x, g.reduceSum(g.expand(g.float(1), [2 ** 10, 2 ** 7]), [0, 1])),
      ['Expand', 'ReduceSum', 'Add'],
    ],
  };
  const shapes: Record<string, number[]> = { 'moves of elements': [2, 6], 'pieces side by side': [2, 6] };
  test.each(Object.entries(cases))('%s', async (name, [build, left]) => {
    await holds(foldConstants, build, shapes[name] ?? [2, 3], left, 0);
  });
});

describe('chains', () => {
  const hard = { alpha: float(1 / 6), beta: float(0.5) };
  const cases: Record<string, [build: Build, left: string[]]> = {
    'x·σ(x)': [(g, x) => g.mul(x, g.op('Sigmoid', [x])), ['QuickGelu']],
    'σ(1.702x)·x': [(g, x) => g.mul(g.op('Sigmoid', [g.scale(x, 1.702)]), x), ['QuickGelu']],
    'not where the sigmoid is read elsewhere': [
      (g, x) => {
        const s = g.op('Sigmoid', [x]);
        return g.add(g.mul(x, s), s);
      },
      ['Sigmoid', 'Mul', 'Add'],
    ],
    "not another value's sigmoid": [(g, x) => g.mul(x, g.op('Sigmoid', [g.neg(x)])), ['Neg', 'Sigmoid', 'Mul']],
    'x·clip(x/6 + ½)': [(g, x) => g.mul(g.op('HardSigmoid', [x], hard), x), ['HardSwish']],
    'not with another slope': [
      (g, x) => g.mul(g.op('HardSigmoid', [x], { ...hard, alpha: float(0.2) }), x),
      ['HardSigmoid', 'Mul'],
    ],
    'x·xᵀ': [(g, x) => g.matmul(x, g.transpose(x, [1, 0])), ['FusedMatMul']],
    'xᵀ·x, the first turned twice': [
      (g, x) => g.fusedMatMul(g.transpose(x, [1, 0]), g.transpose(x, [1, 0]), { transB: true }),
      ['FusedMatMul'],
    ],
    'not where other axes move': [
      (g, x) => g.matmul(g.transpose(g.reshape(x, [4, 1, 4]), [1, 0, 2]), g.float(0.5, [1, 4, 2])),
      ['Reshape', 'Transpose', 'MatMul'],
    ],
  };
  test.each(Object.entries(cases))('%s', async (_, [build, left]) => {
    await holds(fuseChains, build, [4, 4], left, 1e-6);
  });
});

describe('convolutions of single channels', () => {
  const attributes = { kernel_shape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 3 };
  const affine = (g: Builder, x: Value): Value => {
    const slope = g.constant(tensor('float32', [3, 1, 1, 1], [0.5, -2, 3]));
    return g.op(
      'FusedConv',
      [x, slope, g.constant(tensor('float32', [3], [1, 0.3, -0.7]))],
      attributes,
      'com.microsoft',
    );
  };
  const cases: Record<string, [build: Build, left: string[]]> = {
    'cut off at 0': [(g, x) => g.op('Relu', [affine(g, x)]), ['FusedConv']],
    'cut off at both ends': [(g, x) => g.op('Clip', [affine(g, x), g.float(-0.5), g.float(1.5)]), ['FusedConv']],
    'not at bounds that a value gives': [
      (g, x) => g.op('Clip', [affine(g, x), g.float(-0.5), g.reduceSum(x, [0, 1, 2, 3])]),
      ['FusedConv', 'ReduceSum', 'Clip'],
    ],
    'not at one end only': [(g, x) => g.op('Clip', [affine(g, x), g.float(-0.5)]), ['FusedConv', 'Clip']],
    'an image added': [(g, x) => g.add(x, affine(g, x)), ['FusedConv']],
    'an image added, and cut off at 0': [(g, x) => g.op('Relu', [g.add(affine(g, x), x)]), ['FusedConv']],
    'of two, one takes in the other': [
      (g, x) => g.add(affine(g, x), affine(g, affine(g, x))),
      Array(3).fill('FusedConv') as string[],
    ],
    'not what is added behind the cut': [(g, x) => g.add(g.op('Relu', [affine(g, x)]), x), ['FusedConv', 'Add']],
    'not two images': [(g, x) => g.add(g.add(affine(g, x), x), x), ['FusedConv', 'Add']],
    'not what broadcasts': [(g, x) => g.add(affine(g, x), g.float(2)), ['FusedConv', 'Add']],
    'not where somebody else reads it': [
      (g, x) => {
        const y = affine(g, x);
        return g.mul(g.op('Relu', [y]), y);
      },
      ['FusedConv', 'Relu', 'Mul'],
    ],
  };
  test.each(Object.entries(cases))('%s', async (_, [build, left]) => {
    await holds(fuseChains, build, [2, 3, 4, 5], left, 1e-6);
  });
});

const block = await findChannelBlock();
describe.skipIf(block === null)('blocked convolutions', () => {
  const attributes = { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], group: 1 };
  const weights = (g: Builder, scale: number): Value =>
    g.constant(
      tensor(
        'float32',
        [block!, block!, 3, 3],
        Array.from({ length: 9 * block! ** 2 }, (_, i) => scale * Math.cos(i)),
      ),
    );
  const conv = (g: Builder, x: Value, scale: number): Value =>
    blockedConvolution(g, [x, weights(g, scale), null], attributes, block!);
  const pass = (graph: Graph): Graph => fuseIntoBlocked(removeDeadNodes(cleanUpAlgebra(keepBlocks(graph))));
  const count = (graph: Graph, opType: string): number => opTypesOf(graph).filter((other) => other === opType).length;

  test('take in the image that is added to them and the cut behind', async () => {
    const g = newGraph('blocks');
    const x = g.input('x', 'float32', [2, block!, 5, 4]);
    const once = g.op('Relu', [conv(g, x, 0.1)]);
    g.output(g.op('Relu', [g.add(conv(g, once, 0.02), reorderOutput(g, reorderInput(g, x)))]), 'y');
    const fused = removeDeadNodes(pass(g.graph));
    verify(fused, opRules);
    expect([count(fused, 'Relu'), count(fused, 'Add'), count(fused, 'Conv')]).toEqual([0, 0, 2]);
    const feeds = { x: sines([2, block!, 5, 4]) };
    const [before, after] = [await runGraph(g.graph, feeds), await runGraph(fused, feeds)];
    expect(relativeError(numbersOf(after, 'y'), numbersOf(before, 'y'))).toBeLessThan(1e-6);
    expect(numbersOf(after, 'y').some((value) => value === 0)).toBe(true);
  });

  test('stay where somebody else reads them', () => {
    const g = newGraph('blocks');
    const x = g.input('x', 'float32', [2, block!, 5, 4]);
    const y = g.op('Conv', [reorderInput(g, x), weights(g, 0.1)], attributes, 'com.microsoft.nchwc');
    g.output(reorderOutput(g, g.add(g.op('Relu', [y]), y)), 'y');
    const fused = removeDeadNodes(fuseIntoBlocked(g.graph));
    expect([count(fused, 'Relu'), count(fused, 'Add')]).toEqual([1, 1]);
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
