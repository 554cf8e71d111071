/** Networks as plans and graphs: counts, the layer table, losses, freezing, and the two layouts that must agree. */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { Random } from '../../src-main/engine/data/random.ts';
import { sizeOf, tensor, toNumbers, type Graph, type Value } from '../../src-main/engine/graph/types.ts';
import { classificationLoss } from '../../src-main/engine/nn/losses/cross-entropy.ts';
import { countCorrect } from '../../src-main/engine/train/tasks/classification.ts';
import {
  buildFeatureMajorNetwork,
  buildNetwork,
  countParameters,
  isFrozen,
  planNetwork,
  prefersFeatureMajor,
  type LayerSpec,
  type NetworkPlan,
} from '../../src-main/engine/nn/network.ts';
import { moveBuffers } from '../../src-main/engine/nn/moving-buffers.ts';
import { FlatLayout, initialise } from '../../src-main/engine/nn/parameters.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import {
  completeOptions,
  convolutionLayers,
  defaultOptions,
  describeModel,
  modelKnobs,
  modelSpec,
  planModel,
} from '../../src-main/engine/zoo/registry.ts';
import { floats, numbersOf, runGraph, runtime, scalarOf, type Feeds, type Results } from '../helpers/engine-run.ts';

const lenet = (options = {}, shape = [3, 32, 32], categories = 10): NetworkPlan =>
  planModel('lenet5', options, shape, categories);
const lenetLayers = (options: object, categories: number): LayerSpec[] =>
  modelSpec('lenet5').layers(completeOptions('lenet5', { ...options }), categories);

describe('LeNet-5', () => {
  test('has 62,006 parameters, with batch norm 63,226', () => {
    expect(countParameters(lenet().parameters)).toBe(62_006);
    expect(countParameters(lenet({ batchNorm: true }).parameters)).toBe(63_226);
    expect(countParameters(lenet({ dropout: 0.5 }).parameters)).toBe(62_006);
  });

  test('has the layer table of the chapter', () => {
    const { layers, parameterCount, trainableCount } = describeModel('lenet5', {}, [3, 32, 32], 10, []);
    expect(
      layers.map(({ path, outputShape, formula, parameterCount: own }) => [path, outputShape.join('×'), formula, own]),
    ).toEqual([
      ['conv1', '6×28×28', '(32 − 5 + 2·0) / 1 + 1 = 28', 456],
      ['relu1', '6×28×28', null, 0],
      ['pool1', '6×14×14', '(28 − 2 + 2·0) / 2 + 1 = 14', 0],
      ['conv2', '16×10×10', '(14 − 5 + 2·0) / 1 + 1 = 10', 2416],
      ['relu2', '16×10×10', null, 0],
      ['pool2', '16×5×5', '(10 − 2 + 2·0) / 2 + 1 = 5', 0],
      ['flatten', '400', null, 0],
      ['fc1', '120', null, 48_120],
      ['relu3', '120', null, 0],
      ['fc2', '84', null, 10_164],
      ['relu4', '84', null, 0],
      ['fc3', '10', null, 850],
    ]);
    expect([parameterCount, trainableCount]).toEqual([62_006, 62_006]);
  });

  test('normalises after each pool and each hidden layer, over 6, 400, 120 and 84 features', () => {
    const { layers } = describeModel('lenet5', { batchNorm: true, dropout: 0.3 }, [3, 32, 32], 10, []);
    expect(layers.map(({ path }) => path).join(' ')).toBe(
      'conv1 relu1 pool1 norm1 conv2 relu2 pool2 flatten norm2 fc1 relu3 norm3 dropout1 fc2 relu4 norm4 dropout2 fc3',
    );
    expect(
      layers
        .filter(({ kind }) => kind === 'batchNorm')
        .map(({ settings, parameterCount }) => [settings, parameterCount]),
    ).toEqual([
      ['6 features', 12],
      ['400 features', 800],
      ['120 features', 240],
      ['84 features', 168],
    ]);
  });

  test('takes MNIST images and other numbers of categories', () => {
    const plan = lenet({}, [1, 28, 28], 7);
    expect(plan.layers.at(-1)!.outputShape).toEqual([7]);
    expect(plan.parameters.find(({ name }) => name === 'fc1.weight')!.shape).toEqual([120, 256]);
    expect(countParameters(plan.parameters)).toBe(44_426 - 850 + 84 * 7 + 7);
  });

  test('says which layer an image is too small for', () => {
    expect(() => lenet({}, [3, 12, 12])).toThrow(
      'conv2: an input of 6×4×4 is too small for this layer. Use larger images or fewer layers.',
    );
    expect(() => lenet({}, [3, 12, 12])).toThrow(expect.objectContaining({ code: 'bad-input' }));
  });

  test('knows its options and refuses others', () => {
    const usual = { batchNorm: false, dropout: 0, kernel: 5, pool: 2, units: 120 };
    expect(defaultOptions('lenet5')).toEqual(usual);
    expect(completeOptions('lenet5', { batchNorm: true })).toEqual({ ...usual, batchNorm: true });
    expect(() => completeOptions('lenet5', { width: 2 })).toThrow(
      'LeNet-5 has no option "width". Options: batchNorm, dropout, kernel, pool, units.',
    );
    expect(() => completeOptions('lenet5', { dropout: 'much' })).toThrow(
      'LeNet-5: "dropout" must be a number, got much.',
    );
    expect(() => modelSpec('lenet6')).toThrow(
      'There is no model "lenet6". Models: lenet5, resnet18, resnet34, mobilenet_v2, efficientnet-b0, yolov8-cls, unet, unetPlusPlus, fpn, yolov8, yolov8-seg, yolov8-pose.',
    );
    expect(modelKnobs('lenet5').map(({ path, defaultValue }) => [path, defaultValue])).toEqual([
      ['model.options.batchNorm', false],
      ['model.options.dropout', 0],
      ['model.options.kernel', 5],
      ['model.options.pool', 2],
      ['model.options.units', 120],
    ]);
    expect(convolutionLayers('lenet5', {}).map(({ tensor: name }) => name)).toEqual(['conv1.weight', 'conv2.weight']);
    const shown = convolutionLayers('resnet18', { smallImages: false });
    expect(
      shown.map(({ label }) => label),
      'neither single pixels nor thousands',
    ).toEqual([
      'conv1 (7×7)',
      'layer1.0.conv1 (3×3)',
      'layer1.0.conv2 (3×3)',
      'layer1.1.conv1 (3×3)',
      'layer1.1.conv2 (3×3)',
    ]);
  });
});

