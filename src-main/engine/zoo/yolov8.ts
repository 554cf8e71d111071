/**
 * YOLOv8. For detection: a backbone of C2f blocks, a top-down and bottom-up neck, and a head without anchors that
 * predicts, at strides 8, 16 and 32, a distribution over 16 bins for each side of a box and a logit a category. For
 * classification: the same backbone and a linear layer over the mean of its last map. Paths are those of the published
 * checkpoints. Written from the published configuration (depth, width, channel limit).
 */
import { numbersPerPoint } from '../../contract/geometry/keypoints.ts';
import type { LayerSpec, NetworkSpec } from '../nn/network.ts';
import { convNorm, lastPath, reading } from './blocks.ts';

export type Yolov8Size = 'n' | 's' | 'm' | 'l' | 'x';

const sizes: Readonly<Record<Yolov8Size, { depth: number; width: number; maximumChannels: number }>> = {
  n: { depth: 0.33, width: 0.25, maximumChannels: 1024 },
  s: { depth: 0.33, width: 0.5, maximumChannels: 1024 },
  m: { depth: 0.67, width: 0.75, maximumChannels: 768 },
  l: { depth: 1, width: 1, maximumChannels: 512 },
  x: { depth: 1, width: 1.25, maximumChannels: 512 },
};

const bins = 16;
/** Pixels that the starting biases take the image to have on each side. */
const nominalSide = 640;
const strides = [8, 16, 32] as const;
const headPath = 'model.22';
/** Paths of what the network gives; see `detectionHead`. */
export const detectorOutputs = [`${headPath}.boxes`, `${headPath}.scores`, `${headPath}.dfl.conv`] as const;
const norm = { epsilon: 1e-3, momentum: 0.03 };

/** A convolution that keeps the size at stride 1, batch norm, SiLU; the result is at `path`.act. */
function conv(path: string, outChannels: number, kernel: number, stride = 1): LayerSpec[] {
  return [
    ...convNorm({
      conv: { outChannels, kernel, stride, padding: (kernel - 1) / 2 },
      convPath: `${path}.conv`,
      normPath: `${path}.bn`,
      norm,
    }),
    { kind: 'silu', path: `${path}.act` },
  ];
}

/** Two halves: one passes through `repeats` bottlenecks, and all that comes up on the way is joined. */
function c2f(path: string, outChannels: number, repeats: number, shortcut: boolean): LayerSpec[] {
  const hidden = outChannels / 2;
  const layers: LayerSpec[] = [
    ...conv(`${path}.cv1`, 2 * hidden, 1),
    { kind: 'sliceChannels', path: `${path}.half`, start: hidden, end: 2 * hidden },
  ];
  const joined = [`${path}.cv1.act`];
  for (let i = 0; i < repeats; i++) {
    const block = `${path}.m.${i}`;
    const from = lastPath(layers);
    layers.push(...conv(`${block}.cv1`, hidden, 3), ...conv(`${block}.cv2`, hidden, 3));
    if (shortcut) layers.push({ kind: 'add', path: `${block}.add`, from: [from, lastPath(layers)] });
    joined.push(lastPath(layers));
  }
  return [...layers, { kind: 'concat', path: `${path}.concat`, from: joined }, ...conv(`${path}.cv2`, outChannels, 1)];
}

/** Max pools of growing reach, by repetition. */
function sppf(path: string, channels: number): LayerSpec[] {
  const pools = [0, 1, 2].map((i): LayerSpec => ({
    kind: 'maxPool2d',
    path: `${path}.m${i}`,
    kernel: 5,
    stride: 1,
    padding: 2,
  }));
  return [
    ...conv(`${path}.cv1`, channels / 2, 1),
    ...pools,
    { kind: 'concat', path: `${path}.concat`, from: [`${path}.cv1.act`, ...pools.map((pool) => pool.path)] },
    ...conv(`${path}.cv2`, channels, 1),
  ];
}

