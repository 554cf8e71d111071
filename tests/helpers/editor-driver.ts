/** Drives the label editor without a canvas, in the words of the person at it. Coordinates are image pixels. */
import { expect } from 'vitest';
import type { Shape } from '../../src-main/contract/model/annotation.ts';
import type { Skeleton } from '../../src-main/contract/model/annotation-edit.ts';
import type { AnnotationId, CategoryId } from '../../src-main/contract/model/ids.ts';
import { Editor } from '../../src-renderer/canvas/editor/editor.ts';
import {
  noModifiers,
  type Commit,
  type EditorImage,
  type Label,
  type Modifiers,
  type ToolId,
  type ToolSettings,
} from '../../src-renderer/canvas/editor/types.ts';
import { imagePoint } from '../../src-renderer/canvas/viewport.ts';

export const cat = 1 as CategoryId;
export const dog = 2 as CategoryId;

interface Options {
  image?: EditorImage;
  labels?: readonly Label[];
  skeleton?: Skeleton;
}

export function label(annotationId: number, shape: Shape, more: Partial<Label> = {}): Label {
  return {
    ...{
      annotationId: annotationId as AnnotationId,
      categoryId: cat,
      shape,
      flags: [],
      attributes: {},
      note: '',
      z: 0,
    },
    ...{ provenance: { by: 'import' }, createdAt: '2026-01-01', updatedAt: null },
    ...more,
  };
}

export class EditorDriver {
  readonly editor: Editor;
  readonly commits: Commit[] = [];
  readonly notices: string[] = [];
  #at = { x: 0, y: 0 };
  #nextId = 1000;
  #nextGesture = 1;
  #modifiers: Modifiers = noModifiers;
  tolerance = 3;
  pressure = 0.5;

  constructor({ image = { widthPx: 200, heightPx: 100 }, labels = [], skeleton }: Options = {}) {
    this.editor = new Editor({
      nextAnnotationId: () => this.#nextId++ as AnnotationId,
      nextGestureId: () => `g${this.#nextGesture++}`,
      skeletonOf: () => skeleton ?? null,
    });
    this.editor.on('commit', (commit) => this.commits.push(commit));
    this.editor.on('notice', (text) => this.notices.push(text));
    this.editor.load(image, labels, 'to-do');
    this.editor.set({ categoryId: cat });
  }

  tool(id: ToolId, settings: Partial<ToolSettings> = {}): this {
    this.editor.setTool(id);
    this.editor.set(settings);
    return this;
  }

  /** Held from here on. */
  holding(modifiers: Partial<Modifiers>): this {
    this.#modifiers = { ...noModifiers, ...modifiers };
    return this;
  }

  down(x: number, y: number, button: 'primary' | 'secondary' = 'primary'): this {
    return this.#pointer('down', x, y, button);
  }

  move(x: number, y: number): this {
    this.#at = { x, y };
    this.editor.handle({ kind: 'move', ...this.#facts() });
    return this;
  }

  up(x = this.#at.x, y = this.#at.y, button: 'primary' | 'secondary' = 'primary'): this {
    return this.#pointer('up', x, y, button);
  }

  click(x: number, y: number, button: 'primary' | 'secondary' = 'primary'): this {
    return this.move(x, y).down(x, y, button).up(x, y, button);
  }

  doubleClick(x: number, y: number): this {
    this.click(x, y).click(x, y);
    this.editor.handle({ kind: 'double', ...this.#facts() });
    return this;
  }

  /** With places in between, as a hand does it. */
  drag(x1: number, y1: number, x2: number, y2: number): this {
    return this.move(x1, y1)
      .down(x1, y1)
      .move((x1 + x2) / 2, (y1 + y2) / 2)
      .move(x2, y2)
      .up(x2, y2);
  }

  wheel(deltaY: number): this {
    this.editor.handle({ kind: 'wheel', deltaY, ...this.#facts() });
    return this;
  }

  key(key: string): this {
    this.editor.handle({ kind: 'key', key, ...this.#modifiers });
    return this;
  }

  escape(): this {
    this.editor.handle({ kind: 'cancel' });
    return this;
  }

  undo(): this {
    this.editor.undo();
    return this;
  }

  redo(): this {
    this.editor.redo();
    return this;
  }

  select(...ids: number[]): this {
    this.editor.select(ids as AnnotationId[]);
    return this;
  }

  get labels(): readonly Label[] {
    return this.editor.document.ordered;
  }

  shape(annotationId?: number): Shape | undefined {
    if (annotationId === undefined) return this.labels.at(-1)?.shape;
    return this.editor.document.get(annotationId as AnnotationId)?.shape;
  }

  expectState(state: string): this {
    expect(this.editor.toolState).toBe(state);
    return this;
  }

  /** The topmost label. */
  expectBox(x1: number, y1: number, x2: number, y2: number): this {
    expect(this.shape()).toEqual({ kind: 'bbox', bboxXyxy: [x1, y1, x2, y2] });
    return this;
  }

  expectCount(count: number): this {
    expect(this.labels).toHaveLength(count);
    return this;
  }

  #pointer(kind: 'down' | 'up', x: number, y: number, button: 'primary' | 'secondary'): this {
    this.#at = { x, y };
    this.editor.handle({ kind, button, ...this.#facts() });
    return this;
  }

  #facts() {
    const { x, y } = this.#at;
    return { point: imagePoint(x, y), tolerance: this.tolerance, pressure: this.pressure, ...this.#modifiers };
  }
}
