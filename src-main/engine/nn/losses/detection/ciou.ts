/**
 * Complete IoU of boxes. Source: Zheng et al. 2020, "Distance-IoU Loss: Faster and Better Learning for Bounding Box
 * Regression".
 *   CIoU = IoU − ρ²/c² − α·v,  v = 4/π²·(atan(w′/h′) − atan(w/h))²,  α = v / (1 − IoU + v)
 * with ρ the distance of the centres and c the diagonal of the smallest box around both. α is not differentiated.
 */
import type { Builder } from '../../../graph/builder.ts';
import type { Value } from '../../../graph/types.ts';

/** Keeps quotients of boxes without area finite. */
const epsilon = 1e-7;
/** The same for α, more than float32 can be wrong about 1 − IoU. */
const alphaEpsilon = 1e-6;

export interface Extent {
  width: Value;
  height: Value;
}

/** Two boxes and how they lie to each other; all broadcast together, in one unit of length. */
export interface BoxPair {
  first: Extent;
  second: Extent;
  /** From the right of the left sides to the left of the right ones; negative where the boxes are apart. */
  overlap: Extent;
  /** From centre to centre; the sign does not matter. */
  offset: { x: Value; y: Value };
}

/** 2/π·atan(width/height) */
function aspect(g: Builder, { width, height }: Extent): Value {
  return g.scale(g.op('Atan', [g.div(width, g.add(height, g.float(epsilon)))]), 2 / Math.PI);
}

/** In (−2, 1]. */
export function completeIou(g: Builder, { first, second, overlap, offset }: BoxPair): Value {
  const area = ({ width, height }: Extent): Value => g.mul(width, height);
  const square = (x: Value): Value => g.mul(x, x);
  const intersection = g.mul(g.op('Relu', [overlap.width]), g.op('Relu', [overlap.height]));
  const union = g.sub(g.add(g.add(area(first), g.float(epsilon)), area(second)), intersection);
  const iou = g.div(intersection, union);
  // The side of the box around both is the sum of both extents without what they share.
  const around = (a: Value, b: Value, common: Value): Value => g.sub(g.add(a, b), common);
  const diagonal = g.add(
    square(around(first.width, second.width, overlap.width)),
    square(around(first.height, second.height, overlap.height)),
  );
  const distance = g.div(g.add(square(offset.x), square(offset.y)), g.add(diagonal, g.float(epsilon)));
  const v = square(g.sub(aspect(g, second), aspect(g, first)));
  const alpha = g.div(v, g.add(g.sub(v, iou), g.float(1 + alphaEpsilon)));
  return g.sub(g.sub(iou, distance), g.mul(g.op('StopGradient', [alpha], {}, 'fovea'), v));
}
