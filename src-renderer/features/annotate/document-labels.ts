/** Keeps the canvas's labels in step with the editor's document: only what changed is made anew. */
import type { AnnotationId, CategoryId } from '../../../src-main/contract/model/ids.ts';
import type { CanvasLabel } from '../../canvas/drawing/canvas-label.ts';
import type { LabelLayer } from '../../canvas/drawing/label-layer.ts';
import type { LabelDocument } from '../../canvas/editor/label-document.ts';
import { boundsOf } from '../../canvas/editor/shape-bounds.ts';
import type { Label, Preview } from '../../canvas/editor/types.ts';
import type { LabelColours } from './label-colours.ts';

export type SkeletonEdges = (categoryId: CategoryId) => CanvasLabel['skeleton'];

export class DocumentLabels {
  readonly #layer: LabelLayer;
  #document: LabelDocument;
  #colours: LabelColours;
  readonly #edgesOf: SkeletonEdges;
  readonly #drawn = new Set<AnnotationId>();
  /** Drawn by the gesture in progress instead. */
  #held: ReadonlySet<AnnotationId> = new Set();

  constructor(layer: LabelLayer, document: LabelDocument, colours: LabelColours, edgesOf: SkeletonEdges) {
    this.#layer = layer;
    this.#document = document;
    this.#colours = colours;
    this.#edgesOf = edgesOf;
  }

  /** Another image. */
  begin(document: LabelDocument): void {
    this.#document = document;
    this.#drawn.clear();
    this.#held = new Set();
    this.#layer.begin(document.image);
    this.syncAll();
  }

  recolour(colours: LabelColours): void {
    this.#colours = colours;
    this.syncAll();
  }

  syncAll(): void {
    this.sync(new Set([...this.#drawn, ...this.#document.ordered.map(({ annotationId }) => annotationId)]));
  }

  sync(changed: Iterable<AnnotationId>): void {
    const put: CanvasLabel[] = [];
    const remove: AnnotationId[] = [];
    for (const annotationId of changed) {
      const label = this.#document.get(annotationId);
      const isShown = label !== undefined && !this.#held.has(annotationId) && !this.#document.isHidden(annotationId);
      const drawn = isShown ? this.canvasLabel(label) : null;
      if (drawn !== null) {
        put.push(drawn);
        this.#drawn.add(annotationId);
      } else if (this.#drawn.delete(annotationId)) {
        remove.push(annotationId);
      }
    }
    this.#layer.update(put, remove);
  }

  /** Leaves out the labels that the preview shows. */
  hold(preview: Preview): void {
    const held = new Set<AnnotationId>();
    for (const { annotationId } of preview.shapes) if (annotationId !== null) held.add(annotationId);
    if (preview.mask?.annotationId != null) held.add(preview.mask.annotationId);
    const before = this.#held;
    if (held.size === 0 && before.size === 0) return;
    this.#held = held;
    this.sync([...before, ...held].filter((id) => !(before.has(id) && held.has(id))));
  }

  /** Null for a class of the whole image. */
  canvasLabel(label: Label): CanvasLabel | null {
    return toCanvasLabel(label, this.#colours.of(label), this.#edgesOf(label.categoryId));
  }
}

function toCanvasLabel(
  { annotationId, shape, z, provenance }: Label,
  colour: string,
  skeleton: CanvasLabel['skeleton'],
): CanvasLabel | null {
  const bounds = boundsOf(shape);
  if (bounds === null) return null;
  return { id: annotationId, shape, bounds, colour, skeleton, z, dashed: provenance.by === 'model' };
}
