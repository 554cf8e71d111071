/**
 * A sample's pixels by its recipe: colours interpolated between the four around each point, mask values taken from the
 * nearest pixel. Outside of the images both are padding.
 */
import type { BboxXyxy } from '../../../contract/geometry/box.ts';
import { padding, type SizePx } from '../letterbox.ts';
import { inverse } from './affine.ts';
import { changeColours } from './colour.ts';
import type { SampleRecipe, Tile } from './recipe.ts';

/** One image as it lies in its pack. */
export interface TileImage {
  /** uint8 [channels, H, W] */
  planes: Uint8Array;
  /** uint8 [H, W] */
  mask: Uint8Array | null;
  /** What each value of the mask becomes, [256]; null where it stays. */
  numbers: Uint8Array | null;
  /** The part of it that the photograph fills. */
  contentXyxy: BboxXyxy;
}

/**
 * tiles: the images of the recipe's tiles, in their order, of the network's size. Writes uint8 [channels, H, W] into
 * `image` and, where it is wanted, [H, W] into `mask`.
 */
export function renderSample(
  recipe: SampleRecipe,
  tiles: readonly TileImage[],
  { widthPx, heightPx }: SizePx,
  image: Uint8Array,
  mask: Uint8Array | null,
): void {
  const plane = widthPx * heightPx;
  const channels = image.length / plane;
  const sources = recipe.tiles.map((tile, at) => sourceOf(tile, tiles[at]!));
  const [a, b, c, d, e, f] = inverse(recipe.motion);
  const [centreX, centreY] = recipe.centre ?? [Infinity, Infinity];
  image.fill(padding.image);
  mask?.fill(padding.mask);
  for (let y = 0, at = 0; y < heightPx; y++) {
    let u = a * 0.5 + b * (y + 0.5) + c;
    let v = d * 0.5 + e * (y + 0.5) + f;
    for (let x = 0; x < widthPx; x++, at++, u += a, v += d) {
      const source = sources[(u >= centreX ? 1 : 0) + (v >= centreY ? 2 : 0)]!;
      if (u < source.fromU || v < source.fromV || u >= source.toU || v >= source.toV) continue;
      const { planes, left, top, right, bottom } = source;
      const packX = u - source.offsetX;
      const packY = v - source.offsetY;
      // The content's edge goes on beyond itself, so that bars never mix in.
      const placeX = Math.min(right, Math.max(left, packX - 0.5));
      const placeY = Math.min(bottom, Math.max(top, packY - 0.5));
      const firstX = placeX | 0;
      const firstY = placeY | 0;
      const shareX = placeX - firstX;
      const shareY = placeY - firstY;
      const step = firstX < right ? 1 : 0;
      let upper = firstY * widthPx + firstX;
      let lower = firstY < bottom ? upper + widthPx : upper;
      for (let channel = 0, to = at; channel < channels; channel++, to += plane, upper += plane, lower += plane) {
        const above = planes[upper]! + (planes[upper + step]! - planes[upper]!) * shareX;
        const below = planes[lower]! + (planes[lower + step]! - planes[lower]!) * shareX;
        image[to] = above + (below - above) * shareY + 0.5;
      }
      if (mask && source.mask) {
        const value = source.mask[(packY | 0) * widthPx + (packX | 0)]!;
        mask[at] = source.numbers ? source.numbers[value]! : value;
      }
    }
  }
  changeColours(recipe.colour, image, plane);
}

/** A tile in plain numbers, as the inner loop is quick with: its window on the canvas, its offset, its content's px. */
function sourceOf({ windowXyxy, offset }: Tile, { planes, mask, numbers, contentXyxy }: TileImage) {
  const [fromU, fromV, toU, toV] = windowXyxy;
  const [left, top, right, bottom] = contentXyxy;
  const [offsetX, offsetY] = offset;
  return {
    planes,
    mask,
    numbers,
    fromU,
    fromV,
    toU,
    toV,
    offsetX,
    offsetY,
    left,
    top,
    right: right - 1,
    bottom: bottom - 1,
  };
}
