/** Draws detections and objects over their image: class colour, a word with its confidence, and what is wrong in the line. */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import { imagePoint, toScreen, type Viewport } from '../../canvas/viewport.ts';
import { drawMasks, type DrawnMask } from './mask-drawing.ts';
import { drawPose, type DrawnPose } from './pose-drawing.ts';

export interface DrawnBox {
  bboxXyxy: BboxXyxy;
  /** As a canvas takes it. */
  colour: string;
  /** Empty: no tag. */
  text: string;
  /** Dashed boxes are wrong, or missed. */
  dashed: boolean;
  /** Of what the box is around, where the network says points. */
  pose?: DrawnPose | null;
  /** Of what the box is around, where the network says masks. */
  mask?: DrawnMask | null;
}

const tagHeightPx = 15;
const tagPaddingPx = 4;

export function drawBoxes(context: CanvasRenderingContext2D, viewport: Viewport, boxes: readonly DrawnBox[]): void {
  drawMasks(
    context,
    viewport,
    boxes.flatMap(({ mask }) => mask ?? []),
  );
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.lineJoin = 'round';
  for (const { bboxXyxy, colour, dashed } of boxes) {
    const from = toScreen(viewport, imagePoint(bboxXyxy[0], bboxXyxy[1]));
    const to = toScreen(viewport, imagePoint(bboxXyxy[2], bboxXyxy[3]));
    context.setLineDash([]);
    context.strokeStyle = 'rgb(0 0 0 / 0.55)';
    context.lineWidth = 4;
    context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
    context.setLineDash(dashed ? [6, 4] : []);
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
  }
  context.setLineDash([]);
  for (const { pose, colour } of boxes) if (pose) drawPose(context, viewport, pose, colour);
  for (const { bboxXyxy, colour, text } of boxes) {
    if (text === '') continue;
    const corner = toScreen(viewport, imagePoint(bboxXyxy[0], bboxXyxy[1]));
    const y = corner.y >= tagHeightPx ? corner.y - tagHeightPx : corner.y;
    context.fillStyle = colour;
    context.fillRect(corner.x - 1, y, context.measureText(text).width + 2 * tagPaddingPx, tagHeightPx);
    context.fillStyle = '#000';
    context.fillText(text, corner.x - 1 + tagPaddingPx, y + tagHeightPx / 2 + 0.5);
  }
}
