/** From stored bytes to what a network reads. */
import type { InputScaling } from '../../contract/model/weights.ts';
import type { Builder } from '../graph/builder.ts';
import { tensor, type Value } from '../graph/types.ts';

export interface Preprocessing {
  /** What bytes 0…255 become before normalisation. */
  range: readonly [number, number];
  /** Then (value − mean) / std, per channel or one for all. */
  mean: number | readonly number[];
  std: number | readonly number[];
}

/** Those that published weights were trained with. */
export const preprocessings: Readonly<Record<InputScaling, Preprocessing>> = {
  imagenet: { range: [0, 1], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  'minus-one-to-one': { range: [0, 1], mean: 0.5, std: 0.5 },
  'zero-to-one': { range: [0, 1], mean: 0, std: 1 },
};

/**
 * uint8 → float32, scaled and normalised. `channelAxis` says which axis of `bytes` the channels are on; a white pixel has the
 * value `white`.
 */
export function normaliseBytes(
  g: Builder,
  bytes: Value,
  channelAxis: number,
  { range, mean, std }: Preprocessing,
  white = 255,
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
  const factor = constant((c) => (high - low) / white / each(std, c));
  const offset = constant((c) => (low - each(mean, c)) / each(std, c));
  return g.add(g.mul(g.cast(bytes, 'float32'), factor), offset);
}
