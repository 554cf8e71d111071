/** What a gesture wants of an image's labels, checked against the image, its classes and the labels that are there. */
import { FoveaError, invariant } from '../../contract/errors.ts';
import { rleArea, rleProblem } from '../../contract/geometry/rle.ts';
import type { Annotation, ReviewState, Shape } from '../../contract/model/annotation.ts';
import type { AnnotationContent, AnnotationEdit } from '../../contract/model/annotation-edit.ts';
import type { AnnotationId, CategoryId, ImageId } from '../../contract/model/ids.ts';
import type { LabelledImage, WantedState } from '../../store/label-edit-repository.ts';
import type { ProjectStore } from '../../store/project-store.ts';

/** Throws `bad-input` for an edit that does not fit; nothing of the gesture is then saved. `at`: the time it is saved. */
export function wantedByEdits(
  store: ProjectStore,
  imageId: ImageId,
  edits: readonly AnnotationEdit[],
  at: string,
): WantedState {
  const image = store.labelEdits.image(imageId);
  const categories = new Set(store.datasets.categories(image.datasetId).map(({ categoryId }) => categoryId));
  const there = store.annotations.byIds(edits.flatMap((edit) => editedId(edit) ?? []));
  const wanted = new Map<AnnotationId, Annotation | null>();
  const replaced = new Set<AnnotationId>();
  let review: ReviewState | undefined;
  const current = (annotationId: AnnotationId): Annotation => {
    if (wanted.has(annotationId)) {
      const label = wanted.get(annotationId);
      if (label) return label;
    } else {
      const found = there.get(annotationId);
      if (found?.imageId === imageId) return found.label;
    }
    throw misfit(`the image has no label ${annotationId}`, imageId, annotationId);
  };
  const want = (label: Annotation): void => {
    const problem = labelProblem(label, image, categories);
    if (problem !== null) throw misfit(problem, imageId, label.annotationId);
    wanted.set(label.annotationId, label);
  };
  for (const edit of edits) {
    switch (edit.kind) {
      case 'review':
        review = edit.review;
        break;
      case 'remove':
        current(edit.annotationId);
        wanted.set(edit.annotationId, null);
        if (edit.replaced) replaced.add(edit.annotationId);
        break;
      case 'update':
        want(changed(current(edit.annotationId), edit.changes, at));
        break;
      case 'add': {
        const { annotationId } = edit.annotation;
        // One that the same gesture removes first may come back.
        if (wanted.has(annotationId) ? wanted.get(annotationId) : there.has(annotationId)) {
          throw misfit(`there is a label ${annotationId} already`, imageId, annotationId);
        }
        if (annotationId > store.labelEdits.highestReservedId()) {
          throw misfit(`the id ${annotationId} was not reserved`, imageId, annotationId);
        }
        want({ ...edit.annotation, createdAt: at, updatedAt: null });
        break;
      }
    }
  }
  const labels = [...wanted].map(([annotationId, after]) => {
    return { annotationId, after, ...(replaced.has(annotationId) && { replaced: true as const }) };
  });
  return { imageId, labels, ...(review === undefined ? {} : { review }) };
}

function editedId(edit: AnnotationEdit): AnnotationId | null {
  if (edit.kind === 'review') return null;
  return edit.kind === 'add' ? edit.annotation.annotationId : edit.annotationId;
}

/** A label that is asked to be what it is already does not count as changed. */
function changed(label: Annotation, changes: Partial<AnnotationContent>, at: string): Annotation {
  const after = { ...label, ...changes };
  return JSON.stringify(after) === JSON.stringify(label) ? label : { ...after, updatedAt: at };
}

function misfit(problem: string, imageId: ImageId, annotationId: AnnotationId): FoveaError {
  return new FoveaError('bad-input', `Image ${imageId}, label ${annotationId}: ${problem}. Nothing was saved.`, {
    imageId,
    annotationId,
  });
}

function labelProblem(
  { categoryId, shape }: Annotation,
  image: LabelledImage,
  categories: ReadonlySet<CategoryId>,
): string | null {
  if (!categories.has(categoryId)) return `the class ${categoryId} is not one of its data set`;
  return shapeProblem(shape, image);
}

/** Why a shape is none, or none of this image; null where it is fine. */
function shapeProblem(shape: Shape, { widthPx, heightPx }: { widthPx: number; heightPx: number }): string | null {
  switch (shape.kind) {
    case 'bbox': {
      const [x1, y1, x2, y2] = shape.bboxXyxy;
      return x2 > x1 && y2 > y1 ? null : `the box [${shape.bboxXyxy.join(', ')}] has no area`;
    }
    case 'mask': {
      const { rle } = shape;
      if (rle.widthPx !== widthPx || rle.heightPx !== heightPx) {
        return `the mask is ${rle.widthPx} × ${rle.heightPx} px and the image ${widthPx} × ${heightPx}`;
      }
      return rleProblem(rle) ?? (rleArea(rle) === 0 ? 'the mask is empty' : null);
    }
    case 'keypoints':
      return shape.points.some(({ visibility }) => visibility > 0) ? null : 'no point is labelled';
    case 'classification':
    case 'rotated-box':
    case 'polygon':
      return null;
  }
}

/** A label's state of before as the next: what a restore wants of the labels that are there now. */
export function wantedByRestore(
  now: readonly Annotation[],
  then: readonly Annotation[],
  imageId: ImageId,
  categoryIds: ReadonlySet<CategoryId>,
): WantedState {
  const wanted = new Map<AnnotationId, Annotation | null>(now.map(({ annotationId }) => [annotationId, null]));
  const classNow = new Map(now.map(({ annotationId, categoryId }) => [annotationId, categoryId]));
  for (const label of then) {
    // A class that was merged since is the one that it became; one that was deleted cannot have its labels back.
    const categoryId = categoryIds.has(label.categoryId) ? label.categoryId : classNow.get(label.annotationId);
    wanted.set(label.annotationId, categoryId === undefined ? null : { ...label, categoryId });
  }
  invariant(wanted.size >= then.length, 'a state of the history names a label twice', { imageId });
  return { imageId, labels: [...wanted].map(([annotationId, after]) => ({ annotationId, after })) };
}
