/** Turned boxes: drag (or click the ends of) one side, then click how wide the box is. */
import type { Shape } from '../../../../src-main/contract/model/annotation.ts';
import type { ImagePoint } from '../../viewport.ts';
import { normaliseDegrees } from '../shape-edits.ts';
import type { Preview, ToolEvent } from '../types.ts';
import type { Tool, ToolContext } from './tool.ts';

type State =
  | { name: 'idle' }
  /** From the first end of the side; `pressed` while the button that began it is down. */
  | { name: 'side'; start: ImagePoint; end: ImagePoint; pressed: boolean }
  | { name: 'width'; start: ImagePoint; end: ImagePoint; to: ImagePoint };

export class RotatedBoxTool implements Tool {
  readonly id = 'rotated-box';
  readonly #context: ToolContext;
  #state: State = { name: 'idle' };

  constructor(context: ToolContext) {
    this.#context = context;
  }

  get state(): string {
    return this.#state.name;
  }

  handle(event: ToolEvent): boolean {
    switch (event.kind) {
      case 'down':
        return event.button === 'secondary' ? this.undoStep() : this.#down(event);
      case 'move': {
        if (this.#state.name === 'side') this.#state = { ...this.#state, end: this.#snap(event) };
        else if (this.#state.name === 'width') this.#state = { ...this.#state, to: event.point };
        return this.#state.name !== 'idle';
      }
      case 'up':
        return event.button === 'primary' && this.#up(event);
      case 'key':
        return event.key === 'Backspace' && this.undoStep();
      default:
        return false;
    }
  }

  cancel(): void {
    this.#state = { name: 'idle' };
  }

  /** From the width back to the side, from the side to nothing. */
  undoStep(): boolean {
    const state = this.#state;
    if (state.name === 'idle') return false;
    this.#state = state.name === 'width' ? { ...state, name: 'side', pressed: false } : { name: 'idle' };
    return true;
  }

  redoStep(): boolean {
    return false;
  }

  preview(): Partial<Preview> {
    const state = this.#state;
    const { categoryId } = this.#context.settings;
    if (state.name === 'idle' || categoryId === null) return { cursor: 'crosshair' };
    const { start, end } = state;
    const path = { points: [start.x, start.y, end.x, end.y], closeable: false };
    if (state.name === 'side') return { cursor: 'crosshair', path };
    const shape = boxOf(state);
    return {
      cursor: 'crosshair',
      shapes: [{ annotationId: null, categoryId, shape }],
      readout: { widthPx: shape.widthPx, heightPx: shape.heightPx, angleDegrees: shape.angleDegrees },
    };
  }

  #down(event: Extract<ToolEvent, { kind: 'down' }>): boolean {
    const state = this.#state;
    if (state.name === 'idle') {
      if (this.#context.settings.categoryId === null) {
        this.#context.notice('Choose a class first: the box needs one.');
        return true;
      }
      const start = this.#snap(event);
      this.#state = { name: 'side', start, end: start, pressed: true };
    } else if (state.name === 'side') {
      this.#state = { ...state, end: this.#snap(event), pressed: true };
    } else {
      this.#state = { ...state, to: event.point };
    }
    return true;
  }

  #up(event: Extract<ToolEvent, { kind: 'up' }>): boolean {
    const state = this.#state;
    if (state.name === 'idle') return false;
    if (state.name === 'side') {
      if (!state.pressed) return true;
      const long = Math.hypot(state.end.x - state.start.x, state.end.y - state.start.y) > event.tolerance / 2;
      this.#state = long ? { ...state, name: 'width', to: state.end } : { ...state, pressed: false };
      return true;
    }
    const shape = boxOf({ ...state, to: event.point });
    // The button that ended the side has come up; a width needs a click of its own.
    if (shape.heightPx <= event.tolerance / 2) return true;
    this.cancel();
    const label = this.#context.newLabel(shape);
    if (label !== null && this.#context.commit('draw turned box', [{ kind: 'add', after: label }])) {
      this.#context.select([label.annotationId]);
    }
    return true;
  }

  #snap({ point, tolerance }: { point: ImagePoint; tolerance: number }): ImagePoint {
    return this.#context.snap(point, tolerance).point;
  }
}

/** The side runs along the box's width; the pointer's distance from it is the height. */
function boxOf({
  start,
  end,
  to,
}: {
  start: ImagePoint;
  end: ImagePoint;
  to: ImagePoint;
}): Extract<Shape, { kind: 'rotated-box' }> {
  const [dx, dy] = [end.x - start.x, end.y - start.y];
  const widthPx = Math.max(Math.hypot(dx, dy), 1e-6);
  const [ux, uy] = [dx / widthPx, dy / widthPx];
  const across = (to.x - start.x) * -uy + (to.y - start.y) * ux;
  return {
    kind: 'rotated-box',
    cx: (start.x + end.x) / 2 - (uy * across) / 2,
    cy: (start.y + end.y) / 2 + (ux * across) / 2,
    widthPx,
    heightPx: Math.max(Math.abs(across), 1e-6),
    angleDegrees: normaliseDegrees((Math.atan2(dy, dx) * 180) / Math.PI),
  };
}
