/** How data sets and images are named in words. */
import type { Category, Dataset, ImageSummary, Split } from '../../../src-main/contract/model/dataset.ts';
import type { ShapeKind } from '../../../src-main/contract/model/annotation.ts';
import type { CategoryId } from '../../../src-main/contract/model/ids.ts';
import { plural } from '../../ui/format-number.ts';

export const splitLabels = { train: 'Train', val: 'Validation', test: 'Test' } as const satisfies Record<Split, string>;
export const formatLabels = {
  cifar10: 'CIFAR-10, binary version',
  cifar100: 'CIFAR-100, binary version',
  idx: 'IDX (as MNIST)',
  yolo: 'YOLO',
  coco: 'COCO JSON',
  voc: 'Pascal VOC',
  labelme: 'labelme',
  cvat: 'CVAT for images',
  masks: 'Mask images',
  'image-folders': 'A folder for each class',
  images: 'Images without labels',
} as const satisfies Record<Dataset['format'], string>;
export const kindLabels = {
  classification: ['class of a whole image', 'classes of whole images'],
  bbox: ['box', 'boxes'],
  'rotated-box': ['rotated box', 'rotated boxes'],
  polygon: ['polygon', 'polygons'],
  mask: ['mask', 'masks'],
  keypoints: ['set of keypoints', 'sets of keypoints'],
} as const satisfies Record<ShapeKind, readonly [one: string, many: string]>;

export function imageCount(counts: Readonly<Record<Split, number>>): number {
  return counts.train + counts.val + counts.test;
}

/** "60,000 images, 10 classes" */
export function datasetSummary(dataset: Dataset): string {
  const images = plural(imageCount(dataset.splitCounts), 'image');
  return `${images}, ${plural(dataset.categories.length, 'class', 'classes')}`;
}

export type Categories = ReadonlyMap<CategoryId, Category>;

export function categoriesById(dataset: Dataset): Categories {
  return new Map(dataset.categories.map((category) => [category.categoryId, category]));
}

/** The image's class, or null where it has no label. */
export function categoryOf(image: ImageSummary, categories: Categories): Category | null {
  const label = image.annotations.find((annotation) => annotation.kind === 'classification');
  return label === undefined ? null : (categories.get(label.categoryId) ?? null);
}

export interface ClassCount {
  category: Category;
  count: number;
}

/** The classes of an image's labels, those with the most labels first. */
export function classCounts(image: ImageSummary, categories: Categories): ClassCount[] {
  const counts = new Map<CategoryId, number>();
  for (const { categoryId } of image.annotations) counts.set(categoryId, (counts.get(categoryId) ?? 0) + 1);
  return [...counts]
    .flatMap(([categoryId, count]) => {
      const category = categories.get(categoryId);
      return category === undefined ? [] : [{ category, count }];
    })
    .sort((a, b) => b.count - a.count || a.category.ordinal - b.category.ordinal);
}

/** An image's labels in a few words: its class, "3 person, 1 dog", or that it has none. */
export function labelWords(image: ImageSummary, categories: Categories): string {
  const whole = categoryOf(image, categories);
  if (whole !== null) return whole.name;
  const counts = classCounts(image, categories);
  if (counts.length > 0) return counts.map(({ category, count }) => `${count} ${category.name}`).join(', ');
  return image.review === 'done' ? 'no object' : 'no label';
}

/** "32 × 32 px, colour" */
export function sizeWords(image: { widthPx: number; heightPx: number; channels: number }): string {
  return `${image.widthPx} × ${image.heightPx} px, ${image.channels === 1 ? 'grey' : 'colour'}`;
}
