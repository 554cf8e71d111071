/** Published checkpoints find their places in our networks: names as torchvision and timm give them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { planNetwork, type LayerSpec, type NetworkPlan, type NetworkSpec } from '../../src-main/engine/nn/network.ts';
import { matchWeights, type NamedShape } from '../../src-main/engine/weights/match-weights.ts';
import { weightTargets } from '../../src-main/engine/train/weight-targets.ts';
import { namingSchemes } from '../../src-main/engine/zoo/naming.ts';
import { lastPath } from '../../src-main/engine/zoo/blocks.ts';
import { efficientnetClassifier, type EfficientnetVariant } from '../../src-main/engine/zoo/efficientnet.ts';
import { mobilenetV2Classifier } from '../../src-main/engine/zoo/mobilenet-v2.ts';
import { resnetClassifier } from '../../src-main/engine/zoo/resnet.ts';
import { segmentationNetwork, type DecoderId, type EncoderId } from '../../src-main/engine/zoo/segmentation.ts';
import { vggClassifier } from '../../src-main/engine/zoo/vgg.ts';
import { yolov8, yolov8Pose, yolov8Segmenter } from '../../src-main/engine/zoo/yolov8.ts';
import { repository } from '../helpers/app-session.ts';

const published = JSON.parse(
  readFileSync(join(repository, 'tests', 'golden', 'weights', 'names.json'), 'utf8'),
) as Record<'torchvision' | 'timm', Record<string, string[]>>;

function listing(family: 'torchvision' | 'timm', network: string): NamedShape[] {
  return published[family][network]!.map((line) => {
    const [name, shape] = line.split(' ') as [string, string];
    return { name, shape: shape === '' ? [] : shape.split('x').map(Number) };
  });
}

const planOf = (layers: readonly LayerSpec[]): NetworkPlan => planNetwork(layers, [3, 64, 64], [lastPath(layers)]);
const efficientnet = (variant: EfficientnetVariant, categories: number): NetworkPlan =>
  planOf(efficientnetClassifier(variant, categories, { dropConnect: 0, dropout: 0, smallImages: false }));
const segmenter = (decoder: DecoderId, encoder: EncoderId): NetworkPlan => {
  const { layers, outputs } = segmentationNetwork(decoder, encoder, 5);
  return planNetwork(layers, [3, 64, 64], outputs);
};

function match(plan: NetworkPlan, tensors: readonly NamedShape[], metadata: Record<string, string> = {}) {
  return matchWeights({
    ...weightTargets(plan),
    network: { padding: null, scaling: null },
    file: { tensors, metadata },
    schemes: namingSchemes,
  });
}
/** As a file of our own network would list them. */
const ownListing = (plan: NetworkPlan): NamedShape[] => [...weightTargets(plan).targets];
const renamed = (tensors: readonly NamedShape[], change: (name: string) => string): NamedShape[] =>
  tensors.map(({ name, shape }) => ({ name: change(name), shape }));

describe('whole networks with as many classes', () => {
  const cases: [string, NetworkPlan, NamedShape[], string][] = [
    [
      'ResNet-18',
      planOf(resnetClassifier(18, 1000, { smallImages: false })),
      listing('torchvision', 'resnet18'),
      'torchvision or timm ResNet',
    ],
    [
      'ResNet-101',
      planOf(resnetClassifier(101, 1000, { smallImages: false })),
      listing('torchvision', 'resnet101'),
      'torchvision or timm ResNet',
    ],
    [
      'ResNet-50 of timm',
      planOf(resnetClassifier(50, 1000, { smallImages: false })),
      listing('timm', 'resnet50'),
      'torchvision or timm ResNet',
    ],
    [
      'VGG-11',
      planOf(vggClassifier(11, 1000, { batchNorm: false })),
      listing('torchvision', 'vgg11'),
      'torchvision VGG',
    ],
    [
      'VGG-13 with batch norm',
      planOf(vggClassifier(13, 1000, { batchNorm: true })),
      listing('torchvision', 'vgg13_bn'),
      'torchvision VGG',
    ],
    ['VGG-16 of timm', planOf(vggClassifier(16, 1000, { batchNorm: true })), listing('timm', 'vgg16_bn'), 'timm VGG'],
    [
      'MobileNetV2',
      planOf(mobilenetV2Classifier(1000, { dropout: 0, smallImages: false })),
      listing('torchvision', 'mobilenet_v2'),
      'torchvision MobileNetV2',
    ],
    [
      'MobileNetV2 of timm',
      planOf(mobilenetV2Classifier(1000, { dropout: 0, smallImages: false })),
      listing('timm', 'mobilenetv2_100'),
      'timm MobileNetV2',
    ],
    [
      'EfficientNet-B0',
      efficientnet('b0', 1000),
      listing('torchvision', 'efficientnet_b0'),
      'torchvision EfficientNet',
    ],
    [
      'EfficientNet-B5',
      efficientnet('b5', 1000),
      listing('torchvision', 'efficientnet_b5'),
      'torchvision EfficientNet',
    ],
    ['EfficientNet-B0 of timm', efficientnet('b0', 1000), listing('timm', 'efficientnet_b0'), 'timm EfficientNet'],
    ['EfficientNet-B3 of timm', efficientnet('b3', 1000), listing('timm', 'tf_efficientnet_b3'), 'timm EfficientNet'],
  ];
  test.each(cases)('%s', (_, plan, tensors, naming) => {
    const { fit, sources } = match(plan, tensors);
    expect(fit).toMatchObject({ naming, loaded: fit.total, fresh: [], unused: 0, rebuiltNorms: 0 });
    expect(new Set(sources.values()).size).toBe(tensors.length);
  });
});