describe('freezing', () => {
  test('a path freezes itself and everything below it, and nothing else', () => {
    expect(isFrozen({ name: 'conv1.weight' }, ['conv1'])).toBe(true);
    expect(isFrozen({ name: 'features.conv1.bias' }, ['features'])).toBe(true);
    expect(isFrozen({ name: 'conv10.weight' }, ['conv1'])).toBe(false);
    expect(isFrozen({ name: 'conv1.weight' }, ['conv1.weight'])).toBe(false);
    expect(isFrozen({ name: 'conv1.weight' }, [])).toBe(false);
  });
  test('is counted', () => {
    const { parameterCount, trainableCount } = describeModel('lenet5', { batchNorm: true }, [3, 32, 32], 10, [
      'conv1',
      'conv2',
      'norm1',
      'fc2',
    ]);
    expect([parameterCount, trainableCount]).toEqual([63_226, 63_226 - 456 - 2416 - 12 - 10_164]);
  });
});

describe('losses', () => {
  const logits = [2, 1, -1, 0.5, 3, 3];
  const labels = [0, 1];
  const logSoftmax = (row: number[]): number[] =>
    row.map((value) => value - Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)));
  const softmax = (row: number[]): number[] => logSoftmax(row).map(Math.exp);
  const rows = [logits.slice(0, 3), logits.slice(3)];

  async function lossOf(softmaxBeforeLoss: boolean): Promise<Results> {
    const g = newGraph('loss');
    const [x, y] = [g.input('x', 'float32', [2, 3]), g.input('y', 'int64', [2])];
    g.output(classificationLoss(g, x, y, { softmaxBeforeLoss }), 'loss');
    g.output(countCorrect(g, x, y), 'correct');
    return runGraph(optimise(g.graph), { x: floats([2, 3], logits), y: tensor('int64', [2], labels) });
  }
  const mean = (scores: number[][]): number =>
    -scores.reduce((sum, row, i) => sum + logSoftmax(row)[labels[i]!]!, 0) / 2;

  test('cross-entropy is the mean of −log softmax at the label', async () => {
    expect(scalarOf(await lossOf(false), 'loss')).toBeCloseTo(mean(rows), 6);
  });
  test('with softmax before the loss it is applied twice', async () => {
    expect(scalarOf(await lossOf(true), 'loss')).toBeCloseTo(mean(rows.map(softmax)), 6);
  });
  test('of equal top scores the first counts as the answer', async () => {
    expect(scalarOf(await lossOf(false), 'correct')).toBe(2);
  });
});

