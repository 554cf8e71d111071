/**
 * A convolution of an enlarged image, done before it is enlarged. With nearest neighbours, the nine weights of a 3×3 kernel
 * see only four different pixels of the small image, so each of the four output phases is a 2×2 convolution of it whose
 * weights are sums: 16 products for every 36. Where there are many channels, differences of pixels make do with 9. A 1×1
 * kernel sees one pixel, so the result is what is enlarged. What the convolution reads beside the enlarged image is
 * convolved apart and added.
 */
import type { Builder } from '../graph/builder.ts';
import type { Value } from '../graph/types.ts';
import { convolveDifferences, differencesPay } from './convolution-of-differences.ts';
import type { Conv2dSettings } from './layers/conv2d.ts';
import type { BuildContext } from './layers/definition.ts';

/** Whether the identity holds: stride 1, and a 1×1 kernel or a padded 3×3 one. */
export function canConvolveFirst({ kernel, stride, padding, groups = 1, dilation = 1 }: Conv2dSettings): boolean {
  const fits = (kernel === 1 && padding === 0) || (kernel === 3 && padding === 1);
  return fits && stride === 1 && groups === 1 && dilation === 1;
}

/**
 * Along one axis: weight i of three, in phase r, goes to place t of two. Phase 0 reads the pixel before it and its own
 * (w0 | w1 + w2), phase 1 its own and the next (w0 + w1 | w2).
 */
const goesTo = (r: number, i: number): number => (r === 0 ? (i === 0 ? 0 : 1) : i === 2 ? 1 : 0);

/** [4, 9, 4]: for each phase, from kernel positions to positions in 2×2. */
function phaseSums(): Float32Array {
  const sums = new Float32Array(4 * 9 * 4);
  for (let position = 0; position < 9; position++) {
    const [i, j] = [Math.floor(position / 3), position % 3];
    for (const r of [0, 1]) {
      for (const c of [0, 1]) sums[((2 * r + c) * 9 + position) * 4 + 2 * goesTo(r, i) + goesTo(c, j)] = 1;
    }
  }
  return sums;
}

/** x [N, C, H, W], w [O, C, k, k] → the convolution of x enlarged twofold, [N, O, 2H, 2W]. */
function convolveEnlarged(g: Builder, x: Value, w: Value): Value {
  const [o, c, k] = w.shape as [number, number, number];
  const plain = { strides: [1, 1], dilations: [1, 1], group: 1 };
  if (k === 1) {
    const small = g.op('Conv', [x, w], { ...plain, kernel_shape: [1, 1], pads: [0, 0, 0, 0] });
    return g.resize(small, [2 * x.shape[2]!, 2 * x.shape[3]!], 'nearest');
  }
  if (differencesPay(x, w)) return convolveDifferences(g, x, w);
  const sums = g.constant({ dataType: 'float32', shape: [4, 9, 4], data: phaseSums() });
  const byPhase = g.reshape(g.matmul(g.reshape(w, [1, o * c, 9]), sums), [4 * o, c, 2, 2]);
  const phases = g.op('Conv', [x, byPhase], { ...plain, kernel_shape: [2, 2], pads: [1, 1, 1, 1] });
  return g.op('PhasesToImage', [phases], {}, 'fovea');
}

/**
 * The convolution `path` of its inputs joined along the channels, of which `inputs[enlarged]`, the first or the last, is
 * still to be enlarged twofold.
 */
export function convolveJoined(
  { g, tensor }: Pick<BuildContext, 'g' | 'tensor'>,
  path: string,
  inputs: readonly Value[],
  enlarged: number,
): Value {
  const w = tensor(`${path}.weight`);
  const [o, c, k] = w.shape as [number, number, number];
  const small = inputs[enlarged]!;
  const others = inputs.filter((_, i) => i !== enlarged);
  const lengths = [small.shape[1]!, c - small.shape[1]!].filter((length) => length > 0);
  const pieces = enlarged === 0 ? g.split(w, lengths, 1) : g.split(w, lengths.toReversed(), 1).toReversed();
  const doubled = convolveEnlarged(g, small, pieces[0]!);
  const attributes = {
    kernel_shape: [k, k],
    strides: [1, 1],
    pads: new Array<number>(4).fill((k - 1) / 2),
    dilations: [1, 1],
    group: 1,
  };
  const sum =
    others.length === 0 ? doubled : g.add(doubled, g.op('Conv', [g.concat(others, 1), pieces[1]!], attributes));
  const bias = tensor(`${path}.bias`) as Value | undefined;
  return bias ? g.add(sum, g.reshape(bias, [1, o, 1, 1])) : sum;
}
