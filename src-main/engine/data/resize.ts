/**
 * An image made the size of a network's input: each output pixel is interpolated between the four source pixels around
 * its centre, with half-pixel centres and nothing averaged before. It is how detectors' published measures were made;
 * smoother filters lose some of them.
 */
import { padding, type Letterbox } from './letterbox.ts';

/** Where an output px reads along one axis: two source px and the share of the second. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float32Array;
}

/** For the output px 0 … length − 1, of which those before `offset` or after `resized` are the caller's to skip. */
function tapsAlong(length: number, offset: number, resized: number, source: number): Taps {
  const [first, second, share] = [new Int32Array(length), new Int32Array(length), new Float32Array(length)];
  const scale = source / resized;
  for (let at = 0; at < length; at++) {
    const place = Math.min(source - 1, Math.max(0, (at - offset + 0.5) * scale - 0.5));
    first[at] = Math.floor(place);
    second[at] = Math.min(source - 1, first[at]! + 1);
    share[at] = place - first[at]!;
  }
  return { first, second, share };
}

/**
 * source: uint8 [h, w, channels], interleaved, of the placement's image. Returns uint8 [channels, H, W] of its network's
 * size, grey where there is no image.
 */
export function resizeInto(source: Uint8Array, channels: number, placement: Letterbox): Uint8Array {
  const { image, network, resized, leftPx, topPx } = placement;
  const { widthPx, heightPx } = network;
  const plane = widthPx * heightPx;
  const planes = new Uint8Array(channels * plane).fill(padding.image);
  const across = tapsAlong(widthPx, leftPx, resized.widthPx, image.widthPx);
  const down = tapsAlong(heightPx, topPx, resized.heightPx, image.heightPx);
  const [left, right] = [Math.max(0, leftPx), Math.min(widthPx, leftPx + resized.widthPx)];
  const [top, bottom] = [Math.max(0, topPx), Math.min(heightPx, topPx + resized.heightPx)];
  for (let y = top; y < bottom; y++) {
    const above = down.first[y]! * image.widthPx;
    const below = down.second[y]! * image.widthPx;
    const shareBelow = down.share[y]!;
    for (let x = left; x < right; x++) {
      const [a, b, shareRight] = [across.first[x]!, across.second[x]!, across.share[x]!];
      const at = y * widthPx + x;
      for (let channel = 0; channel < channels; channel++) {
        const [nw, ne] = [source[(above + a) * channels + channel]!, source[(above + b) * channels + channel]!];
        const [sw, se] = [source[(below + a) * channels + channel]!, source[(below + b) * channels + channel]!];
        const upper = nw + (ne - nw) * shareRight;
        const lower = sw + (se - sw) * shareRight;
        planes[channel * plane + at] = Math.round(upper + (lower - upper) * shareBelow);
      }
    }
  }
  return planes;
}
