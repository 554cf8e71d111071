/** Two-dimensional convolution. */
import type { Value } from '../../graph/types.ts';
import { takeRows, withRowOrder, settle, type FeatureMap } from '../feature-map.ts';
import {
  positive,
  slidingFormula,
  slidingSize,
  spatial,
  weightAndBias,
  type FeatureMajorContext,
  type LayerDefinition,
} from './definition.ts';

export interface Conv2dSettings {
  outChannels: number;
  kernel: number;
  stride: number;
  padding: number;
}

export const conv2d: LayerDefinition<Conv2dSettings> = {
  outputShape: (path, { outChannels, kernel, stride, padding }, input) => {
    const [, h, w] = spatial(path, input);
    return positive(
      path,
      [outChannels, slidingSize(h, kernel, stride, padding), slidingSize(w, kernel, stride, padding)],
      input,
    );
  },
  parameters: (path, { outChannels, kernel }, input) =>
    weightAndBias(path, [outChannels, spatial(path, input)[0], kernel, kernel]),
  build: ({ g, tensor: weight }, path, { kernel: k, stride: s, padding: p }, x) =>
    g.op('Conv', [x, weight(`${path}.weight`), weight(`${path}.bias`)], {
      kernel_shape: [k, k],
      strides: [s, s],
      pads: [p, p, p, p],
      dilations: [1, 1],
      group: 1,
    }),
  buildFeatureMajor: tiled,
  describe: ({ kernel, stride, padding }, input, output) => ({
    settings: `${kernel}×${kernel}, stride ${stride}, padding ${padding}`,
    formula: slidingFormula(input[1]!, kernel, stride, padding, output[1]!),
  }),
};

/**
 * Output tiles of f×f positions as one matrix product: the patch that a tile sees, [C·P·P, tiles·N], times the kernel
 * placed at each of the tile's f² positions, [f²·O, C·P·P], P = (f − 1)·stride + k. The product is (P²/k²) times the
 * arithmetic of a convolution, but wide, and the patches are f² times fewer. Rows come out as [position, channel, tile].
 */
function tiled(context: FeatureMajorContext, path: string, settings: Conv2dSettings, input: FeatureMap): FeatureMap {
  const { g, tile: f } = context;
  const x = settle(g, input);
  const { outChannels: o, kernel: k, stride: s, padding: p } = settings;
  const [c, h, w] = spatial(path, x.shape);
  const [, outH, outW] = conv2d.outputShape(path, settings, x.shape) as [number, number, number];
  const patch = (f - 1) * s + k;
  const [tilesH, tilesW] = [outH / f, outW / f];
  const batch = x.rows.shape[1]!;
  const zeroRow = x.rows.shape[0]!;

  const rows: number[] = [];
  for (let channel = 0; channel < c; channel++) {
    for (let i = 0; i < patch; i++) {
      for (let j = 0; j < patch; j++) {
        for (let a = 0; a < tilesH; a++) {
          for (let b = 0; b < tilesW; b++) {
            const [y, z] = [a * f * s + i - p, b * f * s + j - p];
            rows.push(y < 0 || y >= h || z < 0 || z >= w ? zeroRow : x.rowOf[(channel * h + y) * w + z]!);
          }
        }
      }
    }
  }
  const source = rows.includes(zeroRow) ? g.concat([x.rows, g.float(0, [1, batch])], 0) : x.rows;
  const depth = c * patch * patch;
  const patches = g.reshape(takeRows(g, source, rows, [depth, tilesH * tilesW]), [depth, tilesH * tilesW * batch]);

  const positions = tilePositions(f);
  const kernel = placedKernel(context, context.tensor(`${path}.weight`), positions, { k, s, patch });
  const product = g.matmul(kernel, patches); // [f²·O, tiles·N]
  const features = positions.flatMap(([dy, dx]) =>
    Array.from({ length: o * tilesH * tilesW }, (_, i) => {
      const channel = Math.floor(i / (tilesH * tilesW));
      const [a, b] = [Math.floor((i % (tilesH * tilesW)) / tilesW), i % tilesW];
      return (channel * outH + a * f + dy) * outW + b * f + dx;
    }),
  );
  const out = g.reshape(product, [positions.length * o * tilesH * tilesW, batch]);
  return withRowOrder(out, [o, outH, outW], features, context.tensor(`${path}.bias`));
}

/** [row, column] of each position in a tile, in an order in which a 2×2 pool finds its operands in contiguous halves. */
function tilePositions(f: number): [row: number, column: number][] {
  const all = Array.from({ length: f * f }, (_, i): [number, number] => [Math.floor(i / f), i % f]);
  const key = ([row, column]: [number, number]): number[] => [column % 2, row % 2, row >> 1, column >> 1];
  return all.sort((a, b) => key(a).reduce((order, value, i) => order || value - key(b)[i]!, 0));
}

/** w [O, C, k, k] → [f²·O, C·P·P]: for each position of the tile, the kernel where that position sees it, zeros around. */
function placedKernel(
  { g }: FeatureMajorContext,
  w: Value,
  positions: readonly [number, number][],
  { k, s, patch }: { k: number; s: number; patch: number },
): Value {
  const [o, c] = w.shape as [number, number];
  const placement = new Float32Array(positions.length * k * k * patch * patch);
  positions.forEach(([row, column], q) => {
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < k; j++) {
        placement[(q * k * k + i * k + j) * patch * patch + (i + row * s) * patch + j + column * s] = 1;
      }
    }
  });
  const spread = g.constant({ dataType: 'float32', shape: [positions.length, k * k, patch * patch], data: placement });
  const placed = g.matmul(g.reshape(w, [1, o * c, k * k]), spread); // [f², O·C, P·P]
  return g.reshape(placed, [positions.length * o, c * patch * patch]);
}
