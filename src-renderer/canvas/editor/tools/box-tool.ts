/** Upright boxes, by a drag or by two clicks. Shift makes squares, Alt draws from the middle. */
import type { BboxXyxy } from '../../../../src-main/contract/geometry/box.ts';
import { clipBbox } from '../../../../src-main/contract/geometry/box.ts';
import type { ImagePoint } from '../../viewport.ts';
import { upright } from '../shape-edits.ts';
import type { Modifiers, Preview, ToolEvent } from '../types.ts';
import type { Tool, ToolContext } from './tool.ts';

type State =
  | { name: 'idle' }
  /** Pressed; not moved far enough to be a drag. */
  | { name: 'pointing'; start: ImagePoint; tolerance: number }
  | { name: 'dragging'; start: ImagePoint; box: BboxXyxy }
  /** The first of two clicks is made. */
  | { name: 'second-corner'; start: ImagePoint; box: BboxXyxy; pressed: boolean };

export class BoxTool implements Tool {
  readonly id = 'box';
  readonly #context: ToolContext;
  #state: State = { name: 'idle' };
  #guides: Preview['guides'] = [];

  constructor(context: ToolContext) {
    this.#context = context;
  }

  get state(): string {
    return this.#state.name;
  }

  handle(event: ToolEvent): boolean {
    switch (event.kind) {
      case 'down':
        if (event.button === 'secondary') return this.#abandon();
        return this.#down(event.point, event);
      case 'move':
        return this.#move(event.point, event);
      case 'up':
        return event.button === 'primary' && this.#up(event);
      default:
        return false;
    }
  }

  cancel(): void {
    this.#state = { name: 'idle' };
    this.#guides = [];
  }

  undoStep(): boolean {
    return this.#abandon();
  }

  redoStep(): boolean {
    return false;
  }

  preview(): Partial<Preview> {
    const { categoryId } = this.#context.settings;
    const guides = this.#guides;
    const state = this.#state;
    if (state.name !== 'dragging' && state.name !== 'second-corner') return { cursor: 'crosshair', guides };
    if (categoryId === null) return { cursor: 'not-allowed', guides };
    const [x1, y1, x2, y2] = state.box;
    return {
      cursor: 'crosshair',
      guides,
      shapes: [{ annotationId: null, categoryId, shape: { kind: 'bbox', bboxXyxy: [...state.box] } }],
      readout: { widthPx: x2 - x1, heightPx: y2 - y1 },
    };
  }

  #abandon(): boolean {
    const drawing = this.#state.name !== 'idle';
    this.cancel();
    return drawing;
  }

  #down(point: ImagePoint, { tolerance }: { tolerance: number }): boolean {
    if (this.#state.name === 'second-corner') {
      this.#state = { ...this.#state, pressed: true };
      return true;
    }
    if (this.#context.settings.categoryId === null) {
      this.#context.notice('Choose a class first: the box needs one.');
      return true;
    }
    this.#state = { name: 'pointing', start: this.#snap(point, tolerance), tolerance };
    return true;
  }

  #move(point: ImagePoint, event: Modifiers & { tolerance: number }): boolean {
    const state = this.#state;
    const end = this.#snap(point, event.tolerance);
    if (state.name === 'idle') return false;
    if (state.name === 'pointing') {
      const moved = Math.max(Math.abs(point.x - state.start.x), Math.abs(point.y - state.start.y));
      if (moved > state.tolerance / 2)
        this.#state = { name: 'dragging', start: state.start, box: this.#box(state.start, end, event) };
      return true;
    }
    this.#state = { ...state, box: this.#box(state.start, end, event) };
    return true;
  }

  #up(event: Extract<ToolEvent, { kind: 'up' }>): boolean {
    const state = this.#state;
    switch (state.name) {
      case 'idle':
        return false;
      case 'pointing':
        if (this.#context.settings.boxByClicks) {
          const { x, y } = state.start;
          this.#state = { name: 'second-corner', start: state.start, box: [x, y, x, y], pressed: false };
        } else {
          this.cancel();
        }
        return true;
      case 'second-corner':
        if (!state.pressed) return true;
        return this.#finish(this.#box(state.start, this.#snap(event.point, event.tolerance), event));
      case 'dragging':
        return this.#finish(this.#box(state.start, this.#snap(event.point, event.tolerance), event));
    }
  }

  #finish(box: BboxXyxy): boolean {
    this.cancel();
    const label = this.#context.newLabel({ kind: 'bbox', bboxXyxy: [...box] });
    if (label !== null && this.#context.commit('draw box', [{ kind: 'add', after: label }])) {
      this.#context.select([label.annotationId]);
    }
    return true;
  }

  #snap(point: ImagePoint, tolerance: number): ImagePoint {
    const snapped = this.#context.snap(point, tolerance);
    this.#guides = snapped.guides;
    return snapped.point;
  }

  #box(start: ImagePoint, end: ImagePoint, { shift, alt }: Modifiers): BboxXyxy {
    let [dx, dy] = [end.x - start.x, end.y - start.y];
    if (shift) {
      const side = Math.max(Math.abs(dx), Math.abs(dy));
      [dx, dy] = [side * (dx < 0 ? -1 : 1), side * (dy < 0 ? -1 : 1)];
    }
    const box = upright(
      alt ? [start.x - dx, start.y - dy, start.x + dx, start.y + dy] : [start.x, start.y, start.x + dx, start.y + dy],
    );
    return this.#context.settings.clipToImage ? clipBbox(box, this.#context.document.image) : box;
  }
}
