/**
 * Gradients of a convolution's weights by onnxruntime's blocked kernels, its fastest, which sum over channels: pixels take the place of
 * channels. What they convolve lies in blocks of pixels, and their kernel in blocks of its own channels, so that all moving to the
 * right places is of whole blocks. Each image is a group. With y = x ∗ w:
 *   dw[o, c, i, j] = Σ_{n, p, q} x[n, c, s·p + d·i − pad, s·q + d·j − pad] · dy[n, o, p, q]
 */
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type Value } from '../graph/types.ts';
import { placesOf, reorderInput, reorderOutput, takeBlocks } from './blocked.ts';
import type { ConvGradientAttributes } from './convolution.ts';
import type { LoweringContext } from './definition.ts';
import { imagesSideBySide } from './row-products.ts';

type Context = LoweringContext<ConvGradientAttributes>;
type FourSizes = [number, number, number, number];

/** An image [N, C, H, W] with its columns as channels: [1, N·W, H, C], blocked. */
function columnsAsChannels(g: Builder, x: Value, block: number): Value {
  const [n, c, h, w] = x.shape as FourSizes;
  const count = w / block;
  const places = placesOf([count, h, c], (outer, row, channel) => (channel! * h + row!) * count + outer!);
  return g.reshape(takeBlocks(g, x, [n, block], places), [1, n * w, h, c]);
}

/** A convolution in which each of the n images is a group; image: [1, N·pixels, …]. */
function convolveByImage(
  g: Builder,
  image: Value,
  kernel: Value,
  n: number,
  [before, after]: readonly [number, number],
): Value {
  const attributes = {
    kernel_shape: kernel.shape.slice(2),
    strides: [1, 1],
    pads: [before, 0, after, 0],
    dilations: [1, 1],
    group: n,
  };
  return g.op('Conv', [image, kernel], attributes, 'com.microsoft.nchwc');
}

/** The sum over images of a product [1, N·M, …], still blocked. */
function sumOfImages(g: Builder, product: Value, n: number): Value {
  return n === 1 ? product : g.reduceSum(g.reshape(product, [n, sizeOf(product.shape) / n]), [0]);
}

/** Weights [O, C, kH, kW] from blocks of their input channels, which are found in `order`. */
function weightsFromBlocks(
  g: Builder,
  blocks: Value,
  order: readonly number[],
  { shape }: ConvGradientAttributes,
  block: number,
): Value {
  const [o, c, kH, kW] = shape as FourSizes;
  const taken = takeBlocks(g, blocks, [1, block], order); // [O, C/b, kH, kW, b]
  return g.reshape(reorderOutput(g, g.reshape(taken, [o, c, 1, kH * kW])), shape);
}

/** Blocks of channels of x, pixel by pixel, [N, C/b · H · W, b], with a block of zeros behind; and how many they are. */
function withZeros(g: Builder, x: Value, block: number): { blocks: Value; zeros: number } {
  const zeros = sizeOf(x.shape.slice(1)) / block;
  const n = x.shape[0]!;
  const rows = g.reshape(reorderInput(g, x), [n, zeros, block]);
  return { blocks: g.concat([rows, g.float(0, [n, 1, block])], 1), zeros };
}

/**
 * A convolution along the rows, of x with dy as its kernel, and c as the axis of pixels that it runs over:
 *   dw[o, c, i, j] = Σ_w Σ_h dy_j[o, h, w] · x[c, h + i − top, w]
 * dy_j is dy moved by the kernel's column, with zeros where it leaves x. Blocks of o and of w.
 */
export function byPosition({ g, inputs: [x, dy], attributes: a, channelBlock }: Context): Value[] {
  const block = channelBlock!;
  const [n, c, , w] = x.shape as FourSizes;
  const [, o, oH, oW] = dy.shape as FourSizes;
  const [kH, kW] = a.kernel_shape as [number, number];
  const [top, left, bottom] = a.pads as [number, number, number];
  const { blocks, zeros } = withZeros(g, dy, block);
  const places = placesOf([kW, o / block, w / block, oH, block], (j, outer, first, row, at) => {
    const column = first! * block + at! - j! + left;
    return column < 0 || column >= oW ? zeros : (outer! * oH + row!) * oW + column;
  });
  const kernel = g.reshape(takeBlocks(g, blocks, [n, block], places), [n * kW * o, w, oH, 1]);
  const product = convolveByImage(g, columnsAsChannels(g, x, block), kernel, n, [top, bottom]); // [1, N·kW·O, kH, C]
  const size = kH * kW;
  const order = placesOf(
    [o / block, c, kH, kW],
    (outer, channel, i, j) => ((j! * (o / block) + outer!) * kH + i!) * c + channel!,
  );
  const weights = g.reshape(takeBlocks(g, sumOfImages(g, product, n), [1, block], order), [1, o, 1, c * size]);
  return [g.reshape(reorderOutput(g, weights), a.shape)];
}

