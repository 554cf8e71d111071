/**
 * Points of a skeleton, one click each in the skeleton's order. Shift marks a point as hidden, the right button or N leaves
 * it out. Enter ends early; what was not placed is "not labelled".
 */
import type { Shape } from '../../../../src-main/contract/model/annotation.ts';
import { imagePoint, type ImagePoint } from '../../viewport.ts';
import type { Preview, ToolEvent } from '../types.ts';
import type { Tool, ToolContext } from './tool.ts';

type Keypoint = Extract<Shape, { kind: 'keypoints' }>['points'][number];

const leftOut: Keypoint = { x: 0, y: 0, visibility: 0 };

export class KeypointsTool implements Tool {
  readonly id = 'keypoints';
  readonly #context: ToolContext;
  #points: Keypoint[] = [];
  #undone: Keypoint[] = [];
  #pointer: ImagePoint | null = null;

  constructor(context: ToolContext) {
    this.#context = context;
  }

  get state(): string {
    return this.#points.length === 0 ? 'idle' : 'placing';
  }

  handle(event: ToolEvent): boolean {
    switch (event.kind) {
      case 'down':
        if (event.button === 'secondary') return this.#points.length > 0 && this.#place(leftOut);
        return this.#click(event.point, event.shift);
      case 'move':
        this.#pointer = event.point;
        return this.#points.length > 0;
      case 'double':
        return this.#points.length > 0;
      case 'key':
        return this.#key(event.key);
      default:
        return false;
    }
  }

  cancel(): void {
    this.#points = [];
    this.#undone = [];
  }

  undoStep(): boolean {
    const last = this.#points.pop();
    if (last === undefined) return false;
    this.#undone.push(last);
    if (this.#points.length === 0) this.cancel();
    return true;
  }

  redoStep(): boolean {
    const next = this.#points.length > 0 ? this.#undone.pop() : undefined;
    if (next === undefined) return false;
    this.#points.push(next);
    return true;
  }

  preview(): Partial<Preview> {
    const { categoryId } = this.#context.settings;
    const readout = this.#readout();
    if (this.#points.length === 0 || categoryId === null) return { cursor: 'crosshair', readout };
    const next: Keypoint[] = this.#pointer === null ? [] : [{ x: this.#pointer.x, y: this.#pointer.y, visibility: 1 }];
    const points = [...this.#points, ...next].slice(0, this.#count());
    return {
      cursor: 'crosshair',
      readout,
      shapes: [{ annotationId: null, categoryId, shape: { kind: 'keypoints', points, bboxXyxy: null } }],
    };
  }

  /** The point that the next click places; null for a class of single points. */
  #readout(): Preview['readout'] {
    const { categoryId } = this.#context.settings;
    const names = (categoryId === null ? null : this.#context.skeletonOf(categoryId))?.points ?? [];
    const place = this.#points.length;
    const name = names[place];
    return name === undefined || names.length < 2 ? null : { point: { name, place, count: names.length } };
  }

  #count(): number {
    const { categoryId } = this.#context.settings;
    return (categoryId === null ? null : this.#context.skeletonOf(categoryId))?.points.length ?? 1;
  }

  #click(point: ImagePoint, hidden: boolean): boolean {
    if (this.#context.settings.categoryId === null) {
      this.#context.notice('Choose a class first: the points need one.');
      return true;
    }
    const { widthPx, heightPx } = this.#context.document.image;
    const at = imagePoint(Math.min(widthPx, Math.max(0, point.x)), Math.min(heightPx, Math.max(0, point.y)));
    return this.#place({ x: at.x, y: at.y, visibility: hidden ? 1 : 2 });
  }

  #place(point: Keypoint): boolean {
    this.#undone = [];
    this.#points.push(point);
    if (this.#points.length >= this.#count()) this.#finish();
    return true;
  }

  #key(key: string): boolean {
    if (this.#points.length === 0) return false;
    if (key === 'Backspace') return this.undoStep();
    if (key === 'n' || key === 'N') return this.#place(leftOut);
    if (key === 'Enter') this.#finish();
    return key === 'Enter';
  }

  #finish(): void {
    const placed = this.#points;
    const missing = Math.max(0, this.#count() - placed.length);
    this.cancel();
    const points = [...placed, ...Array.from({ length: missing }, () => leftOut)];
    const label = this.#context.newLabel({ kind: 'keypoints', points, bboxXyxy: null });
    if (label !== null && this.#context.commit('place points', [{ kind: 'add', after: label }])) {
      this.#context.select([label.annotationId]);
    }
  }
}
