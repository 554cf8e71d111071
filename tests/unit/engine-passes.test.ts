/** Passes change no result: on random graphs over the op table, and on loops by hand. */
import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../../src-main/engine/data/random.ts';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { readModel, writeModel } from '../../src-main/engine/graph/onnx-model.ts';
import { float, isGraph, tensor, type Graph, type Value } from '../../src-main/engine/graph/types.ts';
import { verify } from '../../src-main/engine/graph/verify.ts';
import { newGraph, opRules } from '../../src-main/engine/ops/index.ts';
import { countNodes, optimise } from '../../src-main/engine/passes/index.ts';
import { foldConstants } from '../../src-main/engine/passes/fold-constants.ts';
import { fuseChains } from '../../src-main/engine/passes/fuse.ts';
import { lower } from '../../src-main/engine/passes/lower.ts';
import { mergeEqualNodes, removeDeadNodes } from '../../src-main/engine/passes/simplify.ts';
import { floats, numbersOf, relativeError, runGraph, runtime, scalarOf, type Results } from '../helpers/engine-run.ts';
import { randomGraph } from '../helpers/random-graph.ts';

const seeds = Array.from({ length: 50 }, (_, i) => i + 1);

/** The results that differ, with how much. */
function differing(results: Results, reference: Results, bar: number): [string, number][] {
  expect(Object.keys(results).sort()).toEqual(Object.keys(reference).sort());
  return Object.keys(reference)
    .map((name): [string, number] => [name, relativeError(numbersOf(results, name), numbersOf(reference, name))])
    .filter(([, error]) => error > bar);
}

describe('random graphs', () => {
  test.each(seeds)('seed %i: every pass keeps every value', async (seed) => {
    const { graph, feeds } = randomGraph(seed);
    verify(graph, opRules);
    const lowered = lower(graph);
    const reference = await runGraph(lowered, feeds);
    const random = Random.derive(seed, 'formulations');
    const passed: Record<string, Graph> = {
      'dead nodes removed': removeDeadNodes(lowered),
      'equal nodes merged': mergeEqualNodes(lowered),
      'constants folded': foldConstants(lowered),
      'chains fused': removeDeadNodes(fuseChains(lowered)),
      'all passes': optimise(graph),
      'all passes, formulations by chance': optimise(graph, {
        choose: (_, applicable) => applicable[random.below(applicable.length)]!,
      }),
    };
    for (const [name, changed] of Object.entries(passed)) {
      verify(changed, opRules);
      expect(differing(await runGraph(changed, feeds), reference, 1e-5), `seed ${seed}: ${name}`).toEqual([]);
    }
  });

  test.each(seeds)('seed %i: passes are at rest after one turn', (seed) => {
    const optimised = optimise(randomGraph(seed).graph);
    expect(countNodes(mergeEqualNodes(optimised))).toBe(countNodes(optimised));
    expect(countNodes(removeDeadNodes(optimised))).toBe(countNodes(optimised));
    expect(optimised.nodes.filter(({ domain }) => domain === 'fovea')).toEqual([]);
  });

  test.each(seeds.slice(0, 15))('seed %i: written, read and optimised again, bit by bit', async (seed) => {
    const { graph, feeds } = randomGraph(seed);
    const first = optimise(graph);
    const { graph: back } = readModel(writeModel(first), opRules.inferOutputs);
    expect(differing(await runGraph(optimise(back), feeds), await runGraph(first, feeds), 0)).toEqual([]);
  });
});

