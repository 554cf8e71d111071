/**
 * Mirrored and shifted training images as a graph. Which row and column of the image each pixel comes from is a matrix of
 * zeros and ones, and two products with it move the pixels; a row without a one is black. What is drawn comes from
 * outside (data/augmentation.ts).
 */
import type { AugmentationConfig } from '../../contract/model/run-images.ts';
import type { Builder } from '../graph/builder.ts';
import { tensor, type Value } from '../graph/types.ts';

/** What happens to the images of a batch, and with them to labels that lie on them. */
export interface Motion {
  /** maps: uint8 [B, C, H, W] of the images' size; what comes in at the edge is `fill`. Same type and shape. */
  apply(maps: Value, fill: number): Value;
  /** rows: float32 [B, M, 2 + 4], whatever comes before the sides x1, y1, x2, y2 in px stays as it is. Same shape. */
  applyToObjects(rows: Value): Value;
}

/** size: [H, W]; draws: int64 [B, 3], (mirrored 0 or 1, right, down) in pixels. */
export function motionOf(
  g: Builder,
  [height, width]: readonly [number, number],
  draws: Value,
  { shift }: Pick<AugmentationConfig, 'shift'>,
): Motion {
  const batch = draws.shape[0]!;
  const [mirrored, right, down] = g.split(draws, [1, 1, 1], 1).map((draw) => g.reshape(draw, [batch, 1, 1, 1])) as [
    Value,
    Value,
    Value,
  ];
  const columns = columnSources(g, width, mirrored, right);
  const rows = shift === 0 ? null : rowSources(g, height, down);
  return {
    apply: (maps, fill) => {
      const bytes = g.cast(maps, 'float32');
      // A product gives 0 where nothing comes from, so that 0 stands for `fill` in between.
      const moved = g.matmul(fill === 0 ? bytes : g.sub(bytes, g.float(fill)), columns);
      const shifted = rows ? g.matmul(rows, moved) : moved;
      return g.cast(fill === 0 ? shifted : g.add(shifted, g.float(fill)), 'uint8');
    },
    applyToObjects: (rows) => {
      const perImage = (draw: Value): Value => g.cast(g.reshape(draw, [batch, 1, 1]), 'float32');
      const [rest, x1, y1, x2, y2] = g.split(rows, [2, 1, 1, 1, 1], 2) as [Value, Value, Value, Value, Value];
      // Where it is mirrored the left side comes from the right one: x1 + mirrored·(W − x2 − x1).
      const turn = g.mul(perImage(mirrored), g.sub(g.float(width), g.add(x1, x2)));
      const across = (x: Value): Value => g.add(g.add(x, turn), perImage(right));
      const along = (y: Value): Value => g.add(y, perImage(down));
      return g.concat([rest, across(x1), along(y1), across(x2), along(y2)], 2);
    },
  };
}

/** [B, 1, H, H]: 1 where row y comes from row y − down. */
function rowSources(g: Builder, height: number, down: Value): Value {
  return ones(g, counting(g, height, 'row'), g.add(counting(g, height, 'column'), down));
}

/** [B, 1, W, W]: 1 where column x comes from column x − right, or W − 1 − (x − right) where it is mirrored. */
function columnSources(g: Builder, width: number, mirrored: Value, right: Value): Value {
  const source = g.sub(counting(g, width, 'column'), right);
  const reflected = g.sub(g.int(width - 1), source);
  const chosen = g.add(source, g.mul(mirrored, g.sub(reflected, source)));
  return ones(g, counting(g, width, 'row'), chosen);
}

const ones = (g: Builder, a: Value, b: Value): Value => g.cast(g.op('Equal', [a, b]), 'float32');

/** 0, 1, … along the last axis but one, or along the last. */
function counting(g: Builder, length: number, along: 'row' | 'column'): Value {
  const shape = along === 'row' ? [1, 1, length, 1] : [1, 1, 1, length];
  return g.constant(
    tensor(
      'int64',
      shape,
      Array.from({ length }, (_, i) => i),
    ),
  );
}