/** Two 3×3 convolutions and a 1×1 one with bias, then all positions in one row. */
function branch(path: string, from: string, hidden: number, outChannels: number, biasValue?: number): LayerSpec[] {
  const bias = biasValue === undefined ? {} : { biasValue };
  return [
    ...reading(from, conv(`${path}.0`, hidden, 3)),
    ...conv(`${path}.1`, hidden, 3),
    { kind: 'conv2d', path: `${path}.2`, outChannels, kernel: 1, stride: 1, padding: 0, ...bias },
    { kind: 'flattenSpace', path: `${path}.flat` },
  ];
}

/**
 * Outputs: the sides' distributions [4·16, A] (logits), the scores [C, A] (logits), and the sides' expected distances
 * [4, A] in units of the stride; A runs over the levels' positions, row-major, the finest level first.
 */
function detectionHead(inputs: readonly string[], width: number, categoryCount: number): LayerSpec[] {
  const path = headPath;
  const boxHidden = Math.max(16, Math.floor(width / 4), 4 * bins);
  const scoreHidden = Math.max(width, Math.min(categoryCount, 100));
  // All bins start alike, which puts each side at 7.5 strides; scores start at five objects an image.
  const scoreBias = (stride: number): number => Math.log(5 / categoryCount / (nominalSide / stride) ** 2);
  return [
    ...strides.flatMap((_, i) => branch(`${path}.cv2.${i}`, inputs[i]!, boxHidden, 4 * bins, 1)),
    ...strides.flatMap((stride, i) =>
      branch(`${path}.cv3.${i}`, inputs[i]!, scoreHidden, categoryCount, scoreBias(stride)),
    ),
    joined('scores', 'cv3'),
    joined('boxes', 'cv2'),
    { kind: 'dfl', path: `${path}.dfl.conv`, bins },
  ];
}

/** The branches `part` of all levels, one after another. */
const joined = (name: string, part: string): LayerSpec => ({
  kind: 'concat',
  path: `${headPath}.${name}`,
  from: strides.map((_, i) => `${headPath}.${part}.${i}.flat`),
  axis: 1,
});

/** The parts of a network of one size, by the numbers that the published configuration gives its modules. */
function partsOf(depth: number, width: number, maximumChannels: number) {
  const channels = (count: number): number => 8 * Math.ceil((Math.min(count, maximumChannels) * width) / 8);
  const repeats = (count: number): number => Math.max(1, Math.round(count * depth));
  const down = (index: number, outChannels: number): LayerSpec[] => conv(module(index), channels(outChannels), 3, 2);
  const block = (index: number, outChannels: number, count: number, shortcut = false): LayerSpec[] =>
    c2f(module(index), channels(outChannels), repeats(count), shortcut);
  const backbone = [
    ...down(0, 64),
    ...down(1, 128),
    ...block(2, 128, 3, true),
    ...down(3, 256),
    ...block(4, 256, 6, true),
    ...down(5, 512),
    ...block(6, 512, 6, true),
    ...down(7, 1024),
    ...block(8, 1024, 3, true),
  ];
  return { channels, down, block, backbone };
}

const module = (index: number): string => `model.${index}`;

const resultOf = (index: number): string => `${module(index)}.cv2.act`;
/** Of the maps that the head reads, the finest first. */
const headInputs = [15, 18, 21].map(resultOf);

/**
 * What a head says beside boxes and scores, a branch a level: `width` numbers of each position, [width, A], at
 * `headPath`.`name`.
 */
function furtherBranches(size: Yolov8Size, name: string, width: number): LayerSpec[] {
  const { depth, width: factor, maximumChannels } = sizes[size];
  const hidden = Math.max(Math.floor(partsOf(depth, factor, maximumChannels).channels(256) / 4), width);
  return [
    ...headInputs.flatMap((input, i) => branch(`${headPath}.cv4.${i}`, input, hidden, width)),
    joined(name, 'cv4'),
  ];
}

