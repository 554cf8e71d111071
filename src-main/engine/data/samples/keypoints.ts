/**
 * Points of a sample's objects: they go with their image, change places where it is mirrored, and count as not labelled where
 * they are out of sight.
 */
import type { BboxXyxy } from '../../../contract/geometry/box.ts';
import { numbersPerPoint } from '../../../contract/geometry/keypoints.ts';
import { pointToNetwork, type Letterbox, type SizePx } from '../letterbox.ts';
import type { PoseLayout } from '../training-data.ts';
import { isMirrored, pointAfter } from './affine.ts';
import type { SampleRecipe } from './recipe.ts';

/** An object of one of the images that a sample is made of. */
export interface PosedObject {
  /** Which of the recipe's tiles. */
  tile: number;
  /** x, y (px of the original) and visibility of each point. */
  points: ArrayLike<number>;
}

/** Into float32 [objects, 3·K], px of the network's input; what is behind the objects is left as it is. */
export function writeKeypointRows(
  { tiles, motion }: SampleRecipe,
  objects: readonly PosedObject[],
  {
    network,
    placementOf,
    mirrored,
  }: {
    network: SizePx;
    placementOf: (position: number) => Letterbox;
    mirrored: PoseLayout['mirrored'];
  },
  target: Float32Array,
): void {
  const all: BboxXyxy = [0, 0, network.widthPx, network.heightPx];
  const isSwapped = mirrored !== null && isMirrored(motion);
  objects.forEach(({ tile, points }, row) => {
    const { position, offset, windowXyxy } = tiles[tile]!;
    const placement = placementOf(position);
    for (let place = 0; place < points.length / numbersPerPoint; place++) {
      const from = place * numbersPerPoint;
      const to = row * points.length + (isSwapped ? mirrored[place]! : place) * numbersPerPoint;
      const [x, y] = pointToNetwork(placement, [points[from]!, points[from + 1]!]);
      const onCanvas = [x + offset[0], y + offset[1]] as const;
      const inInput = pointAfter(motion, onCanvas);
      const isSeen = points[from + 2] !== 0 && isInside(onCanvas, windowXyxy) && isInside(inInput, all);
      target.set(isSeen ? [...inInput, points[from + 2]!] : [0, 0, 0], to);
    }
  });
}

const isInside = ([x, y]: readonly [number, number], [x1, y1, x2, y2]: BboxXyxy): boolean =>
  x >= x1 && y >= y1 && x <= x2 && y <= y2;
