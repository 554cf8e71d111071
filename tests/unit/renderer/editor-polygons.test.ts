/** Polygons and keypoints: drawn, changed point by point, cut, split, united. */
import { expect, test } from 'vitest';
import { polygonArea, rasterisePolygon, type PolygonPart } from '../../../src-main/contract/geometry/polygon.ts';
import type { Shape } from '../../../src-main/contract/model/annotation.ts';
import type { CategoryId } from '../../../src-main/contract/model/ids.ts';
import { editsOf } from '../../../src-renderer/state/label-jobs.ts';
import { EditorDriver, label } from '../../helpers/editor-driver.ts';

const polygon = (outer: number[], ...holes: number[][]): Shape => ({ kind: 'polygon', parts: [{ outer, holes }] });
const square = (x: number, y: number, side: number): number[] => [x, y, x + side, y, x + side, y + side, x, y + side];
const withPolygons = (...shapes: Shape[]): EditorDriver =>
  new EditorDriver({ labels: shapes.map((shape, at) => label(at + 1, shape)) });
const parts = (shape: Shape | undefined): readonly PolygonPart[] => (shape?.kind === 'polygon' ? shape.parts : []);
const area = (shape: Shape | undefined): number => polygonArea(parts(shape));

test('a polygon is closed by a click on its first point, by Enter, or by a double click', () => {
  const driver = new EditorDriver().tool('polygon');
  driver.click(10, 10).click(50, 10).click(50, 40).expectState('drawing').move(11, 11);
  expect(driver.editor.preview.path).toEqual({ points: [10, 10, 50, 10, 50, 40, 11, 11], closeable: true });
  driver.click(11, 11).expectState('idle');
  expect(driver.shape()).toEqual(polygon([10, 10, 50, 10, 50, 40]));
  driver.click(60, 10).click(90, 10).click(90, 40).key('Enter');
  expect(driver.shape()).toEqual(polygon([60, 10, 90, 10, 90, 40]));
  driver.click(100, 10).click(130, 10).doubleClick(130, 40);
  expect(driver.shape()).toEqual(polygon([100, 10, 130, 10, 130, 40]));
  driver.click(5, 50).click(20, 50).key('Enter').expectState('drawing').expectCount(3);
  expect(driver.notices).toEqual(['This needs 3 points. Go on, or press Escape.']);
  driver.escape().expectState('idle').expectCount(3);
});

test('undo takes the last point back while drawing, redo gives it again, and only then earlier gestures', () => {
  const driver = new EditorDriver().tool('polygon');
  driver.click(60, 60).click(90, 60).click(90, 90).key('Enter').expectCount(1);
  driver.click(10, 10).click(50, 10).click(50, 40).undo();
  expect(driver.editor.preview.path?.points.slice(0, 4)).toEqual([10, 10, 50, 10]);
  driver.redo().click(10, 40).key('Enter');
  expect(driver.shape()).toEqual(polygon([10, 10, 50, 10, 50, 40, 10, 40]));
  driver.click(100, 10).click(110, 10).key('Backspace').click(120, 20, 'secondary').expectState('idle').expectCount(2);
  driver.undo().expectCount(1).undo().expectCount(0).redo().redo().expectCount(2);
});

test('a freehand stretch is thinned, mixes with clicks, and is one step of undo', () => {
  const driver = new EditorDriver().tool('polygon');
  driver.click(10, 10).down(50, 10);
  for (let y = 10; y <= 60; y += 0.5) driver.move(50, y);
  driver.expectState('freehand').up(50, 60).expectState('drawing');
  expect(driver.editor.preview.path?.points.slice(0, -2)).toEqual([10, 10, 50, 10, 50, 60]);
  driver.undo();
  expect(driver.editor.preview.path?.points.slice(0, -2)).toEqual([10, 10, 50, 10]);
  driver.redo().click(10, 60).key('Enter');
  expect(driver.shape()).toEqual(polygon([10, 10, 50, 10, 50, 60, 10, 60]));
});

test('points on the same place count once', () => {
  const driver = new EditorDriver().tool('polygon');
  driver.click(10, 10).click(10, 10).click(50, 10).click(50, 40).click(50.001, 40).key('Enter');
  expect(driver.shape()).toEqual(polygon([10, 10, 50, 10, 50, 40]));
  driver.click(60, 10).click(70, 10).click(80, 10).key('Enter').expectCount(1);
  expect(driver.notices).toEqual(['That was too small to be a label.']);
});

test('a polygon that leaves the image is cut at its border', () => {
  const driver = new EditorDriver().tool('polygon');
  driver.click(180, 10).click(260, 10).click(260, 50).click(180, 50).key('Enter');
  expect(area(driver.shape())).toBe(20 * 40);
  driver.click(210, 10).click(260, 10).click(260, 50).key('Enter').expectCount(1);
  expect(driver.notices).toEqual(['That was too small to be a label.']);
});

