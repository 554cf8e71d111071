/**
 * Random numbers inside a graph, as a hash of (stream, step, position): the same on every device, nothing to carry,
 * and a resumed run draws what the uninterrupted one would have drawn. Mixing steps after "lowbias32" (C. Wellons),
 * with multipliers below 2³¹ so that no 64-bit product overflows.
 */
import type { Builder } from '../graph/builder.ts';
import { sizeOf, tensor, type Shape, type Value } from '../graph/types.ts';

const mask = 0xffffffff;
const multipliers = [0x7feb352d, 0x68bc21eb, 0x2c1b3c6d] as const;

/** Uniform numbers in [0, 1) of `shape`, float32. `step`: int64 scalar; `stream`: an integer in [0, 2³¹). */
export function uniform(g: Builder, shape: Shape, step: Value, stream: number): Value {
  const positions = g.constant(
    tensor(
      'int64',
      [sizeOf(shape)],
      Array.from({ length: sizeOf(shape) }, (_, i) => i),
    ),
  );
  const and = (x: Value): Value => g.op('BitwiseAnd', [x, g.int(mask)]);
  const times = (x: Value, factor: number): Value => and(g.mul(x, g.int(factor)));
  const foldRight = (x: Value, bits: number): Value => g.op('BitwiseXor', [x, g.div(x, g.int(2 ** bits))]);
  const mix = (x: Value): Value =>
    foldRight(times(foldRight(times(foldRight(x, 16), multipliers[0]), 15), multipliers[1]), 16);

  const key = mix(and(g.add(times(step, multipliers[2]), g.int(stream))));
  const bits = mix(and(g.add(mix(and(g.add(positions, key))), key)));
  const unit = g.scale(g.cast(g.div(bits, g.int(256)), 'float32'), 2 ** -24);
  return g.reshape(unit, shape);
}
