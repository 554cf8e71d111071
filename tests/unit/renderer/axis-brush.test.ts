import { describe, expect, it } from 'vitest';
import { brushBetween, brushText, isBrushed, nudged } from '../../../src-renderer/charts/axis-brush.ts';
import { placeAxis } from '../../../src-renderer/charts/parallel-axes.ts';

const numbers = placeAxis({
  label: 'Rate',
  values: [0.1, 0.2, 0.3].map((number) => ({ label: String(number), number })),
});
const words = placeAxis({
  label: 'Weights',
  values: [{ label: 'scratch', number: null }, { label: 'pretrained', number: null }, null],
});

describe('a stretch of an axis', () => {
  it('is what lies between both ends of a drag, within the axis; a click is none', () => {
    expect(brushBetween(0.8, 0.25)).toEqual({ from: 0.25, to: 0.8 });
    expect(brushBetween(-3, 0.5)).toEqual({ from: 0, to: 0.5 });
    expect(brushBetween(0.5, 0.51)).toBeNull();
    expect(brushBetween(1.5, 2)).toBeNull();
  });

  it('keeps the lines that run through it, its ends included, and through those of the other axes', () => {
    const kept = (...brushes: Parameters<typeof isBrushed>[1]) =>
      [0, 1, 2].filter((line) => isBrushed([numbers, words], brushes, line));
    expect(kept()).toEqual([0, 1, 2]);
    expect(kept({ from: 0.5, to: 1 })).toEqual([1, 2]);
    expect(kept(null, { from: 0.9, to: 1 })).toEqual([0]);
    expect(kept({ from: 0.5, to: 1 }, { from: 0, to: 1 })).toEqual([1]);
    expect(kept({ from: 0.6, to: 0.9 })).toEqual([]);
  });

  it('is moved by arrow keys: up its lower end, down its upper one, with Shift back to the whole axis', () => {
    let brush = nudged(null, 'ArrowUp', false);
    expect(brush).toEqual({ from: 0.05, to: 1 });
    brush = nudged(brush, 'ArrowDown', false);
    expect(brush).toEqual({ from: 0.05, to: 0.95 });
    brush = nudged(brush, 'ArrowUp', true);
    expect(brush).toEqual({ from: 0, to: 0.95 });
    expect(nudged(brush, 'ArrowDown', true)).toBeNull();
    expect(nudged(null, 'ArrowUp', true)).toBeNull();
    for (let key = 0; key < 40; key++) brush = nudged(brush, 'ArrowUp', false);
    expect(brush).toEqual({ from: 0.9, to: 0.95 });
  });

  it('is said in words', () => {
    expect(brushText(numbers, null)).toBe('all');
    expect(brushText(numbers, { from: 0.5, to: 1 })).toBe('50 to 100 % of the axis: 0.2, 0.3');
    expect(brushText(words, { from: 0, to: 0.3 })).toBe('0 to 30 % of the axis: pretrained');
    expect(brushText(numbers, { from: 0.6, to: 0.9 })).toBe('60 to 90 % of the axis');
  });
});
