import { describe, expect, it } from 'vitest';
import { heatOfNorms, heatOfSpread, ridgesOf } from '../../../src-renderer/charts/spread-heat.ts';

const rounded = (values: Float32Array): number[] => Array.from(values, (value) => Math.round(value * 1000) / 1000);

describe('histograms as a picture', () => {
  const spread = (low: number[], high: number[], shares: number[]) => ({
    low: Float32Array.from(low),
    high: Float32Array.from(high),
    shares: Uint16Array.from(shares, (share) => share * 0xffff),
  });

  it('lays bins of different ranges over common rows, the highest first, and loses nothing', () => {
    // Two epochs with two bins each: −1 to 1, then −2 to 2.
    const of = spread([-1, -2], [1, 2], [0.25, 0.75, 0.5, 0.5]);
    const heat = heatOfSpread(of, 2, Float64Array.of(1, 2), { rows: 4, mostColumns: 10 })!;
    expect([heat.low, heat.high, [...heat.epochs]]).toEqual([-2, 2, [1, 2]]);
    expect(rounded(heat.values)).toEqual([0, 0.25, 0.75, 0.25, 0.25, 0.25, 0, 0.25]);
  });

  it('shows an epoch of equal values in one row, and one without a histogram as nothing', () => {
    const of = spread([3, NaN, 1], [3, NaN, 5], [0, 1, 0, 0, 1, 0]);
    const heat = heatOfSpread(of, 2, Float64Array.of(1, 2, 3), { rows: 2, mostColumns: 10 })!;
    expect(rounded(heat.values)).toEqual([1, NaN, 0, 0, NaN, 1]);
    expect(heatOfSpread(spread([NaN], [NaN], [0, 0]), 2, Float64Array.of(1), { rows: 2, mostColumns: 9 })).toBeNull();
  });

  it('of many epochs shows some, the first and the last among them', () => {
    const of = spread(Array(100).fill(0), Array(100).fill(1), Array(100).fill(1));
    const epochs = Float64Array.from({ length: 100 }, (_, at) => at + 1);
    const heat = heatOfSpread(of, 1, epochs, { rows: 1, mostColumns: 4 })!;
    expect([...heat.epochs]).toEqual([1, 34, 67, 100]);
  });
});

describe('histograms as ridges', () => {
  it('stand from the first epoch at the top to the last at the bottom, with one scale of heights', () => {
    // Two rows; three epochs, of which the second has no histogram.
    const values = Float32Array.of(0.5, NaN, 0.25, 0.5, NaN, 1);
    const ridges = ridgesOf({ rows: 2, columns: 3, values });
    expect(ridges.map(({ base }) => base)).toEqual([0.35, 1]);
    expect(ridges.map(({ heights }) => heights.map((height) => Number((height / 0.35).toFixed(6))))).toEqual([
      [0.5, 0.5],
      [1, 0.25],
    ]);
  });

  it('of one epoch stand on the ground, and where nothing was measured there are none', () => {
    expect(ridgesOf({ rows: 1, columns: 1, values: Float32Array.of(0) })).toEqual([{ base: 1, heights: [0] }]);
    expect(ridgesOf({ rows: 1, columns: 1, values: Float32Array.of(NaN) })).toEqual([]);
  });
});

describe('norms as a picture', () => {
  it('is by their logarithm, over all tensors together', () => {
    const heat = heatOfNorms(Float32Array.of(1, 100, 10, NaN, 10_000, 0), 2, 10);
    expect([heat.rows, heat.columns]).toEqual([2, 3]);
    expect(rounded(heat.values)).toEqual([0, 0.25, 1, 0.5, NaN, 0]);
  });
});
