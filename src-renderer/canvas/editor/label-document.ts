/**
 * One image's labels as the editor holds them: by id, in drawing order, found by place. Labels are immutable and replaced;
 * the only way in is operations. What is hidden or locked is the view's and not part of a label.
 */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import type { ReviewState } from '../../../src-main/contract/model/annotation.ts';
import type { AnnotationId, CategoryId } from '../../../src-main/contract/model/ids.ts';
import { SpatialIndex } from '../spatial-index.ts';
import { boundsOf } from './shape-bounds.ts';
import type { EditOperation, EditorImage, Label } from './types.ts';

function inDrawingOrder(a: Label, b: Label): number {
  return a.z - b.z || a.annotationId - b.annotationId;
}

export class LabelDocument {
  readonly image: EditorImage;
  #review: ReviewState;
  readonly #byId = new Map<AnnotationId, Label>();
  readonly #index: SpatialIndex<AnnotationId>;
  readonly #hidden = new Set<AnnotationId>();
  readonly #locked = new Set<AnnotationId>();
  readonly #hiddenClasses = new Set<CategoryId>();
  readonly #lockedClasses = new Set<CategoryId>();
  #ordered: readonly Label[] | null = null;

  constructor(image: EditorImage, labels: readonly Label[], review: ReviewState) {
    this.image = image;
    this.#review = review;
    this.#index = new SpatialIndex(image);
    for (const label of labels) this.#put(label);
  }

  get review(): ReviewState {
    return this.#review;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The undermost first; hidden ones too. The same array until something changes. */
  get ordered(): readonly Label[] {
    this.#ordered ??= [...this.#byId.values()].sort(inDrawingOrder);
    return this.#ordered;
  }

  get(annotationId: AnnotationId): Label | undefined {
    return this.#byId.get(annotationId);
  }

  bounds(annotationId: AnnotationId): BboxXyxy | null {
    const label = this.#byId.get(annotationId);
    return label === undefined ? null : boundsOf(label.shape);
  }

  /** Labels whose box meets the rectangle, the undermost first. */
  query(rectangle: BboxXyxy): Label[] {
    return this.#index
      .search(rectangle)
      .flatMap((annotationId) => this.#byId.get(annotationId) ?? [])
      .sort(inDrawingOrder);
  }

  /** Returns the ids of the labels it touched. */
  apply(operations: readonly EditOperation[]): Set<AnnotationId> {
    const touched = new Set<AnnotationId>();
    for (const operation of operations) {
      switch (operation.kind) {
        case 'review':
          this.#review = operation.after;
          break;
        case 'remove':
          this.#take(operation.before.annotationId);
          touched.add(operation.before.annotationId);
          break;
        case 'add':
        case 'update':
          this.#put(operation.after);
          touched.add(operation.after.annotationId);
          break;
      }
    }
    return touched;
  }

  isHidden(annotationId: AnnotationId): boolean {
    return this.#isIn(annotationId, this.#hidden, this.#hiddenClasses);
  }

  isLocked(annotationId: AnnotationId): boolean {
    return this.#isIn(annotationId, this.#locked, this.#lockedClasses);
  }

  /** Can be pointed at and changed. */
  isEditable(annotationId: AnnotationId): boolean {
    return this.#byId.has(annotationId) && !this.isHidden(annotationId) && !this.isLocked(annotationId);
  }

  isClassHidden(categoryId: CategoryId): boolean {
    return this.#hiddenClasses.has(categoryId);
  }

  isClassLocked(categoryId: CategoryId): boolean {
    return this.#lockedClasses.has(categoryId);
  }

  setHidden(annotationIds: Iterable<AnnotationId>, hidden: boolean): void {
    change(this.#hidden, annotationIds, hidden);
  }

  setLocked(annotationIds: Iterable<AnnotationId>, locked: boolean): void {
    change(this.#locked, annotationIds, locked);
  }

  setClassHidden(categoryId: CategoryId, hidden: boolean): void {
    change(this.#hiddenClasses, [categoryId], hidden);
  }

  setClassLocked(categoryId: CategoryId, locked: boolean): void {
    change(this.#lockedClasses, [categoryId], locked);
  }

  /** Classes that are hidden or locked in `other` are so here too: it is the next image of the same data set. */
  takeClassesFrom(other: LabelDocument): void {
    for (const categoryId of other.#hiddenClasses) this.#hiddenClasses.add(categoryId);
    for (const categoryId of other.#lockedClasses) this.#lockedClasses.add(categoryId);
  }

  /** The z that puts a label above, or below, all others. */
  outermostZ(side: 'front' | 'back'): number {
    const ordered = this.ordered;
    if (side === 'front') return (ordered.at(-1)?.z ?? 0) + 1;
    return (ordered[0]?.z ?? 0) - 1;
  }

  #isIn(annotationId: AnnotationId, ids: ReadonlySet<AnnotationId>, classes: ReadonlySet<CategoryId>): boolean {
    if (ids.has(annotationId)) return true;
    const label = this.#byId.get(annotationId);
    return label !== undefined && classes.has(label.categoryId);
  }

  #put(label: Label): void {
    const before = this.#byId.get(label.annotationId);
    this.#byId.set(label.annotationId, label);
    this.#ordered = before !== undefined && before.z === label.z ? replaced(this.#ordered, before, label) : null;
    const bounds = boundsOf(label.shape);
    if (bounds === null) this.#index.delete(label.annotationId);
    else this.#index.set(label.annotationId, bounds);
  }

  #take(annotationId: AnnotationId): void {
    const before = this.#byId.get(annotationId);
    if (before === undefined) return;
    this.#byId.delete(annotationId);
    this.#index.delete(annotationId);
    this.#hidden.delete(annotationId);
    this.#locked.delete(annotationId);
    this.#ordered = this.#ordered?.filter((label) => label !== before) ?? null;
  }
}

/** The array with one label in another's place, found by its order; null where there is no array. */
function replaced(ordered: readonly Label[] | null, before: Label, after: Label): readonly Label[] | null {
  if (ordered === null) return null;
  let [low, high] = [0, ordered.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = ordered[middle];
    if (other !== undefined && inDrawingOrder(other, before) < 0) low = middle + 1;
    else high = middle;
  }
  return ordered.with(low, after);
}

function change<T>(set: Set<T>, members: Iterable<T>, inside: boolean): void {
  for (const member of members) {
    if (inside) set.add(member);
    else set.delete(member);
  }
}
