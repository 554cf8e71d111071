/**
 * What a detector of poses learns beside its boxes, at the anchors that the assigner gave an object each, all of which weigh
 * the same. Source: the published recipe of YOLOv8-pose, after Maji et al. 2022, "YOLO-Pose".
 *   position = mean over the anchors of the mean over the object's labelled points of 1 − exp(−d² / (2·(2σ)²·area))
 *   visibility = mean over anchors and points of BCE(v, 1 where the point is labelled)
 * with d the distance of a predicted point and area that of the object's box.
 */
import { keypointSigmas, numbersPerPoint } from '../../../../contract/geometry/keypoints.ts';
import type { LossConfig } from '../../../../contract/model/loss.ts';
import type { Builder } from '../../../graph/builder.ts';
import { tensor, type Value } from '../../../graph/types.ts';
import { atLeast, total } from '../definition.ts';
import { anchorPoints, type AnchorLevel } from './anchors.ts';
import type { Assignment } from './assigner.ts';
import { atAnchors, forClaims } from './detection-loss.ts';

type KeypointGains = Pick<Extract<LossConfig, { kind: 'pose' }>, 'positionGain' | 'visibilityGain'>;
/** YOLOv8-pose's. */
const keypointGains: KeypointGains = { positionGain: 12, visibilityGain: 1 };

const epsilon = 1e-9;

/** float32 scalars with their gains in them. */
export interface KeypointLoss {
  position: Value;
  visibility: Value;
}

/**
 * keypoints: what the network says, [N, 3·K, A]. points: the objects' x, y (px of the input) and visibility, 0 where a point is
 * not labelled, [N, M, 3·K]. bboxXyxy: [N, M, 4] px.
 */
export function keypointLoss(
  g: Builder,
  keypoints: Value,
  { points, bboxXyxy }: { points: Value; bboxXyxy: Value },
  assignment: Assignment,
  levels: readonly AnchorLevel[],
  { positionGain, visibilityGain } = keypointGains,
): KeypointLoss {
  const [n, claims] = assignment.anchors.shape as [number, number];
  const pointCount = keypoints.shape[1]! / numbersPerPoint;
  const won = g.cast(g.op('Greater', [assignment.weights, g.float(0)]), 'float32'); // [N, L]
  const anchorCount = atLeast(g, total(g, won), 1);
  const perPoint = (values: Value): Value[] =>
    g
      .split(g.reshape(values, [n, pointCount, numbersPerPoint, claims]), [1, 1, 1], 2)
      .map((part) => g.reshape(part, [n, pointCount, claims]));
  const [x, y, visible] = perPoint(atAnchors(g, keypoints, assignment)) as [Value, Value, Value];
  const wanted = perPoint(g.transpose(forClaims(g, points, assignment), [0, 2, 1]));
  const [wantedX, wantedY, flags] = wanted as [Value, Value, Value];
  const isLabelled = g.cast(g.op('Greater', [flags, g.float(0)]), 'float32'); // [N, K, L]

  const place = anchorsInStrides(g, assignment, levels);
  // (2·x + anchor − ½) − wanted/stride, in strides.
  const offset = (said: Value, anchor: Value, target: Value): Value =>
    g.sub(g.add(g.scale(said, 2), anchor), g.mul(target, place.perPx));
  const [dx, dy] = [offset(x, place.x, wantedX), offset(y, place.y, wantedY)];
  const area = areaInStrides(g, g.transpose(forClaims(g, bboxXyxy, assignment), [0, 2, 1]), place.perPx); // [N, 1, L]
  const factors = keypointSigmas(pointCount).map((sigma) => 1 / (2 * (2 * sigma) ** 2));
  const square = g.add(g.mul(dx, dx), g.mul(dy, dy));
  const exponent = g.div(g.mul(square, g.constant(tensor('float32', [1, pointCount, 1], factors))), area);
  const apart = g.sub(g.float(1), g.op('Exp', [g.op('Neg', [exponent])]));
  const labelled = g.add(g.reduceSum(isLabelled, [1], true), g.float(epsilon)); // [N, 1, L]
  const anchorWeights = g.reshape(won, [n, 1, claims]);
  const positions = g.mul(g.div(g.mul(apart, isLabelled), labelled), anchorWeights);
  const entropy = g.sub(g.op('Softplus', [visible]), g.mul(visible, isLabelled));
  return {
    position: g.div(g.scale(total(g, positions), positionGain), anchorCount),
    visibility: g.div(g.scale(total(g, g.mul(entropy, anchorWeights)), visibilityGain / pointCount), anchorCount),
  };
}

/** Of each claim, [N, 1, L]: its cell's column and row, and 1 over the stride. */
function anchorsInStrides(g: Builder, { anchors }: Assignment, levels: readonly AnchorLevel[]) {
  const { x, y, stride } = anchorPoints(levels);
  const rows = [x.map((v, i) => v / stride[i]! - 0.5), y.map((v, i) => v / stride[i]! - 0.5), stride.map((s) => 1 / s)];
  const table = g.constant(tensor('float32', [3, stride.length], rows.flat()));
  const [columns, lines, perPx] = g.split(g.transpose(g.gather(table, anchors, 1), [1, 0, 2]), [1, 1, 1], 1);
  return { x: columns!, y: lines!, perPx: perPx! };
}

/** sides: [N, 4, L] px. */
function areaInStrides(g: Builder, sides: Value, perPx: Value): Value {
  const [x1, y1, x2, y2] = g.split(g.mul(sides, perPx), [1, 1, 1, 1], 1) as [Value, Value, Value, Value];
  return g.add(g.mul(g.sub(x2, x1), g.sub(y2, y1)), g.float(epsilon));
}
