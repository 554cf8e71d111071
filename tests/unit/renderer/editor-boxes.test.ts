/** Boxes: drawn, selected, moved, resized, turned; undo by marks. */
import { expect, test } from 'vitest';
import type { Shape } from '../../../src-main/contract/model/annotation.ts';
import type { AnnotationId } from '../../../src-main/contract/model/ids.ts';
import { cat, dog, EditorDriver, label } from '../../helpers/editor-driver.ts';

const box = (x1: number, y1: number, x2: number, y2: number): Shape => ({ kind: 'bbox', bboxXyxy: [x1, y1, x2, y2] });
const withBoxes = (...boxes: [number, number, number, number][]): EditorDriver =>
  new EditorDriver({ labels: boxes.map((corners, at) => label(at + 1, box(...corners))) });

test('a box is drawn by a drag, in any direction, and is one gesture', () => {
  const driver = new EditorDriver().tool('box');
  driver.down(50, 40).expectState('pointing').move(30, 25).expectState('dragging').move(10, 10);
  expect(driver.editor.preview.shapes).toEqual([{ annotationId: null, categoryId: cat, shape: box(10, 10, 50, 40) }]);
  expect(driver.editor.preview.readout).toEqual({ widthPx: 40, heightPx: 30 });
  driver.expectCount(0).up().expectState('idle').expectBox(10, 10, 50, 40);
  expect(driver.commits).toMatchObject([{ kind: 'edit', label: 'draw box', operations: [{ kind: 'add' }] }]);
  expect([...driver.editor.selection]).toEqual([driver.labels[0]?.annotationId]);
  driver.undo().expectCount(0).redo().expectBox(10, 10, 50, 40);
  expect(driver.commits.map(({ kind }) => kind)).toEqual(['edit', 'undo', 'redo']);
});

test('a box by two clicks follows the pointer in between; undo, the right button and Escape give it up', () => {
  const driver = new EditorDriver().tool('box', { boxByClicks: true });
  driver.click(10, 10).expectState('second-corner').move(30, 40);
  expect(driver.editor.preview.shapes[0]?.shape).toEqual(box(10, 10, 30, 40));
  driver.click(60, 50).expectState('idle').expectBox(10, 10, 60, 50);
  driver.click(5, 5).undo().expectState('idle').expectCount(1);
  driver.click(5, 5).click(20, 20, 'secondary').expectState('idle').expectCount(1);
  driver.click(5, 5).escape().expectState('idle').expectCount(1);
  driver.drag(70, 10, 90, 30).expectCount(2).expectBox(70, 10, 90, 30);
});

test('Shift makes squares, Alt draws from the middle, and the image is the limit', () => {
  const driver = new EditorDriver().tool('box');
  driver.holding({ shift: true }).drag(10, 10, 40, 20).expectBox(10, 10, 40, 40);
  driver.holding({ alt: true }).drag(50, 50, 60, 55).expectBox(40, 45, 60, 55);
  driver.holding({}).drag(150, 80, 400, 300).expectBox(150, 80, 200, 100);
  driver.tool('box', { clipToImage: false }).drag(150, 80, 210, 120).expectBox(150, 80, 210, 120);
});

test('a slip of the hand, or no class, makes no box', () => {
  const driver = new EditorDriver().tool('box');
  driver.click(10, 10).down(10, 10).move(10.2, 40).up(10.2, 40).expectCount(0);
  expect(driver.notices).toEqual(['That was too small to be a label.']);
  driver.tool('box', { categoryId: null }).drag(10, 10, 50, 50).expectCount(0).expectState('idle');
  expect(driver.notices[1]).toContain('Choose a class first');
  expect(driver.commits).toEqual([]);
});

test('a click selects the smallest label around it, or the line it is near to', () => {
  const driver = withBoxes([0, 0, 100, 90], [20, 20, 40, 40], [10, 10, 80, 80]).tool('select');
  driver.click(30, 30);
  expect([...driver.editor.selection]).toEqual([2]);
  driver.click(60, 60);
  expect([...driver.editor.selection]).toEqual([3]);
  driver.click(99, 50);
  expect([...driver.editor.selection]).toEqual([1]);
  driver.holding({ shift: true }).click(30, 30);
  expect([...driver.editor.selection]).toEqual([1, 2]);
  driver.holding({}).click(150, 50);
  expect(driver.editor.selection.size).toBe(0);
  driver.drag(120, 95, 5, 5);
  expect([...driver.editor.selection].sort()).toEqual([2, 3]);
  driver.editor.setLocked([2 as AnnotationId], true);
  driver.editor.setHidden([3 as AnnotationId], true);
  driver.click(30, 30);
  expect([...driver.editor.selection]).toEqual([1]);
});