test('points are moved, added between others, and deleted; a ring never loses its third point', () => {
  const driver = withPolygons(polygon(square(20, 20, 40)))
    .tool('select')
    .select(1);
  driver.drag(60, 60, 70, 65);
  expect(driver.shape(1)).toEqual(polygon([20, 20, 60, 20, 70, 65, 20, 60]));
  driver.drag(40, 20, 40, 10);
  expect(driver.shape(1)).toEqual(polygon([20, 20, 40, 10, 60, 20, 70, 65, 20, 60]));
  driver.click(40, 10).key('Delete');
  expect(driver.shape(1)).toEqual(polygon([20, 20, 60, 20, 70, 65, 20, 60]));
  driver.holding({ alt: true }).click(70, 65).holding({});
  expect(driver.shape(1)).toEqual(polygon([20, 20, 60, 20, 20, 60]));
  driver.holding({ alt: true }).click(60, 20).holding({}).expectCount(0);
  driver.undo().undo().undo().undo().undo();
  expect(driver.shape(1)).toEqual(polygon(square(20, 20, 40)));
  // A point pulled onto the line of the others leaves a triangle, but not less.
  const triangle = withPolygons(polygon([20, 20, 60, 20, 20, 60]))
    .tool('select')
    .select(1)
    .drag(20, 60, 40, 20);
  expect(triangle.shape(1)).toEqual(polygon([20, 20, 60, 20, 20, 60]));
  expect(triangle.commits).toEqual([]);
});

test('Delete takes whole labels where several are selected, whichever point was pressed before', () => {
  const driver = withPolygons(polygon(square(20, 20, 40)), polygon(square(100, 20, 40)))
    .tool('select')
    .select(1)
    .click(60, 60);
  driver.select(1, 2).key('Delete').expectCount(0);
  driver.undo().expectCount(2);
});

test('a second click shows the handles of the box, and those scale and turn', () => {
  const driver = withPolygons(polygon(square(20, 20, 40)))
    .tool('select')
    .select(1);
  driver.click(30, 40);
  driver.drag(60, 60, 100, 60);
  expect(driver.shape(1)).toEqual(polygon([20, 20, 100, 20, 100, 60, 20, 60]));
  driver.undo().drag(40, 8, 72, 40); // the handle to turn it, four tolerances above
  expect(area(driver.shape(1))).toBeCloseTo(1600, 1);
  expect(driver.commits.at(-1)?.label).toBe('turn');
});

test('holes are cut, and fill-holes closes them', () => {
  const driver = withPolygons(polygon(square(20, 20, 60))).tool('cut-hole');
  driver.click(30, 30).click(50, 30).click(50, 50).click(30, 50).key('Enter');
  expect(area(driver.shape(1))).toBe(3600 - 400);
  expect(parts(driver.shape(1))[0]?.holes).toHaveLength(1);
  driver.select(1).editor.run('fill-holes');
  expect(area(driver.shape(1))).toBe(3600);
  driver.undo().undo();
  expect(driver.shape(1)).toEqual(polygon(square(20, 20, 60)));
  // A hole over all of it takes the label away, and one beside it says so.
  driver.tool('cut-hole').select(1).click(0, 0).click(199, 0).click(199, 99).click(0, 99).key('Enter').expectCount(0);
  driver.undo().click(150, 10).click(160, 10).click(160, 20).key('Enter').expectCount(1);
  expect(driver.notices.at(-1)).toContain('does not meet');
});

test('a line splits a polygon in two that share it as their border', () => {
  const driver = withPolygons(polygon(square(20, 20, 60), square(40, 40, 10))).tool('split');
  driver.click(10, 30).click(90, 70).key('Enter').expectCount(2);
  const [one, other] = [driver.shape(1), driver.shape(1000)];
  expect(area(one) + area(other)).toBeCloseTo(3500, 1);
  const image = { widthPx: 200, heightPx: 100 };
  const pixels = [one, other].map((shape) => new Set(pixelsOf(parts(shape), image)));
  expect([...(pixels[0] ?? [])].filter((pixel) => pixels[1]?.has(pixel))).toEqual([]);
  expect((pixels[0]?.size ?? 0) + (pixels[1]?.size ?? 0)).toBe(3500);
  driver.undo().expectCount(1);
  driver.tool('split').click(10, 30).click(50, 45).key('Enter').expectCount(1);
  expect(driver.notices.at(-1)).toContain('does not cross');
});

