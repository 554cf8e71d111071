/**
 * Labels of an image drawn as a mask of a network's input: a class a pixel, which is that of the label at the point under
 * the pixel's middle; of several, that of the last. Outlines are drawn at the input's size, masks are looked up.
 */
import { rasterisePolygon } from '../../contract/geometry/polygon.ts';
import type { Rle } from '../../contract/geometry/rle.ts';
import { rotatedBoxCorners, type Shape } from '../../contract/model/annotation.ts';
import { padding, toNetwork, type Letterbox } from './letterbox.ts';

/** A shape in px of the upright image, with what the pixels that it covers become. */
export interface MaskedShape {
  shape: Shape;
  value: number;
}

/**
 * uint8 [H, W] of the placement's network. `unlabelled`: of image pixels that no shape covers; outside the image nothing
 * is known. Boxes count as the areas they are; classes of whole images and keypoints cover nothing.
 */
export function drawMask(shapes: readonly MaskedShape[], placement: Letterbox, unlabelled: number): Uint8Array {
  const { network, resized, leftPx, topPx } = placement;
  const mask = new Uint8Array(network.widthPx * network.heightPx).fill(padding.mask);
  const [left, right] = [Math.max(0, leftPx), Math.min(network.widthPx, leftPx + resized.widthPx)];
  const [top, bottom] = [Math.max(0, topPx), Math.min(network.heightPx, topPx + resized.heightPx)];
  for (let y = top; y < bottom; y++) {
    mask.fill(unlabelled, y * network.widthPx + left, y * network.widthPx + right);
  }
  // A label may reach outside its image, where it is not to be learned.
  const inside = { left, right, top, bottom };
  for (const { shape, value } of shapes) {
    if (shape.kind === 'mask') lookUp(mask, shape.rle, placement, inside, value);
    else fill(mask, outlineOf(shape, placement), network.widthPx, inside, value);
  }
  return mask;
}

interface Inside {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** In px of the network, as run lengths of its size; null for what covers nothing. */
function outlineOf(shape: Exclude<Shape, { kind: 'mask' }>, placement: Letterbox): Rle | null {
  const moved = (ring: readonly number[]): number[] => {
    const points: number[] = [];
    for (let at = 0; at + 1 < ring.length; at += 2) {
      const [x, y] = toNetwork(placement, [ring[at]!, ring[at + 1]!, 0, 0]);
      points.push(x, y);
    }
    return points;
  };
  const drawn = (outer: readonly number[]): Rle =>
    rasterisePolygon([{ outer: moved(outer), holes: [] }], placement.network);
  switch (shape.kind) {
    case 'polygon': {
      const parts = shape.parts.map(({ outer, holes }) => ({ outer: moved(outer), holes: holes.map(moved) }));
      return rasterisePolygon(parts, placement.network);
    }
    case 'bbox': {
      const [x1, y1, x2, y2] = shape.bboxXyxy;
      return drawn([x1, y1, x2, y1, x2, y2, x1, y2]);
    }
    case 'rotated-box':
      return drawn(rotatedBoxCorners(shape));
    case 'classification':
    case 'keypoints':
      return null;
  }
}

function fill(mask: Uint8Array, rle: Rle | null, widthPx: number, inside: Inside, value: number): void {
  if (rle === null) return;
  let at = 0;
  rle.counts.forEach((count, index) => {
    if (index % 2 === 1) {
      for (let pixel = at; pixel < at + count; pixel++) {
        const [x, y] = [Math.floor(pixel / rle.heightPx), pixel % rle.heightPx];
        if (x >= inside.left && x < inside.right && y >= inside.top && y < inside.bottom) mask[y * widthPx + x] = value;
      }
    }
    at += count;
  });
}

/** Each px takes what the mask, which has the image's size, says at the point under its middle. */
function lookUp(mask: Uint8Array, rle: Rle, placement: Letterbox, inside: Inside, value: number): void {
  const { network, resized, leftPx, topPx } = placement;
  const starts: number[] = [];
  let sum = 0;
  for (const count of rle.counts) {
    starts.push(sum);
    sum += count;
  }
  const rows = Int32Array.from({ length: network.heightPx }, (_, y) =>
    sourceOf(y - topPx, rle.heightPx, resized.heightPx),
  );
  for (let x = inside.left; x < inside.right; x++) {
    const column = sourceOf(x - leftPx, rle.widthPx, resized.widthPx) * rle.heightPx;
    let run = lastAtOrBelow(starts, column + rows[inside.top]!);
    for (let y = inside.top; y < inside.bottom; y++) {
      const pixel = column + rows[y]!;
      while (run + 1 < starts.length && starts[run + 1]! <= pixel) run++;
      if (run % 2 === 1) mask[y * network.widthPx + x] = value;
    }
  }
}

const sourceOf = (at: number, source: number, resized: number): number =>
  Math.min(source - 1, Math.floor(((at + 0.5) * source) / resized));

/** Runs may be empty, so that several start at one place: the last of those counts. */
function lastAtOrBelow(starts: readonly number[], place: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (starts[middle]! <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}
