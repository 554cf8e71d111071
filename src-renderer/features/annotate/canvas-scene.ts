/**
 * The canvases of the editor, one above the other: the image, the labels that nobody edits, and what is being edited.
 * Draws once a frame, and only the layers that something changed on.
 */
import { EditLayer } from '../../canvas-konva/edit-layer.ts';
import type { EditScene } from '../../canvas-konva/edit-scene.ts';
import type { LabelStyle } from '../../canvas/drawing/canvas-label.ts';
import type { Picture } from '../../canvas/drawing/picture.ts';
import { LabelLayer } from '../../canvas/drawing/label-layer.ts';
import { drawNames, mostNames } from '../../canvas/drawing/label-names.ts';
import { drawPixelLines } from '../../canvas/drawing/pixel-lines.ts';
import type { Size, Viewport } from '../../canvas/viewport.ts';
import type { Draw } from '../results/overlay-drawing.ts';

export interface SceneLook {
  style: LabelStyle;
  labelsShown: boolean;
  namesShown: boolean;
  pixelLines: boolean;
  nameOf: (id: number) => string;
}

type Part = 'image' | 'labels' | 'edit';

export interface SceneElements {
  image: HTMLCanvasElement;
  labels: HTMLCanvasElement;
  edit: HTMLDivElement;
}

export class CanvasScene {
  readonly labels: LabelLayer;
  readonly #elements: SceneElements;
  readonly #edit: EditLayer;
  readonly #fontFamily: string;
  readonly #stale = new Set<Part>();
  #frame = 0;
  #picture: Picture | null = null;
  /** The picture that was drawn last. */
  #shown: Picture | null = null;
  #view: Size = { widthPx: 1, heightPx: 1 };
  #ratio = 1;
  /** The canvases have to take the view's size. */
  #isResized = false;
  #viewport: Viewport | null = null;
  #look: SceneLook | null = null;
  /** Instead of the labels. */
  #comparison: Draw | null = null;
  /** Made when it is drawn: a gesture changes it many times a frame. */
  #editScene: (() => Omit<EditScene, 'viewport'> | null) | null = null;

  constructor(elements: SceneElements) {
    this.#elements = elements;
    this.#edit = new EditLayer(elements.edit);
    this.#fontFamily = getComputedStyle(document.body).fontFamily;
    const worker = new Worker(new URL('../../canvas/drawing/label-worker.ts', import.meta.url), { type: 'module' });
    this.labels = new LabelLayer(worker, () => this.redraw('labels'));
  }

  /** Null while the image is being decoded. */
  setPicture(picture: Picture | null): void {
    this.#picture = picture;
    this.redraw('image', 'labels');
  }

  /** Takes effect with the next frame, in which everything is drawn again. */
  resize(view: Size, ratio: number): void {
    this.#view = view;
    this.#ratio = ratio;
    this.#isResized = true;
    this.redraw('image', 'labels', 'edit');
  }

  setViewport(viewport: Viewport): void {
    this.#viewport = viewport;
    this.redraw('image', 'labels', 'edit');
  }

  setLook(look: SceneLook): void {
    this.#look = look;
    this.redraw('image', 'labels', 'edit');
  }

  /** What is drawn instead of the labels; null: the labels. */
  setComparison(draw: Draw | null): void {
    if (draw === this.#comparison) return;
    this.#comparison = draw;
    this.redraw('labels');
  }

  setEditScene(scene: () => Omit<EditScene, 'viewport'> | null): void {
    this.#editScene = scene;
    this.redraw('edit');
  }

  redraw(...parts: Part[]): void {
    for (const part of parts) this.#stale.add(part);
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.labels.dispose();
    this.#edit.destroy();
  }

  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const [viewport, look] = [this.#viewport, this.#look];
    if (viewport === null || look === null) return;
    if (this.#isResized) this.#fitCanvases();
    const stale = new Set(this.#stale);
    this.#stale.clear();
    if (stale.has('image')) this.#drawImage(viewport, look);
    if (stale.has('labels')) this.#drawLabels(viewport, look);
    if (stale.has('edit')) this.#drawEdit(viewport);
  }

  #fitCanvases(): void {
    this.#isResized = false;
    for (const canvas of [this.#elements.image, this.#elements.labels]) {
      canvas.width = Math.round(this.#view.widthPx * this.#ratio);
      canvas.height = Math.round(this.#view.heightPx * this.#ratio);
    }
    this.#edit.resize(this.#view, this.#ratio);
  }

  #drawImage(viewport: Viewport, { pixelLines }: SceneLook): void {
    const context = this.#cleared(this.#elements.image);
    if (context === null || this.#picture === null) return;
    const seen = { viewport, view: this.#view, ratio: this.#ratio };
    this.#picture.draw(context, seen, () => this.redraw('image'));
    if (this.#shown !== this.#picture) {
      this.#shown = this.#picture;
      performance.mark('annotate.image'); // for the bench
    }
    if (pixelLines) drawPixelLines(context, viewport, this.#view, this.#picture.size);
  }

  #drawLabels(viewport: Viewport, { style, labelsShown, namesShown, nameOf }: SceneLook): void {
    const context = this.#cleared(this.#elements.labels);
    if (context === null || this.#picture === null || !labelsShown) return;
    if (this.#comparison !== null) return this.#comparison(context, viewport, this.#picture.size);
    this.labels.draw(context, { viewport, view: this.#view, ratio: this.#ratio, style });
    if (!namesShown) return;
    const inSight = this.labels.inSight(viewport, this.#view, mostNames);
    if (inSight !== null) drawNames(context, viewport, inSight, nameOf, this.#fontFamily);
  }

  #drawEdit(viewport: Viewport): void {
    const scene = this.#editScene?.() ?? null;
    if (scene !== null) this.#edit.draw({ ...scene, viewport });
  }

  #cleared(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
    const context = canvas.getContext('2d');
    context?.setTransform(1, 0, 0, 1, 0, 0);
    context?.clearRect(0, 0, canvas.width, canvas.height);
    context?.scale(this.#ratio, this.#ratio);
    return context;
  }
}
