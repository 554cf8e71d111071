/** What the layer of edits draws. */
import type { CanvasLabel } from '../canvas/drawing/canvas-label.ts';
import type { Preview } from '../canvas/editor/types.ts';
import type { Viewport } from '../canvas/viewport.ts';

export interface EditScene {
  viewport: Viewport;
  /** Labels that are selected, as they are now. */
  selected: readonly CanvasLabel[];
  /** Shapes of the gesture in progress. */
  changing: readonly CanvasLabel[];
  hovered: CanvasLabel | null;
  preview: Preview;
  /** Of areas, 0 to 1. */
  opacity: number;
  colours: EditColours;
}

export interface EditColours {
  /** Of the mask that is being painted, 0 to 255 each. */
  mask: readonly [number, number, number];
  /** As a canvas takes it: handles and selected outlines. */
  accent: string;
}