/**
 * The same with the roles exchanged, for few o: it is dy that is moved, pixel by pixel, and x need only be blocked. Along the rows
 * dy then runs over x, so that the kernel's rows come out last first. Blocks of c and of w.
 */
export function byPositionOfFew({ g, inputs: [x, dy], attributes: a, channelBlock }: Context): Value[] {
  const block = channelBlock!;
  const [n, c, h, w] = x.shape as FourSizes;
  const [, o, oH, oW] = dy.shape as FourSizes;
  const [kH, kW] = a.kernel_shape as [number, number];
  const [top, left] = a.pads as [number, number];
  const columns = Array.from({ length: kW }, (_, j) => {
    const before = j - left;
    return g.pad(dy, [0, 0, 0, before, 0, 0, 0, w - oW - before]);
  });
  const image = columnsAsChannels(g, g.concat(columns, 1), block); // [1, N·W, H', kW·O]
  const count = w / block;
  const places = placesOf([c / block, count, h], (outer, first, row) => (outer! * h + row!) * count + first!);
  const kernel = g.reshape(takeBlocks(g, reorderInput(g, x), [n, block * block], places), [n * c, w, h, 1]);
  const before = kH - 1 - top;
  const product = convolveByImage(g, image, kernel, n, [before, kH - 1 + h - oH - before]); // [1, N·C, kH, kW·O]
  const order = placesOf(
    [o, c / block, kH, kW],
    (output, outer, i, j) => ((outer! * kH + kH - 1 - i!) * kW + j!) * o + output!,
  );
  return [weightsFromBlocks(g, sumOfImages(g, product, n), order, a, block)];
}

/**
 * Products of dy with the patches of x, any stride: all pixels are channels. Blocks of c, and of the pixels of dy: of each image, or, where
 * these come in no whole blocks, of all images in a row.
 */
export function patchesInBlocks({ g, inputs: [x, dy], attributes: a, channelBlock }: Context): Value[] {
  const block = channelBlock!;
  const [n, c, h, w] = x.shape as FourSizes;
  const [, o, oH, oW] = dy.shape as FourSizes;
  const [kH, kW] = a.kernel_shape as [number, number];
  const [sH, sW] = a.strides as [number, number];
  const [dH, dW] = a.dilations as [number, number];
  const [top, left] = a.pads as [number, number];
  const [groups, images] = (oH * oW) % block === 0 ? [n, 1] : [1, n];
  const length = images * oH * oW;
  const { blocks, zeros } = withZeros(g, x, block);
  const places = placesOf([kH, kW, c / block, images, oH, oW], (i, j, outer, image, p, q) => {
    const [row, column] = [p! * sH + i! * dH - top, q! * sW + j! * dW - left];
    const isInside = row >= 0 && row < h && column >= 0 && column < w;
    return image! * (zeros + 1) + (isInside ? (outer! * h + row) * w + column : zeros);
  });
  const patches = g.reshape(takeBlocks(g, blocks, [groups, block], places), [groups * kH * kW * c, length, 1, 1]);
  const rows = groups === n ? dy : imagesSideBySide(g, dy);
  const image = columnsAsChannels(g, g.reshape(rows, [groups, o, 1, length]), block); // [1, groups·length, 1, O]
  const product = convolveByImage(g, image, patches, groups, [0, 0]); // [1, groups·k·C, 1, O]
  const order = placesOf(
    [o, c / block, kH * kW],
    (output, outer, position) => (position! * (c / block) + outer!) * o + output!,
  );
  return [weightsFromBlocks(g, sumOfImages(g, product, groups), order, a, block)];
}