test('labels are moved by a drag and stay in the image', () => {
  const driver = withBoxes([10, 10, 30, 30], [50, 50, 60, 60]).tool('select');
  driver.drag(20, 20, 25, 32).expectState('idle');
  expect(driver.shape(1)).toEqual(box(15, 22, 35, 42));
  driver.drag(25, 30, -500, 30);
  expect(driver.shape(1)).toEqual(box(0, 22, 20, 42));
  driver.select(1, 2).drag(55, 55, 65, 55);
  expect([driver.shape(1), driver.shape(2)]).toEqual([box(10, 22, 30, 42), box(60, 50, 70, 60)]);
  expect(driver.commits).toHaveLength(3);
  driver.undo();
  expect([driver.shape(1), driver.shape(2)]).toEqual([box(0, 22, 20, 42), box(50, 50, 60, 60)]);
  driver.down(10, 30).move(60, 30).escape().expectState('idle');
  expect(driver.shape(1)).toEqual(box(0, 22, 20, 42));
});

test('each of the eight handles pulls its side', () => {
  const pulled: [string, [number, number], [number, number], Shape][] = [
    ['nw', [20, 20], [10, 15], box(10, 15, 60, 60)],
    ['n', [40, 20], [45, 10], box(20, 10, 60, 60)],
    ['ne', [60, 20], [70, 10], box(20, 10, 70, 60)],
    ['e', [60, 40], [90, 45], box(20, 20, 90, 60)],
    ['se', [60, 60], [30, 90], box(20, 20, 30, 90)],
    ['s', [40, 60], [45, 80], box(20, 20, 60, 80)],
    ['sw', [20, 60], [15, 90], box(15, 20, 60, 90)],
    ['w', [20, 40], [80, 45], box(60, 20, 80, 60)], // past the other side
  ];
  for (const [name, from, to, result] of pulled) {
    const driver = withBoxes([20, 20, 60, 60]).tool('select').select(1);
    driver.drag(...from, ...to);
    expect(driver.shape(1), name).toEqual(result);
    expect(driver.commits[0]?.label).toBe('resize');
  }
  const square = withBoxes([20, 20, 60, 40]).tool('select').select(1).holding({ shift: true }).drag(60, 40, 100, 45);
  expect(square.shape(1)).toEqual(box(20, 20, 100, 60));
  const middle = withBoxes([20, 20, 60, 40]).tool('select').select(1).holding({ alt: true }).drag(60, 30, 70, 30);
  expect(middle.shape(1)).toEqual(box(10, 20, 70, 40));
});

test('arrows nudge, Delete deletes, and each is one step of undo', () => {
  const driver = withBoxes([20, 20, 60, 60]).tool('select').select(1);
  driver.key('ArrowRight').key('ArrowDown').holding({ shift: true }).key('ArrowLeft').holding({});
  expect(driver.shape(1)).toEqual(box(11, 21, 51, 61));
  driver.key('Delete').expectCount(0).undo().expectCount(1).undo().undo();
  expect(driver.shape(1)).toEqual(box(21, 20, 61, 60));
  driver.redo();
  expect(driver.shape(1)).toEqual(box(21, 21, 61, 61));
});

test('a turned box is drawn by a side and a width, and keeps its angle when a side is pulled', () => {
  const driver = new EditorDriver().tool('rotated-box');
  driver.drag(20, 50, 60, 50).expectState('width').move(40, 70).click(40, 70).expectState('idle');
  expect(driver.shape()).toEqual({ kind: 'rotated-box', cx: 40, cy: 60, widthPx: 40, heightPx: 20, angleDegrees: 0 });
  const id = driver.labels[0]?.annotationId ?? 0;
  driver.tool('select').select(id);
  // The handle to turn it is above its upper side.
  const handle = driver.move(40, 60).editor.preview.handles.find(({ kind }) => kind === 'rotate');
  expect(handle).toMatchObject({ x: 40, y: 38 });
  driver.drag(40, 38, 62, 60);
  expect(driver.shape()).toMatchObject({ cx: 40, cy: 60, angleDegrees: 90 });
  driver.drag(40, 80, 40, 90); // its right side looks down now
  expect(driver.shape()).toMatchObject({ cx: 40, cy: 65, widthPx: 50, heightPx: 20, angleDegrees: 90 });
  driver.undo().undo().undo().expectCount(0);
});

