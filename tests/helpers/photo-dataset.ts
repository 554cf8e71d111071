/** A data set of photographs (rows only, no files) of 640 × 480 px in three classes. */
import type { Shape } from '../../src-main/contract/model/annotation.ts';
import type { CategoryId, DatasetId, ImageId } from '../../src-main/contract/model/ids.ts';
import { labelRow } from '../../src-main/store/label-row.ts';
import type { ProjectStore } from '../../src-main/store/project-store.ts';
import { insertImages } from './insert-images.ts';

const imageSize = { widthPx: 640, heightPx: 480 };

export interface PhotoDataset {
  datasetId: DatasetId;
  categoryIds: [CategoryId, CategoryId, CategoryId];
  imageIds: ImageId[];
}

/** Each image has one imported box of the first class at [10, 20, 110, 220], unless `labelled` is false. */
export function addPhotos(store: ProjectStore, count: number, { name = 'Photos', labelled = true } = {}): PhotoDataset {
  const datasetId = store.datasets.begin({
    name,
    format: 'coco',
    source: '/photos',
    createdAt: '2026-01-02T03:04:05Z',
  });
  const [a, b, c] = store.datasets.addCategories(datasetId, ['cat', 'dog', 'bird']);
  if (a === undefined || b === undefined || c === undefined) throw new Error('three classes were asked for');
  store.datasets.setImageRoot(datasetId, '/photos');
  const box = { category: 0, shape: bbox(10, 20, 110, 220), flags: [], attributes: {} };
  const images = Array.from({ length: count }, (_, index) => ({
    ...{ name: `${index}.jpg`, path: `${index}.jpg`, split: 'train' as const, channels: 3, ...imageSize },
    ...{ mediaType: 'image/jpeg', orientation: 1, sizeBytes: 1, modifiedMs: 1, review: 'to-do' as const },
    labels: labelled ? [labelRow(box)] : [],
  }));
  insertImages(store, datasetId, images, [a, b, c]);
  store.datasets.publish(datasetId);
  const ids = store.database.prepare<[DatasetId], ImageId>('SELECT id FROM image WHERE dataset_id = ? ORDER BY id');
  return { datasetId, categoryIds: [a, b, c], imageIds: ids.pluck().all(datasetId) };
}

export function bbox(x1: number, y1: number, x2: number, y2: number): Extract<Shape, { kind: 'bbox' }> {
  return { kind: 'bbox', bboxXyxy: [x1, y1, x2, y2] };
}