const prototypeCount = 32;
const protoPath = `${headPath}.proto`;
export const segmenterOutputs = [...detectorOutputs, `${headPath}.coefficients`, `${protoPath}.cv3.act`] as const;

/**
 * A detector that also says a mask for each object: prototypes of the whole image, [32, H/4, W/4], and how much of each goes into
 * the mask of a position, [32, A]. Source: Bolya et al. 2019, "YOLACT".
 */
export function yolov8Segmenter(size: Yolov8Size, categoryCount: number): NetworkSpec {
  const { depth, width, maximumChannels } = sizes[size];
  const hidden = partsOf(depth, width, maximumChannels).channels(256);
  const prototypes: LayerSpec[] = [
    ...reading(headInputs[0]!, conv(`${protoPath}.cv1`, hidden, 3)),
    { kind: 'convTranspose2d', path: `${protoPath}.upsample`, outChannels: hidden, kernel: 2, stride: 2, padding: 0 },
    ...conv(`${protoPath}.cv2`, hidden, 3),
    ...conv(`${protoPath}.cv3`, prototypeCount, 1),
  ];
  const branches = furtherBranches(size, 'coefficients', prototypeCount);
  return { layers: [...yolov8(size, categoryCount).layers, ...branches, ...prototypes], outputs: segmenterOutputs };
}

export const poseOutputs = [...detectorOutputs, `${headPath}.keypoints`] as const;

/** A detector that also says where `pointCount` points of each object lie: [3·pointCount, A], x, y and a logit a point. */
export function yolov8Pose(size: Yolov8Size, categoryCount: number, pointCount: number): NetworkSpec {
  const branches = furtherBranches(size, 'keypoints', numbersPerPoint * pointCount);
  return { layers: [...yolov8(size, categoryCount).layers, ...branches], outputs: poseOutputs };
}

/** Takes images whose sides are multiples of 32. */
export function yolov8(size: Yolov8Size, categoryCount: number): NetworkSpec {
  const { depth, width, maximumChannels } = sizes[size];
  const { channels, down, block, backbone } = partsOf(depth, width, maximumChannels);
  const enlarge = (index: number): LayerSpec => ({ kind: 'upsample', path: module(index), factor: 2, mode: 'nearest' });
  const join = (index: number, from: readonly string[]): LayerSpec => ({ kind: 'concat', path: module(index), from });
  return {
    layers: [
      ...backbone,
      ...sppf(module(9), channels(1024)),
      enlarge(10),
      join(11, [module(10), resultOf(6)]),
      ...block(12, 512, 3),
      enlarge(13),
      join(14, [module(13), resultOf(4)]),
      ...block(15, 256, 3),
      ...down(16, 256),
      join(17, [`${module(16)}.act`, resultOf(12)]),
      ...block(18, 512, 3),
      ...down(19, 512),
      join(20, [`${module(19)}.act`, resultOf(9)]),
      ...block(21, 1024, 3),
      ...detectionHead(headInputs, channels(256), categoryCount),
    ],
    outputs: detectorOutputs,
  };
}

/** Channels of a classifier's backbone have one limit, whatever its size. */
const classifierChannels = 1024;
const classifierFeatures = 1280;

/** Takes images of any size; dropout: a probability. Gives logits [C]. */
export function yolov8Classifier(
  size: Yolov8Size,
  categoryCount: number,
  { dropout }: { dropout: number },
): LayerSpec[] {
  const { depth, width } = sizes[size];
  const head = module(9);
  return [
    ...partsOf(depth, width, classifierChannels).backbone,
    ...conv(`${head}.conv`, classifierFeatures, 1),
    { kind: 'globalAveragePool', path: `${head}.pool` },
    { kind: 'flatten', path: `${head}.flat` },
    { kind: 'dropout', path: `${head}.drop`, probability: dropout },
    { kind: 'linear', path: `${head}.linear`, outFeatures: categoryCount },
  ];
}
