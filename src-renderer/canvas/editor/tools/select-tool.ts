/**
 * Selecting, moving, resizing, turning, and moving single points. A second click on a selected polygon (or on points)
 * changes between its points and the handles of its box.
 */
import type { BboxXyxy } from '../../../../src-main/contract/geometry/box.ts';
import type { Shape } from '../../../../src-main/contract/model/annotation.ts';
import type { AnnotationId } from '../../../../src-main/contract/model/ids.ts';
import { imagePoint, type ImagePoint } from '../../viewport.ts';
import {
  changeVertex,
  handleAt,
  handleCursor,
  handlesOf,
  isSide,
  resizeShapes,
  turnShapes,
  type HandleMode,
} from '../handles.ts';
import { hitTest } from '../hit-test.ts';
import { nearestOnLine } from '../rings.ts';
import { changeShared, edgesBetween, verticesAt, type SharedPoint } from '../shared-borders.ts';
import { boundsOf, boundsOfAll } from '../shape-bounds.ts';
import { moveInside, moveShape, upright } from '../shape-edits.ts';
import type { Handle, Label, Modifiers, Preview, ToolEvent } from '../types.ts';
import { editableSelection, reshaped, type Tool, type ToolContext } from './tool.ts';

type Moved = { shapes: readonly Shape[]; name: string; readout: Preview['readout'] };

type State =
  | { name: 'idle' }
  /** Pressed on a label. */
  | { name: 'pointing'; start: ImagePoint; again: AnnotationId | null }
  | { name: 'moving'; start: ImagePoint; labels: readonly Label[]; now: Moved }
  /** Pressed on a handle, or pulling it once `now` is there. `shared`: other polygons' points that go with it. */
  | {
      name: 'handle';
      start: ImagePoint;
      handle: Handle;
      labels: readonly Label[];
      shared: readonly SharedPoint[];
      now: Moved | null;
    }
  /** Pressed beside everything. */
  | { name: 'marquee'; start: ImagePoint; box: BboxXyxy; keep: ReadonlySet<AnnotationId> };