describe('parts of networks', () => {
  test('another number of classes keeps every tensor that still fits', () => {
    const { fit } = match(planOf(resnetClassifier(18, 5, { smallImages: false })), listing('torchvision', 'resnet18'));
    expect(fit.fresh).toEqual([
      { name: 'fc.weight', reason: 'shape', fileShape: [1000, 512] },
      { name: 'fc.bias', reason: 'shape', fileShape: [1000] },
    ]);
    expect(fit).toMatchObject({ loaded: fit.total - 2, unused: 2, padding: { weights: 'symmetric', network: null } });
  });

  test.each([
    ['resnet18', listing('torchvision', 'resnet18'), ['fc.weight', 'fc.bias']],
    ['mobilenet_v2', listing('timm', 'mobilenetv2_100'), ['classifier.weight', 'classifier.bias']],
    ['efficientnet-b0', listing('torchvision', 'efficientnet_b0'), ['classifier.1.weight', 'classifier.1.bias']],
    ['vgg13_bn', listing('torchvision', 'vgg13_bn'), null],
  ] as const)('a classifier becomes the encoder of a U-Net: %s', (encoder, tensors, unused) => {
    const plan = segmenter('unet', encoder);
    const { fit, sources } = match(plan, tensors);
    const encoderTensors = ownListing(plan).filter(({ name }) => name.startsWith('encoder.'));
    expect([...sources.keys()].sort()).toEqual(encoderTensors.map(({ name }) => name).sort());
    if (unused) expect(fit.unusedNames).toEqual(unused);
    expect(fit.fresh.every(({ name }) => /^(decoder|segmentation_head)\./.test(name))).toBe(true);
  });

  test('a whole segmentation checkpoint loads, and its encoder becomes a classifier', () => {
    const plan = segmenter('unetPlusPlus', 'efficientnet-b0');
    const file = ownListing(plan);
    expect(match(plan, file).fit).toMatchObject({
      loaded: file.length,
      naming: 'efficientnet_pytorch',
      padding: { weights: 'same' },
    });
    const { fit } = match(efficientnet('b0', 10), file);
    expect(fit.prefix).toBe('encoder.');
    expect(fit.fresh.map(({ name }) => name)).toEqual(['_fc.weight', '_fc.bias']);
  });

  test('YOLOv8 for other classes', () => {
    const [own, other] = [80, 3].map((count) => {
      const { layers, outputs } = yolov8('n', count);
      return planNetwork(layers, [3, 64, 64], outputs);
    }) as [NetworkPlan, NetworkPlan];
    const file = renamed(ownListing(own), (name) => `model.${name}`);
    const { fit } = match(other, file);
    expect(fit).toMatchObject({ naming: 'Ultralytics YOLOv8', prefix: 'model.', total: 298 });
    // The first block of a class branch is as wide as the classes, up to a hundred.
    expect(fit.fresh.every(({ name }) => name.startsWith('model.22.cv3.'))).toBe(true);
  });

  test('a detector of poses takes all of a detector but what it has not', () => {
    const [detector, poses] = [yolov8('n', 80), yolov8Pose('n', 80, 17)].map(({ layers, outputs }) =>
      planNetwork(layers, [3, 64, 64], outputs),
    ) as [NetworkPlan, NetworkPlan];
    const { fit } = match(poses, ownListing(detector));
    expect(fit).toMatchObject({ naming: 'Ultralytics YOLOv8', loaded: ownListing(detector).length, unusedNames: [] });
    expect(fit.fresh.every(({ name }) => name.startsWith('model.22.cv4.'))).toBe(true);
    expect(match(poses, ownListing(poses)).fit.fresh).toEqual([]);
  });

  /** What Ultralytics' `state_dict()` has for a convolution with its norm. */
  const conv = (path: string, out: number, into: number, kernel: number): NamedShape[] => [
    { name: `${path}.conv.weight`, shape: [out, into, kernel, kernel] },
    ...['weight', 'bias', 'running_mean', 'running_var'].map((name) => ({ name: `${path}.bn.${name}`, shape: [out] })),
    { name: `${path}.bn.num_batches_tracked`, shape: [] },
  ];
  /** What it has for the branches of a head: of size n the maps that it reads have 64, 128 and 256 channels. */
  const branches = (hidden: number, width: number): NamedShape[] =>
    [64, 128, 256].flatMap((channels, level) => [
      ...conv(`model.22.cv4.${level}.0`, hidden, channels, 3),
      ...conv(`model.22.cv4.${level}.1`, hidden, hidden, 3),
      { name: `model.22.cv4.${level}.2.weight`, shape: [width, hidden, 1, 1] },
      { name: `model.22.cv4.${level}.2.bias`, shape: [width] },
    ]);
  const prototypes: NamedShape[] = [
    ...conv('model.22.proto.cv1', 64, 64, 3),
    { name: 'model.22.proto.upsample.weight', shape: [64, 64, 2, 2] },
    { name: 'model.22.proto.upsample.bias', shape: [64] },
    ...conv('model.22.proto.cv2', 64, 64, 3),
    ...conv('model.22.proto.cv3', 32, 64, 1),
  ];
  test.each<[string, NetworkSpec, NamedShape[]]>([
    ['masks', yolov8Segmenter('n', 80), [...branches(32, 32), ...prototypes]],
    ['points', yolov8Pose('n', 80, 17), branches(51, 51)],
  ])('a published detector with a head of %s', (_, { layers, outputs }, head) => {
    const detector = yolov8('n', 80);
    const file = [...ownListing(planNetwork(detector.layers, [3, 64, 64], detector.outputs)), ...head];
    const { fit } = match(
      planNetwork(layers, [3, 64, 64], outputs),
      renamed(file, (name) => `model.${name}`),
    );
    expect(fit).toMatchObject({ naming: 'Ultralytics YOLOv8', prefix: 'model.', fresh: [] });
    expect(fit.unusedNames.filter((name) => !name.endsWith('.num_batches_tracked'))).toEqual([]);
    expect(fit.loaded).toBe(fit.total);
  });

  test('averaged weights come before those they are averages of, and moments never come', () => {
    const plan = planOf(mobilenetV2Classifier(3, { dropout: 0, smallImages: false }));
    const own = ownListing(plan);
    const both = [
      ...own,
      ...renamed(own, (name) => `average.${name}`),
      ...renamed(own, (name) => `optimiser.mean.${name}`),
    ];
    expect(match(plan, both, { format: 'fovea-checkpoint' }).fit).toMatchObject({
      naming: 'Fovea',
      prefix: 'average.',
    });
    expect(
      match(
        plan,
        renamed(own, (name) => `optimizer.state.${name}`),
      ).fit.loaded,
    ).toBe(0);
    expect(
      match(
        plan,
        renamed(own, (name) => `state_dict.module.${name}`),
      ).fit,
    ).toMatchObject({
      prefix: 'state_dict.module.',
      loaded: own.length,
    });
  });
});

