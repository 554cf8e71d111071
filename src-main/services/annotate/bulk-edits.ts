/** Changes of many images in one gesture: labels copied from one to others, classes and review states of whole images. */
import type { Annotation, ReviewState, Shape } from '../../contract/model/annotation.ts';
import { clipBbox } from '../../contract/geometry/box.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { AnnotationId, CategoryId, ImageId } from '../../contract/model/ids.ts';
import type { WantedState } from '../../store/label-edit-repository.ts';
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

const LABELS_AT_ONCE = 5000;

/** Throws `bad-input` where the class is not one of the data sets that the labels are of. */
export async function requireOwnClass(
  { annotations }: ProjectStore,
  annotationIds: readonly AnnotationId[],
  categoryId: CategoryId,
): Promise<void> {
  for (let at = 0; at < annotationIds.length; at += LABELS_AT_ONCE) {
    const imageId = annotations.imageOfOtherClasses(annotationIds.slice(at, at + LABELS_AT_ONCE), categoryId);
    if (imageId !== null) {
      throw new FoveaError('bad-input', `The class ${categoryId} is not one of image ${imageId}'s data set.`, {
        imageId,
        categoryId,
      });
    }
    await yieldToEventLoop();
  }
}

/** Classes of whole images. */
export function wantedByClass(
  store: ProjectStore,
  imageIds: readonly ImageId[],
  categoryId: CategoryId,
  { mode, review, at }: { mode: 'only' | 'add' | 'remove'; review?: ReviewState; at: string },
): WantedState[] {
  const unique = [...new Set(imageIds)];
  const labels = store.annotations.ofImages(unique);
  const missing = unique.filter((imageId) => !tagsOf(labels.get(imageId)).some((tag) => tag.categoryId === categoryId));
  let nextId = mode === 'remove' || missing.length === 0 ? null : store.labelEdits.reserveIds(missing.length);
  return unique.map((imageId) => {
    const { datasetId } = store.labelEdits.image(imageId);
    if (!store.datasets.categories(datasetId).some((category) => category.categoryId === categoryId)) {
      throw new FoveaError('bad-input', `The class ${categoryId} is not one of image ${imageId}'s data set.`, {
        imageId,
        categoryId,
      });
    }
    const wanted: { annotationId: AnnotationId; after: Annotation | null }[] = [];
    for (const tag of tagsOf(labels.get(imageId))) {
      const goes = mode === 'remove' ? tag.categoryId === categoryId : mode === 'only' && tag.categoryId !== categoryId;
      if (goes) wanted.push({ annotationId: tag.annotationId, after: null });
    }
    if (nextId !== null && missing.includes(imageId)) {
      wanted.push({ annotationId: nextId, after: newTag(nextId, categoryId, at) });
      nextId = (nextId + 1) as AnnotationId;
    }
    return { imageId, labels: wanted, ...(review === undefined ? {} : { review }) };
  });
}

function tagsOf(labels: readonly Annotation[] | undefined): Annotation[] {
  return labels?.filter(({ shape }) => shape.kind === 'classification') ?? [];
}

function newTag(annotationId: AnnotationId, categoryId: CategoryId, at: string): Annotation {
  return {
    annotationId,
    categoryId,
    shape: { kind: 'classification' },
    flags: [],
    attributes: {},
    note: '',
    z: 0,
    provenance: { by: 'person' },
    createdAt: at,
    updatedAt: null,
  };
}
