/** Handles of the selection: squares for boxes, discs for vertices, smaller ones where a vertex can be added. */
import type { Handle } from '../canvas/editor/types.ts';
import { imagePoint, toScreen, type ScreenPoint } from '../canvas/viewport.ts';
import type { EditScene } from './edit-scene.ts';

const squarePx = 8;
const discPx = 4;
const midpointPx = 2.75;
const fullTurn = 2 * Math.PI;

export function drawHandles(context: CanvasRenderingContext2D, { viewport, preview, colours }: EditScene): void {
  const groups = { plain: new Path2D(), active: new Path2D(), quiet: new Path2D() };
  for (const handle of preview.handles) {
    const group = handle.active ? 'active' : handle.kind === 'midpoint' ? 'quiet' : 'plain';
    addHandle(groups[group], handle, toScreen(viewport, imagePoint(handle.x, handle.y)));
  }
  context.lineWidth = 1.5;
  context.strokeStyle = colours.accent;
  context.fillStyle = colours.accent;
  context.globalAlpha = 0.75;
  context.fill(groups.quiet);
  context.globalAlpha = 1;
  context.fillStyle = '#fff';
  context.fill(groups.plain);
  context.stroke(groups.plain);
  context.fillStyle = colours.accent;
  context.strokeStyle = '#fff';
  context.fill(groups.active);
  context.stroke(groups.active);
}

function addHandle(path: Path2D, { kind }: Handle, { x, y }: ScreenPoint): void {
  const radius = kind === 'midpoint' ? midpointPx : discPx;
  if (kind === 'midpoint' || kind === 'vertex' || kind === 'keypoint' || kind === 'rotate') {
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, fullTurn);
  } else {
    path.rect(x - squarePx / 2, y - squarePx / 2, squarePx, squarePx);
  }
}
