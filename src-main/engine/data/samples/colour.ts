/**
 * Changed colours. Hue, saturation and value as the HSV model has them (Smith 1978); then brightness as a factor of all
 * pixels, and contrast as a factor of their distance from the image's mean. Grey images have only the last three.
 */
import type { SampleRecipe } from './recipe.ts';

type ColourChange = SampleRecipe['colour'];

/** image: uint8 [channels, H, W] with `plane` = H·W; changed in place. */
export function changeColours(change: ColourChange, image: Uint8Array, plane: number): void {
  const isColour = image.length === 3 * plane;
  if (isColour && (change.hue !== 0 || change.saturation !== 1)) turnHues(change, image, plane);
  const factor = change.value * change.brightness;
  if (factor === 1 && change.contrast === 1) return;
  // The mean is of what the eye sees before the contrast changes.
  const table = new Uint8Array(256);
  const mean = change.contrast === 1 ? 0 : meanOf(image, factor);
  for (let level = 0; level < 256; level++) {
    const bright = Math.min(255, level * factor);
    table[level] = Math.min(255, Math.max(0, Math.round(mean + (bright - mean) * change.contrast)));
  }
  for (let at = 0; at < image.length; at++) image[at] = table[image[at]!]!;
}

function meanOf(image: Uint8Array, factor: number): number {
  let sum = 0;
  for (let at = 0; at < image.length; at++) sum += Math.min(255, image[at]! * factor);
  return sum / image.length;
}

/** The value, which is the largest channel, stays: the others are set anew by hue and saturation. */
function turnHues({ hue, saturation }: ColourChange, image: Uint8Array, plane: number): void {
  const turn = onceAround(6 * hue);
  for (let at = 0; at < plane; at++) {
    const r = image[at]!;
    const g = image[at + plane]!;
    const b = image[at + 2 * plane]!;
    const value = r > g ? (r > b ? r : b) : g > b ? g : b;
    const least = r < g ? (r < b ? r : b) : g < b ? g : b;
    const range = value - least;
    if (range === 0) continue;
    // In sixths of the circle.
    const sixth = value === r ? (g - b) / range : value === g ? 2 + (b - r) / range : 4 + (r - g) / range;
    const turned = onceAround(sixth + turn);
    const wide = Math.min(value, range * saturation);
    image[at] = value - wide * shareOf(turned, 5) + 0.5;
    image[at + plane] = value - wide * shareOf(turned, 3) + 0.5;
    image[at + 2 * plane] = value - wide * shareOf(turned, 1) + 0.5;
  }
}

/** Sixths of the circle in −6 … 12, as those in 0 … 6. (A remainder of fractions is slow.) */
const onceAround = (sixths: number): number => (sixths < 0 ? sixths + 6 : sixths >= 6 ? sixths - 6 : sixths);

/** How far a channel lies below the value, of the range: max(0, min(k, 4 − k, 1)) with k = (n + hue) mod 6. */
function shareOf(sixth: number, n: number): number {
  const k = onceAround(n + sixth);
  const share = k < 4 - k ? k : 4 - k;
  return share < 0 ? 0 : share > 1 ? 1 : share;
}
