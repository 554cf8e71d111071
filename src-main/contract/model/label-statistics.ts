/** What a split's labels are: of which kinds, how often each class occurs, and how much of the images it covers. */
import * as v from 'valibot';
import { shapeKind } from './annotation.ts';
import { categoryId } from './ids.ts';
import { taskDefinitions } from './tasks.ts';
import type { Task } from './run.ts';

export const labelStatistics = v.object({
  images: v.number(),
  /** Of all images, px². */
  imageArea: v.number(),
  kinds: v.array(v.object({ kind: shapeKind, count: v.number() })),
  /** Classes that occur. `area` is the sum of their labels' areas in px²; where labels overlap, pixels count twice. */
  classes: v.array(v.object({ categoryId, objects: v.number(), images: v.number(), area: v.number() })),
});
export type LabelStatistics = v.InferOutput<typeof labelStatistics>;

/** Labels that the task can be learned from. */
export function usableLabels({ kinds }: LabelStatistics, task: Task): number {
  const usable = kinds.filter(({ kind }) => taskDefinitions[task].learnsFrom.includes(kind));
  return usable.reduce((sum, { count }) => sum + count, 0);
}

/** The task whose best-fitting kind of label occurs most often; classification where there are no labels. */
export function suggestedTask({ kinds }: LabelStatistics): Task {
  const countOf = (task: Task): number => {
    // Boxes can fill a mask too, but who draws boxes wants boxes: only kinds that fit no other task better count.
    const fitting = kinds.filter(({ kind }) => bestTaskOf(kind) === task);
    return fitting.reduce((sum, { count }) => sum + count, 0);
  };
  const tasks = Object.keys(taskDefinitions) as Task[];
  return tasks.reduce((best, task) => (countOf(task) > countOf(best) ? task : best));
}

/** The task that names the kind earliest in its list. */
function bestTaskOf(kind: LabelStatistics['kinds'][number]['kind']): Task | null {
  const ranked = (Object.keys(taskDefinitions) as Task[])
    .map((task) => ({ task, place: taskDefinitions[task].learnsFrom.indexOf(kind) }))
    .filter(({ place }) => place >= 0)
    .toSorted((a, b) => a.place - b.place);
  return ranked[0]?.task ?? null;
}

const most = 20;

/**
 * A factor for each class so that rare ones are not drowned: the median share over the class's own (median frequency
 * balancing, Eigen and Fergus 2015), at most 20 and at least 1/20. Classes that never occur get 1. shares: of all pixels.
 */
export function suggestedWeights(shares: readonly number[]): number[] {
  const present = shares.filter((share) => share > 0).toSorted((a, b) => a - b);
  const middle = present.length / 2;
  const median = present.length === 0 ? 1 : (present[Math.ceil(middle) - 1]! + present[Math.floor(middle)]!) / 2;
  const rounded = (weight: number): number => Number(weight.toPrecision(3));
  return shares.map((share) => (share > 0 ? rounded(Math.min(most, Math.max(1 / most, median / share))) : 1));
}
