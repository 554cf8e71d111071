/** A network's classes, found again among those of a data set that has changed since. */
import { expect, test } from 'vitest';
import { classesAsTrained } from '../../src-main/contract/model/trained-classes.ts';
import type { CategoryId } from '../../src-main/contract/model/ids.ts';

const now = (...names: string[]) => names.map((name, at) => ({ name, categoryId: (at + 1) as CategoryId }));
const ids = (names: string[], ...categories: string[]) =>
  classesAsTrained(names, now(...categories)).map(({ categoryId }) => categoryId);

test('classes that changed places keep their labels, under the names of the training', () => {
  expect(classesAsTrained(['cat', 'dog'], now('dog', 'cat'))).toEqual([
    { name: 'cat', categoryId: 2 },
    { name: 'dog', categoryId: 1 },
  ]);
});

test('one that is gone is no other, and one that came since changes nothing', () => {
  expect(ids(['cat', 'dog', 'bird'], 'dog', 'bird')).toEqual([null, 1, 2]);
  expect(ids(['cat', 'dog'], 'cat', 'dog', 'fox')).toEqual([1, 2]);
});

test('what is left over on both sides was renamed', () => {
  expect(ids(['cat', 'dog', 'bird'], 'bird', 'lynx', 'dog')).toEqual([2, 3, 1]);
  expect(ids(['background', 'cat'], 'lynx')).toEqual([null, 1]);
});