describe('folded batch norms', () => {
  const plan = planOf(mobilenetV2Classifier(3, { dropout: 0, smallImages: false }));
  const { targets, norms } = weightTargets(plan);
  const folded: NamedShape[] = targets.flatMap(({ name, shape }) => {
    const pair = norms.find(({ norm }) => name.startsWith(`${norm}.`));
    if (!pair) return [{ name, shape }];
    return name === `${pair.norm}.bias` ? [{ name: `${pair.conv}.bias`, shape }] : [];
  });

  test('are seen: their convolutions have a bias, and they themselves are missing', () => {
    const { fit, folded: found } = match(plan, folded);
    expect(fit).toMatchObject({ rebuiltNorms: 52, loaded: fit.total, fresh: [] });
    expect(found[0]).toEqual({
      conv: 'features.0.0',
      norm: 'features.0.1',
      weight: 'features.0.0.weight',
      bias: 'features.0.0.bias',
    });
  });

  test('what the file says of its padding and inputs is heard', () => {
    const note = 'TF SAME padding, input x/127.5-1.';
    expect(match(plan, folded, { note }).fit).toMatchObject({
      padding: { weights: 'same' },
      scaling: { weights: 'minus-one-to-one' },
    });
  });
});

test('a file of another network loads nothing, and says so', () => {
  const { fit } = match(planOf(resnetClassifier(18, 5, { smallImages: true })), [
    { name: 'bert.embeddings.weight', shape: [100, 10] },
    { name: 'bert.pooler.weight', shape: [10, 10] },
  ]);
  expect(fit).toMatchObject({ naming: null, loaded: 0, unused: 2 });
});
