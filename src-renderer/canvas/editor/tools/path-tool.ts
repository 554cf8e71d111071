/**
 * Lines that are drawn point by point, by clicks, freehand, or both in turns: the machine behind polygons, holes, splits
 * and lassos. Undo takes the last click, or the last freehand stretch, back and redo gives it again.
 */
import type { AnnotationId } from '../../../../src-main/contract/model/ids.ts';
import { imagePoint, type ImagePoint } from '../../viewport.ts';
import { simplifyLine } from '../rings.ts';
import { alongBorder, borderPlace, type BorderPlace } from '../shared-borders.ts';
import type { Modifiers, Preview, ToolEvent, ToolId } from '../types.ts';
import type { Tool, ToolContext } from './tool.ts';

interface PathKind {
  readonly id: ToolId;
  /** Of points that a finished line needs. */
  readonly least: number;
  /** A click on the first point ends it. */
  readonly closes: boolean;
  /** Shift puts a point on a neighbour's border, and between two of them goes along it (with Alt the longer way). */
  readonly followsBorders: boolean;
  /** Letting go after a freehand stretch ends it. */
  readonly endsFreehand: boolean;
  /** Whether a line may begin; a notice says why not. */
  readonly mayBegin?: (context: ToolContext, point: ImagePoint) => boolean;
  /** `followed`: labels whose borders the line went along. */
  readonly complete: (context: ToolContext, points: readonly number[], followed: ReadonlySet<AnnotationId>) => void;
}

export class PathTool implements Tool {
  readonly #context: ToolContext;
  readonly #kind: PathKind;
  #points: number[] = [];
  /** How long the line was before each step. */
  #marks: number[] = [];
  #undone: number[][] = [];
  #pointer: ImagePoint | null = null;
  #pressed: { at: ImagePoint; freehand: boolean; closing: boolean } | null = null;
  #guides: Preview['guides'] = [];
  /** Between the last point and the pointer, along a border. */
  #along: readonly number[] = [];
  readonly #followed = new Set<AnnotationId>();
  #tolerance = 0;

  constructor(context: ToolContext, kind: PathKind) {
    this.#context = context;
    this.#kind = kind;
  }

  get id(): ToolId {
    return this.#kind.id;
  }

