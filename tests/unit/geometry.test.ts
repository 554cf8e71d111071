import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  bboxArea,
  bboxIou,
  clipBbox,
  cxcywhToXyxy,
  xywhToXyxy,
  xyxyToCxcywh,
  xyxyToXywh,
} from '../../src-main/contract/geometry/box.ts';
import {
  polygonArea,
  polygonBounds,
  rasterisePolygon,
  type PolygonPart,
} from '../../src-main/contract/geometry/polygon.ts';
import {
  compressRle,
  decodeRle,
  decompressRle,
  encodeRle,
  mergeRle,
  rleArea,
  rleBounds,
  rleIou,
  rleProblem,
} from '../../src-main/contract/geometry/rle.ts';
import { rotatedBoxCorners, shapeBounds } from '../../src-main/contract/model/annotation.ts';

interface Golden {
  masks: {
    size: [number, number];
    rows: string[];
    counts: number[];
    string: string;
    other: number[];
    area: number;
    bounds: [number, number, number, number] | null;
    union: number[];
    intersection: number[];
    iou: number;
  }[];
  polygons: { size: [number, number]; parts: PolygonPart[]; counts: number[] }[];
  large: { counts: number[]; string: string };
}
const golden = JSON.parse(readFileSync(new URL('../golden/geometry/masks.json', import.meta.url), 'utf8')) as Golden;

test('boxes change their notation without loss', () => {
  expect(xywhToXyxy([2, 3, 10, 20])).toEqual([2, 3, 12, 23]);
  expect(xyxyToXywh([2, 3, 12, 23])).toEqual([2, 3, 10, 20]);
  expect(cxcywhToXyxy([7, 13, 10, 20])).toEqual([2, 3, 12, 23]);
  expect(xyxyToCxcywh([2, 3, 12, 23])).toEqual([7, 13, 10, 20]);
});

test('IoU of boxes by hand', () => {
  expect(bboxIou([0, 0, 10, 10], [0, 0, 10, 10])).toBe(1);
  expect(bboxIou([0, 0, 10, 10], [5, 0, 15, 10])).toBeCloseTo(1 / 3, 12);
  expect(bboxIou([0, 0, 10, 10], [10, 0, 20, 10])).toBe(0);
  expect(bboxIou([0, 0, 0, 0], [0, 0, 0, 0])).toBe(0);
  expect(bboxArea([5, 5, 1, 1])).toBe(0);
  expect(clipBbox([-5, 2, 30, 40], { widthPx: 20, heightPx: 10 })).toEqual([0, 2, 20, 10]);
});

test('run lengths agree with an independent implementation', () => {
  for (const { size, rows, counts, string, other, area, bounds, union, intersection, iou } of golden.masks) {
    const [heightPx, widthPx] = size;
    const pixels = Uint8Array.from(rows.join(''), Number);
    const rle = encodeRle(pixels, { widthPx, heightPx });
    expect(rle.counts).toEqual(counts);
    expect(decodeRle(rle)).toEqual(pixels);
    expect(compressRle(counts)).toBe(string);
    expect(decompressRle(string)).toEqual(counts);
    expect(rleArea(rle)).toBe(area);
    expect(rleBounds(rle)).toEqual(bounds);
    expect(rleProblem(rle)).toBeNull();
    const second = { ...rle, counts: other };
    expect(mergeRle(rle, [second], 'union').counts).toEqual(union);
    expect(mergeRle(rle, [second], 'intersection').counts).toEqual(intersection);
    expect(rleIou(rle, second)).toBeCloseTo(iou, 12);
  }
});

test('a long run takes several characters', () => {
  expect(compressRle(golden.large.counts)).toBe(golden.large.string);
  expect(decompressRle(golden.large.string)).toEqual(golden.large.counts);
});

test('polygons with holes and parts cover the pixels whose middle is inside', () => {
  for (const { size, parts, counts } of golden.polygons) {
    const [heightPx, widthPx] = size;
    expect(rasterisePolygon(parts, { widthPx, heightPx }).counts).toEqual(counts);
  }
});

test('area and bounds of a polygon with a hole and a second part', () => {
  const parts = [
    { outer: [0, 0, 10, 0, 10, 10, 0, 10], holes: [[2, 2, 2, 4, 4, 4, 4, 2]] },
    { outer: [20, 20, 24, 20, 24, 23], holes: [] },
  ];
  expect(polygonArea(parts)).toBe(100 - 4 + 6);
  expect(polygonBounds(parts)).toEqual([0, 0, 24, 23]);
  expect(polygonBounds([])).toBeNull();
});

test('neighbours that share a border share no pixel and leave none out', () => {
  const size = { widthPx: 16, heightPx: 16 };
  const left = rasterisePolygon([{ outer: [0, 0, 7.3, 0, 4.6, 16, 0, 16], holes: [] }], size);
  const right = rasterisePolygon([{ outer: [7.3, 0, 16, 0, 16, 16, 4.6, 16], holes: [] }], size);
  expect(rleArea(mergeRle(left, [right], 'intersection'))).toBe(0);
  expect(rleArea(mergeRle(left, [right], 'union'))).toBe(256);
});

test.each([
  [[5, 5], '10 of 16'],
  [[5, 12], 'more than 16'],
  [[5, -1, 12], 'length -1'],
  [[5.5, 10.5], 'length 5.5'],
  [[NaN], 'length NaN'],
])('run lengths %j are no mask of 4 × 4', (counts, reason) => {
  expect(rleProblem({ widthPx: 4, heightPx: 4, counts })).toContain(reason);
});

test.each(['~', 'aa ', 'oooooooooo', '\u00ff'])('%j is no compressed mask', (text) => {
  expect(decompressRle(text)).toBeNull();
});

test('bounds of every kind of shape', () => {
  expect(shapeBounds({ kind: 'classification' })).toBeNull();
  const turned = { kind: 'rotated-box', cx: 10, cy: 10, widthPx: 8, heightPx: 4, angleDegrees: 90 } as const;
  expect(rotatedBoxCorners(turned).map(Math.round)).toEqual([12, 6, 12, 14, 8, 14, 8, 6]);
  expect(shapeBounds(turned)?.map(Math.round)).toEqual([8, 6, 12, 14]);
  const points = [
    { x: 3, y: 4, visibility: 2 as const },
    { x: 9, y: 1, visibility: 1 as const },
    { x: 0, y: 0, visibility: 0 as const },
  ];
  expect(shapeBounds({ kind: 'keypoints', points, bboxXyxy: null })).toEqual([3, 1, 9, 4]);
});
