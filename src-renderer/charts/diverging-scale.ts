/**
 * The colour scale for values around zero: blue below, near-white at zero, orange above; told apart by every kind of
 * colour vision and the same in both themes, so that pictures can be compared. Pure.
 */

export type Rgb = readonly [red: number, green: number, blue: number];

/** From −1 to +1 in equal steps. End colours after ColorBrewer's PuOr and Okabe–Ito's blue. */
const stops: readonly Rgb[] = [
  [0, 68, 136],
  [67, 147, 195],
  [178, 212, 232],
  [245, 245, 245],
  [253, 206, 155],
  [230, 125, 45],
  [158, 66, 0],
];

/** `t` in [−1, 1]; values beyond are held at the ends. */
export function divergingColour(t: number): Rgb {
  const position = ((Math.max(-1, Math.min(1, t)) + 1) / 2) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(position));
  const fraction = position - index;
  const [from, to] = [stops[index]!, stops[index + 1]!];
  const mix = (channel: 0 | 1 | 2) => Math.round(from[channel] + (to[channel] - from[channel]) * fraction);
  return [mix(0), mix(1), mix(2)];
}

/** The scale as a CSS gradient from left (−1) to right (+1). */
export const divergingGradient = `linear-gradient(to right, ${stops.map((rgb) => `rgb(${rgb.join(' ')})`).join(', ')})`;