  get state(): string {
    if (this.#pressed?.freehand) return 'freehand';
    return this.#points.length > 0 ? 'drawing' : 'idle';
  }

  handle(event: ToolEvent): boolean {
    switch (event.kind) {
      case 'down':
        return event.button === 'secondary' ? this.undoStep() : this.#down(event);
      case 'move':
        return this.#move(event);
      case 'up':
        return event.button === 'primary' && this.#up(event.point);
      case 'double':
        return this.#double(event.tolerance);
      case 'key':
        if (event.key === 'Enter' && this.#points.length > 0) return this.#finish();
        return event.key === 'Backspace' && this.undoStep();
      default:
        return false;
    }
  }

  cancel(): void {
    this.#points = [];
    this.#marks = [];
    this.#undone = [];
    this.#pressed = null;
    this.#guides = [];
    this.#along = [];
    this.#followed.clear();
  }

  undoStep(): boolean {
    const mark = this.#marks.pop();
    if (mark === undefined) return false;
    this.#undone.push(this.#points.slice(mark));
    this.#points.length = mark;
    this.#pressed = null;
    if (this.#points.length === 0) this.cancel();
    return true;
  }

  redoStep(): boolean {
    const points = this.#points.length > 0 ? this.#undone.pop() : undefined;
    if (points === undefined) return false;
    this.#marks.push(this.#points.length);
    this.#points.push(...points);
    return true;
  }

  preview(): Partial<Preview> {
    const guides = this.#guides;
    if (this.#points.length === 0) return { cursor: 'crosshair', guides };
    const closeable = this.#pointer !== null && this.#isAtStart(this.#pointer);
    const points =
      this.#pointer === null ? [...this.#points] : [...this.#points, ...this.#along, this.#pointer.x, this.#pointer.y];
    return { cursor: closeable ? 'pointer' : 'crosshair', guides, path: { points, closeable } };
  }

  #down({ point, tolerance, ...modifiers }: Modifiers & { point: ImagePoint; tolerance: number }): boolean {
    this.#tolerance = tolerance;
    const border = this.#borderAt(point, modifiers);
    const at = border === null ? this.#snap(point) : imagePoint(border.x, border.y);
    const along = this.#alongTo(border, modifiers);
    this.#along = [];
    if (this.#points.length === 0 && !(this.#kind.mayBegin?.(this.#context, at) ?? true)) return true;
    const closing = this.#isAtStart(point);
    this.#pressed = { at, freehand: false, closing };
    this.#pointer = at;
    if (closing) return true;
    this.#marks.push(this.#points.length);
    this.#undone = [];
    this.#points.push(...along, at.x, at.y);
    if (border !== null) this.#followed.add(border.label.annotationId);
    return true;
  }

  #move({ point, tolerance, ...modifiers }: Modifiers & { point: ImagePoint; tolerance: number }): boolean {
    this.#tolerance = tolerance;
    const pressed = this.#pressed;
    this.#along = [];
    if (pressed === null || pressed.closing) {
      const border = this.#borderAt(point, modifiers);
      this.#pointer = border === null ? this.#snap(point) : imagePoint(border.x, border.y);
      this.#along = this.#alongTo(border, modifiers);
      return this.#points.length > 0;
    }
    this.#pointer = point;
    const apart = Math.max(0.5, tolerance / 3);
    if (!pressed.freehand && Math.hypot(point.x - pressed.at.x, point.y - pressed.at.y) <= tolerance) return true;
    const [lastX = 0, lastY = 0] = this.#points.slice(-2);
    if (Math.hypot(point.x - lastX, point.y - lastY) < apart) return true;
    if (!pressed.freehand) {
      // A stretch is one step of its own, so that undo leaves the point that it began at.
      this.#marks.push(this.#points.length);
      this.#pressed = { ...pressed, freehand: true };
    }
    this.#points.push(point.x, point.y);
    return true;
  }

  #up(point: ImagePoint): boolean {
    const pressed = this.#pressed;
    this.#pressed = null;
    if (pressed === null) return false;
    if (pressed.closing) return this.#finish();
    if (!pressed.freehand) return true;
    if (this.#points.at(-2) !== point.x || this.#points.at(-1) !== point.y) this.#points.push(point.x, point.y);
    const begin = Math.max(0, (this.#marks.at(-1) ?? 0) - 2);
    const stretch = simplifyLine(this.#points.slice(begin), this.#context.settings.freehandTolerancePx);
    this.#points = [...this.#points.slice(0, begin), ...stretch];
    const last = imagePoint(this.#points.at(-2) ?? 0, this.#points.at(-1) ?? 0);
    if (this.#kind.endsFreehand || this.#isAtStart(last)) return this.#finish();
    return true;
  }

  /** The second click of a double click has added a point where the first one did. */
  #double(tolerance: number): boolean {
    if (this.#points.length === 0) return false;
    const [ax = 0, ay = 0, bx = 0, by = 0] = this.#points.slice(-4);
    if (this.#points.length >= 4 && Math.hypot(ax - bx, ay - by) <= tolerance) this.#points.length -= 2;
    return this.#finish();
  }

  #finish(): boolean {
    const points = this.#points;
    if (points.length < this.#kind.least * 2) {
      this.#context.notice(`This needs ${this.#kind.least} points. Go on, or press Escape.`);
      this.#marks = this.#marks.filter((mark) => mark < points.length);
      return true;
    }
    const followed = new Set(this.#followed);
    this.cancel();
    this.#kind.complete(this.#context, points, followed);
    return true;
  }

  #borderAt(point: ImagePoint, { shift }: Modifiers): BorderPlace | null {
    if (!this.#kind.followsBorders || !shift || this.#isAtStart(point)) return null;
    return borderPlace(this.#context.document, point, this.#tolerance);
  }

  #alongTo(border: BorderPlace | null, { alt }: Modifiers): readonly number[] {
    const [x, y] = this.#points.slice(-2);
    if (border === null || x === undefined || y === undefined) return [];
    return alongBorder(this.#context.document, { x, y }, border, alt) ?? [];
  }

  #isAtStart(point: ImagePoint): boolean {
    if (!this.#kind.closes || this.#points.length < 6) return false;
    return Math.hypot(point.x - (this.#points[0] ?? 0), point.y - (this.#points[1] ?? 0)) <= this.#tolerance;
  }

  #snap(point: ImagePoint): ImagePoint {
    const snapped = this.#context.snap(point, this.#tolerance);
    this.#guides = snapped.guides;
    return snapped.point;
  }
}
