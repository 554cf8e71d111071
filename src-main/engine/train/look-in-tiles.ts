/** Has a network look at a large image in overlapping tiles of its input's size, and blends what it says. */
import type { SeenMasks, Tiling } from '../../contract/model/image-prediction.ts';
import type { SizePx } from '../data/letterbox.ts';
import { cutTile, TileBlender, tileStarts } from '../data/tiles.ts';
import type { Results, TileResults } from './tasks/definition.ts';

export interface TileLooker {
  readonly batchSize: number;
  /** images: uint8 [count, C, H, W], no more than a batch. The raw results of each, with a batch of 1. */
  look(images: Uint8Array, count: number): Promise<Results[]>;
}

export interface TiledImage {
  /** uint8 [3, h, w] */
  planes: Uint8Array;
  size: SizePx;
  network: SizePx;
  tiles: Tiling;
}

/** Masks of the image's own size. */
export async function lookInTiles(
  looker: TileLooker,
  { shareCount, shares, decide }: TileResults,
  { planes, size, network, tiles: { overlap } }: TiledImage,
): Promise<SeenMasks> {
  const { widthPx, heightPx } = size;
  const lefts = tileStarts(widthPx, network.widthPx, overlap);
  const tops = tileStarts(heightPx, network.heightPx, overlap);
  const bytesOfTile = (planes.length / (widthPx * heightPx)) * network.widthPx * network.heightPx;
  const blender = new TileBlender(size, network, overlap, shareCount);
  const [predicted, confidence] = [new Uint8Array(widthPx * heightPx), new Uint8Array(widthPx * heightPx)];
  for (const [row, topPx] of tops.entries()) {
    for (let first = 0; first < lefts.length; first += looker.batchSize) {
      const some = lefts.slice(first, first + looker.batchSize);
      const batch = new Uint8Array(some.length * bytesOfTile);
      some.forEach((leftPx, at) =>
        cutTile(planes, size, network, { leftPx, topPx }, batch.subarray(at * bytesOfTile, (at + 1) * bytesOfTile)),
      );
      const said = await looker.look(batch, some.length);
      said.forEach((raw, at) => blender.add(shares(raw), { leftPx: some[at]!, topPx }));
    }
    const decided = decide(blender.take(tops[row + 1] ?? heightPx));
    predicted.set(decided.predicted, topPx * widthPx);
    confidence.set(decided.confidence, topPx * widthPx);
  }
  return { widthPx, heightPx, predicted, confidence, placement: [0, 0, widthPx, heightPx] };
}
