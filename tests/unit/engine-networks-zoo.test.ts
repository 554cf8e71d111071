/** The networks of the zoo as plans: published parameter counts, shapes of what they give, and that all of them build. */
import { afterAll, describe, expect, test } from 'vitest';
import type { Shape } from '../../src-main/engine/graph/types.ts';
import {
  buildNetwork,
  countParameters,
  isFrozen,
  planNetwork,
  type LayerSpec,
  type NetworkPlan,
  type NetworkSpec,
} from '../../src-main/engine/nn/network.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { efficientnetClassifier } from '../../src-main/engine/zoo/efficientnet.ts';
import { mobilenetV2Classifier } from '../../src-main/engine/zoo/mobilenet-v2.ts';
import { defaultOptions, describeModel, modelSummaries, planModel } from '../../src-main/engine/zoo/registry.ts';
import { resnetClassifier } from '../../src-main/engine/zoo/resnet.ts';
import { decoderIds, encoderIds, segmentationNetwork } from '../../src-main/engine/zoo/segmentation.ts';
import { vggClassifier } from '../../src-main/engine/zoo/vgg.ts';
import {
  yolov8,
  yolov8Classifier,
  yolov8Pose,
  yolov8Segmenter,
  type Yolov8Size,
} from '../../src-main/engine/zoo/yolov8.ts';
import { runtime } from '../helpers/engine-run.ts';
import { runGoldenSteps } from '../helpers/golden-training.ts';
import { smallConfig } from '../helpers/run-config.ts';

const side = 64;
const planOf = ({ layers, outputs }: NetworkSpec): NetworkPlan => planNetwork(layers, [3, side, side], outputs);
const countOf = (layers: readonly LayerSpec[]): number =>
  countParameters(planNetwork(layers, [3, side, side]).parameters);
const outputShapes = ({ layers, outputs }: NetworkPlan): Shape[] =>
  outputs.map((path) => layers.find(({ spec }) => spec.path === path)!.outputShape);

describe('YOLOv8, 80 categories', () => {
  test.each([
    ['n', 3_157_200],
    ['s', 11_166_560],
    ['m', 25_902_640],
    ['l', 43_691_520],
    ['x', 68_229_648],
  ] as const)('%s has %i parameters, 16 of them fixed', (size, count) => {
    const plan = planOf(yolov8(size, 80));
    expect(countParameters(plan.parameters)).toBe(count);
    expect(countParameters(plan.parameters.filter((parameter) => isFrozen(parameter, [])))).toBe(16);
  });

  test('gives distributions, scores and distances at every position of strides 8, 16 and 32', () => {
    const places = (side / 8) ** 2 + (side / 16) ** 2 + (side / 32) ** 2;
    expect(outputShapes(planOf(yolov8('n', 5)))).toEqual([
      [64, places],
      [5, places],
      [4, places],
    ]);
  });

  test('starts with what its paper and configuration say', () => {
    const plan = planOf(yolov8('n', 80));
    const start = initialise(plan.parameters, plan.buffers, 1);
    expect([...start.get('model.22.dfl.conv.weight')!]).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(new Set(start.get('model.22.cv2.1.2.bias'))).toEqual(new Set([1]));
    expect(start.get('model.22.cv3.2.2.bias')![0]).toBeCloseTo(Math.log(5 / 80 / 400), 5);
  });
});

describe('YOLOv8-seg, 80 categories', () => {
  // n: as published for the configuration. The others are the detectors' counts with what the published widths give the head's
  // branches and prototypes; published are 3.4, 11.8, 27.3, 46.0 and 71.8 million.
  test.each([
    ['n', 3_409_968, 3.4],
    ['s', 11_821_056, 11.8],
    ['m', 27_285_968, 27.3],
    ['l', 45_997_728, 46],
    ['x', 71_827_888, 71.8],
  ] as const)('%s has %i parameters, %f million', (size, count, millions) => {
    const { parameters } = planOf(yolov8Segmenter(size, 80));
    expect(countParameters(parameters)).toBe(count);
    expect(Math.round(count / 1e5) / 10).toBe(millions);
  });
});

