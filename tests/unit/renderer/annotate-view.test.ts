import { expect, test } from 'vitest';
import { onScreen, screenPoint, toImage } from '../../../src-renderer/canvas/viewport.ts';
import { AnnotateView } from '../../../src-renderer/state/annotate-view.svelte.ts';
import { ViewSettings } from '../../../src-renderer/state/view-settings.svelte.ts';

function makeView(): AnnotateView {
  const view = new AnnotateView(new ViewSettings(async () => {}));
  view.view = { widthPx: 800, heightPx: 600 };
  view.begin({ widthPx: 4000, heightPx: 3000 });
  return view;
}

test('an image begins whole and stays whole when the view changes', () => {
  const view = makeView();
  expect(view.isFitted).toBe(true);
  view.view = { widthPx: 400, heightPx: 300 };
  const [x1, y1, x2, y2] = onScreen(view.viewport, [0, 0, 4000, 3000]);
  expect([x1 >= 0, y1 >= 0, x2 <= 400, y2 <= 300]).toEqual([true, true, true, true]);
});

test('zooming keeps what is under the pointer there, within limits', () => {
  const view = makeView();
  const anchor = screenPoint(500, 200);
  const before = toImage(view.viewport, anchor);
  view.zoomBy(8, anchor);
  const after = toImage(view.viewport, anchor);
  expect(after.x).toBeCloseTo(before.x, 6);
  expect(after.y).toBeCloseTo(before.y, 6);
  view.zoomTo(1e9);
  expect(view.viewport.scale).toBe(128);
});

test('the image can never be lost from sight', () => {
  const view = makeView();
  view.zoomTo(1);
  view.panBy(1e6, -1e6);
  const [x1, , , y2] = onScreen(view.viewport, [0, 0, 4000, 3000]);
  expect(x1).toBe(740);
  expect(y2).toBe(60);
});

test('the zoom is kept for the next image of the same size only where that is wanted', () => {
  const view = makeView();
  view.zoomTo(2);
  view.begin({ widthPx: 4000, heightPx: 3000 });
  expect(view.isFitted).toBe(true);
  view.setFlag('keepsZoom', true);
  view.zoomTo(2);
  view.begin({ widthPx: 4000, heightPx: 3000 });
  expect(view.viewport.scale).toBe(2);
  view.begin({ widthPx: 640, heightPx: 480 });
  expect(view.isFitted).toBe(true);
});

test('a small object comes to the middle, large enough to be seen', () => {
  const view = makeView();
  view.showPart([1000, 1000, 1100, 1050]);
  const middle = toImage(view.viewport, view.middle);
  expect([middle.x, middle.y]).toEqual([expect.closeTo(1050, 3), expect.closeTo(1025, 3)]);
  expect(view.viewport.scale).toBeGreaterThan(2);
});

test('what is in sight is not moved when it is only to be revealed', () => {
  const view = makeView();
  const before = view.viewport;
  view.showPart([100, 100, 200, 200], true);
  expect(view.viewport).toEqual(before);
  view.zoomTo(4);
  view.showPart([10, 10, 20, 20], true);
  const [x1, y1] = onScreen(view.viewport, [10, 10, 20, 20]);
  expect(x1).toBeGreaterThan(0);
  expect(y1).toBeGreaterThan(0);
  expect(view.viewport.scale).toBe(4);
});
