/**
 * Where an image lies in a network's input that has another shape: as large as fits, centred, with bars on two sides.
 * Boxes and points go from image px to network px and back by the same numbers.
 */
import type { BboxXyxy } from '../../contract/geometry/box.ts';
import { invariant } from '../../contract/errors.ts';

export interface SizePx {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** All in whole px of the network's input. */
export interface Letterbox {
  readonly image: SizePx;
  readonly network: SizePx;
  /** The image's own part. */
  readonly resized: SizePx;
  readonly leftPx: number;
  readonly topPx: number;
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
