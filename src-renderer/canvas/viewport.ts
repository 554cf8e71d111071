/**
 * Where an image lies in a view of it: the one place that converts between screen and image pixels. Screen points are
 * CSS pixels from the view's top left corner; image points are pixels of the image, so (0.5, 0.5) is the middle of the
 * first pixel.
 */

import type { BboxXyxy } from '../../src-main/contract/geometry/box.ts';

export type ScreenPoint = Readonly<{ space: 'screen'; x: number; y: number }>;
export type ImagePoint = Readonly<{ space: 'image'; x: number; y: number }>;
export type Size = Readonly<{ widthPx: number; heightPx: number }>;

export interface Viewport {
  /** Screen pixels an image pixel. */
  scale: number;
  /** Screen position of the image's top left corner. */
  origin: ScreenPoint;
}

export const screenPoint = (x: number, y: number): ScreenPoint => ({ space: 'screen', x, y });
export const imagePoint = (x: number, y: number): ImagePoint => ({ space: 'image', x, y });

export function toImage(viewport: Viewport, point: ScreenPoint): ImagePoint {
  return imagePoint((point.x - viewport.origin.x) / viewport.scale, (point.y - viewport.origin.y) / viewport.scale);
}

export function toScreen(viewport: Viewport, point: ImagePoint): ScreenPoint {
  return screenPoint(viewport.origin.x + point.x * viewport.scale, viewport.origin.y + point.y * viewport.scale);
}

/** From this scale on a person sees single pixels, which then should all be of one size. */
const singlePixels = 4;

/** The whole image, centred, with a margin; the scale is a whole number where single pixels are seen. */
export function fitViewport(image: Size, view: Size, marginPx: number): Viewport {
  const room = { width: Math.max(1, view.widthPx - 2 * marginPx), height: Math.max(1, view.heightPx - 2 * marginPx) };
  const exact = Math.min(room.width / image.widthPx, room.height / image.heightPx);
  return centred(image, view, exact >= singlePixels ? Math.floor(exact) : exact);
}

/** `deviceScale`: device pixels a pixel of the image. Without it single pixels would be of one size or another, by chance. */
export function needsSmoothing(deviceScale: number): boolean {
  return deviceScale < singlePixels && !Number.isInteger(deviceScale);
}

/** The image centred at a given scale. */
export function centred(image: Size, view: Size, scale: number): Viewport {
  const x = Math.round((view.widthPx - image.widthPx * scale) / 2);
  const y = Math.round((view.heightPx - image.heightPx * scale) / 2);
  return { scale, origin: screenPoint(x, y) };
}

/** Another scale, with what lies under `anchor` staying under it. */
export function zoomAt(viewport: Viewport, anchor: ScreenPoint, scale: number): Viewport {
  const fixed = toImage(viewport, anchor);
  return { scale, origin: screenPoint(anchor.x - fixed.x * scale, anchor.y - fixed.y * scale) };
}

export function panBy(viewport: Viewport, dx: number, dy: number): Viewport {
  return { scale: viewport.scale, origin: screenPoint(viewport.origin.x + dx, viewport.origin.y + dy) };
}

/** The pixel under a point, or null outside the image. */
export function pixelAt(viewport: Viewport, point: ScreenPoint, image: Size): { x: number; y: number } | null {
  const at = toImage(viewport, point);
  const pixel = { x: Math.floor(at.x), y: Math.floor(at.y) };
  const inside = pixel.x >= 0 && pixel.y >= 0 && pixel.x < image.widthPx && pixel.y < image.heightPx;
  return inside ? pixel : null;
}

/** The part of the image plane that a view shows, which may reach beyond the image; image pixels. */
export function shownPart(viewport: Viewport, view: Size): BboxXyxy {
  const from = toImage(viewport, screenPoint(0, 0));
  const to = toImage(viewport, screenPoint(view.widthPx, view.heightPx));
  return [from.x, from.y, to.x, to.y];
}

/** A part of the image plane on the screen; screen pixels. */
export function onScreen(viewport: Viewport, [x1, y1, x2, y2]: BboxXyxy): BboxXyxy {
  const from = toScreen(viewport, imagePoint(x1, y1));
  const to = toScreen(viewport, imagePoint(x2, y2));
  return [from.x, from.y, to.x, to.y];
}

/** Lets a context take image pixels from now on; what has a size in screen pixels is to be divided by the scale. */
export function drawInImage(
  context: { translate(x: number, y: number): void; scale(x: number, y: number): void },
  { origin, scale }: Viewport,
): void {
  context.translate(origin.x, origin.y);
  context.scale(scale, scale);
}

/** The same place in a view that is larger by a margin all round. */
export function withMargin(viewport: Viewport, marginPx: number): Viewport {
  return panBy(viewport, marginPx, marginPx);
}

/** Moved no further than so that some of the image stays in sight: `leastPx` of it, or all where it is smaller. */
export function keepInSight(viewport: Viewport, image: Size, view: Size, leastPx: number): Viewport {
  const { scale, origin } = viewport;
  const within = (at: number, lengthPx: number, roomPx: number): number => {
    const least = Math.min(leastPx, lengthPx);
    return Math.min(roomPx - least, Math.max(least - lengthPx, at));
  };
  const x = within(origin.x, image.widthPx * scale, view.widthPx);
  const y = within(origin.y, image.heightPx * scale, view.heightPx);
  return x === origin.x && y === origin.y ? viewport : { scale, origin: screenPoint(x, y) };
}
