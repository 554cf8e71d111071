/** Values that the backward pass makes again: the same numbers to the last bit, in less memory. */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { peakLiveBytes } from '../../src-main/engine/graph/memory.ts';
import { float, type Graph } from '../../src-main/engine/graph/types.ts';
import { verify } from '../../src-main/engine/graph/verify.ts';
import { newGraph, opRules } from '../../src-main/engine/ops/index.ts';
import { lower } from '../../src-main/engine/passes/lower.ts';
import { recompute } from '../../src-main/engine/passes/recompute.ts';
import { mergeEqualNodes, removeDeadNodes } from '../../src-main/engine/passes/simplify.ts';
import { buildExampleStep, exampleFeeds, exampleNetwork } from '../../src-main/engine/train/example-step.ts';
import { runGraph, runtime } from '../helpers/engine-run.ts';

afterAll(() => expect(runtime.liveSessions).toBe(0));

const prepared = (graph: Graph): Graph => removeDeadNodes(mergeEqualNodes(lower(graph)));
const copies = ({ nodes }: Graph): string[] =>
  nodes.filter(({ name }) => name.endsWith(' again')).map(({ opType }) => opType);

describe.each([
  ['yolov8n', 2, 320, 0.8],
  ['unet-mobilenetv2', 1, 256, 0.9],
] as const)('a step of %s', (name, batchSize, side, share) => {
  const step = buildExampleStep(exampleNetwork(name), { batchSize, size: [side, side] });
  const kept = prepared(step.graph);
  const again = recompute(kept);

  test('gives the same bytes', async () => {
    verify(again, opRules);
    const feeds = exampleFeeds(step, 3);
    const [expected, actual] = [await runGraph(kept, feeds), await runGraph(again, feeds)];
    for (const result of step.results) {
      const same = Buffer.from(actual[result]!.data.buffer).equals(Buffer.from(expected[result]!.data.buffer));
      expect(same, result).toBe(true);
    }
  });

  test('needs less memory', () => {
    expect(copies(again).length).toBeGreaterThan(20);
    expect(peakLiveBytes(again)).toBeLessThan(share * peakLiveBytes(kept));
  });
});

describe('what is made again', () => {
  const elements = 2 ** 24; // 64 MB

  /** x → expensive → sums, which the backward pass does not read → activations → loss, and its gradient. */
  const chain = (length: number, { sums = 0, count = elements } = {}): Graph => {
    const g = newGraph('chain');
    const x = g.input('x', 'float32', [count / 2, 2]);
    let y = g.op('Softmax', [x], { axis: 1 });
    for (let i = 0; i < sums; i++) y = g.add(y, g.float(1));
    for (let i = 0; i < length; i++) y = g.op('QuickGelu', [y], { alpha: float(1) }, 'com.microsoft');
    const [dx] = gradients(g, g.reduceSum(y, [0, 1]), [x]);
    g.output(dx!, 'dx');
    return prepared(g.graph);
  };

  test('is cheap: what an expensive operator gives is kept', () => {
    expect(new Set(copies(recompute(chain(2))))).toEqual(new Set(['QuickGelu']));
  });

  test('takes no more than four passes from what is there', () => {
    expect(copies(recompute(chain(1, { sums: 4 })))).toEqual(['Add', 'Add', 'Add', 'Add', 'QuickGelu']);
    // The fifth sum is kept.
    expect(copies(recompute(chain(1, { sums: 5 })))).toEqual(['QuickGelu']);
  });

  test('starts from what is made again for others', () => {
    expect(copies(recompute(chain(6)))).toHaveLength(6);
  });

  test('may be pieces that were put together, parts, and blocks', () => {
    const g = newGraph('pieces');
    const x = g.input('x', 'float32', [1, 32, 512, 512]);
    const y = g.op('Relu', [g.op('Softmax', [x], { axis: 1 })]);
    const half = g.slice(y, [16], [32], [1]);
    const joined = g.concat([half, y], 1);
    const [dx] = gradients(g, g.reduceSum(g.mul(joined, joined), [0, 1, 2, 3]), [x]);
    g.output(dx!, 'dx');
    expect(copies(recompute(prepared(g.graph)))).toEqual(expect.arrayContaining(['Relu', 'Slice', 'Concat']));
  });

  test('is nothing where that saves little', () => {
    expect(copies(recompute(chain(2, { count: 2 ** 12 })))).toEqual([]);
  });
});
