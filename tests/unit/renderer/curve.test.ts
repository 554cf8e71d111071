import { describe, expect, it } from 'vitest';
import {
  alignCurves,
  dividesWholes,
  lastPoint,
  lowerBound,
  nearestIndex,
  smooth,
  spreadLabels,
  summarise,
  thin,
  thinToMeans,
} from '../../../src-renderer/charts/curve.ts';

const numbers = (...values: number[]) => Float64Array.of(...values);

describe('smooth', () => {
  it('is the corrected exponential average: the first value stands as it is, later ones lag', () => {
    // s₁ = 0.5·4 = 2, corrected 2/0.5 = 4; s₂ = 1 + 0.5·2 = 2, corrected 2/0.75
    expect([...smooth(numbers(4, 2), 0.5)]).toEqual([4, 2 / 0.75]);
  });

  it('leaves values alone at weight 0, and keeps gaps out of the average', () => {
    const values = numbers(1, 2);
    expect(smooth(values, 0)).toBe(values);
    expect([...smooth(numbers(4, Number.NaN, 2), 0.5)]).toEqual([4, Number.NaN, 2 / 0.75]);
  });

  it('leaves a constant curve constant', () => {
    for (const value of smooth(new Float64Array(50).fill(3), 0.98)) expect(value).toBeCloseTo(3, 12);
  });
});

describe('ticks between whole epochs', () => {
  const [epochs, steps] = [{ x: numbers(1, 2) }, { x: numbers(0.25, 0.5, 0.75, 1) }];

  it('are there for what was measured between them', () => {
    expect(dividesWholes([epochs, steps], { from: 0, to: 1 })).toBe(true);
    expect(dividesWholes([steps], { from: 0, to: 20 })).toBe(false);
  });

  it('are not there for what is measured once an epoch, unless less than one is shown', () => {
    expect(dividesWholes([epochs], { from: 1, to: 2 })).toBe(false);
    expect(dividesWholes([], { from: 0, to: 1 })).toBe(false);
    expect(dividesWholes([epochs], { from: 1.25, to: 1.5 })).toBe(true);
  });
});

describe('looking up x', () => {
  it('finds the first x that is not below', () => {
    expect(lowerBound(numbers(1, 3, 5), 3)).toBe(1);
    expect(lowerBound(numbers(1, 3, 5), 3.1)).toBe(2);
    expect(lowerBound(numbers(1, 3, 5), 9)).toBe(3);
  });

  it('finds the nearest, the earlier of two that are equally near', () => {
    const x = numbers(1, 3, 5);
    expect([0, 1.9, 2, 2.1, 99].map((at) => nearestIndex(x, at))).toEqual([0, 0, 0, 1, 2]);
    expect(nearestIndex(numbers(), 1)).toBe(-1);
  });
});

describe('thin', () => {
  it('keeps a short curve as it is', () => {
    const [x, y] = thin(numbers(0, 1, 2), numbers(5, 6, 7), { from: 0, to: 2 }, 10);
    expect([[...x], [...y]]).toEqual([
      [0, 1, 2],
      [5, 6, 7],
    ]);
  });

  it('keeps the spike of a long one', () => {
    const x = Float64Array.from({ length: 10_000 }, (_, index) => index);
    const y = new Float64Array(10_000).fill(1);
    y[7777] = 9;
    y[1234] = -9;
    const [thinX, thinY] = thin(x, y, { from: 0, to: 9999 }, 100);
    expect(thinX.length).toBeLessThanOrEqual(104);
    const columnWidth = 256;
    expect(Math.abs(thinX[thinY.indexOf(9)]! - 7777)).toBeLessThan(columnWidth / 2);
    expect(Math.abs(thinX[thinY.indexOf(-9)]! - 1234)).toBeLessThan(columnWidth / 2);
    expect([...thinX]).toEqual([...thinX].toSorted((a, b) => a - b));
  });

  it('puts dense curves on the same places, whatever the range', () => {
    const long = (offset: number) => Float64Array.from({ length: 5000 }, (_, index) => index + offset);
    const inner = (x: Float64Array) => new Set(x.slice(3, -3));
    const places = [0, 0.3, 0.77].map((offset) =>
      inner(thin(long(offset), long(offset), { from: 900, to: 2900 }, 60)[0]),
    );
    expect(places[1]).toEqual(places[0]);
    expect(places[2]).toEqual(places[0]);
    const moved = inner(thin(long(0), long(0), { from: 1010, to: 3010 }, 60)[0]);
    expect([...moved].filter((x) => x < 2700).every((x) => places[0]!.has(x))).toBe(true);
  });

  it('knows the same values over another axis apart', () => {
    const steps = Float64Array.from({ length: 1000 }, (_, index) => index);
    const y = steps.map((step) => Math.sin(step));
    const [first] = thin(steps, y, { from: 0, to: 999 }, 100);
    const [later] = thin(
      steps.map((step) => step + 500),
      y,
      { from: 500, to: 1499 },
      100,
    );
    expect([first.at(-1)! < 1024, later.at(-1)! > 1472]).toEqual([true, true]);
  });

  it('leaves a gap where a column holds no number, and loses no value beside one that is none', () => {
    const x = Float64Array.from({ length: 1000 }, (_, index) => index);
    const y = Float64Array.from(x, (at) => (at >= 300 && at < 700 ? Number.NaN : at % 16 === 0 ? Number.NaN : at));
    const [thinX, thinY] = thin(x, y, { from: 0, to: 999 }, 100);
    const gaps = [...thinX].filter((_, index) => index > 0 && Number.isNaN(thinY[index]));
    expect([Math.min(...gaps) > 290, Math.max(...gaps) < 710, gaps.length > 5]).toEqual([true, true, true]);
  });

  it('keeps one neighbour on each side of the range, so that lines reach its edges', () => {
    const [x] = thin(numbers(0, 1, 2, 3, 4, 5), numbers(0, 0, 0, 0, 0, 0), { from: 1.5, to: 3.5 }, 10);
    expect([...x]).toEqual([1, 2, 3, 4]);
  });
});

