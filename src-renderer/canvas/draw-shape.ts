/**
 * Draws label shapes into a view of their image: outline, and a fill of a given opacity. Knows no class and no theme; the
 * caller names the colour.
 */
import { decodeRle, type Rle } from '../../src-main/contract/geometry/rle.ts';
import { rotatedBoxCorners, shapeBounds, type Shape } from '../../src-main/contract/model/annotation.ts';
import { imagePoint, toScreen, type ScreenPoint, type Viewport } from './viewport.ts';

export interface ShapeStyle {
  /** As a canvas takes it: "rgb(…)". */
  colour: string;
  /** Of the area inside, 0 to 1. */
  fillOpacity: number;
  lineWidthPx: number;
}

export function drawShape(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  shape: Shape,
  style: ShapeStyle,
): void {
  context.strokeStyle = context.fillStyle = style.colour;
  context.lineWidth = style.lineWidthPx;
  context.lineJoin = 'round';
  switch (shape.kind) {
    case 'classification':
      return;
    case 'bbox': {
      const [x1, y1, x2, y2] = shape.bboxXyxy;
      return drawRings(context, viewport, [[x1, y1, x2, y1, x2, y2, x1, y2]], style);
    }
    case 'rotated-box':
      return drawRings(context, viewport, [rotatedBoxCorners(shape)], style);
    case 'polygon':
      for (const { outer, holes } of shape.parts) drawRings(context, viewport, [outer, ...holes], style);
      return;
    case 'mask':
      return drawMask(context, viewport, shape.rle, style);
    case 'keypoints':
      return drawKeypoints(context, viewport, shape, style);
  }
}

/** Where the name of a shape goes: its top left corner on the screen; null for what has no place. */
export function shapeCorner(viewport: Viewport, shape: Shape): ScreenPoint | null {
  const bounds = shapeBounds(shape);
  return bounds === null ? null : toScreen(viewport, imagePoint(bounds[0], bounds[1]));
}

function drawRings(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  rings: readonly (readonly number[])[],
  { fillOpacity }: ShapeStyle,
): void {
  context.beginPath();
  for (const ring of rings) {
    for (let at = 0; at + 1 < ring.length; at += 2) {
      const { x, y } = toScreen(viewport, imagePoint(ring[at] ?? 0, ring[at + 1] ?? 0));
      if (at === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.closePath();
  }
  if (fillOpacity > 0) {
    context.globalAlpha = fillOpacity;
    context.fill('evenodd');
    context.globalAlpha = 1;
  }
  context.stroke();
}

interface Stamp {
  colour: string;
  /** Every n-th pixel and row of the mask. */
  step: number;
  picture: OffscreenCanvas;
}

/** A mask's pixels, opaque in one colour; made once, because decoding takes longer than drawing. */
const stamps = new WeakMap<Rle, Stamp>();

function drawMask(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  rle: Rle,
  { colour, fillOpacity }: ShapeStyle,
): void {
  // A grid shows hundreds of masks small; each then takes the memory of its thumbnail.
  const step = 2 ** Math.max(0, Math.floor(Math.log2(1 / viewport.scale)));
  const known = stamps.get(rle);
  const stamp = known?.colour === colour && known.step === step ? known : makeStamp(rle, colour, step);
  stamps.set(rle, stamp);
  const { picture } = stamp;
  const { x, y } = toScreen(viewport, imagePoint(0, 0));
  const sizePx = step * viewport.scale;
  // A mask has no outline of its own, so that it is never wholly transparent.
  context.globalAlpha = Math.max(0.2, fillOpacity);
  context.imageSmoothingEnabled = viewport.scale < 1;
  context.drawImage(picture, x, y, picture.width * sizePx, picture.height * sizePx);
  context.globalAlpha = 1;
}

function makeStamp(rle: Rle, colour: string, step: number): Stamp {
  const picture = new OffscreenCanvas(Math.ceil(rle.widthPx / step), Math.ceil(rle.heightPx / step));
  const context = picture.getContext('2d');
  if (context === null) return { colour, step, picture };
  const mask = decodeRle(rle);
  const pixels = context.createImageData(picture.width, picture.height);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      if (mask[y * step * rle.widthPx + x * step]) pixels.data[(y * picture.width + x) * 4 + 3] = 255;
    }
  }
  context.putImageData(pixels, 0, 0);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = colour;
  context.fillRect(0, 0, picture.width, picture.height);
  return { colour, step, picture };
}

const fullTurn = 2 * Math.PI;

function drawKeypoints(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  shape: Extract<Shape, { kind: 'keypoints' }>,
  style: ShapeStyle,
): void {
  if (shape.bboxXyxy !== null) {
    const box: Shape = { kind: 'bbox', bboxXyxy: shape.bboxXyxy };
    drawShape(context, viewport, box, { ...style, fillOpacity: style.fillOpacity / 2 });
  }
  for (const { x, y, visibility } of shape.points) {
    if (visibility === 0) continue;
    const at = toScreen(viewport, imagePoint(x, y));
    context.beginPath();
    context.arc(at.x, at.y, style.lineWidthPx * 1.6, 0, fullTurn);
    if (visibility === 2) context.fill();
    else context.stroke();
  }
}
