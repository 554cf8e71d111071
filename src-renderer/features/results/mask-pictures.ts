/** Masks as pictures that lie over their image: a colour a class, or where a prediction and the truth differ. */
import type { ImageMasks } from '../../../src-main/contract/model/run-results.ts';
import { imagePoint, toScreen, type Size, type Viewport } from '../../canvas/viewport.ts';

/** What a canvas's pixels hold, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** The pixel's value that is shown in no colour. */
const transparent = 0;
const opaque = 255;
/** In the ground truth: not measured. */
const ignored = 255;

const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** As one number in the order in which this machine's canvas holds it. */
export function packed([red, green, blue]: Rgb): number {
  const bytes = littleEndian ? [opaque, blue, green, red] : [red, green, blue, opaque];
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** Packed colours, [H·W]; classes without a colour show nothing. */
export function maskPixels(mask: Uint8Array, colours: readonly (Rgb | null)[]): Uint32Array {
  const table = new Uint32Array(256);
  colours.forEach((colour, category) => (table[category] = colour === null ? transparent : packed(colour)));
  return Uint32Array.from(mask, (category) => table[category]!);
}

export interface ErrorColours {
  /** Called the class, but is not it. */
  falsePositive: Rgb;
  /** Is the class, but was not called it. */
  falseNegative: Rgb;
  right: Rgb | null;
}

/** Of one class; of all where that is null, every wrong pixel is one that was called wrongly. Ignored pixels show nothing. */
export function errorPixels(
  { predicted, groundTruth }: Pick<ImageMasks, 'predicted' | 'groundTruth'>,
  category: number | null,
  colours: ErrorColours,
): Uint32Array {
  const pixels = new Uint32Array(predicted.length);
  if (groundTruth === null) return pixels;
  const [positive, negative] = [packed(colours.falsePositive), packed(colours.falseNegative)];
  const right = colours.right === null ? transparent : packed(colours.right);
  for (let pixel = 0; pixel < pixels.length; pixel++) {
    const truth = groundTruth[pixel]!;
    const called = predicted[pixel]!;
    if (truth === ignored) continue;
    if (category === null) pixels[pixel] = called === truth ? transparent : positive;
    else if (called === category) pixels[pixel] = truth === category ? right : positive;
    else if (truth === category) pixels[pixel] = negative;
  }
  return pixels;
}

/** A picture of packed colours, [H, W]. */
export function pictureOf(pixels: Uint32Array, widthPx: number, heightPx: number): OffscreenCanvas {
  const picture = new OffscreenCanvas(widthPx, heightPx);
  const bytes = new Uint8ClampedArray(pixels.buffer as ArrayBuffer, pixels.byteOffset, pixels.byteLength);
  picture.getContext('2d')?.putImageData(new ImageData(bytes, widthPx, heightPx), 0, 0);
  return picture;
}

/** Puts the picture over what it covers of the image; what lies in the bars around it is not shown. */
export function drawOver(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  picture: OffscreenCanvas,
  [x1, y1, x2, y2]: ImageMasks['placement'],
  opacity: number,
  image: Size,
): void {
  const from = toScreen(viewport, imagePoint(x1, y1));
  const to = toScreen(viewport, imagePoint(x2, y2));
  const corner = toScreen(viewport, imagePoint(0, 0));
  context.save();
  context.beginPath();
  context.rect(corner.x, corner.y, image.widthPx * viewport.scale, image.heightPx * viewport.scale);
  context.clip();
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, from.x, from.y, to.x - from.x, to.y - from.y);
  context.restore();
}
