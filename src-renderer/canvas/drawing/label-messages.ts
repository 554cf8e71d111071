/** What the page and label-worker.ts say to each other. */
import type { Size, Viewport } from '../viewport.ts';
import type { CanvasLabel, LabelStyle } from './canvas-label.ts';

export interface PictureWish {
  viewport: Viewport;
  /** CSS pixels. */
  view: Size;
  /** Device pixels a CSS pixel. */
  ratio: number;
  style: LabelStyle;
  /** All labels, or masks only where outlines are quickly drawn by the page itself. */
  content: 'all' | 'masks';
}

export type ToLabelWorker =
  | { kind: 'image'; size: Size }
  | { kind: 'labels'; put: readonly CanvasLabel[]; remove: readonly number[] }
  | { kind: 'draw'; wish: PictureWish };

/** One for each `draw`, in their order. */
export interface DrawnPicture {
  wish: PictureWish;
  picture: ImageBitmap;
}
