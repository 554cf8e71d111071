/** What the labels of a split are, counted piece by piece so that a large data set holds nobody up. */
import { bboxArea } from '../../contract/geometry/box.ts';
import { polygonArea } from '../../contract/geometry/polygon.ts';
import { rleArea } from '../../contract/geometry/rle.ts';
import type { Shape, ShapeKind } from '../../contract/model/annotation.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { CategoryId, DatasetId } from '../../contract/model/ids.ts';
import type { LabelStatistics } from '../../contract/model/label-statistics.ts';
import { idSlices } from '../datasets/id-slices.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { OpenProject } from '../open-projects.ts';

type ClassStatistics = LabelStatistics['classes'][number];
/** Shapes are parsed, which takes longer than counting rows. */
const imagesAtOnce = 100;

export async function readLabelStatistics(
  { store }: OpenProject,
  datasetId: DatasetId,
  split: Split,
): Promise<LabelStatistics> {
  const kinds = new Map<ShapeKind, number>();
  const classes = new Map<CategoryId, ClassStatistics>();
  const of = (categoryId: CategoryId): ClassStatistics => {
    const known = classes.get(categoryId) ?? { categoryId, objects: 0, images: 0, area: 0 };
    classes.set(categoryId, known);
    return known;
  };
  let images = 0;
  let imageArea = 0;
  for await (const range of idSlices(store, datasetId)) {
    const found = store.labelStatistics.inRange(datasetId, split, range);
    images += found.images;
    imageArea += found.imageArea;
    for (const { kind, categoryId, objects } of found.counts) {
      kinds.set(kind, (kinds.get(kind) ?? 0) + objects);
      of(categoryId).objects += objects;
    }
    for (const { categoryId, images: count } of found.byClass) of(categoryId).images += count;
    if (found.counts.every(({ kind }) => kind === 'classification')) continue;
    const ids = store.images.idsInRange(datasetId, { splits: [split], categoryIds: [] }, range);
    for (let first = 0; first < ids.length; first += imagesAtOnce) {
      for (const labels of store.annotations.ofImages(ids.slice(first, first + imagesAtOnce)).values()) {
        for (const { categoryId, shape } of labels) of(categoryId).area += areaOf(shape);
      }
      await yieldToEventLoop();
    }
  }
  return {
    images,
    imageArea,
    kinds: [...kinds].map(([kind, count]) => ({ kind, count })),
    classes: [...classes.values()],
  };
}

function areaOf(shape: Shape): number {
  switch (shape.kind) {
    case 'bbox':
      return bboxArea(shape.bboxXyxy);
    case 'rotated-box':
      return shape.widthPx * shape.heightPx;
    case 'polygon':
      return polygonArea(shape.parts);
    case 'mask':
      return rleArea(shape.rle);
    case 'classification':
    case 'keypoints':
      return 0;
  }
}
