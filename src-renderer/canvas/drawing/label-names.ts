/** The names of labels at their top left corners, where there is room to read them. */
import { imagePoint, toScreen, type Viewport } from '../viewport.ts';
import type { CanvasLabel } from './canvas-label.ts';

const heightPx = 16;
const paddingPx = 4;
/** Smaller objects would be hidden by their own names. */
const leastPx = 28;
/** More names would be a carpet. */
export const mostNames = 120;

export function drawNames(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  labels: readonly CanvasLabel[],
  nameOf: (id: number) => string,
  fontFamily: string,
): void {
  const large = labels.filter(({ bounds: [x1, y1, x2, y2] }) => Math.max(x2 - x1, y2 - y1) * viewport.scale >= leastPx);
  context.font = `11px ${fontFamily}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  for (const { id, bounds, colour } of large) {
    const name = nameOf(id);
    if (name === '') continue;
    const corner = toScreen(viewport, imagePoint(bounds[0], bounds[1]));
    const width = context.measureText(name).width + 2 * paddingPx;
    const x = Math.round(corner.x) - 1;
    const y = Math.round(corner.y >= heightPx ? corner.y - heightPx : corner.y);
    context.fillStyle = colour;
    context.fillRect(x, y, width, heightPx);
    context.fillStyle = 'rgb(0 0 0 / 0.45)'; // Darkens pale and strong colours alike, so that white text can be read.
    context.fillRect(x, y, width, heightPx);
    context.fillStyle = '#fff';
    context.fillText(name, x + paddingPx, y + heightPx / 2 + 0.5);
  }
}
