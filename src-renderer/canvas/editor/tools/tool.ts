/** What a tool is and what it may use of the editor. A tool shows its gesture in a preview and changes labels by one commit. */
import type { Shape } from '../../../../src-main/contract/model/annotation.ts';
import type { Skeleton } from '../../../../src-main/contract/model/annotation-edit.ts';
import type { AnnotationId, CategoryId } from '../../../../src-main/contract/model/ids.ts';
import type { ImagePoint } from '../../viewport.ts';
import type { LabelDocument } from '../label-document.ts';
import type { Snapped } from '../snapping.ts';
import type { EditOperation, Label, PixelSource, Preview, ToolEvent, ToolId, ToolSettings } from '../types.ts';

export interface ToolContext {
  readonly document: LabelDocument;
  readonly settings: ToolSettings;
  readonly selection: ReadonlySet<AnnotationId>;
  readonly pixels: PixelSource | null;
  skeletonOf(categoryId: CategoryId): Skeleton | null;
  set(patch: Partial<ToolSettings>): void;
  select(annotationIds: Iterable<AnnotationId>): void;
  /** A new label of the chosen class on top of the others; null, with a notice, where no class is chosen. */
  newLabel(shape: Shape, like?: Label): Label | null;
  /** One gesture. False where nothing of it is a change. */
  commit(name: string, operations: readonly EditOperation[]): boolean;
  /** Words for the person: why nothing happened. */
  notice(text: string): void;
  /** To what the settings say, leaving out some labels; the point itself where snapping is off. */
  snap(point: ImagePoint, tolerance: number, except?: ReadonlySet<AnnotationId>): Snapped;
}

export interface Tool {
  readonly id: ToolId;
  /** 'idle', or what the gesture in progress is at. */
  readonly state: string;
  /** True where the event meant something here. */
  handle(event: ToolEvent): boolean;
  /** To idle, with nothing changed. */
  cancel(): void;
  /** Takes one step of the gesture in progress back; false where it has no steps. */
  undoStep(): boolean;
  redoStep(): boolean;
  preview(): Partial<Preview>;
}

/** Same label, another shape. */
export function reshaped(before: Label, shape: Shape): EditOperation {
  return { kind: 'update', before, after: { ...before, shape } };
}

/** Labels of the selection that may be changed, the undermost first. */
export function editableSelection({ document, selection }: ToolContext): Label[] {
  const chosen = [...selection].flatMap((annotationId) => document.get(annotationId) ?? []);
  return chosen
    .filter(({ annotationId }) => document.isEditable(annotationId))
    .sort((a, b) => a.z - b.z || a.annotationId - b.annotationId);
}
