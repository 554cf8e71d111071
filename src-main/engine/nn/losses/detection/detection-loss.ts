/**
 * What a detector without anchor boxes learns from: CIoU of the boxes, the distribution focal loss of their sides (Li et al.
 * 2020, "Generalized Focal Loss") and binary cross-entropy of the scores, each weighted by the target scores of the
 * task-aligned assigner and divided by their sum.
 *   box = Σ w·(1 − CIoU)/z, distribution = Σ w·DFL/z, category = Σ BCE(x, w)/z,  z = max(Σ w, 1)
 * All are worked out for the claims only, at most ten an object, except for Σ BCE(x, 0), which every score is part of.
 */
import type { LossConfig } from '../../../../contract/model/loss.ts';
import type { Builder } from '../../../graph/builder.ts';
import { tensor, type Value } from '../../../graph/types.ts';
import { atLeast, ordinals, total } from '../definition.ts';
import { anchorLevels, anchorPoints, type AnchorLevel } from './anchors.ts';
import { assign, type Assignment } from './assigner.ts';
import { completeIou } from './ciou.ts';
import type { DetectionLabels } from './labels.ts';

export type DetectionGains = Omit<Extract<LossConfig, { kind: 'detection' }>, 'kind'>;
/** YOLOv8's. */
export const detectionGains: DetectionGains = { boxGain: 7.5, categoryGain: 0.5, distributionGain: 1.5 };
/** Targets stay this much below the last bin, so that there is one above them. */
const binMargin = 0.01;

/** What the network gives: A runs over the levels' positions, row-major, the finest level first. */
export interface DetectionOutputs {
  /** Logits of each side's distribution over bins, [N, 4·bins, A]. */
  boxes: Value;
  /** Logits [N, C, A]. */
  scores: Value;
  /** Expected distances of the sides, [N, 4, A], in units of the stride. */
  distances: Value;
}

/** float32 scalars; the parts have their gains in them. */
export interface DetectionLoss {
  /** Their sum. */
  total: Value;
  box: Value;
  category: Value;
  distribution: Value;
  /** What the parts were worked out for. */
  assignment: Assignment;
}

/** size: the image's [height, width] px. */
export function detectionLoss(
  g: Builder,
  outputs: DetectionOutputs,
  labels: DetectionLabels,
  size: readonly [number, number],
  { boxGain, categoryGain, distributionGain } = detectionGains,
): DetectionLoss {
  const levels = anchorLevels(size);
  const assignment = g.scope('assigner', () => assign(g, outputs, labels, levels));
  const { weights } = assignment;
  const z = atLeast(g, total(g, weights), 1);
  const part = (gain: number, sum: Value): Value => g.div(g.scale(sum, gain), z);

  const targets = targetDistances(g, assignment, labels.bboxXyxy, levels);
  const box = g.scope('box', () => {
    const overlap = overlapWithTargets(g, atAnchors(g, outputs.distances, assignment), targets);
    return part(boxGain, total(g, g.mul(g.sub(g.float(1), overlap), weights)));
  });
  const distribution = g.scope('distribution', () => {
    const focal = distributionFocal(g, atAnchors(g, outputs.boxes, assignment), targets);
    return part(distributionGain, total(g, g.mul(focal, weights)));
  });
  const category = g.scope('category', () =>
    part(categoryGain, categoryCrossEntropy(g, outputs.scores, assignment, labels.categories)),
  );
  return { total: g.add(g.add(box, category), distribution), box, category, distribution, assignment };
}

/** values [N, D, A] at the claimed anchors: [N, D, M·K]. */
export function atAnchors(g: Builder, values: Value, { anchors }: Assignment): Value {
  const [n, claims] = anchors.shape as [number, number];
  const depth = values.shape[1]!;
  const indices = g.expand(g.reshape(anchors, [n, 1, claims]), [n, depth, claims]);
  return g.op('GatherElements', [values, indices], { axis: 2 });
}

/** [N, M, D] for each claim of an object: [N, M·K, D]. */
export function forClaims(g: Builder, values: Value, { claimsPerObject }: Assignment): Value {
  const [n, m, depth] = values.shape as [number, number, number];
  const repeated = g.expand(g.reshape(values, [n, m, 1, depth]), [n, m, claimsPerObject, depth]);
  return g.reshape(repeated, [n, m * claimsPerObject, depth]);
}

