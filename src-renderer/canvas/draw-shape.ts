/**
 * Draws label shapes into a view of their image: outline, and a fill of a given opacity. Knows no class and no theme; the
 * caller names the colour.
 */
import type { BboxXyxy } from '../../src-main/contract/geometry/box.ts';
import { maskBorders } from '../../src-main/contract/geometry/mask-outline.ts';
import { gridOver, reduceRle, type Sketch } from '../../src-main/contract/geometry/mask-sketch.ts';
import { rleBounds, type Rle } from '../../src-main/contract/geometry/rle.ts';
import { rotatedBoxCorners, shapeBounds, type Shape } from '../../src-main/contract/model/annotation.ts';
import { imagePoint, toScreen, type ScreenPoint, type Viewport } from './viewport.ts';

/** A label's shape, or what is known of a large one in a small picture. */
export type Drawable = Shape | ({ kind: 'sketch' } & Sketch);

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
  shape: Drawable,
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
      return drawMask(context, viewport, shape.rle, { ...style, isReduced: viewport.scale < 1 });
    case 'sketch': {
      const ofCells = {
        scale: viewport.scale * shape.cellPx,
        origin: toScreen(viewport, imagePoint(shape.x, shape.y)),
      };
      // Its cells are about as wide as a line: drawn around each of them, a border would be a chain of little squares.
      return drawMask(context, ofCells, shape.rle, { ...style, isReduced: true });
    }
    case 'keypoints':
      return drawKeypoints(context, viewport, shape, style);
  }
}

/** Where the name of a shape goes: its top left corner on the screen; null for what has no place. */
export function shapeCorner(viewport: Viewport, shape: Drawable): ScreenPoint | null {
  const bounds = drawableBounds(shape);
  return bounds === null ? null : toScreen(viewport, imagePoint(bounds[0], bounds[1]));
}

/** As `shapeBounds`; in whole cells for a sketch. */
export function drawableBounds(shape: Drawable): BboxXyxy | null {
  if (shape.kind !== 'sketch') return shapeBounds(shape);
  const { x, y, cellPx, rle } = shape;
  return [x, y, x + cellPx * rle.widthPx, y + cellPx * rle.heightPx];
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

/** A mask's pixels in one colour, made once, because making them takes longer than drawing. */
interface Stamp {
  colour: string;
  fillOpacity: number;
  /** Pixels of the mask that one of the picture is wide and high. */
  step: number;
  picture: OffscreenCanvas;
  /** Where the picture begins, pixels of the mask. */
  x: number;
  y: number;
  /** The border along its pixels, in those of the mask; null where the picture holds it. */
  border: Path2D | null;
}

/** Null for an empty mask. */
const stamps = new WeakMap<Rle, Stamp | null>();

/** Without a border the tint of a small mask cannot be told from the thing it lies on. */
function drawMask(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  rle: Rle,
  { colour, fillOpacity, lineWidthPx, isReduced }: ShapeStyle & { isReduced: boolean },
): void {
  // A grid shows hundreds of masks small; each then takes the memory of its part of the thumbnail, border included.
  const step = 2 ** Math.max(0, Math.floor(Math.log2(1 / viewport.scale)));
  let stamp = stamps.get(rle);
  const fits =
    stamp === null ||
    (stamp?.colour === colour &&
      stamp.fillOpacity === fillOpacity &&
      stamp.step === step &&
      (stamp.border === null) === isReduced);
  if (stamp === undefined || !fits) {
    stamp = makeStamp(rle, { colour, fillOpacity, step, isReduced });
    stamps.set(rle, stamp);
  }
  if (stamp === null) return;
  const corner = toScreen(viewport, imagePoint(stamp.x, stamp.y));
  const scale = step * viewport.scale;
  context.imageSmoothingEnabled = isReduced;
  context.drawImage(stamp.picture, corner.x, corner.y, stamp.picture.width * scale, stamp.picture.height * scale);
  if (stamp.border === null) return;
  const { x, y } = toScreen(viewport, imagePoint(0, 0));
  context.save();
  context.translate(x, y);
  context.scale(viewport.scale, viewport.scale);
  context.lineWidth = lineWidthPx / viewport.scale;
  context.stroke(stamp.border);
  context.restore();
}

function makeStamp(
  rle: Rle,
  { colour, fillOpacity, step, isReduced }: Pick<Stamp, 'colour' | 'fillOpacity' | 'step'> & { isReduced: boolean },
): Stamp | null {
  const bounds = rleBounds(rle);
  if (bounds === null) return null;
  const grid = gridOver(bounds, step);
  const { x: left, y: top, columns: width, rows: height } = grid;
  const picture = new OffscreenCanvas(width, height);
  const border = isReduced ? null : ringsPath(maskBorders(rle));
  const stamp: Stamp = { colour, fillOpacity, step, picture, x: left, y: top, border };
  const context = picture.getContext('2d');
  if (context === null) return stamp;
  const cells = reduceRle(rle, grid);
  const isInside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && cells[y * width + x] === 1;
  const isAtBorder = (x: number, y: number): boolean =>
    !isInside(x - 1, y) || !isInside(x + 1, y) || !isInside(x, y - 1) || !isInside(x, y + 1);
  const pixels = context.createImageData(width, height);
  const areaAlpha = Math.round(255 * fillOpacity);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (isInside(x, y)) pixels.data[(y * width + x) * 4 + 3] = isReduced && isAtBorder(x, y) ? 255 : areaAlpha;
    }
  }
  context.putImageData(pixels, 0, 0);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = colour;
  context.fillRect(0, 0, width, height);
  return stamp;
}

function ringsPath(rings: readonly (readonly number[])[]): Path2D {
  const path = new Path2D();
  for (const ring of rings) {
    path.moveTo(ring[0] ?? 0, ring[1] ?? 0);
    for (let at = 2; at + 1 < ring.length; at += 2) path.lineTo(ring[at] ?? 0, ring[at + 1] ?? 0);
    path.closePath();
  }
  return path;
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
