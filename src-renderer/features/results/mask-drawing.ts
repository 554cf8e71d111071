/** Draws the masks of single objects over their image, under the boxes. */
import { decodeCellMask } from '../../../src-main/contract/geometry/cell-mask.ts';
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import { payloadAt, type HeadSaid } from '../../../src-main/contract/model/run-results.ts';
import { imagePoint, toScreen, type Viewport } from '../../canvas/viewport.ts';
import { packed, pictureOf, type Rgb } from './mask-pictures.ts';

export interface DrawnMask {
  picture: OffscreenCanvas;
  /** What it covers of the image. */
  bboxXyxy: BboxXyxy;
}

const opacity = 0.5;

/** Of the candidate or the object with this row; null where the network says no masks, or an empty one. */
export function maskOf(
  head: HeadSaid | null,
  of: 'candidates' | 'objects',
  index: number,
  colour: Rgb | null | undefined,
): DrawnMask | null {
  return head?.kind === 'masks' ? drawnMask(payloadAt(head[of], index), colour) : null;
}

/** bytes: as in geometry/cell-mask.ts. Null where nothing of it is to be seen. */
export function drawnMask(bytes: Uint8Array, colour: Rgb | null | undefined): DrawnMask | null {
  const { cells, columns, rows, bboxXyxy } = decodeCellMask(bytes);
  if (cells.length === 0) return null;
  const shown = packed(colour ?? white);
  return {
    picture: pictureOf(
      Uint32Array.from(cells, (cell) => cell * shown),
      columns,
      rows,
    ),
    bboxXyxy,
  };
}
const white: Rgb = [255, 255, 255];

export function drawMasks(context: CanvasRenderingContext2D, viewport: Viewport, masks: readonly DrawnMask[]): void {
  context.save();
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = false;
  for (const { picture, bboxXyxy } of masks) {
    const from = toScreen(viewport, imagePoint(bboxXyxy[0], bboxXyxy[1]));
    const to = toScreen(viewport, imagePoint(bboxXyxy[2], bboxXyxy[3]));
    context.drawImage(picture, from.x, from.y, to.x - from.x, to.y - from.y);
  }
  context.restore();
}
