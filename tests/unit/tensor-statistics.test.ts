/** Norms and histograms are NumPy's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { euclideanNorm, spreadOf } from '../../src-main/engine/metrics/tensor-statistics.ts';

interface Golden {
  bins: number;
  cases: {
    name: string;
    values: (number | null)[];
    norm: number | null;
    low: number;
    high: number;
    counts: number[];
  }[];
}
const file = join(import.meta.dirname, '..', 'golden', 'statistics', 'spreads.json');
const { bins, cases } = JSON.parse(readFileSync(file, 'utf8')) as Golden;

describe('the numbers of a tensor', () => {
  it.each(cases)('$name: its length and its histogram are NumPy’s', ({ values, norm, low, high, counts }) => {
    const numbers = Float32Array.from(values, (value) => value ?? NaN);
    const length = euclideanNorm(numbers);
    if (norm === null) expect(length).toBeNaN();
    else expect(Math.abs(length - norm)).toBeLessThanOrEqual(1e-12 * norm);
    const spread = spreadOf(numbers, bins);
    expect([spread.low, spread.high]).toEqual([low, high]);
    expect([...spread.counts]).toEqual(counts);
  });

  it('lie in the middle where they are all the same, and nowhere where none is a number', () => {
    expect(spreadOf(Float32Array.of(2, 2, 2), 4)).toEqual({ low: 2, high: 2, counts: Uint32Array.of(0, 0, 3, 0) });
    expect(spreadOf(Float32Array.of(NaN), 2)).toEqual({ low: NaN, high: NaN, counts: Uint32Array.of(0, 0) });
  });
});
