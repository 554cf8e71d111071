/** Draws the labels of one image, largest first, so that small objects stay on top; in large views with their names. */
import { bboxArea } from '../../../src-main/contract/geometry/box.ts';
import type { AnnotationSummary, LabelSketch } from '../../../src-main/contract/model/annotation.ts';
import { drawableBounds, drawShape, shapeCorner, type Drawable } from '../../canvas/draw-shape.ts';
import type { Viewport } from '../../canvas/viewport.ts';
import { palettePlace } from '../../ui/series-colour.ts';
import type { Categories } from './dataset-words.ts';

export interface DrawnLabel {
  shape: Drawable;
  name: string;
  /** Place of its class's colour in the palette. */
  palettePlace: number;
}

export interface LabelScene {
  labels: readonly DrawnLabel[];
  /** Of areas, 0 to 1. */
  opacity: number;
  /** The colour of a class in the theme that holds. */
  colourOf: (palettePlace: number) => string;
}

/** Labels that have a place in the image, in the order of drawing. */
export function drawnLabels(
  labels: readonly { shape: Drawable; categoryId: AnnotationSummary['categoryId'] }[],
  categories: Categories,
): DrawnLabel[] {
  const areaOf = ({ shape }: DrawnLabel): number => {
    const bounds = drawableBounds(shape);
    return bounds === null ? 0 : bboxArea(bounds);
  };
  return labels
    .filter(({ shape }) => shape.kind !== 'classification')
    .map(({ shape, categoryId }) => {
      const category = categories.get(categoryId);
      return { shape, name: category?.name ?? '', palettePlace: category === undefined ? 0 : palettePlace(category) };
    })
    .sort((a, b) => areaOf(b) - areaOf(a));
}

/** What a list tells of a label: its shape, or its box where the shape is too large for a list and there is no sketch yet. */
export function listedShape({ shape, bboxXyxy }: AnnotationSummary, sketch: LabelSketch['sketch'] = null): Drawable {
  if (shape !== undefined) return shape;
  if (sketch !== null) return { kind: 'sketch', ...sketch };
  return bboxXyxy === undefined ? { kind: 'classification' } : { kind: 'bbox', bboxXyxy };
}

export function drawLabels(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  { labels, opacity, colourOf }: LabelScene,
  lineWidthPx: number,
): void {
  for (const { shape, palettePlace: place } of labels) {
    const fillOpacity = shape.kind === 'bbox' ? opacity / 3 : opacity;
    drawShape(context, viewport, shape, { colour: colourOf(place), fillOpacity, lineWidthPx });
  }
}

const nameHeightPx = 16;
const namePaddingPx = 4;

/** The class of each label at its top left corner, where it stays inside the view. */
export function drawNames(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  { labels, colourOf }: LabelScene,
): void {
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  for (const { shape, name, palettePlace: place } of labels) {
    const corner = shapeCorner(viewport, shape);
    if (corner === null || name === '') continue;
    const width = context.measureText(name).width + 2 * namePaddingPx;
    const y = corner.y >= nameHeightPx ? corner.y - nameHeightPx : corner.y;
    context.fillStyle = colourOf(place);
    context.fillRect(corner.x - 1, y, width, nameHeightPx);
    context.fillStyle = '#000';
    context.globalAlpha = 0.35; // Darkens pale and strong colours alike, so that white text can be read.
    context.fillRect(corner.x - 1, y, width, nameHeightPx);
    context.globalAlpha = 1;
    context.fillStyle = '#fff';
    context.fillText(name, corner.x - 1 + namePaddingPx, y + nameHeightPx / 2 + 0.5);
  }
}
