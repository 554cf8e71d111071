/** Objects of a batch as a detector learns them. */
import { ShapeError } from '../../../graph/errors.ts';
import type { Builder } from '../../../graph/builder.ts';
import type { Value } from '../../../graph/types.ts';

/** Padded to M objects an image. Boxes may reach outside the image. */
export interface DetectionLabels {
  /** int64 [N, M] in 0…C−1, in padding too. */
  categories: Value;
  /** float32 [N, M, 4], px of the network's input. */
  bboxXyxy: Value;
  /** float32 [N, M], 1 for an object and 0 for padding. */
  mask: Value;
}

/** Of one object's row in one tensor: 1 (0 for padding), category, x1, y1, x2, y2. */
export const labelWidth = 6;

/** rows: float32 [N, M, 6], all zeros in padding. */
export function detectionLabels(g: Builder, rows: Value): DetectionLabels {
  const [n, m, width] = rows.shape;
  if (rows.shape.length !== 3 || width !== labelWidth) throw new ShapeError('labels', '[N, M, 6]', rows.shape);
  const [mask, categories, bboxXyxy] = g.split(rows, [1, 1, 4], 2) as [Value, Value, Value];
  return {
    categories: g.cast(g.reshape(categories, [n!, m!]), 'int64'),
    bboxXyxy,
    mask: g.reshape(mask, [n!, m!]),
  };
}
