/** Changes of many images in one gesture: labels copied from one to others, and what is refused before any is changed. */
import type { Annotation, Shape } from '../../contract/model/annotation.ts';
import { clipBbox } from '../../contract/geometry/box.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { AnnotationId, CategoryId, ImageId } from '../../contract/model/ids.ts';
import type { WantedState } from '../../store/label-edit-repository.ts';
import type { ImagesChange } from '../../store/bulk-edit-repository.ts';
import { imageNotFound } from '../../store/label-writer.ts';
import type { ProjectStore } from '../../store/project-store.ts';
import { yieldToEventLoop } from '../event-loop.ts';

/** New labels of a person like some of another image. Throws `bad-input` where one cannot be on the other image. */
export function wantedByCopy(
  store: ProjectStore,
  {
    fromImageId,
    annotationIds,
    toImageIds,
  }: { fromImageId: ImageId; annotationIds: readonly AnnotationId[] | null; toImageIds: readonly ImageId[] },
  at: string,
): WantedState[] {
  const source = store.labelEdits.image(fromImageId);
  const chosen = store.annotations
    .ofImage(fromImageId)
    .filter(({ annotationId }) => annotationIds === null || annotationIds.includes(annotationId));
  const targets = [...new Set(toImageIds)].filter((imageId) => imageId !== fromImageId);
  if (chosen.length === 0 || targets.length === 0) return [];
  let nextId = store.labelEdits.reserveIds(chosen.length * targets.length);
  return targets.map((imageId) => {
    const target = store.labelEdits.image(imageId);
    if (target.datasetId !== source.datasetId) {
      throw new FoveaError('bad-input', `Image ${imageId} is of another data set, which has other classes.`, {
        imageId,
      });
    }
    const labels = chosen.flatMap((label) => {
      const shape = fitShape(label.shape, target);
      if (shape === null) return [];
      const annotationId = nextId++ as AnnotationId;
      const after: Annotation = {
        ...label,
        annotationId,
        shape,
        provenance: { by: 'person' },
        createdAt: at,
        updatedAt: null,
      };
      return [{ annotationId, after }];
    });
    return { imageId, labels };
  });
}

/** The shape in another image: boxes cut to it, masks only where the size is the same; null where it cannot be there. */
function fitShape(shape: Shape, image: { widthPx: number; heightPx: number }): Shape | null {
  switch (shape.kind) {
    case 'bbox': {
      const [x1, y1, x2, y2] = clipBbox(shape.bboxXyxy, image);
      return x2 - x1 >= 1 && y2 - y1 >= 1 ? { kind: 'bbox', bboxXyxy: [x1, y1, x2, y2] } : null;
    }
    case 'mask':
      return shape.rle.widthPx === image.widthPx && shape.rle.heightPx === image.heightPx ? shape : null;
    default:
      return shape;
  }
}

const IDS_AT_ONCE = 5000;

/** Throws `bad-input` where the class is not one of the data sets that the labels are of. */
export async function requireOwnClass(
  { annotations }: ProjectStore,
  annotationIds: readonly AnnotationId[],
  categoryId: CategoryId,
): Promise<void> {
  await inParts(annotationIds, (some) => {
    const imageId = annotations.imageOfOtherClasses(some, categoryId);
    if (imageId !== null) throw foreignClass(imageId, categoryId);
  });
}

/**
 * Whether one of the images is not as it is to be. Throws `not-found` where there is no such image, and `bad-input` where the
 * class is not one of its data set.
 */
export async function changesImages(
  { labelEdits, bulkEdits }: ProjectStore,
  { imageIds, ...change }: ImagesChange,
): Promise<boolean> {
  const categoryId = change.tag?.categoryId ?? null;
  let changes = false;
  await inParts(imageIds, (some) => {
    const missing = labelEdits.firstNotThere(some);
    if (missing !== null) throw imageNotFound(missing);
    const foreign = categoryId === null ? null : labelEdits.firstOfOtherClasses(some, categoryId);
    if (categoryId !== null && foreign !== null) throw foreignClass(foreign, categoryId);
    changes ||= bulkEdits.changesImages(some, change);
  });
  return changes;
}

/** Others get their turn between two of them. */
async function inParts<T>(ids: readonly T[], check: (some: readonly T[]) => void): Promise<void> {
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
    if (at > 0) await yieldToEventLoop();
    check(ids.slice(at, at + IDS_AT_ONCE));
  }
}

function foreignClass(imageId: ImageId, categoryId: CategoryId): FoveaError {
  return new FoveaError('bad-input', `The class ${categoryId} is not one of image ${imageId}'s data set.`, {
    imageId,
    categoryId,
  });
}
