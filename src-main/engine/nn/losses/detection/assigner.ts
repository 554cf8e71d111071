/**
 * Which anchors learn which objects, and how well they should score: the task-aligned assigner. Source: Feng et al. 2021,
 * "TOOD: Task-aligned One-stage Object Detection", with YOLOv8's settings.
 *
 * An object's candidates are the anchors whose centre lies inside its box, and their alignment is t = s^½·u⁶ with s the
 * score of its category and u = max(CIoU, 0). It claims the ten with the greatest t > 0; an anchor that several claim goes
 * to the one with the greatest u, the first of equals. The target score of an anchor is t·max u/max t, over what the object
 * has won. Nothing of this has a gradient.
 *
 * NOTE (differs from YOLOv8's own code): there a contested anchor goes to whichever object around it has the greatest u, even
 * one that did not claim it.
 *
 * A target is divided by max t + 1e-9, as published. A fresh head draws boxes of 15 strides, 120 px and more; an object of less
 * than about a fifth of that has u⁶·s^½ below 1e-9, so its targets, and with them its gradient, nearly vanish. Such objects are
 * learned late: small images start slowly, here as in any implementation, and pretrained weights help them most.
 *
 * Claims are kept as a list of ten an object: a table of objects × anchors would be mostly zeros and cost the most.
 */
import type { Builder } from '../../../graph/builder.ts';
import { tensor, type Value } from '../../../graph/types.ts';
import { ordinals } from '../definition.ts';
import { boxesOf, type AnchorLevel, type Sides } from './anchors.ts';
import { completeIou } from './ciou.ts';
import type { DetectionLabels } from './labels.ts';

const mostClaims = 10;
const epsilon = 1e-9;

/** One entry for each claim, M objects × K claims; those that were lost, or are none, have weight 0. */
export interface Assignment {
  /** K, at most ten. */
  claimsPerObject: number;
  /** int64 [N, M·K], 0…A−1. No two entries of one image with a weight share an anchor. */
  anchors: Value;
  /** The target score, float32 [N, M·K] in [0, 1]. */
  weights: Value;
}

/** scores: logits [N, C, A]; distances: [N, 4, A] in strides. */
export function assign(
  g: Builder,
  { scores, distances }: { scores: Value; distances: Value },
  labels: DetectionLabels,
  levels: readonly AnchorLevel[],
): Assignment {
  const constant = (value: Value): Value => g.op('StopGradient', [value], {}, 'fovea');
  const boxes = boxesOf(g, constant(distances), levels);
  const overlap = pairwiseOverlap(g, boxes, labels.bboxXyxy); // [N, M, A]
  const square = g.mul(overlap, overlap);
  const sixth = g.mul(g.mul(square, square), square);
  const roots = g.sqrt(g.op('Sigmoid', [constant(scores)]));
  const score = rowsOf(g, roots, labels.categories);
  const alignment = g.mul(g.mul(sixth, score), insideBoxes(g, labels, levels));
  return settleClaims(g, alignment, overlap);
}

/** max(CIoU, 0) of every object with every predicted box: [N, M, A]. */
function pairwiseOverlap(g: Builder, boxes: Sides, bboxXyxy: Value): Value {
  const [x1, y1, x2, y2] = g.split(bboxXyxy, [1, 1, 1, 1], 2); // [N, M, 1]
  const objects: Sides = { x1: x1!, y1: y1!, x2: x2!, y2: y2! };
  const extent = (sides: Sides) => ({ width: g.sub(sides.x2, sides.x1), height: g.sub(sides.y2, sides.y1) });
  const centre = (low: Value, high: Value): Value => g.scale(g.add(low, high), 0.5);
  const common = (low: Value, high: Value, otherLow: Value, otherHigh: Value): Value =>
    g.sub(g.op('Min', [high, otherHigh]), g.op('Max', [low, otherLow]));
  const ciou = completeIou(g, {
    first: extent(boxes),
    second: extent(objects),
    overlap: {
      width: common(boxes.x1, boxes.x2, objects.x1, objects.x2),
      height: common(boxes.y1, boxes.y2, objects.y1, objects.y2),
    },
    offset: {
      x: g.sub(centre(boxes.x1, boxes.x2), centre(objects.x1, objects.x2)),
      y: g.sub(centre(boxes.y1, boxes.y2), centre(objects.y1, objects.y2)),
    },
  });
  return g.op('Relu', [ciou]);
}