export class SelectTool implements Tool {
  readonly id = 'select';
  readonly #context: ToolContext;
  #state: State = { name: 'idle' };
  #mode: HandleMode = 'points';
  /** The vertex that was pressed last. */
  #active: { annotationId: AnnotationId; path: readonly number[] } | null = null;
  #hovered: AnnotationId | null = null;
  #hoveredHandle: Handle | null = null;
  #tolerance = 0;
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
        this.#tolerance = event.tolerance;
        return event.button === 'primary' ? this.#down(event) : this.#selectUnder(event);
      case 'move':
        this.#tolerance = event.tolerance;
        return this.#move(event);
      case 'up':
        return event.button === 'primary' && this.#up(event);
      case 'double':
        return this.#insertAt(event);
      case 'key':
        return this.#key(event);
      default:
        return false;
    }
  }

  cancel(): void {
    this.#state = { name: 'idle' };
    this.#guides = [];
  }

  undoStep(): boolean {
    const busy = this.#state.name !== 'idle';
    this.cancel();
    return busy;
  }

  redoStep(): boolean {
    return false;
  }

  preview(): Partial<Preview> {
    const state = this.#state;
    const now = state.name === 'moving' || state.name === 'handle' ? state.now : null;
    const labels = now === null ? editableSelection(this.#context) : [];
    const shown = now === null || !('labels' in state) ? [] : state.labels;
    return {
      shapes: shown.flatMap(({ annotationId, categoryId }, at) => {
        const shape = now?.shapes[at];
        return shape === undefined ? [] : [{ annotationId, categoryId, shape }];
      }),
      handles: this.#handles(labels),
      guides: this.#guides,
      marquee: state.name === 'marquee' ? state.box : null,
      hovered: state.name === 'idle' ? this.#hovered : null,
      cursor: this.#cursor(labels),
      readout: now?.readout ?? null,
    };
  }

  #handles(labels: readonly Label[]): Handle[] {
    const [only] = labels;
    const active = this.#active !== null && this.#active.annotationId === only?.annotationId ? this.#active.path : null;
    return handlesOf(labels, this.#mode, active, this.#tolerance * 4);
  }

  #cursor(labels: readonly Label[]): Preview['cursor'] {
    if (this.#state.name === 'moving') return 'move';
    const handle = this.#state.name === 'handle' ? this.#state.handle : this.#hoveredHandle;
    if (handle !== null)
      return handleCursor(
        handle,
        labels.map(({ shape }) => shape),
      );
    if (this.#hovered === null) return 'default';
    return this.#context.selection.has(this.#hovered) ? 'move' : 'pointer';
  }

  #down({ point, shift, ctrl, alt, tolerance }: Extract<ToolEvent, { kind: 'down' }>): boolean {
    const { document, selection } = this.#context;
    const labels = editableSelection(this.#context);
    const handle = handleAt(this.#handles(labels), point, tolerance * 1.5);
    if (handle !== null) {
      if (alt && this.#altHandle(handle)) return true;
      this.#active = handle.kind === 'vertex' ? { annotationId: handle.annotationId, path: handle.path ?? [] } : null;
      const shared = ctrl ? [] : this.#sharedWith(handle);
      // With the labels whose points are shared, which change together.
      const all = [...new Set([...labels, ...shared.map(({ label }) => label)])];
      this.#state = { name: 'handle', start: point, handle, labels: all, shared, now: null };
      return true;
    }
    this.#active = null;
    const hit = hitTest(document, point, tolerance);
    if (hit === null) {
      const keep = shift || ctrl ? selection : new Set<AnnotationId>();
      this.#state = { name: 'marquee', start: point, box: [point.x, point.y, point.x, point.y], keep };
      return true;
    }
    const { annotationId } = hit;
    const again = selection.has(annotationId) && selection.size === 1 ? annotationId : null;
    if (shift || ctrl) this.#toggle(annotationId);
    else if (!selection.has(annotationId)) this.#select([annotationId]);
    this.#state = this.#context.selection.has(annotationId)
      ? { name: 'pointing', start: point, again }
      : { name: 'idle' };
    return true;
  }

  #move(event: Extract<ToolEvent, { kind: 'move' }>): boolean {
    const { point, tolerance } = event;
    const state = this.#state;
    const moved = state.name !== 'idle' && Math.hypot(point.x - state.start.x, point.y - state.start.y) > tolerance / 2;
    switch (state.name) {
      case 'idle':
        this.#hover(point, tolerance);
        return false;
      case 'pointing': {
        const labels = editableSelection(this.#context);
        if (moved)
          this.#state = { name: 'moving', start: state.start, labels, now: this.#moved(labels, state.start, event) };
        return true;
      }
      case 'moving':
        this.#state = { ...state, now: this.#moved(state.labels, state.start, event) };
        return true;
      case 'handle':
        if (moved || state.now !== null) this.#state = { ...state, now: this.#pulled(state, event) };
        return true;
      case 'marquee':
        this.#state = { ...state, box: upright([state.start.x, state.start.y, point.x, point.y]) };
        return true;
    }
  }

  #up(event: Extract<ToolEvent, { kind: 'up' }>): boolean {
    const state = this.#state;
    this.cancel();
    switch (state.name) {
      case 'idle':
        return false;
      case 'pointing':
        if (state.again !== null) this.#mode = this.#mode === 'points' ? 'transform' : 'points';
        return true;
      case 'moving':
        this.#commit(state.labels, this.#moved(state.labels, state.start, event));
        break;
      case 'handle':
        if (state.now !== null) this.#commit(state.labels, this.#pulled(state, event));
        else if (state.handle.kind === 'midpoint')
          this.#commit(
            state.labels,
            this.#pulled(state, { ...event, point: imagePoint(state.handle.x, state.handle.y) }),
          );
        break;
      case 'marquee':
        this.#select([...state.keep, ...this.#inside(state.box)]);
        return true;
    }
    this.#guides = [];
    return true;
  }

  #commit(labels: readonly Label[], { shapes, name }: Moved): void {
    const operations = labels.flatMap((label, at) => {
      const shape = shapes[at];
      return shape === undefined || shape === label.shape ? [] : [reshaped(label, shape)];
    });
    this.#context.commit(name, operations);
  }

  #moved(
    labels: readonly Label[],
    start: ImagePoint,
    { point, shift, tolerance }: Modifiers & { point: ImagePoint; tolerance: number },
  ): Moved {
    let [dx, dy] = [point.x - start.x, point.y - start.y];
    if (shift) [dx, dy] = Math.abs(dx) >= Math.abs(dy) ? [dx, 0] : [0, dy];
    const shapes = labels.map(({ shape }) => shape);
    const bounds = boundsOfAll(shapes);
    if (bounds !== null) {
      [dx, dy] = this.#snapMove(
        bounds,
        dx,
        dy,
        tolerance,
        shift,
        new Set(labels.map(({ annotationId }) => annotationId)),
      );
      if (this.#context.settings.clipToImage) [dx, dy] = moveInside(bounds, dx, dy, this.#context.document.image);
    }
    if (shapes.some(({ kind }) => kind === 'mask')) [dx, dy] = [Math.round(dx), Math.round(dy)];
    return { shapes: shapes.map((shape) => moveShape(shape, dx, dy)), name: 'move', readout: null };
  }

  /** The move at which a corner of the box snaps, if one does. */
  #snapMove(
    bounds: BboxXyxy,
    dx: number,
    dy: number,
    tolerance: number,
    straight: boolean,
    except: ReadonlySet<AnnotationId>,
  ): [number, number] {
    this.#guides = [];
    if (straight) return [dx, dy];
    for (const [x, y] of [
      [bounds[0], bounds[1]],
      [bounds[2], bounds[3]],
    ] as const) {
      const { point, guides } = this.#context.snap(imagePoint(x + dx, y + dy), tolerance, except);
      if (point.x === x + dx && point.y === y + dy) continue;
      this.#guides = guides;
      return [point.x - x, point.y - y];
    }
    return [dx, dy];
  }

  #pulled(
    { handle, labels, start, shared }: Extract<State, { name: 'handle' }>,
    event: Modifiers & { point: ImagePoint; tolerance: number },
  ): Moved {
    const shapes = labels.map(({ shape }) => shape);
    if (handle.kind === 'rotate') {
      const turned = turnShapes(shapes, start, event.point, event);
      return { shapes: turned.shapes, name: 'turn', readout: { angleDegrees: turned.degrees } };
    }
    const own = new Set(labels.map(({ annotationId }) => annotationId));
    const snapped = this.#context.snap(event.point, event.tolerance, own);
    this.#guides = snapped.guides;
    if (isSide(handle.kind)) {
      const resized = resizeShapes(shapes, handle.kind, this.#kept(snapped.point), event);
      const [only] = resized;
      const size = only?.kind === 'rotated-box' ? [0, 0, only.widthPx, only.heightPx] : boundsOfAll(resized);
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = size ?? [];
      return { shapes: resized, name: 'resize', readout: { widthPx: x2 - x1, heightPx: y2 - y1 } };
    }
    const to = this.#kept(snapped.point);
    const [only] = shapes;
    if (only?.kind === 'polygon') {
      const insert = handle.kind === 'midpoint';
      const changed = changeVertex(only, handle.path ?? [], { to, insert });
      const others = changeShared(shared, { to, insert });
      const all = labels.map((label) => others.get(label) ?? label.shape);
      if (shared.length === 0) all[0] = changed ?? only;
      return { shapes: all, name: insert ? 'add point' : 'move point', readout: null };
    }
    if (only?.kind === 'keypoints') {
      const points = only.points.map((point, at) => (at === handle.path?.[0] ? { ...point, x: to.x, y: to.y } : point));
      return { shapes: [{ ...only, points }], name: 'move point', readout: null };
    }
    return { shapes, name: 'move point', readout: null };
  }

  /** Alt removes a vertex, and hides or shows a keypoint. */
  #altHandle(handle: Handle): boolean {
    const label = this.#context.document.get(handle.annotationId);
    if (label?.shape.kind === 'polygon' && handle.kind === 'vertex') {
      this.#deleteVertex(label, handle.path ?? []);
      return true;
    }
    if (label?.shape.kind === 'keypoints' && handle.kind === 'keypoint') {
      const { shape } = label;
      const points = shape.points.map((point, at) =>
        at === handle.path?.[0]
          ? { ...point, visibility: point.visibility === 2 ? (1 as const) : (2 as const) }
          : point,
      );
      this.#context.commit('mark point', [reshaped(label, { ...shape, points })]);
      return true;
    }
    return false;
  }

  #deleteVertex(label: Label, path: readonly number[]): void {
    if (label.shape.kind !== 'polygon') return;
    this.#active = null;
    const [part = 0, ring = 0, vertex = 0] = path;
    const rest = changeVertex(label.shape, path, 'delete');
    const points = [label.shape.parts[part]?.outer, ...(label.shape.parts[part]?.holes ?? [])][ring] ?? [];
    const at = { x: points[vertex * 2] ?? NaN, y: points[vertex * 2 + 1] ?? NaN };
    const others = verticesAt(this.#context.document, at).filter((shared) => shared.label !== label);
    this.#context.commit('delete point', [
      rest === null ? { kind: 'remove', before: label } : reshaped(label, rest),
      ...[...changeShared(others, 'delete')].map(([other, shape]) => reshaped(other, shape)),
    ]);
  }

  /** Points that are the same as a handle's, its own among them; none where no other label has it. */
  #sharedWith({ kind, annotationId, path, x, y }: Handle): SharedPoint[] {
    const { document } = this.#context;
    const label = document.get(annotationId);
    if (label?.shape.kind !== 'polygon' || path === undefined) return [];
    const [part = 0, ring = 0, vertex = 0] = path;
    const points = [label.shape.parts[part]?.outer, ...(label.shape.parts[part]?.holes ?? [])][ring] ?? [];
    const at = (place: number): ImagePoint =>
      imagePoint(points[(place * 2) % points.length] ?? NaN, points[(place * 2 + 1) % points.length] ?? NaN);
    const found =
      kind === 'vertex'
        ? verticesAt(document, { x, y })
        : kind === 'midpoint'
          ? edgesBetween(document, at(vertex), at(vertex + 1))
          : [];
    return found.length > 1 ? found : [];
  }

  /** A double click on a polygon's line adds a point there. */
  #insertAt({ point, tolerance }: Extract<ToolEvent, { kind: 'double' }>): boolean {
    const labels = editableSelection(this.#context);
    const [label] = labels;
    if (labels.length !== 1 || label?.shape.kind !== 'polygon') return false;
    // The first click of the two has changed to the box's handles.
    this.#mode = 'points';
    if (handleAt(this.#handles(labels), point, tolerance) !== null) return false;
    for (const [part, { outer, holes }] of label.shape.parts.entries()) {
      for (const [ring, line] of [outer, ...holes].entries()) {
        const near = nearestOnLine(line, point.x, point.y, true);
        if (near === null || near.distance > tolerance) continue;
        const changed = changeVertex(label.shape, [part, ring, near.segment], {
          to: imagePoint(near.x, near.y),
          insert: true,
        });
        return changed !== null && this.#context.commit('add point', [reshaped(label, changed)]);
      }
    }
    return false;
  }

  #key({ key, shift }: Extract<ToolEvent, { kind: 'key' }>): boolean {
    if (this.#state.name !== 'idle') return false;
    const labels = editableSelection(this.#context);
    if (labels.length === 0) return false;
    if (key === 'Delete' || key === 'Backspace') {
      const [only] = labels;
      // A point that is not shown, as with several labels selected, is not what is meant.
      const isPoint =
        labels.length === 1 && this.#mode === 'points' && only?.annotationId === this.#active?.annotationId;
      if (isPoint && only !== undefined && this.#active !== null) {
        this.#deleteVertex(only, this.#active.path);
      } else {
        this.#context.commit(
          'delete',
          labels.map((before) => ({ kind: 'remove', before })),
        );
      }
      return true;
    }
    const step = shift ? 10 : 1;
    const directions: Record<string, readonly [number, number]> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    };
    const by = directions[key];
    const bounds = boundsOfAll(labels.map(({ shape }) => shape));
    if (by === undefined || bounds === null) return false;
    const { image } = this.#context.document;
    const [dx, dy] = this.#context.settings.clipToImage ? moveInside(bounds, ...by, image) : by;
    this.#commit(labels, { shapes: labels.map(({ shape }) => moveShape(shape, dx, dy)), name: 'move', readout: null });
    return true;
  }

  #selectUnder({ point, tolerance }: { point: ImagePoint; tolerance: number }): boolean {
    if (this.#state.name !== 'idle') {
      this.cancel();
      return true;
    }
    const hit = hitTest(this.#context.document, point, tolerance);
    if (hit !== null && !this.#context.selection.has(hit.annotationId)) this.#select([hit.annotationId]);
    return hit !== null;
  }

  #hover(point: ImagePoint, tolerance: number): void {
    this.#hoveredHandle = handleAt(this.#handles(editableSelection(this.#context)), point, tolerance * 1.5);
    this.#hovered = hitTest(this.#context.document, point, tolerance)?.annotationId ?? null;
  }

  /** Labels that lie in the box as a whole. */
  #inside([x1, y1, x2, y2]: BboxXyxy): AnnotationId[] {
    const { document } = this.#context;
    return document.query([x1, y1, x2, y2]).flatMap(({ annotationId, shape }) => {
      const bounds = boundsOf(shape);
      const whole = bounds !== null && bounds[0] >= x1 && bounds[1] >= y1 && bounds[2] <= x2 && bounds[3] <= y2;
      return whole && document.isEditable(annotationId) ? [annotationId] : [];
    });
  }

  #toggle(annotationId: AnnotationId): void {
    const selection = new Set(this.#context.selection);
    if (!selection.delete(annotationId)) selection.add(annotationId);
    this.#select(selection);
  }

  #select(annotationIds: Iterable<AnnotationId>): void {
    this.#mode = 'points';
    this.#context.select(annotationIds);
  }

  #kept({ x, y }: ImagePoint): ImagePoint {
    const { clipToImage } = this.#context.settings;
    const { widthPx, heightPx } = this.#context.document.image;
    return clipToImage
      ? imagePoint(Math.min(widthPx, Math.max(0, x)), Math.min(heightPx, Math.max(0, y)))
      : imagePoint(x, y);
  }
}
