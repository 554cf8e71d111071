/** Measured values and settings as people read them: 0.803, +0.041, 1e−8, 13 %. Counts, sizes and times: format.ts. Pure. */

const minus = '−';

function signed(text: string): string {
  return text.replace('-', minus);
}

function scientific(text: string): string {
  return text.replace('e+', 'e').replaceAll('-', minus);
}

/** For scores and losses, about three figures and a fixed width where they are near one: 0.803, 12.4, 0.0025. */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${minus}∞`;
  const size = Math.abs(value);
  if (size === 0) return '0.000';
  if (size < 0.001) return scientific(value.toExponential(1));
  if (size < 0.01) return signed(value.toPrecision(2));
  return signed(value.toFixed(size < 10 ? 3 : size < 1000 ? 1 : 0));
}

/** With its sign, so that better and worse can be told: +0.041, −0.007, ±0.000. */
export function formatDifference(value: number): string {
  const text = value.toFixed(Math.abs(value) >= 10 ? 1 : 3);
  if (Number(text) === 0) return `±${text.replace('-', '')}`;
  return value > 0 ? `+${text}` : signed(text);
}

/** For settings and axes: as short as it can be said, six figures at most: 0.001, 64, 1e−8. */
export function formatPlain(value: number): string {
  const size = Math.abs(value);
  const short = Number(value.toPrecision(6));
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return scientific(short.toExponential());
  return signed(String(short));
}

/** A share as a percentage, with a decimal below 1 %: 13 %, 0.4 %. */
export function formatShare(fraction: number): string {
  const percent = fraction * 100;
  return `${percent.toFixed(percent > 0 && percent < 1 ? 1 : 0)} %`;
}
