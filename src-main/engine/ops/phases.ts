/**
 * The four phases of an image of twice the size, as a 2×2 convolution of the small image gives them: output pixel
 * (2a + r, 2b + c) is element (a + r, b + c) of phase (r, c). Phases have a row and a column more than they need; what
 * no pixel reads gets no gradient.
 */
import { invariant } from '../../contract/errors.ts';
import type { Builder } from '../graph/builder.ts';
import type { Shape, Value } from '../graph/types.ts';
import { reorderInput, reorderOutput, takeBlocks } from './blocked.ts';
import {
  expectRank,
  type LoweringContext,
  type NoAttributes,
  type OpDefinition,
  type ShapeContext,
} from './definition.ts';

type Context = LoweringContext<NoAttributes>;
const phases = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;

interface Size {
  n: number;
  /** Of the image. */
  channels: number;
  /** Of the small image. */
  h: number;
  w: number;
}
const imageShape = ({ n, channels, h, w }: Size): Shape => [n, channels, 2 * h, 2 * w];
const phasesShape = ({ n, channels, h, w }: Size): Shape => [n, 4 * channels, h + 1, w + 1];

const sizeOfPhases = ([n, c, h, w]: Shape): Size => ({ n: n!, channels: c! / 4, h: h! - 1, w: w! - 1 });
const sizeOfImage = ([n, c, h, w]: Shape): Size => ({ n: n!, channels: c!, h: h! / 2, w: w! / 2 });

const hasBlocks = ({ channelBlock }: ShapeContext<NoAttributes>, { channels }: Size): boolean =>
  !!channelBlock && channels % channelBlock === 0;

/** For each pixel of the image, block by block, the place of its element in the phases' blocks. */
function placesInPhases({ channels, h, w }: Size, block: number): number[] {
  const blocks = channels / block;
  const places: number[] = [];
  for (let channel = 0; channel < blocks; channel++) {
    for (let y = 0; y < 2 * h; y++) {
      for (let x = 0; x < 2 * w; x++) {
        const [r, c] = [y % 2, x % 2];
        const [a, b] = [(y - r) / 2 + r, (x - c) / 2 + c];
        places.push((((2 * r + c) * blocks + channel) * (h + 1) + a) * (w + 1) + b);
      }
    }
  }
  return places;
}

/** The image's blocks of channels by their places, the last of which may be zeros. */
function takeChannelBlocks(g: Builder, x: Value, places: readonly number[], block: number, withZeros: boolean): Value {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const rows = g.reshape(reorderInput(g, x), [n, (c / block) * h * w, block]);
  const source = withZeros ? g.concat([rows, g.float(0, [n, 1, block])], 1) : rows;
  return takeBlocks(g, source, [n, block], places);
}

function imageFromBlocks({ g, inputs: [p], channelBlock }: Context): Value[] {
  const size = sizeOfPhases(p.shape);
  const rows = takeChannelBlocks(g, p, placesInPhases(size, channelBlock!), channelBlock!, false);
  return [reorderOutput(g, g.reshape(rows, imageShape(size)))];
}

function phasesFromBlocks({ g, inputs: [y], channelBlock }: Context): Value[] {
  const size = sizeOfImage(y.shape);
  const zeroRow = (size.channels / channelBlock!) * 4 * size.h * size.w;
  const places = new Array<number>(((4 * size.channels) / channelBlock!) * (size.h + 1) * (size.w + 1)).fill(zeroRow);
  placesInPhases(size, channelBlock!).forEach((place, pixel) => (places[place] = pixel));
  const rows = takeChannelBlocks(g, y, places, channelBlock!, true);
  return [reorderOutput(g, g.reshape(rows, phasesShape(size)))];
}

function interleaved({ g, inputs: [p] }: Context): Value[] {
  const { n, channels, h, w } = sizeOfPhases(p.shape);
  const parts = g.split(p, [channels, channels, channels, channels], 1);
  const [even, odd] = [0, 1].map((r) => {
    const columns = [0, 1].map((c) => {
      const phase = g.slice(parts[2 * r + c]!, [r, c], [r + h, c + w], [2, 3]);
      return g.reshape(phase, [n, channels, h, w, 1]);
    });
    return g.reshape(g.concat(columns, 4), [n, channels, h, 1, 2 * w]);
  });
  return [g.reshape(g.concat([even!, odd!], 3), [n, channels, 2 * h, 2 * w])];
}

function sliced({ g, inputs: [y] }: Context): Value[] {
  const { h, w } = sizeOfImage(y.shape);
  const parts = phases.map(([r, c]) => {
    const phase = g.op('Slice', [y, g.ints([r, c]), g.ints([2 * h, 2 * w]), g.ints([2, 3]), g.ints([2, 2])]);
    return g.pad(phase, [0, 0, r, c, 0, 0, 1 - r, 1 - c]);
  });
  return [g.concat(parts, 1)];
}

/** input: phases [N, 4·O, H + 1, W + 1], channels by phase; output: the image [N, O, 2H, 2W]. */
export const phasesToImageOp: OpDefinition<NoAttributes> = {
  domain: 'fovea',
  attributes: {},
  inferShape: ({ name, inputs: [p] }) => {
    expectRank(name, p, 4);
    invariant(p.shape[1]! % 4 === 0, `${name}: four phases of ${p.shape[1]} channels`);
    return [{ shape: imageShape(sizeOfPhases(p.shape)), dataType: p.dataType }];
  },
  gradient: ({ g, gradOutput: dy }) => [g.op('ImageToPhases', [dy], {}, 'fovea')],
  formulations: {
    blocks: {
      applies: (context) => hasBlocks(context, sizeOfPhases(context.inputs[0].shape)),
      suits: () => true,
      build: imageFromBlocks,
    },
    interleaved: { applies: () => true, build: interleaved },
  },
};

/** The adjoint: what no pixel reads is 0. */
export const imageToPhasesOp: OpDefinition<NoAttributes> = {
  domain: 'fovea',
  attributes: {},
  inferShape: ({ name, inputs: [y] }) => {
    expectRank(name, y, 4);
    return [{ shape: phasesShape(sizeOfImage(y.shape)), dataType: y.dataType }];
  },
  gradient: ({ g, gradOutput: dy }) => [g.op('PhasesToImage', [dy], {}, 'fovea')],
  formulations: {
    blocks: {
      applies: (context) => hasBlocks(context, sizeOfImage(context.inputs[0].shape)),
      suits: () => true,
      build: phasesFromBlocks,
    },
    sliced: { applies: () => true, build: sliced },
  },
};
