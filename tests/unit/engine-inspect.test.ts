/** Looking into a step: which node made the first bad number, what every node made, and the engine's tools for it. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { originOf, originText } from '../../src-main/engine/graph/layer-of.ts';
import { readModel } from '../../src-main/engine/graph/onnx-model.ts';
import { tensor, type Graph } from '../../src-main/engine/graph/types.ts';
import { newGraph, opRules } from '../../src-main/engine/ops/index.ts';
import { dumpStep, graphText, profileStep, summarise } from '../../src-main/engine/train/engine-tools.ts';
import { badNodeText, describeNodes, findFirstBadNode } from '../../src-main/engine/train/inspect-step.ts';
import { runtime } from '../helpers/engine-run.ts';
import { errorOf } from '../helpers/errors.ts';

afterEach(() => expect(runtime.liveSessions).toBe(0));
const here = { runtime, device: 'cpu' } as const;

describe('the layer of a node', () => {
  test.each([
    ['conv1/Conv_3', 'conv1', false],
    ['model.22.cv3.0.0.conv/Conv_40', 'model.22.cv3.0.0.conv', false],
    ['gradient/fc1/Gemm_4/MatMul_9', 'fc1', true],
    ['fused conv2/Conv_7', 'conv2', false],
    ['gradient/Gather_2/Concat_4', 'Gather_2', true],
    ['ReorderOutput_token_33', '', false],
  ])('%s is %s', (name, layer, isGradient) => {
    expect(originOf(name)).toEqual({ layer, isGradient });
  });

  test('is told in words', () => {
    expect(originText({ layer: 'fc1', isGradient: true })).toBe('the gradient of layer "fc1"');
    expect(originText({ layer: '', isGradient: false })).toBe('a node outside of any layer');
  });
});

/** layer a: x − 2; layer b: its square root, which a number below 2 makes NaN; layer c: that plus 1. */
function rootGraph(): Graph {
  const g = newGraph('roots');
  const x = g.input('x', 'float32', [4]);
  const a = g.scope('a', () => g.sub(x, g.float(2)));
  const b = g.scope('b', () => g.sqrt(a));
  g.output(
    g.scope('c', () => g.add(b, g.float(1))),
    'y',
  );
  return g.graph;
}

/** The same three layers on x + turn · dx, as a loop of three turns that carries a sum. */
function rootLoop(): Graph {
  const g = newGraph('loop');
  const x = g.input('x', 'float32', [3, 2]);
  const start = g.input('sum', 'float32', [2]);
  const body = g.subgraph('body');
  const turn = body.input('turn', 'int64', []);
  const condition = body.input('go', 'bool', []);
  const sum = body.input('sumNow', 'float32', [2]);
  const root = body.scope('b', () => body.sqrt(body.gather(x, turn)));
  body.output(condition, 'goOn');
  body.output(
    body.scope('c', () => body.add(sum, root)),
    'sumThen',
  );
  const always = g.constant(tensor('bool', [], [1]));
  g.output(g.ops('Loop', [g.int(3), always, start], { body: body.graph }, 1)[0]!, 'sumNext');
  return g.graph;
}

describe('the first bad number', () => {
  test('is found in the node that made it, not in those that passed it on', async () => {
    const feeds = { x: tensor('float32', [4], [3, 1, 6, 0]) };
    const found = await findFirstBadNode({ ...here, graph: rootGraph(), feeds, step: 0 });
    expect(found).toMatchObject({ opType: 'Sqrt', shape: [4], notFinite: 2, least: 1, greatest: 2, mean: 1.5 });
    expect(badNodeText(found!)).toBe('layer "b" (Sqrt: 2 of 4 values)');
  });

  test('is found in the turn that is asked for, with the state that it began with', async () => {
    const x = tensor('float32', [3, 2], [1, 4, 9, -1, 16, 25]);
    const look = (step: number, sum: number) => {
      const feeds = { x, sum: tensor('float32', [2], [sum, 0]) };
      return findFirstBadNode({ ...here, graph: rootLoop(), feeds, step });
    };
    expect(await look(0, 0)).toBeNull();
    expect(badNodeText((await look(1, 0))!)).toBe('layer "b" (Sqrt: 1 of 2 values)');
    expect(badNodeText((await look(0, NaN))!)).toBe('layer "c" (Add: 1 of 2 values)');
  });

  test('is marked in the list of all nodes, the rest of which follows', async () => {
    const lines: string[] = [];
    const feeds = { x: tensor('float32', [4], [3, 1, 6, 2]) };
    await describeNodes({ ...here, graph: rootGraph(), feeds, step: 0 }, (line) => lines.push(line));
    expect(lines).toEqual([
      expect.stringMatching(/^a\/Sub_\d+ Sub \[4\] min -1\.000 max 4\.000 mean 1\.000$/),
      expect.stringMatching(/^b\/Sqrt_\d+ Sqrt \[4\] min 0\.000 max 2\.000 mean 1\.000 1 not finite ← the first$/),
      expect.stringMatching(/^c\/Add_\d+ Add \[4\] min 1\.000 max 3\.000 mean 2\.000 1 not finite$/),
      expect.stringMatching(/^Identity_\d+ Identity \[4\]/),
    ]);
  });
});

