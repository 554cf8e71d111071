/** Draws the large view: the picture without smoothing where single pixels are seen, pixel edges and pixel values where they fit. */
import type { Picture } from '../../canvas/drawing/picture.ts';
import { imagePoint, needsSmoothing, toScreen, type Size, type Viewport } from '../../canvas/viewport.ts';
import { resolveColour } from '../../ui/series-colour.ts';
import { drawLabels, drawNames, type LabelScene } from './draw-labels.ts';
import type { PixelGrid, PixelReading } from './pixel-probe.svelte.ts';

export interface ImageScene {
  /** CSS pixels. */
  view: Size;
  viewport: Viewport;
  pixels: PixelGrid | null;
  marked: PixelReading | null;
  /** Null where labels are not to be drawn. */
  labels: LabelScene | null;
  /** A new value draws anew in the other theme's colours. */
  theme: 'dark' | 'light';
}

const labelLinePx = 2;
const edgesFromScale = 14;
/** From here on each pixel holds its values. Screen pixels an image pixel. */
export const valuesFromScale = 40;

/** `onnews`: draw again, a sharper picture is there. */
export function drawImage(
  canvas: HTMLCanvasElement,
  picture: HTMLImageElement | Picture,
  scene: ImageScene,
  onnews: () => void,
): void {
  const { view, viewport } = scene;
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(view.widthPx * ratio);
  canvas.height = Math.round(view.heightPx * ratio);
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.scale(ratio, ratio);
  const { origin, scale } = viewport;
  if (picture instanceof HTMLImageElement) {
    context.imageSmoothingEnabled = needsSmoothing(scale * ratio);
    context.drawImage(picture, origin.x, origin.y, picture.naturalWidth * scale, picture.naturalHeight * scale);
  } else {
    picture.draw(context, { viewport, view, ratio }, onnews);
  }
  if (scene.pixels !== null && scale >= edgesFromScale) drawEdges(context, scene, scene.pixels);
  if (scene.pixels !== null && scale >= valuesFromScale) drawValues(context, scene, scene.pixels);
  if (scene.labels !== null) {
    drawLabels(context, viewport, scene.labels, labelLinePx);
    drawNames(context, viewport, scene.labels);
  }
  if (scene.marked !== null) drawMark(context, viewport, scene.marked);
}

/** The pixels in sight; `last` exclusive. */
function pixelsInSight({ view, viewport }: ImageScene, grid: PixelGrid) {
  const { origin, scale } = viewport;
  return {
    firstX: Math.max(0, Math.floor(-origin.x / scale)),
    firstY: Math.max(0, Math.floor(-origin.y / scale)),
    lastX: Math.min(grid.widthPx, Math.ceil((view.widthPx - origin.x) / scale)),
    lastY: Math.min(grid.heightPx, Math.ceil((view.heightPx - origin.y) / scale)),
  };
}

function drawEdges(context: CanvasRenderingContext2D, scene: ImageScene, grid: PixelGrid): void {
  const { firstX, firstY, lastX, lastY } = pixelsInSight(scene, grid);
  const start = toScreen(scene.viewport, imagePoint(firstX, firstY));
  const end = toScreen(scene.viewport, imagePoint(lastX, lastY));
  context.strokeStyle = 'rgb(128 128 128 / 0.28)';
  context.lineWidth = 1;
  context.beginPath();
  for (let x = firstX; x <= lastX; x++) {
    const at = Math.round(toScreen(scene.viewport, imagePoint(x, 0)).x) + 0.5;
    context.moveTo(at, start.y);
    context.lineTo(at, end.y);
  }
  for (let y = firstY; y <= lastY; y++) {
    const at = Math.round(toScreen(scene.viewport, imagePoint(0, y)).y) + 0.5;
    context.moveTo(start.x, at);
    context.lineTo(end.x, at);
  }
  context.stroke();
}

function drawValues(context: CanvasRenderingContext2D, scene: ImageScene, grid: PixelGrid): void {
  const { scale } = scene.viewport;
  const { firstX, firstY, lastX, lastY } = pixelsInSight(scene, grid);
  const linePx = Math.min(14, scale / 3.6);
  context.font = `${linePx * 0.86}px ${getComputedStyle(document.body).fontFamily}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (let y = firstY; y < lastY; y++) {
    for (let x = firstX; x < lastX; x++) {
      const values = grid.read(x, y)?.values ?? [];
      const middle = toScreen(scene.viewport, imagePoint(x + 0.5, y + 0.5));
      context.fillStyle = isLight(values) ? '#000' : '#fff';
      values.forEach((value, line) => {
        context.fillText(String(value), middle.x, middle.y + (line - (values.length - 1) / 2) * linePx);
      });
    }
  }
}

/** Whether black is read better than white on this colour: relative luminance above that of middle grey. */
function isLight(values: readonly number[]): boolean {
  const [red = 0, green = red, blue = red] = values.map((value) => (value / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18;
}

function drawMark(context: CanvasRenderingContext2D, viewport: Viewport, { x, y }: PixelReading): void {
  const corner = toScreen(viewport, imagePoint(x, y));
  const size = Math.max(3, viewport.scale);
  context.lineWidth = 3;
  context.strokeStyle = '#000';
  context.strokeRect(corner.x, corner.y, size, size);
  context.lineWidth = 1.5;
  context.strokeStyle = resolveColour('var(--accent)');
  context.strokeRect(corner.x, corner.y, size, size);
}
