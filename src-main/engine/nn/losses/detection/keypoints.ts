/** Keypoints as the network says them, and where they lie in its input. */
import { invariant } from '../../../../contract/errors.ts';
import { numbersPerPoint } from '../../../../contract/geometry/keypoints.ts';
import type { Builder } from '../../../graph/builder.ts';
import { tensor, type Value } from '../../../graph/types.ts';
import { anchorLevels, anchorPoints } from './anchors.ts';

/**
 * keypoints: [N, 3·K, A], x and y in half cells from each anchor's cell and a logit a point. The same in px of the input and in
 * (0, 1): x = (2·x + column)·stride. size: the input's [height, width] px.
 */
export function keypointPredictions(g: Builder, keypoints: Value, size: readonly [number, number]): Value {
  const [n, depth, count] = keypoints.shape as [number, number, number];
  const pointCount = depth / numbersPerPoint;
  const points = anchorPoints(anchorLevels(size));
  invariant(points.x.length === count, `${points.x.length} anchors, but keypoints of ${count}`);
  const row = (values: readonly number[]): Value => g.constant(tensor('float32', [1, 1, 1, count], values));
  const [x, y, visible] = g.split(g.reshape(keypoints, [n, pointCount, numbersPerPoint, count]), [1, 1, 1], 2);
  const strides = row(points.stride);
  const inPx = (said: Value, centres: readonly number[]): Value =>
    g.add(g.mul(g.scale(said, 2), strides), row(centres.map((centre, i) => centre - points.stride[i]! / 2)));
  const parts = [inPx(x!, points.x), inPx(y!, points.y), g.op('Sigmoid', [visible!])];
  return g.reshape(g.concat(parts, 2), [n, depth, count]);
}
