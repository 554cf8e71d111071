/** How labels are named in words. */
import type { Annotation, AnnotationFlag, ReviewState, Shape } from '../../../src-main/contract/model/annotation.ts';
import { formatShare } from '../../ui/format-number.ts';

export const flagLabels = {
  occluded: 'Occluded',
  truncated: 'Truncated',
  difficult: 'Difficult',
  crowd: 'Crowd',
} as const satisfies Record<AnnotationFlag, string>;

export const shapeLabels = {
  classification: 'whole image',
  bbox: 'box',
  'rotated-box': 'rotated box',
  polygon: 'polygon',
  mask: 'mask',
  keypoints: 'keypoints',
} as const satisfies Record<Shape['kind'], string>;

export const reviewLabels = {
  'to-do': 'To do',
  'needs-review': 'Needs review',
  done: 'Done',
  rejected: 'Rejected',
} as const satisfies Record<ReviewState, string>;

export function sourceWords(provenance: Annotation['provenance']): string {
  if (provenance.by === 'person') return 'Drawn by a person';
  if (provenance.by === 'import') return 'Came with the data set';
  return `Proposed by run ${provenance.runId}, score ${formatShare(provenance.score)}`;
}
