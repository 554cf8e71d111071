/** The classes that a network tells apart, which are those of the data set and, in masks, what no label covers. */
import type { CategoryId } from './ids.ts';
import type { RunConfig } from './run.ts';

export interface TrainedClass {
  name: string;
  /** Null for the background where the data set has no class of that name. */
  categoryId: CategoryId | null;
  /** Lines between the points of its objects, pairs of their places; absent where the network says no points. */
  edges?: [number, number][];
}

const backgroundNames: ReadonlySet<string> = new Set(['background', '_background_', 'bg']);
const isBackground = ({ name }: { name: string }): boolean => backgroundNames.has(name.trim().toLowerCase());

/** In the order of the network's outputs. `categories`: the data set's, in theirs. */
export function trainedClasses(
  { task, data }: Pick<RunConfig, 'task'> & { data: Pick<RunConfig['data'], 'unlabelled'> },
  categories: readonly { name: string; categoryId: CategoryId }[],
): TrainedClass[] {
  const classes = categories.map(({ name, categoryId }) => ({ name, categoryId }));
  const hasBackground = task === 'segmentation' && data.unlabelled === 'background';
  return hasBackground && !categories.some(isBackground)
    ? [{ name: 'background', categoryId: null }, ...classes]
    : classes;
}

/** The class of pixels that no label covers; null where they are not learned from. */
export function unlabelledClass(
  { data }: { data: Pick<RunConfig['data'], 'unlabelled'> },
  classes: readonly TrainedClass[],
): number | null {
  return data.unlabelled === 'ignore'
    ? null
    : classes.findIndex((each) => each.categoryId === null || isBackground(each));
}

/**
 * The classes of a network that was trained before, by the names they had then. A data set's classes may have changed
 * places, gone, or got other names since: those that are left over on both sides are taken to be renamed where they are as
 * many. `categoryId` null: there is no such class any more.
 */
export function classesAsTrained(
  names: readonly string[],
  categories: readonly { name: string; categoryId: CategoryId }[],
): TrainedClass[] {
  const byName = new Map(categories.map(({ name, categoryId }) => [name, categoryId]));
  const known = new Set(names);
  const unnamed = names.filter((name) => !byName.has(name) && !isBackground({ name }));
  const unknown = categories.filter(({ name }) => !known.has(name));
  const isRenamed = unnamed.length === unknown.length;
  const renamed = new Map(isRenamed ? unnamed.map((name, at) => [name, unknown[at]?.categoryId]) : []);
  return names.map((name) => ({ name, categoryId: byName.get(name) ?? renamed.get(name) ?? null }));
}
