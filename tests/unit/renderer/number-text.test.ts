import { expect, test } from 'vitest';
import { readNumber } from '../../../src-renderer/ui/number-text.ts';
import { formatBytes, plural } from '../../../src-renderer/ui/format-number.ts';
import { initials } from '../../../src-renderer/features/shell/initials.ts';

const bounds = { min: 0, max: 100, integer: false };

test.each([
  ['0.001', 0.001],
  ['1e-3', 0.001],
  ['1,5', 1.5],
  [' 64 ', 64],
])('"%s" is read as %f', (text, value) => {
  expect(readNumber(text, bounds)).toEqual({ value });
});

test.each([
  ['', bounds, 'Enter a number.'],
  ['abc', bounds, '"abc" is not a number.'],
  ['1,000,000', bounds, '"1,000,000" is not a number.'],
  ['−2', bounds, 'At least 0.'],
  ['101', bounds, 'At most 100.'],
  ['1.5', { ...bounds, integer: true }, 'Enter a whole number.'],
])('"%s" is refused', (text, limits, problem) => {
  expect(readNumber(text, limits)).toEqual({ problem });
});

test('sizes and counts in words', () => {
  expect([0, 999, 1234, 170_052_171, 1.2e9].map(formatBytes)).toEqual(['0 B', '999 B', '1.2 kB', '170 MB', '1.2 GB']);
  expect([plural(1, 'image'), plural(60_000, 'image'), plural(2, 'class', 'classes')]).toEqual([
    '1 image',
    '60,000 images',
    '2 classes',
  ]);
});

test('a project’s initials', () => {
  expect(['Blood cells', 'cifar', 'CIFAR-10 with LeNet-5', 'x', '—'].map(initials)).toEqual([
    'BC',
    'Ci',
    'C1',
    'X',
    '?',
  ]);
});