/** From each claimed anchor to its object's sides, [N, 4, M·K] in strides: left = (x − x1)/stride … bottom = (y2 − y)/stride. */
function targetDistances(g: Builder, assignment: Assignment, bboxXyxy: Value, levels: readonly AnchorLevel[]): Value {
  const { x, y, stride } = anchorPoints(levels);
  const inStrides = (values: readonly number[], sign: number): number[] =>
    values.map((v, i) => (sign * v) / stride[i]!);
  const ones = stride.map(() => 1);
  const atClaims = (rows: readonly (readonly number[])[]): Value => {
    const table = g.constant(tensor('float32', [4, stride.length], rows.flat()));
    return g.transpose(g.gather(table, assignment.anchors, 1), [1, 0, 2]); // [N, 4, M·K]
  };
  const factors = atClaims([-1, -1, 1, 1].map((sign) => inStrides(ones, sign)));
  const points = atClaims([inStrides(x, 1), inStrides(y, 1), inStrides(x, -1), inStrides(y, -1)]);
  const sides = g.transpose(forClaims(g, bboxXyxy, assignment), [0, 2, 1]);
  return g.add(g.mul(sides, factors), points);
}

/** CIoU of boxes around the same points, given as distances [N, 4, L] from them: [N, L]. */
function overlapWithTargets(g: Builder, distances: Value, targets: Value): Value {
  const first = g.split(distances, [1, 1, 1, 1], 1);
  const second = g.split(targets, [1, 1, 1, 1], 1);
  const shared = g.split(g.op('Min', [distances, targets]), [1, 1, 1, 1], 1);
  const extent = (sides: readonly Value[]) => ({
    width: g.add(sides[0]!, sides[2]!),
    height: g.add(sides[1]!, sides[3]!),
  });
  const centre = (sides: readonly Value[], low: number): Value => g.scale(g.sub(sides[low + 2]!, sides[low]!), 0.5);
  const overlap = completeIou(g, {
    first: extent(first),
    second: extent(second),
    overlap: extent(shared),
    offset: { x: g.sub(centre(first, 0), centre(second, 0)), y: g.sub(centre(first, 1), centre(second, 1)) },
  });
  return g.reshape(overlap, [overlap.shape[0]!, overlap.shape[2]!]);
}

/**
 * −((y₊ − y)·log p(y₋) + (y − y₋)·log p(y₊)) with the bins y₋ ≤ y < y₊ around the target, averaged over the four sides.
 * logits: [N, 4·bins, L]; targets: [N, 4, L]; [N, L].
 */
function distributionFocal(g: Builder, logits: Value, targets: Value): Value {
  const [n, depth, count] = logits.shape as [number, number, number];
  const bins = depth / 4;
  const logProbabilities = g.op('LogSoftmax', [g.reshape(logits, [n, 4, bins, count])], { axis: 2 });
  const clipped = g.op('Clip', [targets, g.float(0), g.float(bins - 1 - binMargin)]);
  const places = g.constant(tensor('float32', [1, 1, bins, 1], ordinals(bins)));
  // The share of each bin: 1 − |y − bin| for the two around y, 0 for the others.
  const distance = g.op('Abs', [g.sub(g.reshape(clipped, [n, 4, 1, count]), places)]);
  const shares = g.op('Relu', [g.sub(g.float(1), distance)]);
  return g.scale(g.reduceSum(g.mul(shares, logProbabilities), [1, 2]), -1 / 4);
}

/** Σ BCE(x, w) = Σ softplus(x) − Σ w·x, where w is 0 for all but the claims' categories. */
function categoryCrossEntropy(g: Builder, scores: Value, assignment: Assignment, categories: Value): Value {
  const [n, c, a] = scores.shape as [number, number, number];
  const { anchors, weights } = assignment;
  const rows = g.reshape(forClaims(g, g.reshape(categories, [...categories.shape, 1]), assignment), anchors.shape);
  const places = g.add(g.mul(rows, g.int(a)), anchors);
  const claimed = g.op('GatherElements', [g.reshape(scores, [n, c * a]), places], { axis: 1 });
  return g.sub(total(g, g.op('Softplus', [scores])), total(g, g.mul(claimed, weights)));
}
