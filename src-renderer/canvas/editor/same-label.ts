/** Whether labels say the same, times apart: what is not a change must not become an entry of undo. */
import type { Shape } from '../../../src-main/contract/model/annotation.ts';
import type { AnnotationContent, Label } from './types.ts';

const contentKeys = [
  'categoryId',
  'shape',
  'flags',
  'attributes',
  'note',
  'z',
] as const satisfies (keyof AnnotationContent)[];

/** What `after` says differently. */
export function changedContent(before: Label, after: Label): Partial<AnnotationContent> {
  const changed: Partial<AnnotationContent> = {};
  for (const key of contentKeys) if (!same(before[key], after[key])) Object.assign(changed, { [key]: after[key] });
  return changed;
}

function same(a: Label[keyof Label], b: Label[keyof Label]): boolean {
  if (a === b) return true;
  if (isMask(a) && isMask(b)) {
    const [own, others] = [a.rle.counts, b.rle.counts];
    return own.length === others.length && own.every((count, at) => count === others[at]);
  }
  return JSON.stringify(a) === JSON.stringify(b);
}

function isMask(value: unknown): value is Extract<Shape, { kind: 'mask' }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'mask';
}
