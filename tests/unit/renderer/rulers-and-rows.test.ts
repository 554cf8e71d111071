import { expect, test } from 'vitest';
import { rulerTicks } from '../../../src-renderer/features/annotate/ruler-ticks.ts';
import { rowsInSight, scrollToRow } from '../../../src-renderer/ui/virtual-rows.ts';

test('a ruler has round numbers, far enough apart to be read', () => {
  const numbered = rulerTicks(-120, 0.25, 500).filter(({ isNumbered }) => isNumbered);
  expect(numbered.map(({ value }) => value)).toEqual([500, 1000, 1500, 2000, 2500].filter((value) => value >= 480));
  expect(numbered[0]?.atPx).toBe(5);
  const fine = rulerTicks(0, 64, 200).filter(({ isNumbered }) => isNumbered);
  expect(fine.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4]);
});

test('rows in sight, with a few on each side', () => {
  expect(rowsInSight(0, 280, 28, 1000)).toEqual({ first: 0, end: 14 });
  expect(rowsInSight(2800, 280, 28, 1000)).toEqual({ first: 96, end: 114 });
  expect(rowsInSight(2800, 280, 28, 20)).toEqual({ first: 20, end: 20 });
});

test('scrolls no further than is needed to show a row', () => {
  expect(scrollToRow(5, 0, 280, 28)).toBe(0);
  expect(scrollToRow(20, 0, 280, 28)).toBe(308);
  expect(scrollToRow(2, 300, 280, 28)).toBe(56);
});
