/** Polygons with borders in common: drawn along each other, moved, added to and taken from together. */
import { expect, test } from 'vitest';
import type { Shape } from '../../../src-main/contract/model/annotation.ts';
import { EditorDriver, label } from '../../helpers/editor-driver.ts';

const polygon = (outer: number[], ...holes: number[][]): Shape => ({ kind: 'polygon', parts: [{ outer, holes }] });
const left = polygon([20, 20, 60, 20, 60, 60, 20, 60]);
const right = polygon([60, 20, 100, 20, 100, 60, 60, 60]);
const both = (): EditorDriver =>
  new EditorDriver({ labels: [label(1, left), label(2, right)] }).tool('select').select(1);

test('a point that two polygons share moves in both, as one gesture', () => {
  const driver = both().down(60, 60).move(66, 70);
  expect(driver.editor.preview.shapes.map(({ annotationId }) => annotationId)).toEqual([1, 2]);
  driver.up(66, 70);
  expect(driver.shape(1)).toEqual(polygon([20, 20, 60, 20, 66, 70, 20, 60]));
  expect(driver.shape(2)).toEqual(polygon([60, 20, 100, 20, 100, 60, 66, 70]));
  driver.undo();
  expect([driver.shape(1), driver.shape(2)]).toEqual([left, right]);
  driver.redo();
  expect(driver.shape(2)).toEqual(polygon([60, 20, 100, 20, 100, 60, 66, 70]));
});

test('with Ctrl the point leaves its neighbour, and points that nobody shares move alone', () => {
  const driver = both().holding({ ctrl: true }).drag(60, 60, 66, 70).holding({});
  expect(driver.shape(1)).toEqual(polygon([20, 20, 60, 20, 66, 70, 20, 60]));
  expect(driver.shape(2)).toEqual(right);
  driver.drag(20, 20, 10, 10);
  expect(driver.shape(2)).toEqual(right);
});

test('a neighbour that is locked or hidden stays as it is', () => {
  const driver = both();
  driver.editor.setLocked([2 as never], true);
  driver.drag(60, 60, 66, 70);
  expect(driver.shape(2)).toEqual(right);
});

test('a point that is added to a shared edge is added to both, and one that is deleted goes from both', () => {
  const driver = both().drag(60, 40, 70, 40);
  expect(driver.shape(1)).toEqual(polygon([20, 20, 60, 20, 70, 40, 60, 60, 20, 60]));
  expect(driver.shape(2)).toEqual(polygon([60, 20, 100, 20, 100, 60, 60, 60, 70, 40]));
  driver.holding({ alt: true }).click(70, 40).holding({});
  expect([driver.shape(1), driver.shape(2)]).toEqual([left, right]);
});

test('a neighbour of three points keeps them', () => {
  const driver = new EditorDriver({ labels: [label(1, left), label(2, polygon([60, 20, 100, 40, 60, 60]))] });
  driver.tool('select').select(1).holding({ alt: true }).click(60, 60).holding({});
  expect(driver.shape(1)).toEqual(polygon([20, 20, 60, 20, 20, 60]));
  expect(driver.shape(2)).toEqual(polygon([60, 20, 100, 40, 60, 60]));
});

test('a ring that touches itself moves as one', () => {
  const eight = polygon([20, 20, 60, 40, 20, 60, 60, 40.01, 100, 60]);
  const driver = new EditorDriver({ labels: [label(1, eight)] }).tool('select').select(1).drag(60, 40, 64, 44);
  expect(driver.shape(1)).toEqual(polygon([20, 20, 64, 44, 20, 60, 64, 44, 100, 60]));
});

test('halves of a split share the cut', () => {
  const driver = new EditorDriver({ labels: [label(1, left)] }).tool('split').click(40, 10).click(40, 70).key('Enter');
  driver.expectCount(2).tool('select').select(1).drag(40, 60, 44, 66);
  const moved = driver.editor.document.ordered.map(({ shape }) => JSON.stringify(shape).includes('44,66'));
  expect(moved).toEqual([true, true]);
});

test('with Shift a polygon is drawn along its neighbour, the shorter way, and shares every point', () => {
  const border = polygon([60, 20, 100, 20, 100, 60, 80, 50, 60, 60]);
  const driver = new EditorDriver({ labels: [label(1, border)] }).tool('polygon');
  driver.click(30, 20).holding({ shift: true }).click(61, 21).move(101, 59);
  // From the upper left corner down the right side: over the upper right one.
  expect(driver.editor.preview.path?.points).toEqual([30, 20, 60, 20, 100, 20, 100, 60]);
  driver.click(59, 61).holding({}).click(30, 60).key('Enter');
  expect(driver.shape()).toEqual(polygon([30, 20, 60, 20, 60, 60, 30, 60]));
  expect(driver.shape(1)).toEqual(border);
  driver.undo().expectCount(1);

  // With Alt as well: the longer way.
  driver.click(30, 20).holding({ shift: true }).click(61, 21).holding({ shift: true, alt: true }).click(59, 61);
  driver.holding({}).click(30, 60).key('Enter');
  expect(driver.shape()).toEqual(polygon([30, 20, 60, 20, 100, 20, 100, 60, 80, 50, 60, 60, 30, 60]));
});

test('a border that is joined in the middle of an edge gets the points there, in the same gesture', () => {
  const driver = new EditorDriver({ labels: [label(1, right)] }).tool('polygon');
  driver.click(30, 30).holding({ shift: true }).click(58, 30).click(61, 50).holding({}).click(30, 50).key('Enter');
  expect(driver.shape()).toEqual(polygon([30, 30, 60, 30, 60, 50, 30, 50]));
  expect(driver.shape(1)).toEqual(polygon([60, 20, 100, 20, 100, 60, 60, 60, 60, 50, 60, 30]));
  driver.undo().expectCount(1);
  expect(driver.shape(1)).toEqual(right);
});

test('one step back takes the whole stretch along the border', () => {
  const driver = new EditorDriver({ labels: [label(1, right)] }).tool('polygon');
  driver.holding({ shift: true }).click(61, 61).click(100, 20).holding({}).undo();
  expect(driver.editor.preview.path?.points.slice(0, 2)).toEqual([60, 60]);
  driver.redo().click(120, 90).key('Enter');
  expect(driver.shape()?.kind).toBe('polygon');
  // Beside every border Shift is no more than a click.
  driver.holding({ shift: true }).click(150, 10).click(180, 10).click(180, 40).holding({}).key('Enter');
  expect(driver.shape()).toEqual(polygon([150, 10, 180, 10, 180, 40]));
});
