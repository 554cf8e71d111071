/** What lies behind a StopGradient is a constant to autodiff, whatever it is made from. */
import { expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { floats, numbersOf, runGraph } from '../helpers/engine-run.ts';

test('Σ x·held(x²) has the gradient x², not 3x²', async () => {
  const g = newGraph('held');
  const x = g.input('x', 'float32', [3]);
  const held = g.op('StopGradient', [g.mul(x, x)], {}, 'fovea');
  const [gradient] = gradients(g, g.reduceSum(g.mul(x, held), [0]), [x]);
  g.output(gradient!, 'gradient');
  const graph = optimise(g.graph);
  expect(graph.nodes.map(({ opType }) => opType)).not.toContain('StopGradient');
  expect(numbersOf(await runGraph(graph, { x: floats([3], [-1, 2, 3]) }), 'gradient')).toEqual([1, 4, 9]);
});

test('a value that reaches the loss through it alone has no gradient, and what has none may follow it', () => {
  const g = newGraph('held');
  const x = g.input('x', 'float32', [3]);
  const held = g.op('StopGradient', [x], {}, 'fovea');
  const ranked = g.cast(g.op('Greater', [held, g.float(0)]), 'float32');
  expect(gradients(g, g.reduceSum(g.op('Floor', [ranked]), [0]), [x])).toEqual([null]);
});

test('the greatest of scattered values has no gradient, and says so', () => {
  const g = newGraph('scatter');
  const x = g.input('x', 'float32', [3]);
  const greatest = g.op('ScatterElements', [g.float(0, [2]), g.ints([0, 1, 0]), x], { axis: 0, reduction: 'max' });
  expect(() => gradients(g, g.reduceSum(greatest, [0]), [x])).toThrow('reduction "max" is not differentiable');
});
