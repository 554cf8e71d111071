/**
 * What is being edited, above everything else: the selection's outlines and handles, and the preview of the gesture in
 * progress. A handful of Konva nodes that are kept; each draws all of its kind, because a polygon may have a thousand
 * vertices. Takes no pointer events: the canvas passes these to the editor core.
 */
import Konva from 'konva';
import { drawOutlines } from '../canvas/drawing/label-outlines.ts';
import { MaskTilePictures } from '../canvas/drawing/mask-tile-pictures.ts';
import type { CanvasLabel } from '../canvas/drawing/canvas-label.ts';
import type { Size } from '../canvas/viewport.ts';
import { drawHandles } from './draw-handles.ts';
import { drawMarks } from './draw-marks.ts';
import type { EditScene } from './edit-scene.ts';

export class EditLayer {
  readonly #stage: Konva.Stage;
  readonly #layer: Konva.Layer;
  readonly #parts: readonly Konva.Shape[];
  #view: Size = { widthPx: 1, heightPx: 1 };
  #scene: EditScene | null = null;
  #mask: MaskTilePictures | null = null;

  constructor(container: HTMLDivElement) {
    this.#stage = new Konva.Stage({ container, width: 1, height: 1, listening: false });
    this.#layer = new Konva.Layer({ listening: false });
    const part = (draw: (context: CanvasRenderingContext2D, scene: EditScene) => void): Konva.Shape =>
      new Konva.Shape({
        listening: false,
        perfectDrawEnabled: false,
        sceneFunc: (context) => this.#scene && draw(context._context, this.#scene),
      });
    this.#parts = [
      part((context, scene) => this.#drawMask(context, scene)),
      part((context, scene) => drawSelection(context, scene)),
      part((context, scene) => drawChanging(context, scene)),
      part((context, scene) => drawMarks(context, scene, this.#view)),
      part((context, scene) => drawHandles(context, scene)),
    ];
    this.#layer.add(...this.#parts);
    this.#stage.add(this.#layer);
  }

  resize(view: Size, ratio: number): void {
    this.#view = view;
    this.#layer.getCanvas().setPixelRatio(ratio);
    this.#stage.size({ width: view.widthPx, height: view.heightPx });
  }

  draw(scene: EditScene): void {
    this.#scene = scene;
    this.#layer.draw();
  }

  destroy(): void {
    this.#setMask(null);
    this.#stage.destroy();
  }

  #setMask(mask: MaskTilePictures | null): void {
    this.#mask?.close();
    this.#mask = mask;
  }

  #drawMask(context: CanvasRenderingContext2D, { preview, viewport, opacity, colours }: EditScene): void {
    if (preview.mask === null) return this.#setMask(null);
    const { tiles } = preview.mask;
    if (this.#mask?.isOf(tiles) !== true) this.#setMask(new MaskTilePictures(tiles, colours.mask));
    const ratio = this.#layer.getCanvas().getPixelRatio();
    this.#mask?.draw(context, viewport, this.#view, ratio, Math.max(opacity, leastMaskOpacity));
  }
}

/** A mask has no outline while it is painted, so that it is never wholly transparent. */
const leastMaskOpacity = 0.35;
const changingLinePx = 2;

function drawSelection(context: CanvasRenderingContext2D, { viewport, selected, hovered, colours }: EditScene): void {
  if (hovered !== null) {
    drawOutlines(context, viewport, [{ ...hovered, dashed: false }], { fillOpacity: 0.15, lineWidthPx: 2.5 });
  }
  // A dark rim under the bright line keeps it visible on any picture.
  const inOneColour = (colour: string): CanvasLabel[] =>
    selected.map((label) => ({ ...outlined(label), colour, dashed: false }));
  drawOutlines(context, viewport, inOneColour('rgb(0 0 0 / 0.55)'), { fillOpacity: 0, lineWidthPx: 4 });
  drawOutlines(context, viewport, inOneColour(colours.accent), { fillOpacity: 0, lineWidthPx: 2 });
}

/** A mask's outline would take its pixels; its box stands for it. */
function outlined(label: CanvasLabel): CanvasLabel {
  return label.shape.kind === 'mask' ? { ...label, shape: { kind: 'bbox', bboxXyxy: [...label.bounds] } } : label;
}

function drawChanging(context: CanvasRenderingContext2D, { viewport, changing, opacity }: EditScene): void {
  const style = { fillOpacity: Math.min(opacity, 0.4), lineWidthPx: changingLinePx };
  drawOutlines(context, viewport, changing.map(outlined), style);
}
