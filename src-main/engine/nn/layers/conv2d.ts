/** Two-dimensional convolution. */
import { ShapeError } from '../../graph/errors.ts';
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
  type WeightSettings,
} from './definition.ts';

export interface Conv2dSettings extends WeightSettings {
  outChannels: number;
  kernel: number;
  stride: number;
  /** Pixels on every side, or [top, left, bottom, right]. */
  padding: number | readonly [top: number, left: number, bottom: number, right: number];
  /** Channels are split into so many groups that do not mix; as many as there are channels is "depthwise". 1 where absent. */
  groups?: number;
  /** Distance between the pixels that a kernel's neighbouring elements see. 1 where absent. */
  dilation?: number;
}

type Pads = readonly [top: number, left: number, bottom: number, right: number];
const padsOf = ({ padding }: Conv2dSettings): Pads =>
  typeof padding === 'number' ? [padding, padding, padding, padding] : padding;

/** Pixels from a kernel's first element to behind its last. */
const reachOf = ({ kernel, dilation = 1 }: Conv2dSettings): number => dilation * (kernel - 1) + 1;

export const conv2d: LayerDefinition<Conv2dSettings> = {
  outputShape: (path, settings, input) => {
    const [c, h, w] = spatial(path, input);
    const { outChannels, stride, groups = 1 } = settings;
    if (c % groups !== 0 || outChannels % groups !== 0)
      throw new ShapeError(path, `channels in and out that divide into ${groups} groups`, `${c} and ${outChannels}`);
    const [top, left, bottom, right] = padsOf(settings);
    const reach = reachOf(settings);
    return positive(
      path,
      [
        outChannels,
        slidingSize(h, reach, stride, (top + bottom) / 2),
        slidingSize(w, reach, stride, (left + right) / 2),
      ],
      input,
    );
  },
  parameters: (path, settings, input) => {
    const { outChannels, kernel, groups = 1 } = settings;
    return weightAndBias(path, [outChannels, spatial(path, input)[0] / groups, kernel, kernel], settings);
  },
  build: ({ g, tensor: weight }, path, settings, x) => {
    const { kernel: k, stride: s, bias = true, groups = 1, dilation: d = 1 } = settings;
    const operands = [x, weight(`${path}.weight`), ...(bias ? [weight(`${path}.bias`)] : [])];
    return g.op('Conv', operands, {
      kernel_shape: [k, k],
      strides: [s, s],
      pads: padsOf(settings),
      dilations: [d, d],
      group: groups,
    });
  },
  suitsFeatureMajor: ({ padding, groups = 1, dilation = 1 }) =>
    typeof padding === 'number' && groups === 1 && dilation === 1,
  buildFeatureMajor: tiled,
  describe: (settings, input, output) => ({
    settings: settingsText(settings),
    formula:
      typeof settings.padding === 'number'
        ? slidingFormula(input[1]!, reachOf(settings), settings.stride, settings.padding, output[1]!)
        : null,
  }),
};

function settingsText({ kernel, stride, padding, groups = 1, dilation = 1 }: Conv2dSettings): string {
  return [
    `${kernel}×${kernel}, stride ${stride}, padding ${typeof padding === 'number' ? padding : padding.join('/')}`,
    ...(groups === 1 ? [] : [`${groups} groups`]),
    ...(dilation === 1 ? [] : [`dilation ${dilation}`]),
  ].join(', ');
}

/**
 * Output tiles of f×f positions as one matrix product: the patch that a tile sees, [C·P·P, tiles·N], times the kernel
 * placed at each of the tile's f² positions, [f²·O, C·P·P], P = (f − 1)·stride + k. The product is (P²/k²) times the
 * arithmetic of a convolution, but wide, and the patches are f² times fewer. Rows come out as [position, channel, tile].
 */
function tiled(context: FeatureMajorContext, path: string, settings: Conv2dSettings, input: FeatureMap): FeatureMap {
  const { g, tile: f } = context;
  const x = settle(g, input);
  const { outChannels: o, kernel: k, stride: s, bias = true } = settings;
  const [p] = padsOf(settings);
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
  return withRowOrder(out, [o, outH, outW], features, bias ? context.tensor(`${path}.bias`) : null);
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
