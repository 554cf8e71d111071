/** Draws the part of the thumbnail grid that is in sight: pictures, captions, and which one has the focus. */
import type { Size } from '../../canvas/viewport.ts';
import { screenPoint } from '../../canvas/viewport.ts';
import type { Thumbnail } from '../../state/thumbnails.svelte.ts';
import { resolveColour, seriesColour } from '../../ui/series-colour.ts';
import { drawLabels, type DrawnLabel } from './draw-labels.ts';

export interface GridCell {
  /** Top left corner, CSS pixels in the view. */
  x: number;
  y: number;
  thumbnail: Thumbnail<CanvasImageSource> | null;
  /** Null while the image is not read. */
  caption: { text: string; palettePlace: number | null } | null;
  /** The image's own size; null while it is not read. */
  image: Size | null;
  labels: readonly DrawnLabel[];
  state: 'plain' | 'hovered' | 'focused';
  selected: boolean;
}

export interface GridScene {
  /** CSS pixels. */
  widthPx: number;
  heightPx: number;
  picturePx: number;
  withCaptions: boolean;
  /** Of labels' areas, 0 to 1; null where labels are not drawn. */
  labelOpacity: number | null;
  cells: readonly GridCell[];
  /** The grid has the keyboard. */
  active: boolean;
  colours: GridColours;
  /** What a person draws to select what is in it, in the view; null while there is none. */
  frame: { x: number; y: number; widthPx: number; heightPx: number } | null;
}

export interface GridColours {
  empty: string;
  text: string;
  strongText: string;
  hover: string;
  focus: string;
  quietFocus: string;
  selection: string;
  onSelection: string;
  font: string;
  ofClass: (palettePlace: number) => string;
}

/** The theme's colours as a canvas needs them; to be read anew when the theme changes. */
export function readGridColours(): GridColours {
  const classes = new Map<string, string>();
  return {
    empty: resolveColour('var(--surface-hover)'),
    text: resolveColour('var(--text-muted)'),
    strongText: resolveColour('var(--text)'),
    hover: resolveColour('var(--border-control)'),
    focus: resolveColour('var(--accent)'),
    quietFocus: resolveColour('var(--text-muted)'),
    selection: resolveColour('var(--accent-fill)'),
    onSelection: resolveColour('var(--on-accent)'),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    ofClass(palettePlace) {
      const css = seriesColour(palettePlace);
      const known = classes.get(css) ?? resolveColour(css);
      classes.set(css, known);
      return known;
    },
  };
}

export function drawGrid(canvas: HTMLCanvasElement, scene: GridScene): void {
  const ratio = window.devicePixelRatio;
  const width = Math.round(scene.widthPx * ratio);
  const height = Math.round(scene.heightPx * ratio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, scene.widthPx, scene.heightPx);
  context.font = scene.colours.font;
  context.textBaseline = 'middle';
  for (const cell of scene.cells) drawCell(context, scene, cell);
  if (scene.frame !== null) drawSelectionFrame(context, scene.frame, scene.colours);
}

function drawCell(context: CanvasRenderingContext2D, scene: GridScene, cell: GridCell): void {
  if (cell.thumbnail === null) {
    context.fillStyle = scene.colours.empty;
    context.fillRect(cell.x, cell.y, scene.picturePx, scene.picturePx);
  } else {
    drawThumbnail(context, scene.picturePx, cell, cell.thumbnail);
  }
  drawCellLabels(context, scene, cell);
  if (scene.withCaptions && cell.caption !== null) drawCaption(context, scene, cell, cell.caption);
  if (cell.selected) drawSelected(context, scene, cell);
  if (cell.state !== 'plain') drawFrame(context, scene, cell);
}

/** As large as fits the square, in the middle of it. */
function drawThumbnail(
  context: CanvasRenderingContext2D,
  picturePx: number,
  cell: GridCell,
  thumbnail: Thumbnail<CanvasImageSource>,
): void {
  const scale = picturePx / Math.max(thumbnail.widthPx, thumbnail.heightPx);
  const width = thumbnail.widthPx * scale;
  const height = thumbnail.heightPx * scale;
  const isReduced = cell.image !== null && cell.image.widthPx > thumbnail.widthPx;
  context.imageSmoothingEnabled = isReduced || scale * window.devicePixelRatio < 1;
  context.drawImage(
    thumbnail.picture,
    thumbnail.x,
    thumbnail.y,
    thumbnail.widthPx,
    thumbnail.heightPx,
    cell.x + (picturePx - width) / 2,
    cell.y + (picturePx - height) / 2,
    width,
    height,
  );
}

const labelLinePx = 1.25;