describe('YOLOv8-pose, a person of 17 points', () => {
  // Published in millions with the norms folded: 3.3, 11.6, 26.4, 44.4, 69.4.
  test.each([
    ['n', 3_295_470, 3_289_964],
    ['s', 11_626_046, 11_615_724],
    ['m', 26_464_462, 26_447_596],
    ['l', 44_489_196, 44_465_580],
    ['x', 69_491_724, 69_462_204],
  ] as const)('%s has %i parameters, folded %i', (size, count, folded) => {
    const { parameters } = planOf(yolov8Pose(size, 1, 17));
    expect(countParameters(parameters)).toBe(count);
    // A norm's factor goes into its convolution, its offset stays as a bias.
    const factors = parameters.filter(({ name }) => name.endsWith('.bn.weight'));
    expect(count - countParameters(factors)).toBe(folded);
  });

  test('gives three numbers a point at every position, by the published names', () => {
    const plan = planOf(yolov8Pose('n', 2, 4));
    const places = (side / 8) ** 2 + (side / 16) ** 2 + (side / 32) ** 2;
    expect(outputShapes(plan).at(-1)).toEqual([12, places]);
    const named = plan.parameters.filter(({ name }) => name.startsWith('model.22.cv4.2.'));
    expect(named.map(({ name, shape }) => [name, shape.join('×')])).toEqual([
      ['model.22.cv4.2.0.conv.weight', '16×256×3×3'],
      ['model.22.cv4.2.0.bn.weight', '16'],
      ['model.22.cv4.2.0.bn.bias', '16'],
      ['model.22.cv4.2.1.conv.weight', '16×16×3×3'],
      ['model.22.cv4.2.1.bn.weight', '16'],
      ['model.22.cv4.2.1.bn.bias', '16'],
      ['model.22.cv4.2.2.weight', '12×16×1×1'],
      ['model.22.cv4.2.2.bias', '12'],
    ]);
  });
});

describe('classifiers, 1,000 categories', () => {
  test('YOLOv8n has 2,719,288 parameters, as published, and the other sizes theirs', () => {
    const countOfSize = (size: Yolov8Size): number => countOf(yolov8Classifier(size, 1000, { dropout: 0 }));
    expect(countOfSize('n')).toBe(2_719_288);
    // Published with the norms folded: 6.4, 17.0, 37.5 and 57.4.
    const millions = (['s', 'm', 'l', 'x'] as const).map((size) => (countOfSize(size) / 1e6).toFixed(1));
    expect(millions).toEqual(['6.4', '17.1', '37.5', '57.4']);
  });

  test.each([
    [18, 11_689_512],
    [34, 21_797_672],
    [50, 25_557_032],
    [101, 44_549_160],
  ] as const)('ResNet-%i has %i parameters', (depth, count) => {
    expect(countOf(resnetClassifier(depth, 1000, { smallImages: false }))).toBe(count);
  });

  test.each([
    [11, 132_863_336, 132_868_840],
    [13, 133_047_848, 133_053_736],
    [16, 138_357_544, 138_365_992],
    [19, 143_667_240, 143_678_248],
  ] as const)('VGG-%i has %i parameters, with batch norm %i', (depth, plain, normed) => {
    expect(countOf(vggClassifier(depth, 1000, { batchNorm: false }))).toBe(plain);
    expect(countOf(vggClassifier(depth, 1000, { batchNorm: true }))).toBe(normed);
  });

  test.each([
    ['b0', 5_288_548],
    ['b1', 7_794_184],
    ['b2', 9_109_994],
    ['b3', 12_233_232],
    ['b4', 19_341_616],
    ['b5', 30_389_784],
    ['b6', 43_040_704],
    ['b7', 66_347_960],
  ] as const)('EfficientNet-%s has %i parameters', (variant, count) => {
    const options = { dropConnect: 0.2, dropout: 0.2, smallImages: false };
    expect(countOf(efficientnetClassifier(variant, 1000, options))).toBe(count);
  });

  test('MobileNetV2 has 3,504,872 parameters', () => {
    expect(countOf(mobilenetV2Classifier(1000, { dropout: 0.2, smallImages: false }))).toBe(3_504_872);
  });

  test('the form for small images has the same weights and leaves out two halvings', () => {
    const forms = [true, false].map((smallImages) => ({ dropConnect: 0.2, dropout: 0.2, smallImages }));
    const builders = [
      (options: (typeof forms)[0]) => resnetClassifier(18, 10, options),
      (options: (typeof forms)[0]) => mobilenetV2Classifier(10, options),
      (options: (typeof forms)[0]) => efficientnetClassifier('b0', 10, options),
    ];
    for (const build of builders) {
      const [small, large] = forms.map((options) => planNetwork(build(options), [3, side, side]));
      const names = (plan: NetworkPlan): string[] => plan.parameters.map(({ name }) => name);
      expect(names(small!)).toEqual(names(large!));
      const before = (plan: NetworkPlan): Shape =>
        plan.layers.find(({ spec }) => spec.kind === 'globalAveragePool' && !spec.path.includes('squeeze'))!
          .inputShapes[0];
      expect(before(large!).slice(1)).toEqual([side / 32, side / 32]);
      expect(before(small!).slice(1)).toEqual([side / 8, side / 8]);
    }
  });
});

