/** Masks: painted, erased, filled, taken by similarity, converted; tiles against a plain array of pixels. */
import { describe, expect, test } from 'vitest';
import { decodeRle, encodeRle, rleArea } from '../../../src-main/contract/geometry/rle.ts';
import type { Shape } from '../../../src-main/contract/model/annotation.ts';
import { eachStrokeColumn } from '../../../src-renderer/canvas/editor/brush-stamp.ts';
import { toMask, toPolygon } from '../../../src-renderer/canvas/editor/conversions.ts';
import { subtractRle } from '../../../src-renderer/canvas/editor/mask-spans.ts';
import { MaskTiles } from '../../../src-renderer/canvas/editor/mask-tiles.ts';
import { EditorDriver, label } from '../../helpers/editor-driver.ts';

const image = { widthPx: 200, heightPx: 100 };

/** `inside` of pixel centres. */
function mask(inside: (x: number, y: number) => boolean, size = image): Extract<Shape, { kind: 'mask' }> {
  const pixels = new Uint8Array(size.widthPx * size.heightPx);
  for (let y = 0; y < size.heightPx; y++) {
    for (let x = 0; x < size.widthPx; x++) pixels[y * size.widthPx + x] = inside(x + 0.5, y + 0.5) ? 1 : 0;
  }
  const { widthPx, heightPx, counts } = encodeRle(pixels, size);
  return { kind: 'mask', rle: { widthPx, heightPx, counts: [...counts] } };
}
const block = (x1: number, y1: number, x2: number, y2: number) => mask((x, y) => x > x1 && x < x2 && y > y1 && y < y2);
const area = (shape: Shape | undefined): number => (shape?.kind === 'mask' ? rleArea(shape.rle) : -1);
const withMasks = (...shapes: Shape[]): EditorDriver =>
  new EditorDriver({ image, labels: shapes.map((shape, at) => label(at + 1, shape)) });
const round = { sizePx: 10, shape: 'round', pressure: false } as const;

test('a stroke of the brush covers the pixels whose middle is within its radius of the line', () => {
  const driver = new EditorDriver({ image }).tool('brush', { brush: round });
  driver.down(20, 30).expectState('painting');
  expect(driver.editor.preview.mask).toMatchObject({ annotationId: null });
  driver.expectCount(0).move(60, 50).up(60, 50).expectState('idle').expectCount(1);
  const near = mask((x, y) => {
    const t = Math.min(1, Math.max(0, ((x - 20) * 40 + (y - 30) * 20) / (40 * 40 + 20 * 20)));
    return Math.hypot(x - 20 - 40 * t, y - 30 - 20 * t) <= 5;
  });
  expect(driver.shape()).toEqual(near);
  driver.undo().expectCount(0).redo();
  expect(driver.shape()).toEqual(near);
});

test('the next stroke goes into the selected mask; the eraser takes away, with the label at last', () => {
  const driver = new EditorDriver({ image }).tool('brush', { brush: { ...round, shape: 'square' } });
  driver.click(20, 20).click(30, 20).expectCount(1);
  expect(driver.shape()).toEqual(block(15, 15, 35, 25));
  driver.tool('eraser').click(20, 20);
  expect(driver.shape()).toEqual(block(25, 15, 35, 25));
  driver.down(30, 20).move(32, 20).escape().expectState('idle');
  expect(driver.shape()).toEqual(block(25, 15, 35, 25));
  driver.drag(24, 20, 40, 20).expectCount(0).undo();
  expect(driver.shape()).toEqual(block(25, 15, 35, 25));
  driver.undo().undo();
  expect(driver.shape()).toEqual(block(15, 15, 25, 25));
  driver.tool('brush', { newObject: true }).click(60, 60).expectCount(2);
  driver.tool('eraser', { newObject: false }).select().click(150, 50);
  expect(driver.notices).toEqual(['There is no mask here. Select the one to erase from.']);
});

test('the brush takes its size from the wheel, keys and a pen', () => {
  const driver = new EditorDriver({ image }).tool('brush', { brush: round });
  driver.holding({ shift: true }).wheel(-1).holding({}).key(']').key('[').wheel(-1);
  expect(driver.editor.settings.brush.sizePx).toBe(12);
  driver.tool('brush', { brush: { sizePx: 1, shape: 'square', pressure: false } }).key('[');
  expect(driver.editor.settings.brush.sizePx).toBe(1);
  driver.click(50.5, 50.5);
  expect(area(driver.shape())).toBe(1);
  driver.tool('brush', { brush: { sizePx: 10, shape: 'square', pressure: true }, newObject: true });
  driver.pressure = 1;
  driver.click(100, 50);
  expect(area(driver.shape())).toBe(400);
  driver.pressure = 0.5;
  driver.click(150, 50);
  expect(area(driver.shape())).toBe(100);
});

