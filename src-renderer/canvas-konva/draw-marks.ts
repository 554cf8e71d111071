/** Lines of the gesture in progress that are no shape yet: the open path, guides, the rubber band, the brush. */
import type { BboxXyxy } from '../../src-main/contract/geometry/box.ts';
import { imagePoint, onScreen, toScreen, type Size, type Viewport } from '../canvas/viewport.ts';
import type { Preview } from '../canvas/editor/types.ts';
import type { EditScene } from './edit-scene.ts';

export function drawMarks(
  context: CanvasRenderingContext2D,
  { viewport, preview, colours }: EditScene,
  view: Size,
): void {
  drawGuides(context, viewport, preview.guides, colours.accent, view);
  if (preview.path !== null) drawPath(context, viewport, preview.path, colours.accent);
  if (preview.marquee !== null) drawMarquee(context, onScreen(viewport, preview.marquee), colours.accent);
  if (preview.brush !== null) drawBrush(context, viewport, preview.brush);
}

function drawGuides(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  guides: Preview['guides'],
  colour: string,
  view: Size,
): void {
  if (guides.length === 0) return;
  context.beginPath();
  for (const { axis, at } of guides) {
    const { x, y } = toScreen(viewport, imagePoint(at, at));
    if (axis === 'x') {
      context.moveTo(Math.round(x) + 0.5, 0);
      context.lineTo(Math.round(x) + 0.5, view.heightPx);
    } else {
      context.moveTo(0, Math.round(y) + 0.5);
      context.lineTo(view.widthPx, Math.round(y) + 0.5);
    }
  }
  context.lineWidth = 1;
  context.strokeStyle = colour;
  context.setLineDash([4, 4]);
  context.stroke();
  context.setLineDash([]);
}

function drawPath(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  { points, closeable }: NonNullable<Preview['path']>,
  colour: string,
): void {
  const path = new Path2D();
  const dots = new Path2D();
  for (let at = 0; at + 1 < points.length; at += 2) {
    const { x, y } = toScreen(viewport, imagePoint(points[at] ?? 0, points[at + 1] ?? 0));
    if (at === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
    // The last point is the pointer's.
    if (at + 2 < points.length) {
      dots.moveTo(x + 3, y);
      dots.arc(x, y, 3, 0, 2 * Math.PI);
    }
  }
  strokeTwice(context, path, colour, 2);
  context.fillStyle = '#fff';
  context.fill(dots);
  context.lineWidth = 1;
  context.strokeStyle = colour;
  context.stroke(dots);
  const first = toScreen(viewport, imagePoint(points[0] ?? 0, points[1] ?? 0));
  if (closeable && points.length >= 2) {
    const ring = new Path2D();
    ring.arc(first.x, first.y, 7, 0, 2 * Math.PI);
    strokeTwice(context, ring, colour, 2);
  }
}

function drawMarquee(context: CanvasRenderingContext2D, [x1, y1, x2, y2]: BboxXyxy, colour: string): void {
  const band = new Path2D();
  band.rect(Math.round(x1) + 0.5, Math.round(y1) + 0.5, Math.round(x2 - x1), Math.round(y2 - y1));
  context.globalAlpha = 0.12;
  context.fillStyle = colour;
  context.fill(band);
  context.globalAlpha = 1;
  strokeTwice(context, band, colour, 1);
}

function drawBrush(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  { x, y, sizePx, shape }: NonNullable<Preview['brush']>,
): void {
  const middle = toScreen(viewport, imagePoint(x, y));
  const radius = Math.max(1, (sizePx * viewport.scale) / 2);
  const outline = new Path2D();
  if (shape === 'round') outline.arc(middle.x, middle.y, radius, 0, 2 * Math.PI);
  else outline.rect(middle.x - radius, middle.y - radius, 2 * radius, 2 * radius);
  strokeTwice(context, outline, '#fff', 1.25);
}

/** With a dark rim, so that it is seen on any picture. */
function strokeTwice(context: CanvasRenderingContext2D, path: Path2D, colour: string, lineWidthPx: number): void {
  context.lineWidth = lineWidthPx + 1.75;
  context.strokeStyle = 'rgb(0 0 0 / 0.5)';
  context.stroke(path);
  context.lineWidth = lineWidthPx;
  context.strokeStyle = colour;
  context.stroke(path);
}
