/** Clean-up of algebra and of outputs: what goes, what stays, and that the numbers stay bit by bit. */
import { afterAll, describe, expect, test } from 'vitest';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { tensor, type Graph, type Value } from '../../src-main/engine/graph/types.ts';
import { verify } from '../../src-main/engine/graph/verify.ts';
import { newGraph, opRules } from '../../src-main/engine/ops/index.ts';
import { reorderInput, reorderOutput } from '../../src-main/engine/ops/blocked.ts';
import { cleanUpAlgebra } from '../../src-main/engine/passes/algebra.ts';
import { nameOutputs } from '../../src-main/engine/passes/outputs.ts';
import { removeDeadNodes } from '../../src-main/engine/passes/simplify.ts';
import { floats, numbersOf, runGraph, runtime } from '../helpers/engine-run.ts';

const shape = [2, 16, 1, 3];
const feeds = {
  x: floats(
    shape,
    Array.from({ length: 96 }, (_, i) => Math.sin(i)),
  ),
};

function graphOf(build: (g: Builder, x: Value) => Value): Graph {
  const g = newGraph('algebra');
  g.output(build(g, g.input('x', 'float32', shape)), 'y');
  return g.graph;
}
const opTypesOf = ({ nodes }: Graph): string[] => nodes.map(({ opType }) => opType);

describe('algebra', () => {
  const flat = [2, 48];
  const cases: Record<string, [build: (g: Builder, x: Value) => Value, left: string[]]> = {
    'a reshape of a reshape': [(g, x) => g.reshape(g.reshape(x, flat), [96]), ['Reshape']],
    'a reshape there and back': [(g, x) => g.neg(g.reshape(g.reshape(x, flat), shape)), ['Neg']],
    'two transpositions that undo each other': [
      (g, x) => g.neg(g.transpose(g.transpose(x, [1, 0, 3, 2]), [1, 0, 3, 2])),
      ['Neg'],
    ],
    'two transpositions that do not': [
      (g, x) => g.transpose(g.transpose(x, [1, 2, 3, 0]), [1, 0, 2, 3]),
      ['Transpose'],
    ],
    'blocks made and unmade': [(g, x) => g.neg(reorderOutput(g, reorderInput(g, x))), ['Neg']],
    '1·x, x + 0 and x/1': [(g, x) => g.neg(g.div(g.add(g.mul(g.float(1), x), g.float(0)), g.float(1, [1]))), ['Neg']],
    'x − 0': [(g, x) => g.neg(g.sub(x, g.float(0))), ['Neg']],
    '0 − x, 1/x and 2·x stay': [
      (g, x) => g.add(g.sub(g.float(0), x), g.mul(g.float(2), g.div(g.float(1), x))),
      ['Sub', 'Div', 'Mul', 'Add'],
    ],
    'x + 0 that makes x larger stays': [(g, x) => g.add(x, g.float(0, [3, 2, 16, 1, 3])), ['Add']],
    'a sum over one element': [(g, x) => g.neg(g.reduceSum(x, [2])), ['Reshape', 'Neg']],
    'an expansion and a cast to what it is': [(g, x) => g.neg(g.expand(g.op('Cast', [x], { to: 1 }), shape)), ['Neg']],
  };
  test.each(Object.entries(cases))('%s', async (_, [build, left]) => {
    const graph = graphOf(build);
    const cleaned = removeDeadNodes(cleanUpAlgebra(graph));
    verify(cleaned, opRules);
    expect(opTypesOf(cleaned)).toEqual([...left, 'Identity']);
    expect(numbersOf(await runGraph(cleaned, feeds), 'y')).toEqual(numbersOf(await runGraph(graph, feeds), 'y'));
  });
});

describe('outputs', () => {
  test('are named by the nodes that make them', async () => {
    const graph = graphOf((g, x) => g.neg(x));
    const named = nameOutputs(graph);
    verify(named, opRules);
    expect(opTypesOf(named)).toEqual(['Neg']);
    expect(numbersOf(await runGraph(named, feeds), 'y')).toEqual(numbersOf(await runGraph(graph, feeds), 'y'));
  });

  test('keep their Identity where the value is an input, a constant or two outputs', async () => {
    const g = newGraph('outputs');
    const x = g.input('x', 'float32', shape);
    const negative = g.neg(x);
    g.output(x, 'input');
    g.output(g.float(3), 'constant');
    g.output(negative, 'once');
    g.output(negative, 'twice');
    const named = nameOutputs(g.graph);
    verify(named, opRules);
    expect(opTypesOf(named)).toEqual(['Neg', 'Identity', 'Identity', 'Identity']);
    const results = await runGraph(named, feeds);
    expect(numbersOf(results, 'once')).toEqual(numbersOf(results, 'twice'));
    expect(numbersOf(results, 'constant')).toEqual([3]);
  });

  test('of a loop, and what its body reads from outside, keep their values', async () => {
    const g = newGraph('main');
    const x = g.input('x', 'float32', shape);
    const outer = g.neg(x);
    const body = g.subgraph('body');
    body.input('iteration', 'int64', []);
    const goOn = body.input('condition', 'bool', []);
    const carried = body.input('carried', 'float32', shape);
    body.output(goOn, 'again');
    body.output(body.add(carried, outer), 'next');
    g.output(outer, 'negative');
    const always = g.constant(tensor('bool', [], [1]));
    g.output(g.op('Loop', [g.int(2), always, x], { body: body.graph }), 'end');
    const named = nameOutputs(g.graph);
    verify(named, opRules);
    expect(opTypesOf(named)).toEqual(['Neg', 'Loop']);
    const results = await runGraph(named, feeds);
    // x − 2x; adding 0 makes no difference of −0 and 0
    expect(numbersOf(results, 'end').map((value) => value + 0)).toEqual(
      numbersOf(results, 'negative').map((value) => value + 0),
    );
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