describe('segmentation', () => {
  test.each([
    ['unet', 'efficientnet-b5', 5, 31_216_581],
    ['unet', 'efficientnet-b0', 1, 6_251_469],
    ['unet', 'mobilenet_v2', 1, 6_628_945],
    ['unet', 'resnet34', 1, 24_436_369],
    ['unet', 'resnet50', 1, 32_521_105],
    ['unetPlusPlus', 'resnet34', 1, 26_078_609],
    ['unetPlusPlus', 'resnet50', 1, 48_985_745],
    ['fpn', 'resnet34', 1, 23_155_393],
  ] as const)('%s over %s with %i categories has %i parameters', (decoder, encoder, categories, count) => {
    expect(countParameters(planOf(segmentationNetwork(decoder, encoder, categories)).parameters)).toBe(count);
  });

  test('U-Net over EfficientNet-B5 with its stem and blocks frozen trains 3,928,469', () => {
    const { parameters } = planOf(segmentationNetwork('unet', 'efficientnet-b5', 5));
    const frozen = ['encoder._conv_stem', 'encoder._bn0', 'encoder._blocks'];
    expect(countParameters(parameters.filter((parameter) => !isFrozen(parameter, frozen)))).toBe(3_928_469);
  });

  test('every decoder over every encoder gives a logit a category and pixel', () => {
    for (const decoder of decoderIds) {
      for (const encoder of encoderIds)
        expect(outputShapes(planOf(segmentationNetwork(decoder, encoder, 3))), `${decoder} ${encoder}`).toEqual([
          [3, side, side],
        ]);
    }
  });

  test.each([
    ['efficientnet-b0', [32, 24, 40, 112, 320]],
    ['efficientnet-b5', [48, 40, 64, 176, 512]],
    ['mobilenet_v2', [16, 24, 32, 96, 1280]],
    ['resnet50', [64, 256, 512, 1024, 2048]],
    ['vgg16', [128, 256, 512, 512, 512]],
  ] as const)('%s hands %j channels to a decoder, at strides 2 to 32', (encoder, channels) => {
    const { layers } = planOf(segmentationNetwork('unet', encoder, 1));
    const shapeOf = (path: string): Shape => layers.find(({ spec }) => spec.path === path)!.outputShape;
    const joins = layers.filter(({ spec }) => spec.path.startsWith('decoder.') && spec.kind === 'concat');
    const deepest = layers.find(({ spec }) => spec.path === 'decoder.blocks.0.up')!;
    const skips = joins.map(({ sources }) => shapeOf(sources[1]!)).reverse();
    expect([...skips, deepest.inputShapes[0]]).toEqual(
      channels.map((count, i) => [count, side / 2 ** (i + 1), side / 2 ** (i + 1)]),
    );
  });
});

