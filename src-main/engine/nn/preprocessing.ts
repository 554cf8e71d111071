/** From stored bytes to what a network reads. */
import type { Builder } from '../graph/builder.ts';
import { tensor, type Value } from '../graph/types.ts';

export interface Preprocessing {
  /** What bytes 0…255 become before normalisation. */
  range: readonly [number, number];
  /** Then (value − mean) / std, per channel or one for all. */
  mean: number | readonly number[];
  std: number | readonly number[];
}

/** uint8 → float32, scaled and normalised. `channelAxis` says which axis of `bytes` the channels are on. */
export function normaliseBytes(
  g: Builder,
  bytes: Value,
  channelAxis: number,
  { range, mean, std }: Preprocessing,
): Value {
  const [low, high] = range;
  const channels = bytes.shape[channelAxis]!;
  const each = (value: number | readonly number[], channel: number): number =>
    typeof value === 'number' ? value : value[channel]!;
  const isUniform = typeof mean === 'number' && typeof std === 'number';
  const constant = (of: (channel: number) => number): Value => {
    if (isUniform) return g.float(of(0));
    const shape = bytes.shape.map((_, axis) => (axis === channelAxis ? channels : 1));
    return g.constant(
      tensor(
        'float32',
        shape,
        Array.from({ length: channels }, (_, c) => of(c)),
      ),
    );
  };
  const factor = constant((c) => (high - low) / 255 / each(std, c));
  const offset = constant((c) => (low - each(mean, c)) / each(std, c));
  return g.add(g.mul(g.cast(bytes, 'float32'), factor), offset);
}
