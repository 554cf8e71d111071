/**
 * Brush and eraser. The stroke is painted into tiles; labels change when it ends. Shift joins it to the end of the last
 * stroke by a straight line. The wheel with Shift or Alt, and [ and ], set the size.
 */
import type { ImagePoint } from '../../viewport.ts';
import { eachStrokeColumn, type BrushPlace } from '../brush-stamp.ts';
import { hitTest } from '../hit-test.ts';
import { MaskTiles } from '../mask-tiles.ts';
import type { MaskShape } from '../mask-spans.ts';
import { commitErased, commitPainted, paintTarget } from '../painting.ts';
import type { Label, Preview, ToolEvent } from '../types.ts';
import type { Tool, ToolContext } from './tool.ts';

const sizeLimits = { least: 1, most: 1000 };

interface Stroke {
  target: Label | null;
  tiles: MaskTiles;
  last: BrushPlace;
}

export class BrushTool implements Tool {
  readonly id: 'brush' | 'eraser';
  readonly #context: ToolContext;
  #stroke: Stroke | null = null;
  #pointer: ImagePoint | null = null;
  /** Where the last stroke ended. */
  #lastEnd: ImagePoint | null = null;
  /** Tiles of the mask that was painted last, so that the next stroke need not make them again. */
  #kept: { rle: MaskShape['rle']; tiles: MaskTiles } | null = null;

  constructor(context: ToolContext, id: 'brush' | 'eraser') {
    this.#context = context;
    this.id = id;
  }

  get state(): string {
    return this.#stroke === null ? 'idle' : 'painting';
  }

  handle(event: ToolEvent): boolean {
    switch (event.kind) {
      case 'down':
        return event.button === 'primary' && this.#down(event);
      case 'move':
        this.#pointer = event.point;
        if (this.#stroke !== null) this.#paintTo(this.#stroke, this.#place(event));
        return true;
      case 'up':
        return event.button === 'primary' && this.#up();
      case 'wheel':
        return (event.shift || event.alt) && this.#resize(event.deltaY > 0 ? 1 / 1.15 : 1.15);
      case 'key':
        if (event.key === ']') return this.#resize(1.15);
        return event.key === '[' && this.#resize(1 / 1.15);
      default:
        return false;
    }
  }

  cancel(): void {
    this.#stroke?.tiles.bail();
    this.#stroke = null;
  }

  undoStep(): boolean {
    const painting = this.#stroke !== null;
    this.cancel();
    return painting;
  }

  redoStep(): boolean {
    return false;
  }

  preview(): Partial<Preview> {
    const { brush, categoryId } = this.#context.settings;
    const outline = this.#pointer && {
      x: this.#pointer.x,
      y: this.#pointer.y,
      sizePx: brush.sizePx,
      shape: brush.shape,
    };
    const stroke = this.#stroke;
    const shownClass = stroke?.target?.categoryId ?? categoryId;
    if (stroke === null || shownClass === null) return { cursor: 'none', brush: outline };
    const annotationId = stroke.target?.annotationId ?? null;
    return { cursor: 'none', brush: outline, mask: { annotationId, categoryId: shownClass, tiles: stroke.tiles } };
  }

  #down(event: Extract<ToolEvent, { kind: 'down' }>): boolean {
    if (this.#stroke !== null) return true;
    this.#pointer = event.point;
    const target = paintTarget(this.#context) ?? (this.id === 'eraser' ? this.#maskUnder(event) : null);
    if (target === null && this.id === 'eraser') {
      this.#context.notice('There is no mask here. Select the one to erase from.');
      return true;
    }
    if (target === null && this.#context.settings.categoryId === null) {
      this.#context.notice('Choose a class first: the mask needs one.');
      return true;
    }
    const tiles = this.#tilesOf(target);
    tiles.mark();
    const place = this.#place(event);
    const from = event.shift && this.#lastEnd !== null ? { ...place, x: this.#lastEnd.x, y: this.#lastEnd.y } : place;
    this.#stroke = { target, tiles, last: from };
    this.#paintTo(this.#stroke, place);
    return true;
  }

  #up(): boolean {
    const stroke = this.#stroke;
    if (stroke === null) return false;
    this.#stroke = null;
    const { target, tiles, last } = stroke;
    this.#lastEnd = { space: 'image', x: last.x, y: last.y };
    if (tiles.keep() === 0) return true;
    const rle = tiles.toRle();
    this.#kept = { rle, tiles };
    if (this.id === 'brush') commitPainted(this.#context, 'paint', target, rle);
    else if (target !== null) commitErased(this.#context, 'erase', target, rle);
    return true;
  }

  #paintTo(stroke: Stroke, place: BrushPlace): void {
    const value = this.id === 'brush' ? 1 : 0;
    eachStrokeColumn(stroke.last, place, this.#context.settings.brush.shape, (x, first, end) => {
      stroke.tiles.fillColumn(x, first, end, value);
    });
    stroke.last = place;
  }

  #place({ point, pressure }: { point: ImagePoint; pressure: number }): BrushPlace {
    const { brush } = this.#context.settings;
    // A mouse reports 0.5, which is the size that is set; a pen goes from a tenth of it to twice.
    const factor = brush.pressure ? Math.max(0.1, pressure * 2) : 1;
    return { x: point.x, y: point.y, sizePx: brush.sizePx * factor };
  }

  #tilesOf(target: Label | null): MaskTiles {
    if (target?.shape.kind !== 'mask') return new MaskTiles(this.#context.document.image);
    const { rle } = target.shape;
    return this.#kept?.rle === rle ? this.#kept.tiles : MaskTiles.fromRle(rle);
  }

  #maskUnder({ point, tolerance }: { point: ImagePoint; tolerance: number }): Label | null {
    const hit = hitTest(this.#context.document, point, tolerance);
    return hit?.shape.kind === 'mask' ? hit : null;
  }

  #resize(factor: number): boolean {
    const { brush } = this.#context.settings;
    const wanted = brush.sizePx * factor;
    // Small sizes go by whole pixels.
    const sizePx = Math.round(factor > 1 ? Math.max(wanted, brush.sizePx + 1) : Math.min(wanted, brush.sizePx - 1));
    this.#context.set({ brush: { ...brush, sizePx: Math.min(sizeLimits.most, Math.max(sizeLimits.least, sizePx)) } });
    return true;
  }
}
