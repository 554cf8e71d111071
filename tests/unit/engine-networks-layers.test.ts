/** Layers as records: what a network of them is refused for, how they are described, how their weights start. */
import { afterAll, describe, expect, test } from 'vitest';
import { sizeOf, tensor } from '../../src-main/engine/graph/types.ts';
import type { WeightInitialiser } from '../../src-main/engine/nn/layers/definition.ts';
import {
  buildNetwork,
  describeLayers,
  planNetwork,
  prefersFeatureMajor,
  type LayerSpec,
} from '../../src-main/engine/nn/network.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { numbersOf, runGraph, runtime } from '../helpers/engine-run.ts';

describe('a plan', () => {
  const conv: LayerSpec = { kind: 'conv2d', path: 'conv', outChannels: 4, kernel: 3, stride: 2, padding: 1 };

  test('lets a layer read several others, and says which', () => {
    const plan = planNetwork(
      [
        conv,
        { kind: 'relu', path: 'relu' },
        { kind: 'sliceChannels', path: 'part', start: 1, end: 3 },
        { kind: 'concat', path: 'joined', from: ['part', 'relu', 'conv'] },
        { kind: 'globalAveragePool', path: 'gate', from: 'conv' },
        { kind: 'multiply', path: 'gated', from: ['relu', 'gate'] },
        { kind: 'add', path: 'sum', from: ['gated', 'conv'] },
      ],
      [3, 9, 9],
      ['joined', 'sum'],
    );
    expect(plan.layers.map(({ sources, outputShape }) => [sources.join(), outputShape.join('×')])).toEqual([
      ['', '4×5×5'],
      ['conv', '4×5×5'],
      ['relu', '2×5×5'],
      ['part,relu,conv', '10×5×5'],
      ['conv', '4×1×1'],
      ['relu,gate', '4×5×5'],
      ['gated,conv', '4×5×5'],
    ]);
    expect(plan.outputs).toEqual(['joined', 'sum']);
    expect(prefersFeatureMajor(plan)).toBe(false);
  });

  test.each<[string, LayerSpec[], string]>([
    [
      'several sources of a layer that reads one',
      [conv, { kind: 'relu', path: 'r', from: ['conv', 'conv'] }],
      'layer "r" reads 2 layers, but a relu reads one',
    ],
    ['no source', [conv, { kind: 'add', path: 'a', from: [] }], 'layer "a" reads nothing'],
    [
      'sums of different shapes',
      [conv, { kind: 'globalAveragePool', path: 'g' }, { kind: 'add', path: 'a', from: ['conv', 'g'] }],
      'a: expected equal shapes, got [4, 5, 5] and [4, 1, 1]',
    ],
    [
      'gates that do not fit',
      [
        conv,
        { kind: 'sliceChannels', path: 's', start: 0, end: 1 },
        { kind: 'multiply', path: 'm', from: ['conv', 's'] },
      ],
      'm: expected a shape and one that broadcasts to it, got [4, 5, 5] and [1, 5, 5]',
    ],
    [
      'joins of different sizes',
      [
        conv,
        { kind: 'upsample', path: 'u', factor: 2, mode: 'nearest' },
        { kind: 'concat', path: 'c', from: ['conv', 'u'] },
      ],
      'c: expected shapes that are equal but for axis 0, got [4, 5, 5] and [4, 10, 10]',
    ],
    [
      'slices beyond the end',
      [conv, { kind: 'sliceChannels', path: 's', start: 2, end: 5 }],
      's: expected at least 5 channels',
    ],
    [
      'groups that do not divide',
      [{ ...conv, groups: 2 }],
      'conv: expected channels in and out that divide into 2 groups, got 3 and 4',
    ],
    [
      'norm groups that do not divide',
      [conv, { kind: 'groupNorm', path: 'n', groups: 3 }],
      'n: expected channels that divide into 3 groups, got [4, 5, 5]',
    ],
    [
      'distributions of another width',
      [conv, { kind: 'dfl', path: 'd', bins: 4 }],
      'd: expected [16, A], got [4, 5, 5]',
    ],
  ])('refuses %s', (_, layers, message) => {
    expect(() => planNetwork(layers, [3, 9, 9])).toThrow(message);
  });

  test('refuses an output that is no layer', () => {
    expect(() => planNetwork([conv], [3, 9, 9], ['cnv'])).toThrow('internal: the output "cnv" is not a layer');
  });

  test('describes settings and sizes', () => {
    const rows = describeLayers(
      planNetwork(
        [
          { ...conv, padding: [0, 0, 1, 1] },
          { ...conv, path: 'wide', groups: 4, dilation: 2, padding: 2, stride: 1 },
          { kind: 'maxPool2d', path: 'max', kernel: 3, stride: 1, padding: 1 },
          { kind: 'averagePool2d', path: 'mean', kernel: 2, stride: 2 },
          { kind: 'convTranspose2d', path: 'up', outChannels: 8, kernel: 4, stride: 2, padding: 1 },
          { kind: 'groupNorm', path: 'norm', groups: 2 },
          { kind: 'upsample', path: 'larger', factor: 2, mode: 'bilinear' },
          { kind: 'adaptiveAveragePool2d', path: 'parts', size: 3 },
          { kind: 'dropConnect', path: 'drop', probability: 0.1 },
          { kind: 'add', path: 'sum', from: ['drop', 'parts'] },
        ],
        [3, 10, 10],
      ),
    );
    expect(rows.map(({ path, settings, formula }) => [path, settings, formula])).toEqual([
      ['conv', '3×3, stride 2, padding 0/0/1/1', null],
      ['wide', '3×3, stride 1, padding 2, 4 groups, dilation 2', '(5 − 5 + 2·2) / 1 + 1 = 5'],
      ['max', '3×3, stride 1, padding 1', '(5 − 3 + 2·1) / 1 + 1 = 5'],
      ['mean', '2×2, stride 2', '(5 − 2 + 2·0) / 2 + 1 = 2'],
      ['up', '4×4, stride 2, padding 1', '(2 − 1)·2 − 2·1 + 4 = 4'],
      ['norm', '8 features in 2 groups', null],
      ['larger', '×2, bilinear', null],
      ['parts', 'to 3×3', null],
      ['drop', 'p = 0.1', null],
      ['sum', '', null],
    ]);
    expect(rows.at(-1)!.inputShapes).toEqual([
      [8, 3, 3],
      [8, 3, 3],
    ]);
  });

  test('refuses two layers of one path, and a source that does not come before', () => {
    const relu = (path: string, from?: string): LayerSpec => ({ kind: 'relu', path, ...(from ? { from } : {}) });
    expect(() => planNetwork([relu('a'), relu('a')], [1, 2, 2])).toThrow('internal: two layers are called "a"');
    expect(() => planNetwork([relu('a', 'b'), relu('b')], [1, 2, 2])).toThrow(
      'internal: layer "a" reads "b", which does not come before it',
    );
  });
  test('refuses a layer that its input does not suit', () => {
    expect(() => planNetwork([{ kind: 'linear', path: 'fc', outFeatures: 2 }], [3, 4, 4])).toThrow(
      'internal: fc: expected [features], got [3, 4, 4]',
    );
    const convAfterFlatten: LayerSpec[] = [
      { kind: 'flatten', path: 'flat' },
      { kind: 'conv2d', path: 'conv', outChannels: 2, kernel: 1, stride: 1, padding: 0 },
    ];
    expect(() => planNetwork(convAfterFlatten, [3, 4, 4])).toThrow('internal: conv: expected [C, H, W], got [48]');
  });
});

