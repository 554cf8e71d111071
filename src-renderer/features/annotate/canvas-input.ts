/**
 * Turns the pointer, the wheel and keys over the canvas into events of the editor core. Zooming and moving the view stay
 * here. With the arrow keys a cursor of its own takes the pointer's place: Enter presses and lets go, so that everything
 * that is drawn by mouse can be drawn by keyboard.
 */
import type { AnnotationId } from '../../../src-main/contract/model/ids.ts';
import type { Editor } from '../../canvas/editor/editor.ts';
import type { Modifiers, ToolEvent } from '../../canvas/editor/types.ts';
import {
  imagePoint,
  screenPoint,
  toImage,
  toScreen,
  type ImagePoint,
  type ScreenPoint,
} from '../../canvas/viewport.ts';
import type { AnnotateView } from '../../state/annotate-view.svelte.ts';

/** How near counts as "on it". */
const tolerancePx = 6;
const pressedByMouse = 0.5;
const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
/** Tools that draw from a first click to later ones; for the others Enter presses the button down until the next Enter. */
const clickingTools = new Set(['polygon', 'cut-hole', 'split', 'keypoints', 'wand', 'fill']);

type Pressed = { button: 'primary' | 'secondary' | 'pan'; pointerId: number; at: ScreenPoint };

export class CanvasInput {
  readonly #editor: Editor;
  readonly #view: AnnotateView;
  readonly #onpan: (panning: boolean) => void;
  #pressed: Pressed | null = null;
  #spaceHeld = false;
  #forMenu: AnnotationId | null | undefined = undefined;
  /** Where the keyboard pressed or clicked last, while it has the pointer's place. */
  #keyboard: { isDown: boolean; clickedAt: ImagePoint | null } | null = null;

  /** `onpan`: whether the next drag moves the view, for the cursor. */
  constructor(editor: Editor, view: AnnotateView, onpan: (panning: boolean) => void) {
    this.#editor = editor;
    this.#view = view;
    this.#onpan = onpan;
  }

  readonly onpointerdown = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    if (this.#pressed !== null) return;
    event.currentTarget.focus({ preventScroll: true });
    event.currentTarget.setPointerCapture(event.pointerId);
    this.#keyboard = null;
    const at = localPoint(event);
    const isPan = event.button === 1 || (event.button === 0 && this.#spaceHeld);
    if (isPan) {
      event.preventDefault();
      this.#pressed = { button: 'pan', pointerId: event.pointerId, at };
      this.#onpan(true);
      return;
    }
    if (event.button !== 0 && event.button !== 2) return;
    const button = event.button === 0 ? 'primary' : 'secondary';
    this.#pressed = { button, pointerId: event.pointerId, at };
    const facts = this.#facts(event, at);
    const isFree = button === 'secondary' && this.#editor.isIdle;
    this.#forMenu = isFree ? (this.#editor.hitTest(facts.point, facts.tolerance)?.annotationId ?? null) : undefined;
    this.#editor.handle({ kind: 'down', button, ...facts });
  };

  /** The label under the last press of the second button, null beside all; undefined where the press went to a gesture. */
  pressedForMenu(): AnnotationId | null | undefined {
    return this.#forMenu;
  }

  readonly onpointermove = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    const pressed = this.#pressed;
    const at = localPoint(event);
    if (pressed?.button === 'pan') {
      this.#view.panBy(at.x - pressed.at.x, at.y - pressed.at.y);
      this.#pressed = { ...pressed, at };
      return;
    }
    this.#keyboard = null;
    this.#view.pointer = toImage(this.#view.viewport, at);
    // A fast stroke has more points than frames.
    const points = pressed === null ? [] : event.getCoalescedEvents();
    const box = points.length > 1 ? event.currentTarget.getBoundingClientRect() : null;
    for (const point of points.slice(0, -1)) {
      const place = screenPoint(point.clientX - (box?.left ?? 0), point.clientY - (box?.top ?? 0));
      this.#editor.handle({ kind: 'move', ...this.#facts(point, place) });
    }
    this.#editor.handle({ kind: 'move', ...this.#facts(event, at) });
  };

