/** Buffers follow what training steps see, all in one vector: a network has many, and each is short. */
import type { Builder } from '../graph/builder.ts';
import type { Value } from '../graph/types.ts';
import type { FlatLayout } from './parameters.ts';

export interface BufferMove {
  /** What the step has seen, of the buffer's size. */
  seen: Value;
  /** How far the buffer goes towards it, in (0, 1]. */
  pace: number;
  /** What `seen` is multiplied by. */
  correction: number;
}

/** (1 − pace)·flat + pace·correction·seen, [B], with the pace and correction of each buffer; those without a move stay. */
export function moveBuffers(
  g: Builder,
  layout: FlatLayout,
  flat: Value,
  moves: ReadonlyMap<string, BufferMove>,
): Value {
  const kept = new Float32Array(layout.length).fill(1);
  const taken = new Float32Array(layout.length);
  const seen = layout.entries.map(({ name, offset, length }) => {
    const move = moves.get(name);
    if (!move) return g.float(0, [length]);
    kept.fill(1 - move.pace, offset, offset + length);
    taken.fill(move.pace * move.correction, offset, offset + length);
    return g.reshape(move.seen, [length]);
  });
  const vector = (data: Float32Array): Value => g.constant({ dataType: 'float32', shape: [layout.length], data });
  return g.add(g.mul(flat, vector(kept)), g.mul(g.concat(seen, 0), vector(taken)));
}