test('painted over other masks: allowed, or they lose the pixels, or they keep them', () => {
  const start = (): EditorDriver =>
    withMasks(block(0, 0, 50, 50), block(60, 0, 110, 50)).tool('brush', {
      brush: { sizePx: 40, shape: 'square', pressure: false },
    });
  const stroke = (driver: EditorDriver, overlap: 'allow' | 'remove-underneath' | 'keep-underneath'): number[] => {
    driver.tool('brush', { overlap }).click(50, 20);
    return driver.labels.map(({ shape }) => area(shape));
  };
  expect(stroke(start(), 'allow')).toEqual([2500, 2500, 1600]);
  expect(stroke(start(), 'remove-underneath')).toEqual([2500 - 20 * 40, 2500 - 10 * 40, 1600]);
  expect(stroke(start(), 'keep-underneath')).toEqual([2500, 2500, 10 * 40]);
  const locked = start();
  locked.editor.setLocked([locked.labels[0]?.annotationId ?? (1 as never)], true);
  expect(stroke(locked, 'remove-underneath')).toEqual([2500, 2500 - 10 * 40, 1600 - 20 * 40]);
  const covered = start();
  covered
    .tool('brush', { overlap: 'remove-underneath', brush: { sizePx: 120, shape: 'square', pressure: false } })
    .click(30, 20);
  covered.undo();
  expect(covered.labels.map(({ shape }) => area(shape))).toEqual([2500, 2500]);
  const nothing = start();
  nothing
    .tool('brush', { overlap: 'keep-underneath', brush: { sizePx: 10, shape: 'square', pressure: false } })
    .click(20, 20);
  expect(nothing.expectCount(2).notices[0]).toContain('Nothing was painted');
});

test('the fill closes a gap that the mask encloses, and no other', () => {
  const ring = mask((x, y) => Math.hypot(x - 50, y - 50) < 40 && Math.hypot(x - 50, y - 50) > 30);
  const driver = withMasks(ring).select(1).tool('fill').click(50, 50);
  expect(driver.shape(1)).toEqual(mask((x, y) => Math.hypot(x - 50, y - 50) < 40));
  driver.undo().click(150, 50).click(50, 15);
  expect(driver.notices).toEqual([
    'The mask does not enclose this place.',
    'This pixel is in the mask. Click into a gap.',
  ]);
  expect(driver.shape(1)).toEqual(ring);
});

test('the wand takes pixels like the one under it, connected or all', () => {
  const rgba = new Uint8Array(image.widthPx * image.heightPx * 4);
  const paint = (x1: number, y1: number, x2: number, y2: number, value: number): void => {
    for (let y = y1; y < y2; y++)
      for (let x = x1; x < x2; x++) rgba.fill(value, (y * image.widthPx + x) * 4, (y * image.widthPx + x) * 4 + 3);
  };
  paint(10, 10, 40, 40, 100);
  paint(20, 20, 30, 30, 110);
  paint(60, 10, 90, 40, 100);
  const driver = new EditorDriver({ image }).tool('wand', { wandTolerance: 5 });
  driver.click(12, 12).expectCount(0);
  expect(driver.notices[0]).toContain('still loading');
  driver.editor.setPixels(() => ({ ...image, rgba, part: [0, 0, image.widthPx, image.heightPx] }));
  driver.click(12, 12);
  expect(area(driver.shape())).toBe(900 - 100);
  driver.click(25, 25);
  expect(area(driver.shape())).toBe(900);
  driver.holding({ alt: true }).click(25, 25).holding({});
  expect(area(driver.shape())).toBe(800);
  driver.tool('wand', { wandContiguous: false, wandTolerance: 20, newObject: true }).click(12, 12);
  expect(area(driver.shape())).toBe(1800);
});

test('of a large image the wand takes what is in sight, as finely as it is sampled', () => {
  const samples = { widthPx: 30, heightPx: 20, part: [40, 20, 100, 60] as const };
  const rgba = new Uint8Array(30 * 20 * 4);
  // Samples 5 to 9 of rows 3 to 6, which are pixels 50 to 59 of rows 26 to 33; and the last ones.
  for (let y = 3; y < 7; y++) rgba.fill(200, (y * 30 + 5) * 4, (y * 30 + 10) * 4);
  rgba.fill(90, (19 * 30 + 28) * 4, (19 * 30 + 30) * 4);
  const driver = new EditorDriver({ image }).tool('wand', { wandTolerance: 5 });
  driver.editor.setPixels(() => ({ ...samples, part: [...samples.part], rgba }));
  driver.click(59.9, 33.9).expectCount(1);
  expect(driver.shape()).toEqual(block(50, 26, 60, 34));
  driver.escape().select().click(99.9, 59.9);
  expect(driver.shape()).toEqual(block(96, 58, 100, 60));
  driver.click(39, 30).click(101, 30).expectCount(2);
  expect(driver.notices).toEqual(Array.from({ length: 2 }, () => 'Only what is in sight can be taken.'));
});