type Mode = 'training' | 'inference';

/** A network with its logits, its weights' gradients and its next running statistics as outputs. */
function learningGraph(plan: NetworkPlan, build: typeof buildNetwork, batch: number, mode: Mode): Graph {
  const g = newGraph('network');
  const bytes = g.input('bytes', 'uint8', [batch, ...plan.inputShape]);
  const labels = g.input('labels', 'int64', [batch]);
  const step = g.input('step', 'int64', []);
  const tensors = new Map<string, Value>(
    [...plan.parameters, ...plan.buffers].map(({ name, shape }) => [name, g.input(name, 'float32', shape)]),
  );
  const channels = plan.inputShape[0];
  const mean = [0.4, 0.5, 0.6].slice(0, channels);
  const std = [0.2, 0.25, 0.3].slice(0, channels);
  const input = { bytes, preprocessing: { range: [0, 1], mean, std } } as const;
  const [logits] = build(plan, g, input, {
    mode,
    tensor: (name) => tensors.get(name)!,
    updateBuffer: (name, move) => {
      const now = tensors.get(name)!;
      g.output(moveBuffers(g, new FlatLayout([now]), now, new Map([[now.name, move]])), `next ${name}`);
    },
    step,
    seed: 3,
  });
  const loss = classificationLoss(g, logits, labels, { softmaxBeforeLoss: false });
  const names = plan.parameters.map(({ name }) => name);
  const found = gradients(
    g,
    loss,
    names.map((name) => tensors.get(name)!),
  );
  found.forEach((gradient, i) => g.output(gradient!, `gradient of ${names[i]}`));
  g.output(logits, 'logits');
  return optimise(g.graph);
}

/** A batch of noise and fresh weights. */
function noiseFeeds(plan: NetworkPlan, batch: number): Feeds {
  const random = Random.derive(3, 'network test');
  const draw = (count: number, bound: number): number[] => Array.from({ length: count }, () => random.below(bound));
  const shape = [batch, ...plan.inputShape];
  const values = initialise(plan.parameters, plan.buffers, 3);
  return {
    bytes: tensor('uint8', shape, draw(sizeOf(shape), 256)),
    labels: tensor('int64', [batch], draw(batch, plan.layers.at(-1)!.outputShape[0]!)),
    step: tensor('int64', [], [41]),
    ...Object.fromEntries(
      [...plan.parameters, ...plan.buffers].map(({ name, shape: own }) => [name, floats(own, values.get(name)!)]),
    ),
  };
}

/** Results that differ by more than float32's rounding. Where a norm follows, a bias's gradient is zero but for rounding,
 *  so gradients are held against a hundredth of the largest gradient at least. */
function differing(results: Results, reference: Results): [string, number][] {
  const largest = (name: string): number => Math.max(...numbersOf(reference, name).map(Math.abs));
  const isGradient = (name: string): boolean => name.startsWith('gradient of');
  const gradientScale = Math.max(...Object.keys(reference).filter(isGradient).map(largest));
  return Object.keys(reference)
    .map((name): [string, number] => {
      const [own, wanted] = [numbersOf(results, name), numbersOf(reference, name)];
      const distance = Math.max(...own.map((value, i) => Math.abs(value - wanted[i]!)));
      return [name, distance / Math.max(largest(name), isGradient(name) ? gradientScale / 100 : 0)];
    })
    .filter(([, error]) => !(error < 2e-5));
}

