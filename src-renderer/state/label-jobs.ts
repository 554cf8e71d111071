/**
 * What is on its way to be saved: gestures and other changes of labels, in the order in which they were made. Pure: what a
 * change by somebody else means for gestures that are not saved yet.
 */
import type { Annotation, ReviewState } from '../../src-main/contract/model/annotation.ts';
import type { AnnotationEdit, ChangeResult, ImageChange } from '../../src-main/contract/model/annotation-edit.ts';
import type { AnnotationId, ImageId } from '../../src-main/contract/model/ids.ts';
import { changedContent } from '../canvas/editor/same-label.ts';
import type { Commit, EditOperation, Label } from '../canvas/editor/types.ts';

/** A gesture on one image. `operations` is what the person did, `edits` what is sent. */
export interface ApplyJob {
  kind: 'apply';
  imageId: ImageId;
  gestureId: string;
  label: string;
  operations: readonly EditOperation[];
  edits: readonly AnnotationEdit[];
}

/** An undo or redo that the editor has done already; `gestureId` is its own. */
export interface TravelJob {
  kind: 'undo' | 'redo';
  imageId: ImageId;
  gestureId: string;
  target: string;
  edits: readonly AnnotationEdit[];
}

/** What only the service can do; the image shows it once it answers. */
export interface ServiceJob {
  kind: 'service';
  run: () => Promise<ChangeResult>;
  done: (result: ChangeResult | null) => void;
  /** It will never be accepted; nothing that the person made is in it, so the line goes on. */
  fail: (error: unknown) => void;
}

export type LabelJob = ApplyJob | TravelJob | ServiceJob;

export function editsOf({ operations }: Pick<Commit, 'operations'>): AnnotationEdit[] {
  return operations.map((operation): AnnotationEdit => {
    switch (operation.kind) {
      case 'add':
        return { kind: 'add', annotation: newAnnotation(operation.after) };
      case 'remove': {
        const { before, replaced } = operation;
        return { kind: 'remove', annotationId: before.annotationId, ...(replaced && { replaced }) };
      }
      case 'update': {
        const { before, after } = operation;
        return { kind: 'update', annotationId: after.annotationId, changes: changedContent(before, after) };
      }
      case 'review':
        return { kind: 'review', review: operation.after };
    }
  });
}

function newAnnotation({
  createdAt: _,
  updatedAt: __,
  ...label
}: Label): Extract<AnnotationEdit, { kind: 'add' }>['annotation'] {
  return label;
}

/** What a label will be once these edits are saved on top of it; null: gone. */
export function foldEdits(
  label: Label | Annotation | null,
  annotationId: AnnotationId,
  edits: readonly AnnotationEdit[],
): Label | null {
  let folded: Label | null = label;
  for (const edit of edits) {
    if (edit.kind === 'add' && edit.annotation.annotationId === annotationId) {
      folded = { createdAt: null, updatedAt: null, ...edit.annotation };
    } else if (edit.kind === 'remove' && edit.annotationId === annotationId) {
      folded = null;
    } else if (edit.kind === 'update' && edit.annotationId === annotationId && folded !== null) {
      folded = { ...folded, ...edit.changes };
    }
  }
  return folded;
}

export function foldReview(review: ReviewState, edits: readonly AnnotationEdit[]): ReviewState {
  return edits.reduce((state, edit) => (edit.kind === 'review' ? edit.review : state), review);
}

/** All labels of an image with edits that are not saved yet. */
export function foldAll(labels: readonly Annotation[], edits: readonly AnnotationEdit[]): Label[] {
  const ids = new Set(labels.map(({ annotationId }) => annotationId));
  const byId = new Map(labels.map((label) => [label.annotationId, label]));
  for (const edit of edits) if (edit.kind === 'add') ids.add(edit.annotation.annotationId);
  return [...ids].flatMap((annotationId) => foldEdits(byId.get(annotationId) ?? null, annotationId, edits) ?? []);
}

/**
 * The same gestures on labels that somebody else changed meanwhile. Of a label both changed, the fields of the gesture win
 * and the others stay as they were made. A label that was removed there and changed here comes back: no work is lost.
 */
export function rebase(jobs: readonly LabelJob[], missed: ImageChange): void {
  const removed = new Set(missed.changes.flatMap(({ annotationId, after }) => (after === null ? [annotationId] : [])));
  for (const job of jobs) {
    if (job.kind !== 'apply' || job.imageId !== missed.imageId) continue;
    job.edits = job.edits.flatMap((edit): AnnotationEdit[] => {
      if (edit.kind === 'add') removed.delete(edit.annotation.annotationId);
      if (edit.kind === 'remove' && removed.has(edit.annotationId)) return [];
      if (edit.kind !== 'update' || !removed.has(edit.annotationId)) return [edit];
      removed.delete(edit.annotationId);
      const { annotationId } = edit;
      const operation = job.operations.find(
        (other) => other.kind === 'update' && other.after.annotationId === annotationId,
      );
      if (operation?.kind !== 'update') return [];
      return [{ kind: 'add', annotation: newAnnotation(operation.after) }];
    });
  }
}
