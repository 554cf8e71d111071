/**
 * All labels of an image that nobody edits now, ready to be drawn for any view: found by a spatial index, masks under
 * outlines. Used on the page itself and in label-worker.ts.
 */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import { SpatialIndex } from '../spatial-index.ts';
import { onScreen, shownPart, type Size, type Viewport } from '../viewport.ts';
import type { CanvasLabel, LabelStyle } from './canvas-label.ts';
import { drawOutlines } from './label-outlines.ts';
import { MaskBuffers, paintMasks, type MaskRegion, type PaintedMask } from './mask-picture.ts';

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export class LabelScene {
  readonly image: Size;
  readonly #labels = new Map<number, CanvasLabel>();
  readonly #index: SpatialIndex<number>;

  constructor(image: Size) {
    this.image = image;
    this.#index = new SpatialIndex(image);
  }

  /** Adds labels, or replaces those of the same id. */
  put(labels: Iterable<CanvasLabel>): void {
    for (const label of labels) {
      this.#labels.set(label.id, label);
      this.#index.set(label.id, label.bounds);
    }
  }

  remove(ids: Iterable<number>): void {
    for (const id of ids) {
      this.#labels.delete(id);
      this.#index.delete(id);
    }
  }

  get(id: number): CanvasLabel | undefined {
    return this.#labels.get(id);
  }

  /** Labels that meet a part of the image, in no order. */
  within(part: BboxXyxy): CanvasLabel[] {
    const found: CanvasLabel[] = [];
    this.some(part, (label) => {
      found.push(label);
      return false;
    });
    return found;
  }

  /** Whether `test` holds for a label that meets a part of the image; asks no further once it does. */
  some(part: BboxXyxy, test: (label: CanvasLabel) => boolean): boolean {
    return this.#index.some(part, (id) => {
      const label = this.#labels.get(id);
      return label !== undefined && test(label);
    });
  }
}

/** `ratio`: device pixels a CSS pixel. The context takes CSS pixels of the view. */
export function drawLabelSet(
  context: Context,
  { labels, image, viewport, view, style }: DrawnSet,
  ratio: number,
): void {
  const masks = labels.filter(({ shape }) => shape.kind === 'mask').sort((a, b) => a.z - b.z || a.id - b.id);
  drawMasks(context, masks, { image, viewport, view, style }, ratio);
  drawOutlines(context, viewport, labels, style);
}

interface DrawnSet {
  labels: readonly CanvasLabel[];
  image: Size;
  viewport: Viewport;
  view: Size;
  style: LabelStyle;
}

function drawMasks(
  context: Context,
  labels: readonly CanvasLabel[],
  { image, viewport, view, style }: Omit<DrawnSet, 'labels'>,
  ratio: number,
): void {
  const region = regionOf(labels, image, shownPart(viewport, view), viewport.scale * ratio);
  if (region === null) return;
  const picture = canvasFor(region);
  const painted = labels.flatMap(({ shape, colour }): PaintedMask[] =>
    shape.kind === 'mask' ? [{ rle: shape.rle, rgb: parseRgb(colour) }] : [],
  );
  const pixels = paintMasks(painted, region, style.fillOpacity, buffers);
  picture.getContext('2d')?.putImageData(new ImageData(pixels, region.columns, region.rows), 0, 0);
  const { x, y, step, columns, rows } = region;
  const [x1, y1, x2, y2] = onScreen(viewport, [x, y, x + columns * step, y + rows * step]);
  context.imageSmoothingEnabled = viewport.scale * ratio * step < 1;
  context.drawImage(picture, 0, 0, columns, rows, x1, y1, x2 - x1, y2 - y1);
}

const buffers = new MaskBuffers();
let maskCanvas: OffscreenCanvas | null = null;

/** At least as large as the region; what is in it does not matter. */
function canvasFor({ columns, rows }: MaskRegion): OffscreenCanvas {
  const [width, height] = [maskCanvas?.width ?? 0, maskCanvas?.height ?? 0];
  if (maskCanvas === null || width < columns || height < rows)
    maskCanvas = new OffscreenCanvas(Math.max(width, columns), Math.max(height, rows));
  return maskCanvas;
}

/** The part of the masks that is in sight, sampled about as finely as the screen shows it; null where nothing is. */
function regionOf(
  labels: readonly CanvasLabel[],
  image: Size,
  shown: BboxXyxy,
  deviceScale: number,
): MaskRegion | null {
  if (labels.length === 0) return null;
  const step = 2 ** Math.max(0, Math.floor(Math.log2(1 / deviceScale)));
  const least = (at: 0 | 1): number => Math.min(...labels.map(({ bounds }) => bounds[at]));
  const most = (at: 2 | 3): number => Math.max(...labels.map(({ bounds }) => bounds[at]));
  // On the grid of the step, so that the samples stay the same ones while the view is moved.
  const down = (value: number): number => Math.floor(value / step) * step;
  const x = Math.max(0, down(Math.max(shown[0], least(0))));
  const y = Math.max(0, down(Math.max(shown[1], least(1))));
  const columns = Math.ceil((Math.min(image.widthPx, shown[2], most(2)) - x) / step);
  const rows = Math.ceil((Math.min(image.heightPx, shown[3], most(3)) - y) / step);
  return columns > 0 && rows > 0 ? { x, y, step, columns, rows } : null;
}

function parseRgb(colour: string): [number, number, number] {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue];
}
