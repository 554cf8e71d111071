/** How data sets and images are named in words. */
import type { Category, Dataset, ImageSummary, Split } from '../../../src-main/contract/model/dataset.ts';
import type { CategoryId } from '../../../src-main/contract/model/ids.ts';
import { plural } from '../../ui/format-number.ts';

export const splitLabels = { train: 'Train', val: 'Validation', test: 'Test' } as const satisfies Record<Split, string>;
export const formatLabels = { cifar10: 'CIFAR-10, binary version', idx: 'IDX (as MNIST)' } as const satisfies Record<
  Dataset['format'],
  string
>;

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

/** "32 × 32 px, colour" */
export function sizeWords(image: { widthPx: number; heightPx: number; channels: number }): string {
  return `${image.widthPx} × ${image.heightPx} px, ${image.channels === 1 ? 'grey' : 'colour'}`;
}
