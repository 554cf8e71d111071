/** What a run says of an image, and what is true of it, as functions that draw them over the image. */
import type { DetectionSettings, ImageMasks } from '../../../src-main/contract/model/run-results.ts';
import type { TrainedClass } from '../../../src-main/contract/model/trained-classes.ts';
import type { Size, Viewport } from '../../canvas/viewport.ts';
import { shownBoxes } from '../../../src-main/contract/model/box-matching.ts';
import type { Overlay } from '../../state/run-overlay.svelte.ts';
import { drawBoxes, type DrawnBox } from './box-drawing.ts';
import { drawOver, maskPixels, pictureOf, type Rgb } from './mask-pictures.ts';
import { maskOf } from './mask-drawing.ts';
import { poseOf } from './pose-drawing.ts';

/** `image`: its size. */
export type Draw = (context: CanvasRenderingContext2D, viewport: Viewport, image: Size) => void;

export interface OverlayStyle {
  /** In the order of the network's classes; null: not drawn. */
  colours: readonly (Rgb | null)[];
  names: readonly string[];
  /** Lines between the points of each class's objects. */
  edges?: readonly TrainedClass['edges'][];
  /** Of masks. */
  opacity: number;
  /** Of detections. */
  settings: DetectionSettings;
}

const nothing: Draw = () => {};

function drawMask(mask: Uint8Array | null, { widthPx, heightPx, placement }: ImageMasks, style: OverlayStyle): Draw {
  if (mask === null) return nothing;
  const picture = pictureOf(maskPixels(mask, style.colours), widthPx, heightPx);
  return (context, viewport, image) => drawOver(context, viewport, picture, placement, style.opacity, image);
}

const cssOf = (colour: Rgb | null | undefined): string => (colour ? `rgb(${colour.join(' ')})` : '#fff');

export function drawPrediction(overlay: Overlay | null, style: OverlayStyle): Draw {
  if (overlay?.kind === 'masks') return drawMask(overlay.masks.predicted, overlay.masks, style);
  if (overlay?.kind !== 'boxes') return nothing;
  const { head } = overlay.boxes;
  const boxes = shownBoxes(overlay.boxes, style.settings).detections.map(
    ({ bboxXyxy, category, score, outcome, index }): DrawnBox => ({
      bboxXyxy,
      colour: cssOf(style.colours[category]),
      text: `${style.names[category] ?? ''} ${score.toFixed(2)}`,
      dashed: outcome !== 'right',
      pose: poseOf(head, 'candidates', index, style.edges?.[category]),
      mask: maskOf(head, 'candidates', index, style.colours[category]),
    }),
  );
  return (context, viewport) => drawBoxes(context, viewport, boxes);
}

export function drawTruth(overlay: Overlay | null, style: OverlayStyle): Draw {
  if (overlay?.kind === 'masks') return drawMask(overlay.masks.groundTruth, overlay.masks, style);
  if (overlay?.kind !== 'boxes') return nothing;
  const { head } = overlay.boxes;
  const boxes = shownBoxes(overlay.boxes, style.settings).objects.map(({ bboxXyxy, category, index }): DrawnBox => ({
    bboxXyxy,
    colour: cssOf(style.colours[category]),
    text: style.names[category] ?? '',
    dashed: false,
    pose: poseOf(head, 'objects', index, style.edges?.[category]),
    mask: maskOf(head, 'objects', index, style.colours[category]),
  }));
  return (context, viewport) => drawBoxes(context, viewport, boxes);
}

/** The first left of the divider (0 to 1 of the view's width), the second right of it. */
export function drawSwipe(first: Draw, second: Draw, divider: number): Draw {
  return (context, viewport, image) => {
    const { width, height } = context.canvas;
    const ratio = context.getTransform().a;
    const [widthPx, heightPx] = [width / ratio, height / ratio];
    const at = divider * widthPx;
    const half = (from: number, to: number, draw: Draw): void => {
      context.save();
      context.beginPath();
      context.rect(from, 0, to - from, heightPx);
      context.clip();
      draw(context, viewport, image);
      context.restore();
    };
    half(0, at, first);
    half(at, widthPx, second);
    context.fillStyle = 'rgb(0 0 0 / 0.6)';
    context.fillRect(at - 2, 0, 4, heightPx);
    context.fillStyle = '#fff';
    context.fillRect(at - 1, 0, 2, heightPx);
  };
}
