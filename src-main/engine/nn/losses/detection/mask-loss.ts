/**
 * What a detector of instances learns beside its boxes, at the anchors that the assigner gave an object each, all of which
 * weigh the same: binary cross-entropy of coefficients · prototypes and the object's mask inside the object's box, over the
 * box's area, averaged over the anchors. Source: Bolya et al. 2019, "YOLACT", with YOLOv8-seg's settings: a cell counts where
 * its left and upper edge lie in the box, and a mask's gain is that of the boxes.
 *
 * With logits x = c·P the sum over a box is Σ softplus(x) − c·(Σ P over the object's cells in it), so that only the first term
 * needs a map for each anchor.
 */
import type { Builder } from '../../../graph/builder.ts';
import { tensor, type Value } from '../../../graph/types.ts';
import { atLeast, ordinals, total } from '../definition.ts';
import type { Assignment } from './assigner.ts';
import { atAnchors } from './detection-loss.ts';

/** Input px along a cell of the masks. */
export const maskStride = 4;
/** Keeps the quotient of padding, which has no area, finite; far below a box that can be drawn. */
const leastArea = 1e-6;

export interface MaskOutputs {
  /** [N, P, A] */
  coefficients: Value;
  /** [N, P, H/4, W/4] */
  prototypes: Value;
}

export interface MaskTargets {
  /** Which object a cell shows: 1 for the first row of boxes, 0 for none. float32 [N, (H/4)·(W/4)]. */
  instances: Value;
  /** [N, M, 4] px of the input. */
  bboxXyxy: Value;
}

/** A scalar with its gain in it; 0 where no anchor has an object. */
export function maskLoss(
  g: Builder,
  { coefficients, prototypes }: MaskOutputs,
  { instances, bboxXyxy }: MaskTargets,
  assignment: Assignment,
  gain: number,
): Value {
  const [n, count, height, width] = prototypes.shape as [number, number, number, number];
  const objects = bboxXyxy.shape[1]!;
  const claims = assignment.claimsPerObject;
  const cells = height * width;
  const maps = g.reshape(prototypes, [n, count, cells]);
  const shares = g.transpose(atAnchors(g, coefficients, assignment), [0, 2, 1]); // [N, L, P]
  const inBox = cellsInBoxes(g, bboxXyxy, [height, width]); // [N, M, cells]
  const shown = g.mul(inBox, cellsOfObjects(g, instances, objects));

  const perObject = [n, objects, claims] as const;
  const softened = g.op('Softplus', [g.matmul(shares, maps)]); // [N, L, cells]
  const spread = g.matmul(g.reshape(softened, [...perObject, cells]), g.reshape(inBox, [n, objects, cells, 1]));
  const sums = g.matmul(shown, g.transpose(maps, [0, 2, 1])); // [N, M, P]
  const matched = g.matmul(g.reshape(shares, [...perObject, count]), g.reshape(sums, [n, objects, count, 1]));
  const [x1, y1, x2, y2] = g.split(bboxXyxy, [1, 1, 1, 1], 2) as [Value, Value, Value, Value];
  const area = atLeast(g, g.scale(g.mul(g.sub(x2, x1), g.sub(y2, y1)), 1 / maskStride ** 2), leastArea); // [N, M, 1]
  const perClaim = g.div(g.reshape(g.sub(spread, matched), perObject), area);

  const won = g.cast(g.op('Greater', [assignment.weights, g.float(0)]), 'float32'); // [N, L]
  const sum = total(g, g.mul(g.reshape(perClaim, [n, objects * claims]), won));
  return g.div(g.scale(sum, gain), atLeast(g, total(g, won), 1));
}

/** 1 where a cell's left and upper edge lie in an object's box, else 0: [N, M, rows·columns]. */
function cellsInBoxes(g: Builder, bboxXyxy: Value, [rows, columns]: readonly [number, number]): Value {
  const [n, m] = bboxXyxy.shape as [number, number];
  const [x1, y1, x2, y2] = g.split(bboxXyxy, [1, 1, 1, 1], 2) as [Value, Value, Value, Value];
  const between = (low: Value, high: Value, count: number): Value => {
    const edges = g.constant(
      tensor(
        'float32',
        [1, 1, count],
        ordinals(count).map((i) => i * maskStride),
      ),
    );
    return g.cast(g.op('And', [g.op('LessOrEqual', [low, edges]), g.op('Less', [edges, high])]), 'float32');
  };
  const inRows = g.reshape(between(y1, y2, rows), [n, m, rows, 1]);
  return g.reshape(g.mul(inRows, g.reshape(between(x1, x2, columns), [n, m, 1, columns])), [n, m, rows * columns]);
}

/** 1 where a cell shows the object of a row, else 0: [N, M, cells]. */
function cellsOfObjects(g: Builder, instances: Value, objects: number): Value {
  const [n, cells] = instances.shape as [number, number];
  const numbers = g.constant(
    tensor(
      'float32',
      [1, objects, 1],
      ordinals(objects).map((i) => i + 1),
    ),
  );
  return g.cast(g.op('Equal', [g.reshape(instances, [n, 1, cells]), numbers]), 'float32');
}
