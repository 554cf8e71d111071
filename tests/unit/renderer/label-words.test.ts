import { expect, test } from 'vitest';
import type { AnnotationSummary } from '../../../src-main/contract/model/annotation.ts';
import type { Category, ImageSummary } from '../../../src-main/contract/model/dataset.ts';
import type { AnnotationId, CategoryId, ImageId } from '../../../src-main/contract/model/ids.ts';
import { classCounts, labelWords } from '../../../src-renderer/features/datasets/dataset-words.ts';
import { drawnLabels, listedShape } from '../../../src-renderer/features/datasets/draw-labels.ts';

const category = (ordinal: number, name: string): Category => ({
  categoryId: (ordinal + 1) as CategoryId,
  ordinal,
  name,
});
const categories = new Map(
  [category(0, 'cat'), category(1, 'dog'), category(2, 'bird')].map((each) => [each.categoryId, each]),
);

function box(ordinal: number, side: number): AnnotationSummary {
  const ids = { annotationId: 1 as AnnotationId, categoryId: (ordinal + 1) as CategoryId };
  return { ...ids, kind: 'bbox', bboxXyxy: [0, 0, side, side] };
}

function image(annotations: AnnotationSummary[], review: ImageSummary['review'] = 'done'): ImageSummary {
  const size = { widthPx: 10, heightPx: 10, channels: 3 };
  return { imageId: 1 as ImageId, name: 'a.jpg', split: 'train', ...size, review, labelVersion: 0, annotations };
}

test('an image in a few words', () => {
  const whole: AnnotationSummary = { ...box(1, 1), kind: 'classification' };
  expect(labelWords(image([whole]), categories)).toBe('dog');
  expect(labelWords(image([box(2, 1), box(1, 1), box(2, 3), box(0, 1)]), categories)).toBe('2 bird, 1 cat, 1 dog');
  expect(labelWords(image([]), categories)).toBe('no object');
  expect(labelWords(image([], 'to-do'), categories)).toBe('no label');
  expect(classCounts(image([box(9, 1)]), categories)).toEqual([]);
});

test('large labels are drawn first, so that small ones stay on top; classes of whole images are not drawn', () => {
  const labels = [box(0, 2), box(1, 9), { ...box(2, 5), kind: 'classification' as const }, box(2, 4)].map((label) => ({
    categoryId: label.categoryId,
    shape: label.kind === 'classification' ? { kind: label.kind } : listedShape(label),
  }));
  expect(drawnLabels(labels, categories).map(({ name }) => name)).toEqual(['dog', 'bird', 'cat']);
});

test('a shape that is too large for a list is drawn as its box', () => {
  const mask: AnnotationSummary = { ...box(0, 7), kind: 'mask' };
  expect(listedShape(mask)).toEqual({ kind: 'bbox', bboxXyxy: [0, 0, 7, 7] });
  const shape = { kind: 'polygon' as const, parts: [{ outer: [0, 0, 1, 0, 1, 1], holes: [] }] };
  expect(listedShape({ ...mask, kind: 'polygon', shape })).toBe(shape);
});
