/**
 * A large image looked at in tiles of a network's size that overlap: where they lie, and how what is said of them becomes one
 * statement. Every pixel's shares are the mean over the tiles that show it, weighted so that a tile counts less toward its
 * edges, where the network sees less around a pixel. Works band by band, so that memory does not grow with the image's height.
 */
import { invariant } from '../../contract/errors.ts';
import { padding, type SizePx } from './letterbox.ts';

/** First px of each tile along one side: evenly stepped, the last one flush with the end. One where the tile covers it. */
export function tileStarts(lengthPx: number, tilePx: number, overlap: number): number[] {
  invariant(overlap >= 0 && overlap < 1, `an overlap of ${overlap}`);
  if (lengthPx <= tilePx) return [0];
  const step = Math.max(1, Math.floor(tilePx * (1 - overlap)));
  const starts: number[] = [];
  for (let start = 0; start + tilePx < lengthPx; start += step) starts.push(start);
  return [...starts, lengthPx - tilePx];
}

/** What a pixel of a tile counts, by its place along one side: rising to 1 over the overlap, never 0. */
function tileWeights(tilePx: number, overlap: number): Float32Array {
  const rise = Math.max(1, tilePx * overlap);
  return Float32Array.from({ length: tilePx }, (_, at) => Math.min(1, (Math.min(at, tilePx - 1 - at) + 0.5) / rise));
}

/** planes: uint8 [C, h, w]. The part at (left, top) as [C, H, W] into `target`, grey where the image ends. */
export function cutTile(
  planes: Uint8Array,
  image: SizePx,
  tile: SizePx,
  { leftPx, topPx }: { leftPx: number; topPx: number },
  target: Uint8Array,
): void {
  const [width, height] = [Math.min(tile.widthPx, image.widthPx), Math.min(tile.heightPx, image.heightPx)];
  const [plane, tilePlane] = [image.widthPx * image.heightPx, tile.widthPx * tile.heightPx];
  target.fill(padding.image);
  for (let channel = 0; channel < target.length / tilePlane; channel++) {
    for (let y = 0; y < height; y++) {
      const from = channel * plane + (topPx + y) * image.widthPx + leftPx;
      target.set(planes.subarray(from, from + width), channel * tilePlane + y * tile.widthPx);
    }
  }
}

/** Adds up the tiles of an image, row of tiles by row, and hands out its rows of pixels as soon as no tile is missing. */
export class TileBlender {
  readonly #image: SizePx;
  readonly #tile: SizePx;
  readonly #channels: number;
  readonly #weights: { across: Float32Array; down: Float32Array };
  /** [channels, tile height, image width], whose first row is row `#top` of the image. */
  readonly #sums: Float32Array;
  readonly #counts: Float32Array;
  #top = 0;

  constructor(image: SizePx, tile: SizePx, overlap: number, channels: number) {
    this.#image = image;
    this.#tile = tile;
    this.#channels = channels;
    this.#weights = { across: tileWeights(tile.widthPx, overlap), down: tileWeights(tile.heightPx, overlap) };
    this.#sums = new Float32Array(channels * tile.heightPx * image.widthPx);
    this.#counts = new Float32Array(tile.heightPx * image.widthPx);
  }

  /** shares: [channels, H, W] of the tile at (left, top). Tiles come row by row; `take` what is above first. */
  add(shares: Float32Array, { leftPx, topPx }: { leftPx: number; topPx: number }): void {
    invariant(topPx === this.#top, `a tile at row ${topPx} while rows from ${this.#top} on are added up`);
    const { widthPx, heightPx } = this.#image;
    const [width, height] = [Math.min(this.#tile.widthPx, widthPx), Math.min(this.#tile.heightPx, heightPx - topPx)];
    const [band, tilePlane] = [this.#tile.heightPx * widthPx, this.#tile.widthPx * this.#tile.heightPx];
    const { across, down } = this.#weights;
    for (let y = 0; y < height; y++) {
      const row = y * widthPx + leftPx;
      for (let x = 0; x < width; x++) {
        const weight = across[x]! * down[y]!;
        this.#counts[row + x]! += weight;
        for (let channel = 0; channel < this.#channels; channel++)
          this.#sums[channel * band + row + x]! += weight * shares[channel * tilePlane + y * this.#tile.widthPx + x]!;
      }
    }
  }

  /** Means of the rows before `row` that were not taken yet, [channels, rows, image width]; the next tiles begin at `row`. */
  take(row: number): Float32Array {
    const { widthPx } = this.#image;
    const pixels = (row - this.#top) * widthPx;
    const band = this.#counts.length;
    const means = new Float32Array(this.#channels * pixels);
    for (let channel = 0; channel < this.#channels; channel++) {
      const sums = this.#sums.subarray(channel * band, (channel + 1) * band);
      for (let at = 0; at < pixels; at++) means[channel * pixels + at] = sums[at]! / this.#counts[at]!;
      sums.copyWithin(0, pixels);
      sums.fill(0, band - pixels);
    }
    this.#counts.copyWithin(0, pixels);
    this.#counts.fill(0, band - pixels);
    this.#top = row;
    return means;
  }
}
