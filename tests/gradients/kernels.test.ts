/** What gradients rely on in onnxruntime's kernels and the golden cases are too small to show. */
import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../../src-main/engine/data/random.ts';
import { writeModel } from '../../src-main/engine/graph/onnx-model.ts';
import { tensor, type Attributes, type Value } from '../../src-main/engine/graph/types.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { floats, numbersOf, runGraph, runtime } from '../helpers/engine-run.ts';

const draw = (random: Random, length: number): number[] => Array.from({ length }, () => 2 * random.uniform() - 1);

describe('a resize reads the elements that its gradient believes it reads', () => {
  const sizes = Array.from({ length: 20 }, (_, i) => i + 1);
  const coordinates = (mode: string): Attributes => ({ mode: 'linear', coordinate_transformation_mode: mode });
  const methods: [string, Attributes][] = [
    ['nearest', { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }],
    ...['asymmetric', 'half_pixel', 'pytorch_half_pixel', 'align_corners'].map((mode): [string, Attributes] => [
      `linear, ${mode}`,
      coordinates(mode),
    ]),
  ];

  // R is linear, so ⟨dy, R x⟩ = ⟨Rᵀ dy, x⟩ for every x and dy.
  test.each(methods)('%s, between all sizes up to 20', async (_, attributes) => {
    const random = Random.derive(1, 'resize');
    const g = newGraph('resize');
    const differences: Value[] = [];
    const compare = (from: number, to: number, operands: (Value | null)[], scale: number): void => {
      const x = g.constant(floats([1, 1, 1, from], draw(random, from)));
      const dy = g.constant(floats([1, 1, 1, to], draw(random, to)));
      const y = g.op('Resize', [x, null, ...operands], attributes);
      const gradient = { ...attributes, shape: x.shape, scales: [1, scale] };
      const dx = g.op('ResizeGradient', [dy], gradient, 'fovea');
      const product = (a: Value, b: Value): Value => g.reduceSum(g.mul(a, b), [0, 1, 2, 3]);
      differences.push(g.reshape(g.sub(product(dy, y), product(dx, x)), [1]));
    };
    for (const from of sizes) for (const to of sizes) compare(from, to, [null, g.ints([1, 1, 1, to])], to / from);
    // Twice as many elements, but not by the factor two.
    compare(2, 4, [g.constant(floats([4], [1, 1, 1, 2.1]))], Math.fround(2.1));
    g.output(g.concat(differences, 0), 'differences');
    const found = numbersOf(await runGraph(optimise(g.graph), {}), 'differences');
    expect(found).toHaveLength(20 * 20 + 1);
    expect(Math.max(...found.map(Math.abs))).toBeLessThan(1e-5);
  });
});

test('ScatterElements adds in the order of the updates, on two threads too', async () => {
  const random = Random.derive(1, 'scatter');
  const [count, places] = [200_000, 50];
  const indices = Array.from({ length: count }, () => random.below(places));
  const updates = Float32Array.from(draw(random, count));
  const g = newGraph('scatter');
  const zeros = g.op('ConstantOfShape', [g.ints([places])]);
  const operands = [zeros, g.input('indices', 'int64', [count]), g.input('updates', 'float32', [count])];
  g.output(g.op('ScatterElements', operands, { axis: 0, reduction: 'add' }), 'sums');
  const expected = new Float32Array(places);
  indices.forEach((place, i) => (expected[place]! += updates[i]!));
  const session = await runtime.createSession(writeModel(g.graph), { device: 'cpu', threads: 2 });
  try {
    const feeds = { indices: tensor('int64', [count], indices), updates: floats([count], updates) };
    expect(numbersOf(await session.run(feeds), 'sums')).toEqual(Array.from(expected));
  } finally {
    await session.release();
  }
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