describe('equal nodes', () => {
  const merged = (build: (g: Builder, x: Value) => void): Graph => {
    const g = newGraph('merge');
    build(g, g.input('x', 'float32', [2, 2]));
    return removeDeadNodes(mergeEqualNodes(g.graph));
  };
  const count = (graph: Graph, opType: string): number => graph.nodes.filter((node) => node.opType === opType).length;

  test('become one, and so do the nodes behind them', () => {
    const graph = merged((g, x) => g.output(g.add(g.op('Exp', [g.neg(x)]), g.op('Exp', [g.neg(x)])), 'y'));
    expect([count(graph, 'Neg'), count(graph, 'Exp'), count(graph, 'Add')]).toEqual([1, 1, 1]);
  });
  test('are not those with other attributes, operands or an operand less', () => {
    const graph = merged((g, x) => {
      const parts = [
        g.op('Softmax', [x], { axis: 0 }),
        g.op('Softmax', [x], { axis: 1 }),
        g.sub(x, g.float(1)),
        g.sub(g.float(1), x),
        g.op('Gemm', [x, x]),
        g.op('Gemm', [x, x, x]),
        g.op('QuickGelu', [x], { alpha: float(1) }, 'com.microsoft'),
        g.op('QuickGelu', [x], { alpha: float(1.5) }, 'com.microsoft'),
        g.op('QuickGelu', [x], { alpha: float(Infinity) }, 'com.microsoft'),
        g.op('QuickGelu', [x], { alpha: float(NaN) }, 'com.microsoft'),
      ];
      parts.forEach((part, i) => g.output(part, `y${i}`));
    });
    expect([count(graph, 'Softmax'), count(graph, 'Sub'), count(graph, 'Gemm'), count(graph, 'QuickGelu')]).toEqual([
      2, 2, 2, 4,
    ]);
  });
  test('with attributes in another order are equal', () => {
    const graph = merged((g, x) =>
      g.output(
        g.add(g.op('Gemm', [x, x], { transA: 1, transB: 0 }), g.op('Gemm', [x, x], { transB: 0, transA: 1 })),
        'y',
      ),
    );
    expect(count(graph, 'Gemm')).toBe(1);
  });
  test('one with more outputs stands in for one with fewer, not the other way round', () => {
    const pool = { kernel_shape: [2, 2], strides: [1, 1], pads: [0, 0, 0, 0] };
    const build = (counts: number[]): Graph => {
      const g = newGraph('pools');
      const x = g.input('x', 'float32', [1, 1, 3, 3]);
      counts.forEach((outputs, i) =>
        g.ops('MaxPool', [x], pool, outputs).forEach((value, k) => g.output(value, `y${i}${k}`)),
      );
      return removeDeadNodes(mergeEqualNodes(g.graph));
    };
    expect(count(build([2, 1]), 'MaxPool')).toBe(1);
    expect(count(build([1, 2]), 'MaxPool')).toBe(2);
  });
  test('keep the names of outputs that share a value', async () => {
    const graph = merged((g, x) => {
      g.output(g.op('Abs', [x]), 'first');
      g.output(g.op('Abs', [x]), 'second');
    });
    const results = await runGraph(graph, { x: floats([2, 2], [-1, 2, -3, 4]) });
    expect([numbersOf(results, 'first'), numbersOf(results, 'second')]).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
  });
});

test('dead nodes, chains of them and their constants go; what an output needs stays', () => {
  const g = newGraph('dead');
  const x = g.input('x', 'float32', [2]);
  g.op('Exp', [g.mul(x, g.float(3))]);
  g.output(g.add(x, g.float(4)), 'y');
  const clean = removeDeadNodes(g.graph);
  expect(clean.nodes.map(({ opType }) => opType)).toEqual(['Add', 'Identity']);
  expect(clean.initializers.map(({ constant }) => constant?.data)).toEqual([Float32Array.of(4)]);
});

test('an abstract operator that makes an output itself is refused, not lowered for ever', () => {
  const g = newGraph('bare');
  g.graph.outputs.push(g.op('ChannelSum', [g.input('x', 'float32', [2, 3])], {}, 'fovea'));
  expect(() => optimise(g.graph)).toThrow(
    'internal: bare: an abstract operator makes an output itself; an Identity must stand behind it',
  );
});

