/**
 * Changes of a data set's classes: their names, colours and order, which of them there are, and what is asked of their
 * labels. One edit is one step of undo, together with the labels that it changes.
 */
import * as v from 'valibot';
import { labelSchema } from './annotation-edit.ts';
import { categoryId } from './ids.ts';

const className = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(200));
const place = v.pipe(v.number(), v.integer(), v.minValue(0));

export const classEdit = v.variant('kind', [
  v.object({ kind: v.literal('rename'), categoryId, name: className }),
  /** `colour`: place in the palette; null for the one of its place in the list. */
  v.object({ kind: v.literal('recolour'), categoryId, colour: v.nullable(place) }),
  /** `place`: in the list without the class, 0 first. The class indices that networks and formats use follow. */
  v.object({ kind: v.literal('move'), categoryId, place }),
  /** Classes with all their labels. */
  v.object({ kind: v.literal('remove'), categoryIds: v.pipe(v.array(categoryId), v.minLength(1)) }),
  /** Labels of `from` get the class `into`, and the classes `from` are gone. */
  v.object({ kind: v.literal('merge'), from: v.pipe(v.array(categoryId), v.minLength(1)), into: categoryId }),
  /** Skeletons and attributes as a whole. */
  v.object({ kind: v.literal('schema'), schema: labelSchema }),
]);
export type ClassEdit = v.InferOutput<typeof classEdit>;

/** What a class has that goes, or changes, with it. */
export const classUsage = v.object({ categoryId, labels: v.number(), images: v.number() });
export type ClassUsage = v.InferOutput<typeof classUsage>;