test('the lasso makes, adds to and takes from masks', () => {
  const driver = new EditorDriver({ image }).tool('lasso-add');
  const around = (x1: number, y1: number, x2: number, y2: number): void => {
    driver.click(x1, y1).click(x2, y1).click(x2, y2).click(x1, y2).key('Enter');
  };
  around(10, 10, 50, 50);
  expect(driver.shape()).toEqual(block(10, 10, 50, 50));
  around(40, 10, 80, 50);
  expect(driver.expectCount(1).shape()).toEqual(block(10, 10, 80, 50));
  driver.tool('lasso-subtract');
  around(0, 0, 100, 30);
  expect(driver.shape()).toEqual(block(10, 30, 80, 50));
});

describe('conversions', () => {
  const islands = mask(
    (x, y) =>
      (Math.hypot(x - 40, y - 40) < 30 && Math.hypot(x - 40, y - 40) > 12) ||
      Math.hypot(x - 40, y - 40) < 5 ||
      (x > 120 && (Math.floor(x) + Math.floor(y)) % 2 === 0),
  );

  test('a mask becomes a polygon and a mask again without loss, with holes, islands and corners that touch', () => {
    const shape = toPolygon(islands);
    expect(shape).not.toBeNull();
    expect(shape && toMask(shape, image)).toEqual(islands);
    const full = mask(() => true);
    expect(toPolygon(full)).toEqual({
      kind: 'polygon',
      parts: [{ outer: [0, 0, 200, 0, 200, 100, 0, 100], holes: [] }],
    });
  });

  test('a smooth polygon has far fewer points and nearly the same pixels', () => {
    const disc = mask((x, y) => Math.hypot(x - 50, y - 50) < 40);
    const [exact, smooth] = [toPolygon(disc), toPolygon(disc, 1)];
    const count = (shape: typeof exact): number => shape?.parts[0]?.outer.length ?? 0;
    expect(count(smooth)).toBeLessThan(count(exact) / 4);
    const again = smooth && toMask(smooth, image);
    const difference = again
      ? rleArea(subtractRle(again.rle, disc.rle)) + rleArea(subtractRle(disc.rle, again.rle))
      : Infinity;
    expect(difference).toBeLessThan(area(disc) * 0.04);
  });

  test('parts are told apart and moved without loss', () => {
    const driver = withMasks(
      mask((x, y) => Math.hypot(x - 30, y - 30) < 20 || Math.hypot(x - 100, y - 30) < 10),
    ).select(1);
    const before = area(driver.shape(1));
    driver.editor.run('separate');
    driver.expectCount(2);
    expect(driver.labels.reduce((sum, { shape }) => sum + area(shape), 0)).toBe(before);
    const shapes = driver.labels.map(({ shape }) => shape);
    driver.select(1, 1000).tool('select').key('ArrowRight').key('ArrowLeft');
    expect(driver.labels.map(({ shape }) => shape)).toEqual(shapes);
    driver.editor.run('union');
    expect(area(driver.expectCount(1).labels[0]?.shape)).toBe(before);
  });
});

describe('tiles', () => {
  test('any order of spans gives the run lengths of the pixels, across tiles and at the edges', () => {
    const size = { widthPx: 600, heightPx: 530 };
    const tiles = new MaskTiles(size);
    const pixels = new Uint8Array(size.widthPx * size.heightPx);
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    for (let turn = 0; turn < 4000; turn++) {
      const [x, first, value] = [random(640) - 20, random(600) - 40, random(4) === 0 ? 0 : 1] as const;
      const end = first + random(90);
      tiles.fillColumn(x, first, end, value);
      if (x < 0 || x >= size.widthPx) continue;
      for (let y = Math.max(0, first); y < Math.min(size.heightPx, end); y++) pixels[y * size.widthPx + x] = value;
    }
    const rle = tiles.toRle();
    expect(rle).toEqual(encodeRle(pixels, size));
    const again = MaskTiles.fromRle(rle);
    expect(again.toRle()).toEqual(rle);
    expect([...decodeRle(again.toRle())].every((value, at) => value === pixels[at])).toBe(true);
    expect(new MaskTiles(size).toRle()).toEqual({ ...size, counts: [600 * 530] });
  });

  test('a stroke can be taken back, and only the tiles it touched are dirty', () => {
    const tiles = MaskTiles.fromRle(mask((x) => x < 300, { widthPx: 1000, heightPx: 800 }).rle);
    const before = tiles.toRle();
    tiles.takeDirty();
    tiles.mark();
    eachStrokeColumn({ x: 600, y: 300, sizePx: 100 }, { x: 700, y: 300, sizePx: 100 }, 'round', (x, first, end) =>
      tiles.fillColumn(x, first, end, 1),
    );
    expect(
      tiles
        .takeDirty()
        .map(({ tx, ty }) => `${tx},${ty}`)
        .sort(),
    ).toEqual(['2,0', '2,1']);
    tiles.bail();
    expect(tiles.toRle()).toEqual(before);
    expect(tiles.takeDirty()).toHaveLength(2);
  });
});