describe('loops', () => {
  /** carried ← carried·x + 2·ChannelSum(carried), three times, with a dead and a repeated node in the body. */
  function loop(): Graph {
    const g = newGraph('main');
    const x = g.input('x', 'float32', [2, 2]);
    const outer = g.op('Sigmoid', [x]);
    const body = g.subgraph('body');
    body.input('iteration', 'int64', []);
    const condition = body.input('condition', 'bool', []);
    const carried = body.input('carried', 'float32', [2, 2]);
    body.op('Exp', [carried]);
    const sum = body.op('ChannelSum', [carried], {}, 'fovea');
    const again = body.op('ChannelSum', [carried], {}, 'fovea');
    body.output(condition, 'goOn');
    body.output(body.add(body.mul(carried, outer), body.add(sum, again)), 'next');
    g.op('Tanh', [x]);
    g.output(g.op('Loop', [g.int(3), g.constant(tensor('bool', [], [1])), x], { body: body.graph }), 'end');
    return g.graph;
  }
  const bodyOf = (graph: Graph): Graph =>
    graph.nodes.map((node) => node.attributes['body']).find((body) => body !== undefined && isGraph(body)) as Graph;

  test('are lowered, merged and cleaned inside, and compute the same', async () => {
    const optimised = optimise(loop());
    expect(bodyOf(optimised).nodes.map(({ opType }) => opType)).toEqual(['ReduceSum', 'Identity', 'Mul', 'Add', 'Add']);
    expect(optimised.nodes.map(({ opType }) => opType)).toEqual(['Sigmoid', 'Loop']);
    const start = [0.5, -1, 0.25, 2];
    const results = await runGraph(optimised, { x: floats([2, 2], start) });
    let expected = start;
    const gates = start.map((value) => 1 / (1 + Math.exp(-value)));
    for (let i = 0; i < 3; i++) {
      const columns = [expected[0]! + expected[2]!, expected[1]! + expected[3]!];
      expected = expected.map((value, k) => value * gates[k]! + 2 * columns[k % 2]!);
    }
    expect(relativeError(numbersOf(results, 'end'), expected)).toBeLessThan(1e-6);
  });

  test('keep an outer value alive that only their body reads', () => {
    expect(removeDeadNodes(loop()).nodes.map(({ opType }) => opType)).toContain('Sigmoid');
  });

  test('do not lend their nodes to the graph around them', async () => {
    const g = newGraph('main');
    const x = g.input('x', 'float32', [1]);
    const body = g.subgraph('body');
    body.input('iteration', 'int64', []);
    const condition = body.input('condition', 'bool', []);
    const carried = body.input('carried', 'float32', [1]);
    body.output(condition, 'goOn');
    body.output(body.add(carried, body.op('Exp', [x])), 'next');
    const end = g.op('Loop', [g.int(2), g.constant(tensor('bool', [], [1])), x], { body: body.graph });
    g.output(g.mul(end, g.op('Exp', [x])), 'y');
    const results = await runGraph(optimise(g.graph), { x: floats([1], [0]) });
    expect(scalarOf(results, 'y')).toBe(2);
  });
});

describe('names', () => {
  test('inputs and outputs keep theirs through all passes', () => {
    const optimised = optimise(randomGraph(3).graph);
    const { graph } = randomGraph(3);
    expect(optimised.inputs.map(({ name }) => name)).toEqual(graph.inputs.map(({ name }) => name));
    expect(optimised.outputs.map(({ name }) => name)).toEqual(graph.outputs.map(({ name }) => name));
  });

  test('outputs that are called like fresh values do no harm', async () => {
    // As in other programs' files: the passes number their own values from Relu_0 on.
    const x: Value = { name: 'Neg_0', dataType: 'float32', shape: [2] };
    const [inner, y]: Value[] = [
      { ...x, name: 'Relu_1' },
      { ...x, name: 'Neg_1' },
    ] as [Value, Value];
    const node = (opType: string, input: Value, output: Value) => ({
      name: opType,
      opType,
      domain: '',
      inputs: [input],
      outputs: [output],
      attributes: {},
    });
    const graph: Graph = {
      name: 'g',
      inputs: [x],
      outputs: [y!],
      initializers: [],
      nodes: [
        node('Neg', x, inner!),
        node('Relu', inner!, { ...x, name: 'Relu_0' }),
        node('Neg', { ...x, name: 'Relu_0' }, y!),
      ],
    };
    const results = await runGraph(optimise(graph), { Neg_0: floats([2], [-3, 3]) });
    expect(numbersOf(results, 'Neg_1')).toEqual([-3, -0]);
  });

  test('nodes keep the path of their layer', () => {
    const g = newGraph('paths');
    const x = g.input('x', 'float32', [2, 3]);
    g.output(
      g.scope('features', () => g.scope('norm1', () => g.op('ChannelSum', [x], {}, 'fovea'))),
      'y',
    );
    expect(optimise(g.graph).nodes[0]!.name).toMatch(/^features\/norm1\/ReduceSum_\d+$/);
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
