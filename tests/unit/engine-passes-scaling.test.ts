/** Factors behind batch norms that kernels take in: where they do, where they stay, and that the gradients are the same. */
import { afterAll, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { float, sizeOf, tensor, type Graph, type Tensor, type Value } from '../../src-main/engine/graph/types.ts';
import { verify } from '../../src-main/engine/graph/verify.ts';
import { newGraph, opRules } from '../../src-main/engine/ops/index.ts';
import { lower } from '../../src-main/engine/passes/lower.ts';
import { scaleKernels } from '../../src-main/engine/passes/scale-kernels.ts';
import { removeDeadNodes } from '../../src-main/engine/passes/simplify.ts';
import { buildExampleStep, exampleNetwork } from '../../src-main/engine/train/example-step.ts';
import { numbersOf, relativeError, runGraph, runtime } from '../helpers/engine-run.ts';

const waves = (shape: readonly number[], pace: number): Tensor =>
  tensor(
    'float32',
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(pace * (i + 1))),
  );
const conv = (kernel: number, group = 1) => ({
  kernel_shape: [kernel, kernel],
  strides: [1, 1],
  pads: new Array<number>(4).fill((kernel - 1) / 2),
  dilations: [1, 1],
  group,
});

type Layers = (g: Builder, x: Value, w: Value) => Value;
/** x [2, C, H, W] → layers of a kernel w → batch norm → a loss; its gradients by x, w and gamma. */
function backward(g: Builder, layers: Layers, x: Value, w: Value, gamma: Value): Value[] {
  const beta = g.constant(waves(gamma.shape, 0.3));
  const [y] = g.ops('BatchNorm', [layers(g, x, w), gamma, beta], { epsilon: float(1e-3) }, 4, 'fovea');
  const target = g.mul(y!, g.constant(waves(y!.shape, 0.7)));
  return gradients(g, g.reduceSum(target, [0, 1, 2, 3]), [x, w, gamma]) as Value[];
}

function step(layers: Layers, xShape: readonly number[], wShape: readonly number[]): Graph {
  const g = newGraph('step');
  const [x, w] = [g.input('x', 'float32', xShape), g.input('w', 'float32', wShape)];
  const gamma = g.input('gamma', 'float32', [layers(newGraph('shape'), x, w).shape[1]!]);
  backward(g, layers, x, w, gamma).forEach((value, i) => g.output(value, ['dx', 'dw', 'dgamma'][i]!));
  return removeDeadNodes(g.graph);
}

const scales = ({ nodes }: Graph): number => nodes.filter(({ opType }) => opType === 'ChannelScale').length;
const layersOf: Record<string, [layers: Layers, xShape: number[], wShape: number[], left: number]> = {
  'a kernel that is smaller than the image': [
    (g, x, w) => g.op('Conv', [x, w], conv(3)),
    [2, 3, 6, 5],
    [4, 3, 3, 3],
    0,
  ],
  'a kernel a channel': [(g, x, w) => g.op('Conv', [x, w], conv(3, 4)), [2, 4, 6, 5], [4, 1, 3, 3], 0],
  'the phases of an image': [
    (g, x, w) => {
      const phases = g.op('Conv', [x, w], { ...conv(2), pads: [1, 1, 1, 1] });
      return g.op('PhasesToImage', [phases], {}, 'fovea');
    },
    [2, 3, 6, 5],
    [8, 3, 2, 2],
    0,
  ],
  'not a kernel that is larger': [(g, x, w) => g.op('Conv', [x, w], conv(3)), [2, 3, 2, 2], [4, 3, 3, 3], 1],
  'not where a sum takes the gradient too': [
    (g, x, w) => g.add(g.op('Conv', [x, w], conv(1)), x),
    [2, 3, 6, 5],
    [3, 3, 1, 1],
    1,
  ],
  'not where there is no convolution': [(g, x, w) => g.mul(x, w), [2, 3, 6, 5], [3, 1, 1], 1],
};

test.each(Object.entries(layersOf))('%s', async (_, [layers, xShape, wShape, left]) => {
  const graph = step(layers, xShape, wShape);
  expect(scales(graph)).toBe(1);
  const scaled = removeDeadNodes(scaleKernels(graph));
  verify(scaled, opRules);
  expect(scales(scaled)).toBe(left);
  const gamma = graph.inputs.find(({ name }) => name === 'gamma')!;
  const feeds = { x: waves(xShape, 1.1), w: waves(wShape, 0.9), gamma: waves(gamma.shape, 2.3) };
  const [before, after] = [await runGraph(lower(graph), feeds), await runGraph(lower(scaled), feeds)];
  for (const name of ['dx', 'dw', 'dgamma'])
    expect(relativeError(numbersOf(after, name), numbersOf(before, name)), name).toBeLessThan(1e-5);
});

test('of a whole network most go, and those of large kernels over few pixels stay', () => {
  const { graph } = buildExampleStep(exampleNetwork('yolov8n'), { batchSize: 4, size: [320, 320] });
  const scaled = removeDeadNodes(scaleKernels(graph));
  verify(scaled, opRules);
  expect(scales(graph)).toBe(57);
  expect(scales(scaled)).toBeGreaterThan(10);
  expect(scales(scaled)).toBeLessThan(35);
});

test('in the body of a loop too', () => {
  const [layers, xShape, wShape] = layersOf['a kernel that is smaller than the image']!;
  const g = newGraph('around');
  const [w, gamma] = [g.input('w', 'float32', wShape), g.input('gamma', 'float32', [4])];
  const body = g.subgraph('turn');
  body.input('iteration', 'int64', []);
  const goesOn = body.input('goesOn', 'bool', []);
  const [dx] = backward(body, layers, body.input('xNow', 'float32', xShape), w, gamma);
  body.output(goesOn, 'goesOnThen');
  body.output(dx!, 'xThen');
  const inputs = [g.int(1), g.constant(tensor('bool', [], [1])), g.input('x', 'float32', xShape)];
  g.output(g.ops('Loop', inputs, { body: body.graph }, 1)[0]!, 'y');
  const inLoop = ({ nodes }: Graph): number =>
    scales(nodes.find(({ opType }) => opType === 'Loop')!.attributes['body'] as Graph);
  const scaled = removeDeadNodes(scaleKernels(g.graph));
  verify(scaled, opRules);
  expect([inLoop(g.graph), inLoop(scaled)]).toEqual([1, 0]);
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
