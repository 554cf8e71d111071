/**
 * Where an image lies in a network's input that has another shape: letterboxed (as large as fits, centred, with bars on
 * two sides), stretched, or cropped (as small as covers, centred). Boxes and points go from image px to network px and
 * back by the same numbers, whichever it is.
 */
import type { BboxXyxy } from '../../contract/geometry/box.ts';
import { invariant } from '../../contract/errors.ts';
import type { InputFit } from '../../contract/model/run-images.ts';
import type { SplitData, TrainingData } from './training-data.ts';

export interface SizePx {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** What stands where the network's input shows nothing of an image: in its pixels, and in a mask. */
export const padding = { image: 114, mask: 255 } as const;

/** All in whole px of the network's input. */
export interface Letterbox {
  readonly image: SizePx;
  readonly network: SizePx;
  /** The image's own part. */
  readonly resized: SizePx;
  readonly leftPx: number;
  readonly topPx: number;
}

/** For a cropped image the left and top are negative: what hangs over. */
export function place(image: SizePx, network: SizePx, fit: InputFit): Letterbox {
  if (fit === 'letterbox') return letterbox(image, network);
  if (fit === 'stretch') return { image, network, resized: network, leftPx: 0, topPx: 0 };
  const scale = Math.max(network.widthPx / image.widthPx, network.heightPx / image.heightPx);
  const covering = (side: number, least: number): number => Math.max(least, Math.round(side * scale));
  const resized = {
    widthPx: covering(image.widthPx, network.widthPx),
    heightPx: covering(image.heightPx, network.heightPx),
  };
  return {
    image,
    network,
    resized,
    leftPx: Math.ceil((network.widthPx - resized.widthPx) / 2) + 0,
    topPx: Math.ceil((network.heightPx - resized.heightPx) / 2) + 0,
  };
}

/** Of the `index`-th image of a split; the whole input where images are as they are. */
export function placementOf(data: Pick<TrainingData, 'packs' | 'fit'>, split: SplitData, index: number): Letterbox {
  const { widthPx, heightPx } = data.packs[split.packs[index]!]!;
  const network = { widthPx, heightPx };
  const [width, height] = [split.sizesPx?.[2 * index], split.sizesPx?.[2 * index + 1]];
  if (width === undefined || height === undefined) return letterbox(network, network);
  return place({ widthPx: width, heightPx: height }, network, data.fit ?? 'letterbox');
}

export function letterbox(image: SizePx, network: SizePx): Letterbox {
  const sides = [image.widthPx, image.heightPx, network.widthPx, network.heightPx];
  invariant(
    sides.every((side) => Number.isInteger(side) && side > 0),
    `no letterbox for sizes of ${sides.join(', ')} px`,
  );
  const scale = Math.min(network.widthPx / image.widthPx, network.heightPx / image.heightPx);
  const fitted = (side: number, most: number): number => Math.min(most, Math.max(1, Math.round(side * scale)));
  const resized = {
    widthPx: fitted(image.widthPx, network.widthPx),
    heightPx: fitted(image.heightPx, network.heightPx),
  };
  return {
    image,
    network,
    resized,
    // An odd bar has its extra px on the right or at the bottom.
    leftPx: Math.floor((network.widthPx - resized.widthPx) / 2),
    topPx: Math.floor((network.heightPx - resized.heightPx) / 2),
  };
}

/** Image px → network px. Rounding of the resized size makes the two scales differ a little. */
export function toNetwork(box: Letterbox, [x1, y1, x2, y2]: BboxXyxy): BboxXyxy {
  const x = (value: number): number => (value * box.resized.widthPx) / box.image.widthPx + box.leftPx;
  const y = (value: number): number => (value * box.resized.heightPx) / box.image.heightPx + box.topPx;
  return [x(x1), y(y1), x(x2), y(y2)];
}

/** Network px → image px, the inverse of `toNetwork`. What lies in a bar comes out outside the image. */
export function toImage(box: Letterbox, [x1, y1, x2, y2]: BboxXyxy): BboxXyxy {
  const x = (value: number): number => ((value - box.leftPx) * box.image.widthPx) / box.resized.widthPx;
  const y = (value: number): number => ((value - box.topPx) * box.image.heightPx) / box.resized.heightPx;
  return [x(x1), y(y1), x(x2), y(y2)];
}

/** As `toNetwork` and `toImage`. */
export function pointToNetwork(box: Letterbox, [x, y]: readonly [number, number]): [number, number] {
  const [movedX, movedY] = toNetwork(box, [x, y, x, y]);
  return [movedX, movedY];
}

export function pointToImage(box: Letterbox, [x, y]: readonly [number, number]): [number, number] {
  const [movedX, movedY] = toImage(box, [x, y, x, y]);
  return [movedX, movedY];
}