test('with snapping on, points go to corners, edges and the lines of other boxes', () => {
  const driver = withBoxes([50, 30, 90, 70]).tool('box', { snap: true });
  driver.drag(10, 10, 48, 31).expectBox(10, 10, 50, 30);
  driver.undo().drag(10, 10, 92, 40).expectBox(10, 10, 90, 40);
  driver.undo().down(10, 10).move(30, 20).move(51.5, 10);
  expect(driver.editor.preview.guides).toEqual([{ axis: 'x', at: 50 }]);
  driver.escape().tool('box', { snap: false }).drag(10, 10, 48, 31).expectBox(10, 10, 48, 31);
});

test('classes, flags, notes and tags are gestures too; what is no change is none', () => {
  const driver = withBoxes([10, 10, 30, 30], [50, 50, 60, 60]);
  const { editor } = driver;
  const ids = [1, 2] as AnnotationId[];
  expect(editor.setDetails(ids, { categoryId: dog, note: 'blurred' })).toBe(true);
  expect(driver.labels.map(({ categoryId, note }) => [categoryId, note])).toEqual([
    [dog, 'blurred'],
    [dog, 'blurred'],
  ]);
  expect(editor.setDetails(ids, { categoryId: dog })).toBe(false);
  editor.toggleFlag([1 as AnnotationId], 'truncated');
  editor.toggleFlag(ids, 'truncated');
  expect(driver.labels.map(({ flags }) => flags)).toEqual([['truncated'], ['truncated']]);
  editor.toggleFlag(ids, 'truncated');
  expect(driver.labels.map(({ flags }) => flags)).toEqual([[], []]);
  editor.tagImage(dog, 'only');
  editor.tagImage(cat, 'toggle');
  const tags = (): unknown[] =>
    driver.labels.filter(({ shape }) => shape.kind === 'classification').map((tag) => tag.categoryId);
  expect(tags()).toEqual([dog, cat]);
  expect(editor.tagImage(dog, 'only')).toBe(true);
  expect(tags()).toEqual([dog]);
  expect(driver.commits.at(-1)?.operations).toMatchObject([{ kind: 'remove', replaced: true }]);
  expect(editor.tagImage(dog, 'only')).toBe(false);
  expect(editor.setReview('done')).toBe(true);
  expect(editor.setReview('done')).toBe(false);
  expect(editor.document.review).toBe('done');
  driver.undo();
  expect(editor.document.review).toBe('to-do');
  driver.undo();
  expect(tags()).toEqual([dog, cat]);
});

test('order, duplicates and paste', () => {
  const driver = withBoxes([10, 10, 60, 60], [20, 20, 70, 70], [120, 10, 130, 20]);
  const order = (): number[] => driver.labels.map(({ annotationId }) => annotationId);
  driver.select(1).editor.run('forward');
  expect(order()).toEqual([2, 1, 3]);
  driver.editor.run('front');
  expect(order()).toEqual([2, 3, 1]);
  driver.editor.run('back');
  expect(order()).toEqual([1, 2, 3]);
  driver.select(2).editor.run('backward');
  expect(order()).toEqual([2, 1, 3]);
  driver.undo().undo().undo().undo();
  expect(order()).toEqual([1, 2, 3]);
  driver.select(1).editor.run('duplicate');
  expect(driver.shape()).toEqual(box(20, 20, 70, 70));
  expect([...driver.editor.selection]).toEqual([1000]);
  driver.editor.paste([label(77, box(1, 2, 3, 4), { categoryId: dog })]);
  expect(driver.labels.at(-1)).toMatchObject({
    annotationId: 1001,
    categoryId: dog,
    shape: box(1, 2, 3, 4),
    provenance: { by: 'person' },
  });
});
