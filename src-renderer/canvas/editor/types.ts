/**
 * What the editor core is driven by and what it tells: events in image pixels go in, edits and a preview come out. No DOM,
 * no drawing library, no network. Whoever draws turns pointer events into `ToolEvent`s and draws `Document` + `Preview`.
 */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import type { AnnotationFlag, Attributes, ReviewState, Shape } from '../../../src-main/contract/model/annotation.ts';
import type { AnnotationContent, NewAnnotation, Skeleton } from '../../../src-main/contract/model/annotation-edit.ts';
import type { AnnotationId, CategoryId } from '../../../src-main/contract/model/ids.ts';
import type { ImagePoint } from '../viewport.ts';
import type { MaskTiles } from './mask-tiles.ts';

export type { AnnotationContent, NewAnnotation };

export const toolIds = [
  'select',
  'box',
  'rotated-box',
  'polygon',
  'cut-hole',
  'split',
  'brush',
  'eraser',
  'fill',
  'lasso-add',
  'lasso-subtract',
  'wand',
  'keypoints',
] as const;
export type ToolId = (typeof toolIds)[number];

export interface Modifiers {
  readonly shift: boolean;
  readonly alt: boolean;
  /** Ctrl, or Command on a Mac. */
  readonly ctrl: boolean;
}
export const noModifiers: Modifiers = { shift: false, alt: false, ctrl: false };

interface PointerFacts extends Modifiers {
  readonly point: ImagePoint;
  /** How near counts as "on it", in image pixels: some 6 screen pixels divided by the scale. */
  readonly tolerance: number;
  /** A pen's, in [0, 1]; 0.5 for a mouse that is pressed. */
  readonly pressure: number;
}

export type ToolEvent =
  | ({ readonly kind: 'down'; readonly button: 'primary' | 'secondary' } & PointerFacts)
  | ({ readonly kind: 'move' } & PointerFacts)
  | ({ readonly kind: 'up'; readonly button: 'primary' | 'secondary' } & PointerFacts)
  /** After the second `up`. */
  | ({ readonly kind: 'double' } & PointerFacts)
  /** deltaY > 0 turns towards the person. Consumed by brushes with a modifier held only; zooming is the canvas's. */
  | ({ readonly kind: 'wheel'; readonly deltaY: number } & PointerFacts)
  /** `key` as `KeyboardEvent.key` names it. Only keys that mean something inside a gesture, and the arrows. */
  | ({ readonly kind: 'key'; readonly key: string } & Modifiers)
  /** Escape, a lost pointer, another tool, another image. */
  | { readonly kind: 'cancel' };

/** What tools are set to; the screen shows and changes it with `Editor.set`. */
export interface ToolSettings {
  /** Class of what is drawn next; null draws nothing. */
  readonly categoryId: CategoryId | null;
  /** Two clicks instead of a drag. A drag always works too. */
  readonly boxByClicks: boolean;
  readonly brush: { readonly sizePx: number; readonly shape: 'round' | 'square'; readonly pressure: boolean };
  /** What happens where a mask is painted over other masks. */
  readonly overlap: 'allow' | 'remove-underneath' | 'keep-underneath';
  /** Brush, fill, wand and lasso make a new label instead of adding to the selected mask. */
  readonly newObject: boolean;
  /** Greatest difference of a channel, 0 to 255. */
  readonly wandTolerance: number;
  readonly wandContiguous: boolean;
  /** To edges of the image and of other shapes. */
  readonly snap: boolean;
  /** Vertices drawn freehand are thinned to this distance, in screen-independent image px. */
  readonly freehandTolerancePx: number;
  /** Shapes stay inside the image. */
  readonly clipToImage: boolean;
}