  readonly onpointerup = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    const pressed = this.#pressed;
    if (pressed === null || pressed.pointerId !== event.pointerId) return;
    this.#pressed = null;
    if (pressed.button === 'pan') this.#onpan(this.#spaceHeld);
    else this.#editor.handle({ kind: 'up', button: pressed.button, ...this.#facts(event, localPoint(event)) });
  };

  /** The system took the pointer away in the middle of a gesture. */
  readonly onpointercancel = (): void => {
    if (this.#pressed !== null && this.#pressed.button !== 'pan') this.#editor.handle({ kind: 'cancel' });
    this.#pressed = null;
    this.#onpan(false);
  };

  readonly onpointerleave = (): void => {
    if (this.#pressed === null && this.#keyboard === null) this.#view.pointer = null;
  };

  readonly ondblclick = (event: MouseEvent & { currentTarget: HTMLElement }): void => {
    this.#editor.handle({ kind: 'double', ...this.#facts({ ...modifiersOf(event), pressure: 0 }, localPoint(event)) });
  };

  readonly onwheel = (event: WheelEvent & { currentTarget: HTMLElement }): void => {
    event.preventDefault();
    const at = localPoint(event);
    const facts = this.#facts({ ...modifiersOf(event), pressure: 0 }, at);
    // Ctrl with the wheel is how a touchpad's pinch arrives.
    if (!event.ctrlKey && this.#editor.handle({ kind: 'wheel', deltaY: event.deltaY, ...facts })) return;
    const linePx = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (event.shiftKey) this.#view.panBy(-(event.deltaX || event.deltaY) * linePx, 0);
    else this.#view.zoomBy(Math.exp(-event.deltaY * linePx * (event.ctrlKey ? 0.01 : 0.002)), at);
  };

  readonly onkeydown = (event: KeyboardEvent): void => {
    if (event.key === ' ' && !event.ctrlKey && !event.altKey && !event.metaKey) {
      this.#spaceHeld = true;
      this.#onpan(true);
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey) return;
    if (this.#handleKey(event)) event.preventDefault();
  };

  readonly onkeyup = (event: KeyboardEvent): void => {
    if (event.key !== ' ' || !this.#spaceHeld) return;
    this.#spaceHeld = false;
    if (this.#pressed === null) this.#onpan(false);
  };

  readonly onblur = (): void => {
    this.#spaceHeld = false;
    this.#onpan(false);
    if (this.#keyboard?.isDown === true) this.#editor.handle({ kind: 'cancel' });
    this.#keyboard = null;
  };

  #handleKey(event: KeyboardEvent): boolean {
    const editor = this.#editor;
    const arrow = arrows[event.key];
    if (event.key === 'Escape') {
      this.#keyboard = null;
      if (!editor.isIdle) return editor.handle({ kind: 'cancel' });
      if (editor.selection.size === 0) return false;
      editor.select([]);
      return true;
    }
    if (arrow !== undefined) return this.#handleArrow(event, arrow);
    if (event.key === 'Enter' && this.#keyboard !== null) return this.#pressByKey(modifiersOf(event));
    const meant = ['Enter', 'Backspace', 'Delete', '[', ']', 'n'].includes(event.key);
    return meant && editor.handle({ kind: 'key', key: event.key, ...modifiersOf(event) });
  }

  #handleArrow(event: KeyboardEvent, [dx, dy]: readonly [number, number]): boolean {
    const editor = this.#editor;
    const far = event.shiftKey ? 10 : 1;
    if (editor.isIdle && editor.selection.size > 0 && editor.tool === 'select') {
      if (event.altKey) return this.#resizeByKey(dx * far, dy * far);
      return editor.handle({ kind: 'key', key: event.key, ...modifiersOf(event) });
    }
    if (event.altKey) return false;
    this.#moveCursor(dx * far * (event.repeat ? 4 : 1), dy * far * (event.repeat ? 4 : 1), modifiersOf(event));
    return true;
  }

  /** Drags the handle at the lower right by so many image pixels. */
  #resizeByKey(dx: number, dy: number): boolean {
    const handle = this.#editor.preview.handles.find(({ kind }) => kind === 'se');
    if (handle === undefined) return false;
    const from = imagePoint(handle.x, handle.y);
    const to = imagePoint(handle.x + dx, handle.y + dy);
    const facts = { shift: false, alt: false, ctrl: false, tolerance: this.#tolerance, pressure: pressedByMouse };
    this.#editor.handle({ kind: 'down', button: 'primary', point: from, ...facts });
    this.#editor.handle({ kind: 'move', point: to, ...facts });
    this.#editor.handle({ kind: 'up', button: 'primary', point: to, ...facts });
    return true;
  }

  /** Whole image pixels, but no less than one of the screen. */
  #moveCursor(dx: number, dy: number, modifiers: Modifiers): void {
    const view = this.#view;
    this.#keyboard ??= { isDown: false, clickedAt: null };
    const stepPx = Math.max(1, Math.round(1 / view.viewport.scale));
    const from = view.pointer ?? toImage(view.viewport, view.middle);
    const within = (value: number, most: number): number => Math.min(most, Math.max(0, Math.round(value)));
    const point = imagePoint(
      within(from.x + dx * stepPx, view.image.widthPx),
      within(from.y + dy * stepPx, view.image.heightPx),
    );
    view.pointer = point;
    const at = toScreen(view.viewport, point);
    const isOutside = at.x < 0 || at.y < 0 || at.x > view.view.widthPx || at.y > view.view.heightPx;
    if (isOutside) view.centreOn(point);
    this.#editor.handle({ kind: 'move', ...this.#keyFacts(point, modifiers) });
  }

  /** Enter at the same place again ends what is drawn, as it does with the mouse. */
  #pressByKey(modifiers: Modifiers): boolean {
    const point = this.#view.pointer;
    const keyboard = this.#keyboard;
    if (point === null || keyboard === null) return false;
    const facts = this.#keyFacts(point, modifiers);
    const { x, y } = keyboard.clickedAt ?? { x: NaN, y: NaN };
    if (!this.#editor.isIdle && !keyboard.isDown && x === point.x && y === point.y) {
      this.#keyboard = { isDown: false, clickedAt: null };
      return this.#editor.handle({ kind: 'key', key: 'Enter', ...modifiers });
    }
    const clicks = clickingTools.has(this.#editor.tool) || this.#editor.tool === 'select';
    if (!keyboard.isDown) this.#editor.handle({ kind: 'down', button: 'primary', ...facts });
    if (clicks || keyboard.isDown) this.#editor.handle({ kind: 'up', button: 'primary', ...facts });
    this.#keyboard = { isDown: !clicks && !keyboard.isDown, clickedAt: point };
    return true;
  }

  get #tolerance(): number {
    return tolerancePx / this.#view.viewport.scale;
  }

  #keyFacts(point: ImagePoint, modifiers: Modifiers) {
    return { point, tolerance: this.#tolerance, pressure: pressedByMouse, ...modifiers };
  }

  #facts(
    event: Pick<PointerEvent, 'pressure'> & (Modifiers | PointerEvent),
    at: ScreenPoint,
  ): Omit<Extract<ToolEvent, { kind: 'move' }>, 'kind'> {
    const modifiers = 'shiftKey' in event ? modifiersOf(event) : event;
    const { shift, alt, ctrl } = modifiers;
    const { pressure } = event;
    return {
      point: toImage(this.#view.viewport, at),
      tolerance: this.#tolerance,
      pressure: pressure === 0 ? pressedByMouse : pressure,
      shift,
      alt,
      ctrl,
    };
  }
}

function localPoint(event: MouseEvent & { currentTarget: HTMLElement }): ScreenPoint {
  const box = event.currentTarget.getBoundingClientRect();
  return screenPoint(event.clientX - box.left, event.clientY - box.top);
}

function modifiersOf(event: { shiftKey: boolean; altKey: boolean; ctrlKey: boolean; metaKey: boolean }): Modifiers {
  return { shift: event.shiftKey, alt: event.altKey, ctrl: event.ctrlKey || event.metaKey };
}