describe('what is left out at random', () => {
  const [batch, channels, side] = [40, 30, 3];
  const shape = [batch, channels, side, side];

  /** The shares of single elements, of channels and of images that are kept whole or not at all. */
  async function outcome(kind: 'channelDropout' | 'dropConnect', mode: 'training' | 'inference'): Promise<number[][]> {
    const plan = planNetwork([{ kind, path: 'drop', probability: 0.25 }], shape.slice(1));
    const g = newGraph('drop');
    const [out] = buildNetwork(
      plan,
      g,
      { bytes: g.input('bytes', 'uint8', shape), preprocessing: { range: [0, 255], mean: 0, std: 1 } },
      {
        mode,
        tensor: () => g.float(0),
        updateBuffer: () => undefined,
        step: mode === 'training' ? g.input('step', 'int64', []) : null,
        seed: 4,
      },
    );
    g.output(out, 'out');
    const feeds = { bytes: tensor('uint8', shape, new Uint8Array(sizeOf(shape)).fill(6)) };
    const step = { step: tensor('int64', [], [3]) };
    const values = numbersOf(
      await runGraph(optimise(g.graph), mode === 'training' ? { ...feeds, ...step } : feeds),
      'out',
    );
    const unit = sizeOf(shape) / batch / (kind === 'channelDropout' ? channels : 1);
    return Array.from({ length: values.length / unit }, (_, i) => [...new Set(values.slice(i * unit, (i + 1) * unit))]);
  }

  test.each(['channelDropout', 'dropConnect'] as const)('%s', async (kind) => {
    const units = await outcome(kind, 'training');
    expect(new Set(units.flat()), 'zero, or scaled by 1 / (1 − p)').toEqual(new Set([0, 8]));
    expect(
      units.every((unit) => unit.length === 1),
      'one draw a unit',
    ).toBe(true);
    const kept = units.filter(([value]) => value !== 0).length / units.length;
    expect(Math.abs(kept - 0.75)).toBeLessThan(3 * Math.sqrt((0.75 * 0.25) / units.length));
    expect(new Set((await outcome(kind, 'inference')).flat())).toEqual(new Set([6]));
  });
});

