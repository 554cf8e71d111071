/** Reads a number that a person typed: "0.001", "1e-3", "1,5" and "−2" are all understood. */

export interface NumberBounds {
  /** Both inclusive. */
  min: number;
  max: number;
  integer: boolean;
}

export function readNumber(text: string, bounds: NumberBounds): { value: number } | { problem: string } {
  const plain = text
    .trim()
    .replace('−', '-')
    .replace(/^([+-]?\d+),(\d+)$/, '$1.$2');
  const value = plain === '' ? NaN : Number(plain);
  if (!Number.isFinite(value))
    return { problem: plain === '' ? 'Enter a number.' : `"${text.trim()}" is not a number.` };
  if (bounds.integer && !Number.isInteger(value)) return { problem: 'Enter a whole number.' };
  if (value < bounds.min) return { problem: `At least ${bounds.min}.` };
  if (value > bounds.max) return { problem: `At most ${bounds.max}.` };
  return { value };
}
