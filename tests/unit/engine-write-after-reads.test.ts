/** Results that are written over what was fed: whoever reads it comes before, and no number changes. */
import { expect, test } from 'vitest';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { writeModel } from '../../src-main/engine/graph/onnx-model.ts';
import { tensor, type Graph, type Tensor, type Value } from '../../src-main/engine/graph/types.ts';
import { verify } from '../../src-main/engine/graph/verify.ts';
import { newGraph, opRules } from '../../src-main/engine/ops/index.ts';
import { nameOutputs } from '../../src-main/engine/passes/outputs.ts';
import { writeAfterReads, type Writes } from '../../src-main/engine/passes/write-after-reads.ts';
import { runtime } from '../helpers/engine-run.ts';

/** w [2] is read for y, and w − rate·step is written over it; y's node stands first, so that it runs last. */
function step(read: (g: Builder, w: Value) => Value): Graph {
  const g = newGraph('step');
  const w = g.input('w', 'float32', [2]);
  const [change, rate] = [g.input('change', 'float32', [2]), g.input('rate', 'float32', [])];
  g.output(read(g, w), 'y');
  g.output(g.gather(g.constant(tensor('float32', [1], [1])), g.input('isBad', 'int64', [])), 'goesOn');
  g.output(g.sub(w, g.mul(change, rate)), 'wNext');
  return nameOutputs(g.graph);
}

const writes: Writes = new Map([['wNext', ['w']]]);
const readers: [string, (g: Builder, w: Value) => Value][] = [
  ['as it is', (g, w) => g.mul(w, g.float(10))],
  ['in another shape', (g, w) => g.reshape(g.matmul(g.float(10, [1, 1]), g.reshape(w, [1, 2])), [2])],
  ['several times', (g, w) => g.add(g.mul(w, g.float(4)), g.mul(g.float(6), w))],
];

async function run(graph: Graph, isBad: number): Promise<{ y: Tensor; w: Tensor; failed: boolean }> {
  const model = writeModel(graph, {}, { hidesSizes: true, stopsCopies: true });
  const session = await runtime.createSession(model, { device: 'cpu', threads: 1, unoptimised: true, writesAll: true });
  const w = tensor('float32', [2], [1, 2]);
  const y = tensor('float32', [2], [0, 0]);
  const feeds = {
    w,
    change: tensor('float32', [2], [8, 8]),
    rate: tensor('float32', [], [0.5]),
    isBad: tensor('int64', [], [isBad]),
  };
  try {
    await session.run(feeds, { y, wNext: w, goesOn: tensor('float32', [], [0]) });
    return { y, w, failed: false };
  } catch {
    return { y, w, failed: true };
  } finally {
    await session.release();
  }
}

test.each(readers)('an input that is read %s is read before', async (_, read) => {
  const graph = step(read);
  const ordered = writeAfterReads(graph, writes, 'goesOn');
  verify(ordered, opRules);
  // Or there would be nothing to put in order.
  expect((await run(graph, 0)).y.data).toEqual(Float32Array.of(-30, -20));
  const { y, w } = await run(ordered, 0);
  expect(y.data).toEqual(Float32Array.of(10, 20));
  expect(w.data).toEqual(Float32Array.of(-3, -2));
});

test('nothing is written where the graph does not go on', async () => {
  const { failed, w } = await run(writeAfterReads(step(readers[0]![1]), writes, 'goesOn'), 1);
  expect(failed).toBe(true);
  expect(w.data).toEqual(Float32Array.of(1, 2));
});

test('a result in which no number can wait is refused', () => {
  const g = newGraph('no number');
  const w = g.input('w', 'float32', [2]);
  g.output(g.mul(w, g.float(10)), 'y');
  g.output(g.float(1), 'goesOn');
  g.output(g.sub(w, g.input('change', 'float32', [2])), 'wNext');
  expect(() => writeAfterReads(nameOutputs(g.graph), writes, 'goesOn')).toThrow(/wNext: nothing in Sub_\d+ can wait/);
});