describe('starting values', () => {
  const convolution = (settings: Partial<LayerSpec>): Float32Array[] => {
    const layer = {
      ...settings,
      kind: 'conv2d',
      path: 'c',
      outChannels: 60,
      kernel: 3,
      stride: 1,
      padding: 1,
      groups: 2,
    };
    const { parameters } = planNetwork([layer as LayerSpec], [40, 8, 8]);
    const values = initialise(parameters, [], 8);
    return parameters.map(({ name }) => values.get(name)!);
  };
  const [fanIn, fanOut] = [20 * 9, 60 * 9];
  const deviation = (values: Float32Array): number =>
    Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

  test.each<[string, WeightInitialiser | undefined, number, boolean]>([
    ["PyTorch's default", undefined, 1 / Math.sqrt(fanIn), true],
    ['He, uniform, by fan-in', 'heUniformFanIn', Math.sqrt(6 / fanIn), true],
    ['Glorot, uniform', 'glorotUniform', Math.sqrt(6 / (fanIn + fanOut)), true],
    ['He, normal, by fan-out', 'heNormalFanOut', Math.sqrt(2 / fanOut), false],
    ['normal', { std: 0.3 }, 0.3, false],
  ])('%s', (_, initialiser, scale, isUniform) => {
    const [weight, bias] = convolution({ initialiser } as Partial<LayerSpec>);
    const largest = Math.max(...weight!.map(Math.abs));
    // 10,800 values: the deviation is known to 1 %, the largest normal one lies near 4 deviations.
    expect(deviation(weight!) / (isUniform ? scale / Math.sqrt(3) : scale)).toBeCloseTo(1, 1);
    expect(isUniform ? largest <= scale && largest > 0.999 * scale : largest > 3.2 * scale).toBe(true);
    expect(Math.max(...bias!.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(fanIn));
  });

  test('a bias may be given, or be missing', () => {
    expect(new Set(convolution({ biasValue: 2 } as Partial<LayerSpec>)[1])).toEqual(new Set([2]));
    expect(convolution({ bias: false } as Partial<LayerSpec>)).toHaveLength(1);
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