describe('channels first and batch innermost give the same numbers', () => {
  const conv = (path: string, outChannels: number, kernel: number, stride = 1, padding = 0): LayerSpec => ({
    kind: 'conv2d',
    path,
    outChannels,
    kernel,
    stride,
    padding,
  });
  const pool = (path: string, kernel: number, stride = kernel): LayerSpec => ({
    kind: 'maxPool2d',
    path,
    kernel,
    stride,
  });
  const relu = (path: string): LayerSpec => ({ kind: 'relu', path });
  const norm = (path: string): LayerSpec => ({ kind: 'batchNorm', path });
  const flatten: LayerSpec = { kind: 'flatten', path: 'flatten' };
  const linear = (path: string, outFeatures: number): LayerSpec => ({ kind: 'linear', path, outFeatures });
  const drop: LayerSpec = { kind: 'dropout', path: 'drop', probability: 0.4 };

  const networks: [string, number[], LayerSpec[]][] = [
    ['conv, ReLU, pool', [3, 10, 10], [conv('c1', 4, 3), relu('r1'), pool('p1', 2), flatten, linear('fc', 5)]],
    ['pool before ReLU', [3, 10, 10], [conv('c1', 4, 3), pool('p1', 2), relu('r1'), flatten, linear('fc', 5)]],
    [
      'odd sizes, a row left over in the pool',
      [1, 11, 9],
      [conv('c1', 3, 2), relu('r1'), pool('p1', 3, 2), flatten, linear('fc', 3)],
    ],
    [
      'overlapping pools',
      [2, 9, 9],
      [conv('c1', 3, 3, 1, 1), pool('p1', 3, 1), relu('r1'), pool('p2', 2, 1), flatten, linear('fc', 3)],
    ],
    [
      'two pools after one conv',
      [1, 12, 12],
      [conv('c1', 2, 5, 1, 2), relu('r1'), pool('p1', 2), pool('p2', 3), flatten, linear('fc', 4)],
    ],
    [
      'padding and stride',
      [2, 9, 8],
      [conv('c1', 4, 3, 2, 1), relu('r1'), conv('c2', 5, 3, 1, 1), pool('p1', 2), flatten, linear('fc', 4)],
    ],
    ['a stride wider than the kernel', [2, 9, 9], [conv('c1', 3, 2, 3), relu('r1'), flatten, linear('fc', 3)]],
    [
      'norm after the pool, after conv and after a hidden layer',
      [3, 12, 12],
      [
        conv('c1', 4, 3),
        relu('r1'),
        pool('p1', 2),
        norm('n1'),
        conv('c2', 3, 2),
        norm('n2'),
        relu('r2'),
        flatten,
        norm('n3'),
        linear('f1', 7),
        relu('r3'),
        norm('n4'),
        linear('f2', 3),
      ],
    ],
    ['no conv at all', [1, 4, 5], [flatten, linear('f1', 6), relu('r1'), linear('f2', 3)]],
    ['norm first', [3, 6, 6], [norm('n1'), conv('c1', 2, 3), relu('r1'), flatten, linear('fc', 3)]],
    [
      'dropout on an image and on features',
      [2, 8, 8],
      [conv('c1', 3, 3), relu('r1'), pool('p1', 2), flatten, linear('f1', 9), drop, linear('f2', 3)],
    ],
    [
      'no bias',
      [2, 8, 8],
      [
        { kind: 'conv2d', path: 'c1', outChannels: 3, kernel: 3, stride: 1, padding: 0, bias: false },
        relu('r1'),
        pool('p1', 2),
        flatten,
        { kind: 'linear', path: 'fc', outFeatures: 3, bias: false },
      ],
    ],
    [
      'other activations, another epsilon and momentum',
      [2, 8, 8],
      [
        conv('c1', 3, 3),
        { kind: 'batchNorm', path: 'n1', epsilon: 0.1, momentum: 0.3 },
        { kind: 'silu', path: 's1' },
        pool('p1', 2),
        flatten,
        linear('f1', 6),
        { kind: 'sigmoid', path: 's2' },
        linear('f2', 3),
      ],
    ],
    [
      'a pool that is read by name behind a ReLU',
      [1, 8, 8],
      [
        conv('c1', 2, 3),
        relu('r1'),
        pool('p1', 2),
        relu('r2'),
        { ...conv('c2', 2, 2), from: 'p1' },
        flatten,
        linear('fc', 3),
      ],
    ],
    [
      'a layer that reads an earlier one',
      [1, 8, 8],
      [conv('c1', 2, 3), relu('r1'), { ...conv('c2', 2, 3), from: 'c1' }, pool('p1', 2), flatten, linear('fc', 3)],
    ],
    [
      'a pool that another layer passes by',
      [1, 8, 8],
      [conv('c1', 2, 3), relu('r1'), pool('p1', 2), { ...pool('p2', 3), from: 'r1' }, flatten, linear('fc', 3)],
    ],
    ['LeNet-5', [3, 32, 32], lenetLayers({}, 10)],
    ['LeNet-5 with everything, small', [1, 16, 16], lenetLayers({ batchNorm: true, dropout: 0.3 }, 4)],
  ];

  const hasDropout = (layers: LayerSpec[]): boolean => layers.some(({ kind }) => kind === 'dropout');

  test.each(networks)('%s', async (_, shape, layers) => {
    const plan = planNetwork(layers, shape);
    expect(prefersFeatureMajor(plan)).toBe(true);
    // Dropout hashes positions, and the layouts count positions differently: compare it in inference only.
    const modes = hasDropout(layers) ? (['inference'] as const) : (['training', 'inference'] as const);
    for (const mode of modes) {
      for (const batch of [1, 5]) {
        const feeds = noiseFeeds(plan, batch);
        const first = await runGraph(learningGraph(plan, buildNetwork, batch, mode), feeds);
        const innermost = await runGraph(learningGraph(plan, buildFeatureMajorNetwork, batch, mode), feeds);
        expect(Object.keys(innermost).sort()).toEqual(Object.keys(first).sort());
        expect(differing(innermost, first), `${mode}, batch of ${batch}`).toEqual([]);
      }
    }
  });

  test.each([
    ['2×2 windows', pool('p', 2)],
    ['overlapping windows', pool('p', 3, 2)],
    ['windows apart', pool('p', 2, 3)],
  ])('of equal elements in a window the first takes the gradient: %s', async (_, pooling) => {
    // Black and white pixels, and kernels that see only the first channel: most windows hold several equal elements,
    // and the kernels' gradient by the second channel tells which of them was taken.
    const plan = planNetwork([conv('c', 2, 1), pooling, flatten, linear('fc', 3)], [2, 8, 8]);
    const noise = noiseFeeds(plan, 4);
    const bytes = toNumbers(noise['bytes']!.data).map((value) => (value < 128 ? 0 : 255));
    const feeds = {
      ...noise,
      bytes: tensor('uint8', [4, 2, 8, 8], bytes),
      'c.weight': floats([2, 2, 1, 1], [1, 0, -1, 0]),
    };
    const first = await runGraph(learningGraph(plan, buildNetwork, 4, 'training'), feeds);
    const innermost = await runGraph(learningGraph(plan, buildFeatureMajorNetwork, 4, 'training'), feeds);
    expect(differing(innermost, first)).toEqual([]);
  });

  test('wide networks stay channels first', () => {
    expect(prefersFeatureMajor(planNetwork([conv('c1', 64, 3), flatten, linear('fc', 3)], [3, 8, 8]))).toBe(false);
  });

  test.each([buildNetwork, buildFeatureMajorNetwork])(
    'dropout zeroes its share, scales the rest and does nothing in inference: %o',
    async (build) => {
      const g = newGraph('dropout');
      const plan = planNetwork([flatten, drop], [1, 20, 50]);
      const bytes = g.input('bytes', 'uint8', [4, 1, 20, 50]);
      const context = { tensor: () => g.float(0), updateBuffer: () => undefined, seed: 9 };
      const input = { bytes, preprocessing: { range: [0, 255], mean: 0, std: 1 } } as const;
      const [training] = build(plan, g, input, { ...context, mode: 'training', step: g.input('step', 'int64', []) });
      g.output(training, 'training');
      const [inference] = build(plan, g, input, { ...context, mode: 'inference', step: null });
      g.output(inference, 'inference');
      const feeds = { bytes: tensor('uint8', [4, 1, 20, 50], new Uint8Array(4000).fill(3)) };
      const results = await runGraph(optimise(g.graph), { ...feeds, step: tensor('int64', [], [7]) });
      const values = numbersOf(results, 'training');
      const kept = values.filter((value) => value !== 0);
      expect(new Set(kept)).toEqual(new Set([Math.fround(3 / 0.6)]));
      expect(Math.abs(kept.length / 4000 - 0.6)).toBeLessThan(4 * Math.sqrt((0.4 * 0.6) / 4000));
      expect(new Set(numbersOf(results, 'inference'))).toEqual(new Set([3]));
      const again = numbersOf(
        await runGraph(optimise(g.graph), { ...feeds, step: tensor('int64', [], [8]) }),
        'training',
      );
      const agreeing = again.filter((value, i) => (value === 0) === (values[i] === 0)).length / 4000;
      expect(Math.abs(agreeing - 0.52), 'share of places that agree between two steps').toBeLessThan(0.05);
    },
  );
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