test('union, subtract and intersect on the polygon that was selected first', () => {
  const two = (): EditorDriver => withPolygons(polygon(square(20, 20, 40)), polygon(square(40, 40, 40))).select(1, 2);
  const united = two();
  united.editor.run('union');
  united.expectCount(1);
  expect(area(united.shape(1))).toBe(1600 + 1600 - 400);
  // What it was is in the other label, so that the trash need not keep it; one that is deleted goes there.
  expect(editsOf(united.commits.at(-1)!)).toContainEqual({ kind: 'remove', annotationId: 2, replaced: true });
  const deleted = two();
  deleted.editor.run('delete');
  expect(editsOf(deleted.commits.at(-1)!)).toEqual([1, 2].map((annotationId) => ({ kind: 'remove', annotationId })));
  united.undo().expectCount(2);
  const less = two();
  less.editor.run('subtract');
  expect([area(less.shape(1)), area(less.shape(2))]).toEqual([1200, 1600]);
  const common = two();
  common.editor.run('intersect');
  expect([area(common.shape(1)), area(common.shape(2))]).toEqual([400, 1600]);
  const apart = withPolygons(polygon(square(20, 20, 20)), polygon(square(60, 20, 20))).select(1, 2);
  apart.editor.run('intersect');
  expect(apart.notices).toEqual(['Nothing would be left of the label.']);
  apart.editor.run('union');
  expect(parts(apart.shape(1))).toHaveLength(2);
  apart.editor.run('separate');
  apart.expectCount(2);
  expect(apart.labels.map(({ shape }) => area(shape))).toEqual([400, 400]);
});

test('the lasso adds to and takes from the selected polygon', () => {
  const driver = withPolygons(polygon(square(20, 20, 40)))
    .select(1)
    .tool('lasso-add');
  driver.down(50, 20);
  for (const [x, y] of [
    [90, 20],
    [90, 40],
    [90, 60],
    [50, 60],
  ] as const)
    driver.move(x, y);
  driver.up(50, 60);
  expect(area(driver.shape(1))).toBeCloseTo(1600 + 30 * 40, 0);
  driver.tool('lasso-subtract').down(20, 20);
  for (const [x, y] of [
    [95, 20],
    [95, 40],
    [20, 40],
  ] as const)
    driver.move(x, y);
  driver.up(20, 40);
  expect(area(driver.shape(1))).toBeCloseTo((1600 + 1200) / 2, 0);
});

test('boxes become polygons and back without loss', () => {
  const box: Shape = { kind: 'bbox', bboxXyxy: [10.25, 20, 60, 70.5] };
  const driver = withPolygons(box).select(1);
  driver.editor.run('to-polygon');
  expect(driver.shape(1)).toEqual(polygon([10.25, 20, 60, 20, 60, 70.5, 10.25, 70.5]));
  driver.editor.run('to-box');
  expect(driver.shape(1)).toEqual(box);
  driver.editor.run('to-turned-box');
  expect(driver.shape(1)).toMatchObject({ kind: 'rotated-box', widthPx: 49.75, heightPx: 50.5, angleDegrees: 0 });
});

test('points of a skeleton are placed in order, hidden, left out, taken back, and moved', () => {
  const skeleton = { categoryId: 1 as CategoryId, points: ['nose', 'left eye', 'right eye', 'tail'], edges: [] };
  const driver = new EditorDriver({ skeleton }).tool('keypoints');
  expect(driver.editor.preview.readout).toEqual({
    point: { name: skeleton.points[0], place: 0, count: skeleton.points.length },
  });
  driver.click(10, 10).expectState('placing').holding({ shift: true }).click(20, 20).holding({});
  driver.click(90, 90).undo().redo().undo().click(30, 30, 'secondary').click(40, 40).expectState('idle');
  const points = [
    { x: 10, y: 10, visibility: 2 },
    { x: 20, y: 20, visibility: 1 },
    { x: 0, y: 0, visibility: 0 },
    { x: 40, y: 40, visibility: 2 },
  ];
  expect(driver.shape()).toEqual({ kind: 'keypoints', points, bboxXyxy: null });
  driver.click(60, 60).key('Enter');
  expect(driver.shape()).toMatchObject({
    points: [{ x: 60, y: 60 }, { visibility: 0 }, { visibility: 0 }, { visibility: 0 }],
  });
  const id = driver.labels[0]?.annotationId ?? 0;
  driver.tool('select').select(id).drag(20, 20, 25, 30);
  expect(driver.shape(id)).toMatchObject({ points: [{ x: 10 }, { x: 25, y: 30, visibility: 1 }, {}, {}] });
  driver.holding({ alt: true }).click(25, 30);
  expect(driver.shape(id)).toMatchObject({ points: [{}, { visibility: 2 }, {}, {}] });
});

function pixelsOf(of: readonly PolygonPart[], image: { widthPx: number; heightPx: number }): number[] {
  const pixels: number[] = [];
  let at = 0;
  rasterisePolygon(of, image).counts.forEach((count, index) => {
    if (index % 2 === 1) for (let pixel = at; pixel < at + count; pixel++) pixels.push(pixel);
    at += count;
  });
  return pixels;
}