/** values [N, C, A] of each object's category: [N, M, A]. */
function rowsOf(g: Builder, values: Value, categories: Value): Value {
  const [n, c, a] = values.shape as [number, number, number];
  const firstRows = g.constant(
    tensor(
      'int64',
      [n, 1],
      ordinals(n).map((image) => image * c),
    ),
  );
  return g.gather(g.reshape(values, [n * c, a]), g.add(categories, firstRows));
}

/** 1 where an anchor lies strictly inside an object's box, else 0: [N, M, A]. A level's cells are rows × columns of it. */
function insideBoxes(g: Builder, { bboxXyxy, mask }: DetectionLabels, levels: readonly AnchorLevel[]): Value {
  const [n, m] = mask.shape as [number, number];
  const [x1, y1, x2, y2] = g.split(bboxXyxy, [1, 1, 1, 1], 2) as [Value, Value, Value, Value];
  const between = (low: Value, high: Value, stride: number, count: number): Value => {
    const centres = g.constant(
      tensor(
        'float32',
        [1, 1, count],
        ordinals(count).map((i) => (i + 0.5) * stride),
      ),
    );
    return g.cast(g.op('And', [g.op('Less', [low, centres]), g.op('Less', [centres, high])]), 'float32');
  };
  const parts = levels.map(({ stride, rows, columns }) => {
    const inRows = g.mul(between(y1, y2, stride, rows), g.reshape(mask, [n, m, 1]));
    const inColumns = between(x1, x2, stride, columns);
    const cells = g.mul(g.reshape(inRows, [n, m, rows, 1]), g.reshape(inColumns, [n, m, 1, columns]));
    return g.reshape(cells, [n, m, rows * columns]);
  });
  return g.concat(parts, 2);
}

/** alignment, overlap: [N, M, A]; an alignment of 0 is no candidate. */
function settleClaims(g: Builder, alignment: Value, overlap: Value): Assignment {
  const [n, m, a] = alignment.shape as [number, number, number];
  const k = Math.min(mostClaims, a);
  const claims = m * k;
  const [aligned, chosen] = g.ops('TopK', [alignment, g.ints([k])], { axis: 2, largest: 1, sorted: 1 }, 2);
  const flat = (value: Value): Value => g.reshape(value, [n, claims]);
  const anchors = flat(chosen!);
  const zeros = g.float(0, [n, a]);
  const greatest = (values: Value): Value => {
    const byAnchor = g.op('ScatterElements', [zeros, anchors, values], { axis: 1, reduction: 'max' }); // [N, A]
    return g.op('GatherElements', [byAnchor, anchors], { axis: 1 });
  };
  const isClaim = g.op('Greater', [flat(aligned!), g.float(0)]);
  const overlaps = flat(g.op('GatherElements', [overlap, chosen!], { axis: 2 }));
  const bids = g.mul(overlaps, g.cast(isClaim, 'float32'));
  const isHighest = g.op('And', [isClaim, g.op('Equal', [bids, greatest(bids)])]);
  // Among equals the first object: its number is the greatest when counted down.
  const countdown = g.constant(
    tensor(
      'float32',
      [1, claims],
      ordinals(claims).map((i) => m - Math.floor(i / k)),
    ),
  );
  const numbers = g.mul(g.cast(isHighest, 'float32'), countdown);
  const won = g.cast(g.op('And', [isHighest, g.op('Equal', [numbers, greatest(numbers)])]), 'float32');

  const ofObject = (value: Value): Value => g.reshape(value, [n, m, k]);
  const best = (value: Value): Value => g.op('ReduceMax', [value, g.ints([2])], { keepdims: 1 }); // [N, M, 1]
  const wonAlignment = ofObject(g.mul(flat(aligned!), won));
  const scale = g.div(best(ofObject(g.mul(bids, won))), g.add(best(wonAlignment), g.float(epsilon)));
  return { claimsPerObject: k, anchors, weights: flat(g.mul(wonAlignment, scale)) };
}