function drawCellLabels(context: CanvasRenderingContext2D, scene: GridScene, { x, y, image, labels }: GridCell): void {
  const { picturePx, labelOpacity, colours } = scene;
  if (labelOpacity === null || image === null || labels.length === 0) return;
  const scale = picturePx / Math.max(image.widthPx, image.heightPx);
  const width = image.widthPx * scale;
  const height = image.heightPx * scale;
  const origin = screenPoint(x + (picturePx - width) / 2, y + (picturePx - height) / 2);
  context.save();
  context.beginPath();
  context.rect(origin.x, origin.y, width, height);
  context.clip();
  drawLabels(context, { scale, origin }, { labels, opacity: labelOpacity, colourOf: colours.ofClass }, labelLinePx);
  context.restore();
}

const captionMiddlePx = 10;
const dotPx = 7;

function drawCaption(
  context: CanvasRenderingContext2D,
  { picturePx, colours }: GridScene,
  cell: GridCell,
  { text, palettePlace }: NonNullable<GridCell['caption']>,
): void {
  const middle = cell.y + picturePx + captionMiddlePx;
  const left = cell.x + 2 + (palettePlace === null ? 0 : dotPx + 5);
  if (palettePlace !== null) {
    context.fillStyle = colours.ofClass(palettePlace);
    context.beginPath();
    context.arc(cell.x + 2 + dotPx / 2, middle, dotPx / 2, 0, 2 * Math.PI);
    context.fill();
  }
  context.fillStyle = cell.state === 'focused' ? colours.strongText : colours.text;
  context.fillText(fitText(context, text, cell.x + picturePx - left), left, middle);
}

/** By the room, then the text: measuring text for every frame would take longer than all the rest. */
const fitted = new Map<string, string>();
const keptTexts = 5000;

/** The text, or its beginning with an ellipsis. */
function fitText(context: CanvasRenderingContext2D, text: string, roomPx: number): string {
  const key = `${context.font} ${Math.floor(roomPx)} ${text}`;
  const known = fitted.get(key);
  if (known !== undefined) return known;
  if (fitted.size >= keptTexts) fitted.clear();
  const fitting = beginningThatFits(context, text, roomPx);
  fitted.set(key, fitting);
  return fitting;
}

function beginningThatFits(context: CanvasRenderingContext2D, text: string, roomPx: number): string {
  if (context.measureText(text).width <= roomPx) return text;
  // Between a length that fits (a single letter is taken in any case) and one that does not.
  let [fits, fails] = [1, text.length];
  while (fails - fits > 1) {
    const length = Math.floor((fits + fails) / 2);
    if (context.measureText(`${text.slice(0, length)}…`).width > roomPx) fails = length;
    else fits = length;
  }
  return `${text.slice(0, fits).trimEnd()}…`;
}

const tickPx = 18;

/** A frame and a tick: never the colour alone. */
function drawSelected(context: CanvasRenderingContext2D, { picturePx, colours }: GridScene, { x, y }: GridCell): void {
  context.lineWidth = 3;
  context.strokeStyle = colours.selection;
  context.strokeRect(x + 1.5, y + 1.5, picturePx - 3, picturePx - 3);
  const side = Math.min(tickPx, picturePx / 2);
  context.fillStyle = colours.selection;
  context.fillRect(x, y, side, side);
  context.beginPath();
  context.moveTo(x + side * 0.25, y + side * 0.52);
  context.lineTo(x + side * 0.43, y + side * 0.7);
  context.lineTo(x + side * 0.76, y + side * 0.32);
  context.lineWidth = Math.max(1, side / 9);
  context.strokeStyle = colours.onSelection;
  context.stroke();
}

function drawSelectionFrame(
  context: CanvasRenderingContext2D,
  { x, y, widthPx, heightPx }: NonNullable<GridScene['frame']>,
  { selection }: GridColours,
): void {
  context.fillStyle = selection;
  context.globalAlpha = 0.15;
  context.fillRect(x, y, widthPx, heightPx);
  context.globalAlpha = 1;
  context.lineWidth = 1;
  context.strokeStyle = selection;
  context.strokeRect(x + 0.5, y + 0.5, widthPx, heightPx);
}

function drawFrame(context: CanvasRenderingContext2D, { picturePx, colours, active }: GridScene, cell: GridCell): void {
  const focused = cell.state === 'focused';
  const line = focused ? 2 : 1;
  context.lineWidth = line;
  context.strokeStyle = focused ? (active ? colours.focus : colours.quietFocus) : colours.hover;
  const outset = line / 2 + (focused ? 0 : 0.5);
  context.strokeRect(cell.x - outset, cell.y - outset, picturePx + 2 * outset, picturePx + 2 * outset);
}
