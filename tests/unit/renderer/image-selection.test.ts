/** Selecting many images of a long list: single ones, ranges, what a frame touches, all of them. */
import { expect, test } from 'vitest';
import type { ImageId } from '../../../src-main/contract/model/ids.ts';
import { ImageSelection } from '../../../src-renderer/state/image-selection.svelte.ts';
import { hasTerm, queryOfIds, toggleTerm } from '../../../src-renderer/state/query-terms.ts';
import { cellsInFrame, layoutGrid } from '../../../src-renderer/features/datasets/grid-layout.ts';
import { isProblem, parseQuery } from '../../../src-main/contract/query/syntax.ts';

const id = (place: number): ImageId => (place + 100) as ImageId;

function selectionOf(total: number) {
  return new ImageSelection((first, count) =>
    Promise.resolve(Array.from({ length: Math.min(count, total - first) }, (_, step) => id(first + step))),
  );
}
const places = (selection: ImageSelection) => [...selection.ids].map((imageId) => imageId - 100).sort((a, b) => a - b);

test('ranges go from the anchor both ways, and add to what was there before', async () => {
  const selection = selectionOf(100_000);
  selection.anchorAt(5);
  await selection.rangeTo(8, false);
  expect(places(selection)).toEqual([5, 6, 7, 8]);
  await selection.rangeTo(3, false);
  expect(places(selection)).toEqual([3, 4, 5]);
  selection.toggle(id(20), 20);
  await selection.rangeTo(22, true);
  expect(places(selection)).toEqual([3, 4, 5, 20, 21, 22]);
  // The range is drawn anew; what was before it stays.
  await selection.rangeTo(21, true);
  expect(places(selection)).toEqual([3, 4, 5, 20, 21]);
  selection.toggle(id(4), 4);
  expect(places(selection)).toEqual([3, 5, 20, 21]);
  await selection.rangeTo(90_000, false);
  expect(selection.count).toBe(89_997);
  await selection.all(100_000);
  expect(selection.count).toBe(100_000);
  selection.clear();
  expect(selection.count).toBe(0);
});

test('an answer that a later wish has overtaken is dropped', async () => {
  const answers: (() => void)[] = [];
  const selection = new ImageSelection(
    (first, count) =>
      new Promise((resolve) => {
        answers.push(() => resolve(Array.from({ length: count }, (_, step) => id(first + step))));
      }),
  );
  selection.anchorAt(0);
  const slow = selection.rangeTo(50, false);
  const quick = selection.rangeTo(1, false);
  answers[1]!();
  answers[0]!();
  await Promise.all([slow, quick]);
  expect(places(selection)).toEqual([0, 1]);
});

test('a frame touches cells, not the gaps and captions between them', async () => {
  const layout = layoutGrid({ widthPx: 508, thumbnailPx: 100, captionPx: 20, count: 23, imagePx: null });
  expect(layout.columns).toBe(5);
  const { columnPx, rowPx, picturePx } = layout;
  const touched = async (left: number, top: number, right: number, bottom: number) => {
    const cells = cellsInFrame(layout, 23, { left, top, right, bottom });
    if (cells === null) return null;
    const selection = selectionOf(23);
    await selection.frame(cells.first, cells.last, cells.holds, false);
    return places(selection);
  };
  expect(await touched(0, 0, columnPx + 1, 10)).toEqual([0, 1]);
  expect(await touched(columnPx - 1, picturePx + 5, columnPx - 0.5, rowPx - 1)).toBeNull();
  expect(await touched(columnPx + 1, 10, 2 * columnPx + 5, rowPx + 5)).toEqual([1, 2, 6, 7]);
  // The last row is short.
  expect(await touched(2 * columnPx, 3 * rowPx, 9999, 9999)).toEqual([17, 18, 19, 22]);
  expect(await touched(-50, -50, -5, -5)).toBeNull();
});

test('terms of a query are switched, also those with a space in them', () => {
  const query = toggleTerm('class:truck', 'tag:"to check"');
  expect(query).toBe('class:truck tag:"to check"');
  expect(hasTerm(query, 'Tag:"to check"')).toBe(true);
  expect(hasTerm(query, 'check')).toBe(false);
  expect(toggleTerm(query, 'class:truck')).toBe('tag:"to check"');
  expect(toggleTerm('', 'review:done')).toBe('review:done');
});

test('selected images are a query while that is not too long', () => {
  const query = queryOfIds([3, 4, 5, 9] as ImageId[]);
  expect(query).toBe('id=3..6 or id=9');
  expect(isProblem(parseQuery(query!))).toBe(false);
  expect(queryOfIds(Array.from({ length: 1000 }, (_, at) => (2 * at + 1) as ImageId))).toBeNull();
});