export interface EditorImage {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** What the magic wand looks at: the image's pixels, or of a large image samples of the part in sight. */
export interface PixelSource {
  /** Of samples. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** RGBA, row-major. */
  readonly rgba: Uint8Array | Uint8ClampedArray;
  /** What they cover, in image pixels; it may end beyond the image. */
  readonly part: BboxXyxy;
}
/** Asked at the moment of the click; null while they are not decoded. */
export type PixelReader = () => PixelSource | null;

/** A label in the editor. Immutable; a change makes another object. Times are null until the service has given them. */
export interface Label extends NewAnnotation {
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
}

/** One label before and after. `replaced`: the gesture puts what it was into another label. */
export type EditOperation =
  | { readonly kind: 'add'; readonly after: Label }
  | { readonly kind: 'update'; readonly before: Label; readonly after: Label }
  | { readonly kind: 'remove'; readonly before: Label; readonly replaced?: true }
  | { readonly kind: 'review'; readonly before: ReviewState; readonly after: ReviewState };

/** One gesture, or one step of undo or redo. The document has it already when listeners hear of it. */
export interface Commit {
  readonly kind: 'edit' | 'undo' | 'redo';
  /** Of the gesture; for undo and redo of the one that is taken back or done again. */
  readonly gestureId: string;
  /** What undo calls it: "move box". */
  readonly label: string;
  readonly operations: readonly EditOperation[];
}

export type HandleKind =
  'nw' | 'n' | 'ne' | 'e' | 'se' | 's' | 'sw' | 'w' | 'rotate' | 'vertex' | 'midpoint' | 'keypoint';

export interface Handle {
  readonly kind: HandleKind;
  readonly annotationId: AnnotationId;
  readonly x: number;
  readonly y: number;
  /** Of a vertex: part, ring (0 outer, 1 … holes) and place in it; of a keypoint: place only. */
  readonly path?: readonly number[];
  readonly active: boolean;
}

export type Cursor =
  | 'default'
  | 'crosshair'
  | 'move'
  | 'grab'
  | 'pointer'
  | 'not-allowed'
  | 'cell'
  | 'copy'
  /** The canvas draws the brush's outline. */
  | 'none'
  | 'rotate'
  | 'nwse-resize'
  | 'nesw-resize'
  | 'ns-resize'
  | 'ew-resize';

/** What the gesture in progress looks like, above the document. Made anew when something changed; compare by identity. */
export interface Preview {
  /** Instead of the document's shape where the id is one of its labels (it is not drawn there meanwhile). */
  readonly shapes: readonly {
    readonly annotationId: AnnotationId | null;
    readonly categoryId: CategoryId;
    readonly shape: Shape;
  }[];
  /** Open line x, y, x, y … to the pointer: polygon, lasso, split, box by clicks. `closeable`: a click would close it. */
  readonly path: { readonly points: readonly number[]; readonly closeable: boolean } | null;
  /** The mask being painted: draw its tiles instead of the label `annotationId` (null: a new one). */
  readonly mask: {
    readonly annotationId: AnnotationId | null;
    readonly categoryId: CategoryId;
    readonly tiles: MaskTiles;
  } | null;
  /** Brush outline under the pointer. */
  readonly brush: {
    readonly x: number;
    readonly y: number;
    readonly sizePx: number;
    readonly shape: 'round' | 'square';
  } | null;
  readonly handles: readonly Handle[];
  /** Lines that the pointer snapped to. */
  readonly guides: readonly { readonly axis: 'x' | 'y'; readonly at: number }[];
  /** Rubber band of a selection. */
  readonly marquee: BboxXyxy | null;
  readonly hovered: AnnotationId | null;
  readonly cursor: Cursor;
  /** What is being measured: size of the box, length, angle. Image px and degrees. */
  readonly readout: {
    readonly widthPx?: number;
    readonly heightPx?: number;
    readonly angleDegrees?: number;
    /** Which point of a skeleton a click places. */
    readonly point?: { readonly name: string; readonly place: number; readonly count: number };
  } | null;
}

export interface EditorEvents {
  /** The document changed: these labels are new, different or gone. `all`: another document or order. */
  document: { readonly changed: ReadonlySet<AnnotationId>; readonly all: boolean };
  preview: Preview;
  selection: ReadonlySet<AnnotationId>;
  tool: ToolId;
  settings: ToolSettings;
  /** To be saved, in order. */
  commit: Commit;
  /** Something could not be done; words for the person. */
  notice: string;
}

export interface EditorOptions {
  readonly nextAnnotationId: () => AnnotationId;
  readonly nextGestureId: () => string;
  /** Of a class, for keypoints; null: a single point. */
  readonly skeletonOf: (categoryId: CategoryId) => Skeleton | null;
}

/** Values of a label that are set from panels. */
export interface LabelDetails {
  readonly categoryId?: CategoryId;
  readonly flags?: readonly AnnotationFlag[];
  readonly attributes?: Attributes;
  readonly note?: string;
}
