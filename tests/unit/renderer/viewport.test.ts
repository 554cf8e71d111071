import { expect, test } from 'vitest';
import {
  centred,
  fitViewport,
  imagePoint,
  needsSmoothing,
  panBy,
  pixelAt,
  screenPoint,
  toImage,
  toScreen,
  zoomAt,
} from '../../../src-renderer/canvas/viewport.ts';

const cifar = { widthPx: 32, heightPx: 32 };

test('a tiny image is fitted at a whole number of screen pixels, centred', () => {
  const viewport = fitViewport(cifar, { widthPx: 724, heightPx: 700 }, 24);
  expect(viewport).toEqual({ scale: 20, origin: screenPoint(42, 30) });
});

test('a large image is fitted exactly', () => {
  const viewport = fitViewport({ widthPx: 2000, heightPx: 1000 }, { widthPx: 1048, heightPx: 800 }, 24);
  expect(viewport).toEqual({ scale: 0.5, origin: screenPoint(24, 150) });
});

test('a photograph that is a little smaller than the view fills it, and is smoothed', () => {
  const viewport = fitViewport({ widthPx: 640, heightPx: 400 }, { widthPx: 1648, heightPx: 848 }, 24);
  expect(viewport.scale).toBe(2);
  expect(fitViewport({ widthPx: 640, heightPx: 400 }, { widthPx: 1648, heightPx: 808 }, 24).scale).toBe(1.9);
  expect([0.5, 1, 1.9, 2, 3.5, 4, 4.5].map(needsSmoothing)).toEqual([true, false, true, false, true, false, false]);
});

test('screen and image points are each other’s inverse', () => {
  const viewport = { scale: 12.5, origin: screenPoint(-40, 17) };
  expect(toScreen(viewport, imagePoint(4, 2))).toEqual(screenPoint(10, 42));
  expect(toImage(viewport, screenPoint(10, 42))).toEqual(imagePoint(4, 2));
});

test('zooming keeps what is under the pointer', () => {
  const viewport = centred(cifar, { widthPx: 640, heightPx: 640 }, 10);
  const anchor = screenPoint(200, 333);
  const zoomed = zoomAt(viewport, anchor, 25);
  expect(zoomed.scale).toBe(25);
  expect(toImage(zoomed, anchor)).toEqual(toImage(viewport, anchor));
  expect(panBy(zoomed, 5, -3).origin).toEqual(screenPoint(zoomed.origin.x + 5, zoomed.origin.y - 3));
});

test('the pixel under a point, and none outside', () => {
  const viewport = { scale: 10, origin: screenPoint(100, 50) };
  expect(pixelAt(viewport, screenPoint(100, 50), cifar)).toEqual({ x: 0, y: 0 });
  expect(pixelAt(viewport, screenPoint(419.9, 369.9), cifar)).toEqual({ x: 31, y: 31 });
  expect(pixelAt(viewport, screenPoint(420, 60), cifar)).toBeNull();
  expect(pixelAt(viewport, screenPoint(99.9, 60), cifar)).toBeNull();
});
