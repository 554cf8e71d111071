/** Lines between the image's pixels, where these are large enough to be told apart. */
import { imagePoint, shownPart, toScreen, type Size, type Viewport } from '../viewport.ts';

/** Screen pixels an image pixel. */
const pixelLinesFromScale = 12;

export function drawPixelLines(context: CanvasRenderingContext2D, viewport: Viewport, view: Size, image: Size): void {
  if (viewport.scale < pixelLinesFromScale) return;
  const shown = shownPart(viewport, view);
  const [firstX, lastX] = [Math.max(0, Math.floor(shown[0])), Math.min(image.widthPx, Math.ceil(shown[2]))];
  const [firstY, lastY] = [Math.max(0, Math.floor(shown[1])), Math.min(image.heightPx, Math.ceil(shown[3]))];
  const start = toScreen(viewport, imagePoint(firstX, firstY));
  const end = toScreen(viewport, imagePoint(lastX, lastY));
  context.beginPath();
  for (let x = firstX; x <= lastX; x++) {
    const at = Math.round(toScreen(viewport, imagePoint(x, 0)).x) + 0.5;
    context.moveTo(at, start.y);
    context.lineTo(at, end.y);
  }
  for (let y = firstY; y <= lastY; y++) {
    const at = Math.round(toScreen(viewport, imagePoint(0, y)).y) + 0.5;
    context.moveTo(start.x, at);
    context.lineTo(end.x, at);
  }
  context.lineWidth = 1;
  context.strokeStyle = 'rgb(128 128 128 / 0.35)';
  context.stroke();
}