describe('the registry', () => {
  test.each(modelSummaries('classification').map(({ id }) => id))('%s takes colour and grey images', (id) => {
    for (const shape of [
      [3, 32, 32],
      [1, 28, 28],
    ]) {
      const plan = planModel(id, defaultOptions(id), shape, 10);
      expect(outputShapes(plan)).toEqual([[10]]);
    }
  });

  test('segmenters give a logit a category and pixel, with encoder and width of one’s choice', () => {
    for (const { id } of modelSummaries('segmentation')) {
      const plan = planModel(id, defaultOptions(id), [3, side, side], 4);
      expect(outputShapes(plan), id).toEqual([[4, side, side]]);
    }
    const slim = planModel('unet', { encoder: 'resnet18', decoderWidth: 40 }, [1, 32, 64], 2);
    expect(outputShapes(slim)).toEqual([[2, 32, 64]]);
    const weights = new Map(slim.parameters.map(({ name, shape }) => [name, shape[0]]));
    expect([0, 1, 2, 3, 4].map((step) => weights.get(`decoder.blocks.${step}.conv1.0.weight`))).toEqual([
      40, 20, 10, 5, 2,
    ]);
    const options = { encoder: 'efficientnet-b5' };
    const frozen = ['encoder._conv_stem', 'encoder._bn0', 'encoder._blocks'];
    const { parameterCount, trainableCount } = describeModel('unet', options, [3, side, side], 5, frozen);
    expect([parameterCount, trainableCount]).toEqual([31_216_581, 3_928_469]);
  });

  test('a size that a network cannot take, or an encoder that there is not, is refused in words', () => {
    expect(() => planModel('fpn', {}, [3, 64, 72], 2)).toThrow(
      'FPN takes images whose sides are multiples of 32 px, but these have 72 × 64 px.',
    );
    expect(() => planModel('unetPlusPlus', { encoder: 'vgg9' }, [3, 64, 64], 2)).toThrow(
      /^U-Net\+\+: "encoder" cannot be "vgg9"\. Choices: /,
    );
  });

  test.each(['resnet18', 'mobilenet_v2', 'efficientnet-b0'])('%s learns a batch by heart', async (id) => {
    const plan = planModel(id, defaultOptions(id), [3, 16, 16], 3);
    const steps = 5;
    const [result] = await runGoldenSteps(
      {
        plan,
        loss: { kind: 'cross-entropy', softmaxBeforeLoss: false },
        phase: { ...smallConfig().phases[0]!, epochs: steps, learningRate: 0.002 },
        settings: { accumulation: 1, ema: null },
        images: { seed: 5, count: 4, channels: 3, side: 16, block: 4, categories: 3 },
        indices: Array.from({ length: steps }, () => [0, 1, 2, 3]),
        parameters: initialise(plan.parameters, [], 3),
      },
      [steps],
    );
    expect(result!.losses.at(-1)!).toBeLessThan(0.7 * result!.losses[0]!);
  });
});

test('layers that lead to no output keep their weights and get no nodes', () => {
  const plan = planOf(segmentationNetwork('unet', 'efficientnet-b0', 2));
  expect(plan.parameters.some(({ name }) => name === 'encoder._conv_head.weight')).toBe(true);
  const g = newGraph('network');
  const tensors = new Map(
    [...plan.parameters, ...plan.buffers].map(({ name, shape }) => [name, g.input(name, 'float32', shape)]),
  );
  const updated: string[] = [];
  const [logits] = buildNetwork(
    plan,
    g,
    {
      bytes: g.input('bytes', 'uint8', [1, 3, side, side]),
      preprocessing: { range: [0, 1], mean: 0, std: 1 },
    },
    {
      mode: 'training',
      tensor: (name) => tensors.get(name)!,
      updateBuffer: (name) => updated.push(name),
      step: g.input('step', 'int64', []),
      seed: 0,
    },
  );
  g.output(logits, 'logits');
  const read = new Set(optimise(g.graph).nodes.flatMap(({ inputs }) => inputs.map((input) => input?.name)));
  expect(plan.parameters.map(({ name }) => name).filter((name) => !read.has(name))).toEqual([
    'encoder._conv_head.weight',
    'encoder._bn1.weight',
    'encoder._bn1.bias',
  ]);
  expect(updated).not.toContain('encoder._bn1.running_mean');
  expect(updated).toContain('encoder._bn0.running_mean');
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