describe('thinToMeans', () => {
  it('is the mean of each column, gaps passed over, and whole where there are few points', () => {
    const x = Float64Array.from({ length: 1000 }, (_, at) => at);
    const y = Float64Array.from(x, (at) => (at % 2 === 0 ? at : Number.NaN));
    const [middles, means] = thinToMeans(x, y, { from: 0, to: 999 }, 100);
    expect(middles.length).toBeLessThanOrEqual(50);
    // Columns of 32: the even numbers 0 to 30, then 32 to 62.
    expect([[...middles].slice(0, 2), [...means].slice(0, 2)]).toEqual([
      [16, 48],
      [15, 47],
    ]);
    expect([...thinToMeans(numbers(1, 2), numbers(3, 4), { from: 0, to: 9 }, 10)[1]]).toEqual([3, 4]);
  });
});

describe('alignCurves', () => {
  it('merges x values; a missing point is undefined, a gap is null', () => {
    const table = alignCurves(
      [
        [numbers(0, 1, 2), numbers(5, Number.NaN, 7)],
        [numbers(1, 3), numbers(8, 9)],
      ],
      false,
    );
    expect(table.x).toEqual([0, 1, 2, 3]);
    expect(table.columns).toEqual([
      [5, null, 7, undefined],
      [undefined, 8, undefined, 9],
    ]);
  });

  it('makes gaps of what a logarithmic scale cannot show', () => {
    expect(alignCurves([[numbers(0, 1, 2), numbers(0, 2, -1)]], true).columns).toEqual([[null, 2, null]]);
  });
});

describe('spreadLabels', () => {
  it('leaves labels that do not touch where they are', () => {
    expect(spreadLabels([10, 50], 15, 0, 100)).toEqual([10, 50]);
  });

  it('parts labels that would overlap, in their order from the top', () => {
    expect(spreadLabels([52, 50], 15, 0, 100)).toEqual([65, 50]);
  });

  it('pushes them back up from the lower edge', () => {
    expect(spreadLabels([98, 99, 97], 15, 0, 100)).toEqual([85, 100, 70]);
  });
});

describe('what is said of a curve', () => {
  const curve = {
    id: 'a',
    label: 'test',
    colour: 'red',
    dashed: true,
    smoothable: false,
    x: numbers(1, 2, 3, 4),
    y: numbers(0.5, 0.75, 0.25, Number.NaN),
  };

  it('ends at the last finite value', () => {
    expect(lastPoint(curve)).toEqual({ x: 3, y: 0.25 });
    expect(lastPoint({ x: numbers(1), y: numbers(Number.NaN) })).toBeNull();
  });

  it('sums up first, last, lowest and highest', () => {
    expect(summarise(curve)).toEqual({
      id: 'a',
      label: 'test',
      first: { x: 1, y: 0.5 },
      last: { x: 3, y: 0.25 },
      lowest: { x: 3, y: 0.25 },
      highest: { x: 2, y: 0.75 },
    });
    expect(summarise({ ...curve, x: numbers(), y: numbers() })).toBeNull();
  });
});