describe('a dump', () => {
  test('is a model that can be read again, and a text with a line a node', () => {
    const { model, text } = dumpStep({ network: 'lenet5', batchSize: 2, side: null, stage: 'lowered' });
    const { graph } = readModel(model, opRules.inferOutputs);
    expect(graph.inputs.find(({ name }) => name === 'images')?.shape).toEqual([2, 3, 32, 32]);
    expect(text).toMatch(/^graph lenet5\n {2}input images: uint8\[2, 3, 32, 32\]\n/);
    expect(text).toMatch(/ = MatMul\(.*\) {2}# conv1\/MatMul_\d+\n/);
    expect(text).not.toContain('fovea.');
  });

  test('of the graph as built still has abstract operators', () => {
    const { text } = dumpStep({ network: 'yolov8n', batchSize: 1, side: 64, stage: 'built' });
    expect(text).toMatch(/ = fovea\.ConvWeightGradient\{.*kernel_shape=\[3, 3\].*\}\(/);
  });

  test('indents the bodies of loops', () => {
    expect(graphText(rootLoop())).toMatch(/\n {4}graph body\n {6}input turn: int64\[\]\n/);
  });

  test('of an unknown network names those that exist', () => {
    const request = { network: 'alexnet', batchSize: null, side: null, stage: 'built' } as const;
    expect(errorOf(() => dumpStep(request)).message).toMatch(/There is no network "alexnet"\. Networks: lenet5, /);
  });
});

describe('a profile', () => {
  test('sums what nodes took by layer and operator, without the first run', () => {
    const event = (name: string, op: string, dur: number) => ({
      cat: 'Node',
      name: `${name}_kernel_time`,
      dur,
      args: { op_name: op },
    });
    const once = [event('conv1/Conv_1', 'Conv', 9000), event('gradient/conv1/Conv_1/MatMul_4', 'MatMul', 9000)];
    const later = [event('conv1/Conv_1', 'Conv', 2000), event('gradient/conv1/Conv_1/MatMul_4', 'MatMul', 6000)];
    const session = { cat: 'Session', name: 'model_run', dur: 99_999 };
    const profile = summarise([session, ...once, ...later, ...later], 2);
    expect(profile).toEqual({
      stepMs: 8,
      layers: [
        { name: 'conv1 (gradient)', milliseconds: 6, nodes: 1 },
        { name: 'conv1', milliseconds: 2, nodes: 1 },
      ],
      opTypes: [
        { name: 'MatMul', milliseconds: 6, nodes: 1 },
        { name: 'Conv', milliseconds: 2, nodes: 1 },
      ],
    });
  });

  test('of a real step names our layers', async () => {
    const request = { network: 'lenet5', batchSize: 4, side: null, device: 'cpu', steps: 2 } as const;
    const { stepMs, layers, opTypes } = await profileStep(runtime, request);
    expect(layers.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['conv1', 'conv1 (gradient)', 'fc3', 'optimiser']),
    );
    expect(opTypes.map(({ name }) => name)).toContain('MatMul');
    const sum = layers.reduce((total, { milliseconds }) => total + milliseconds, 0);
    expect(sum).toBeCloseTo(stepMs, 6);
  });
});

test('DEBUG_ENGINE is read when it is needed', async () => {
  const { debugLevel } = await import('../../src-main/engine/graph/debug.ts');
  vi.stubEnv('DEBUG_ENGINE', '3');
  expect(debugLevel()).toBe(3);
  vi.unstubAllEnvs();
});
