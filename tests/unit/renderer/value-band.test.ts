import { describe, expect, it } from 'vitest';
import { columnWidth, thin } from '../../../src-renderer/charts/curve.ts';
import { bandsOf } from '../../../src-renderer/charts/value-band.ts';

describe('the band of a dense curve', () => {
  it('goes through the lowest and the highest value of each column', () => {
    const [band, ...others] = bandsOf([0.5, 1.5, 2.5, 3.5, 4.5], [3, 1, 2, 5, 4], 2, 0, 4);
    expect(band).toEqual({ x: [1, 3, 5], low: [1, 2, 4], high: [3, 5, 4] });
    expect(others).toEqual([]);
  });

  it('passes over points of other curves and ends at a gap, within a column too', () => {
    const y = [3, undefined, null, 1, undefined, null];
    expect(bandsOf([0, 1, 2, 3, 4, 5], y, 10, 0, 5)).toEqual([
      { x: [5], low: [3], high: [3] },
      { x: [5], low: [1], high: [1] },
    ]);
  });

  it('looks at nothing outside of what is asked for', () => {
    expect(bandsOf([0, 1, 2, 3], [9, 1, 2, 9], 1, 1, 2)).toEqual([{ x: [1.5, 2.5], low: [1, 2], high: [1, 2] }]);
  });

  it('has every spike of what was thinned', () => {
    const x = Float64Array.from({ length: 10_000 }, (_, i) => i);
    const y = x.map((at) => (at === 4321 ? 100 : at === 8765 ? -100 : Math.sin(at)));
    const range = { from: 0, to: 9999 };
    const [thinX, thinY] = thin(x, y, range, 400);
    const [band] = bandsOf(thinX, thinY, columnWidth(range, 400), 0, thinX.length - 1);
    expect(Math.max(...band!.high)).toBe(100);
    expect(Math.min(...band!.low)).toBe(-100);
    expect(band!.x.length).toBeLessThanOrEqual(200);
    expect(Math.abs(band!.x[band!.high.indexOf(100)]! - 4321)).toBeLessThanOrEqual(columnWidth(range, 400) / 2);
  });
});
