/** What of a split's labels a task learns from, and how much of it there is; counted piece by piece. */
import type { ShapeKind } from '../../contract/model/annotation.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { CategoryId } from '../../contract/model/ids.ts';
import type { RunConfig, Task } from '../../contract/model/run.ts';
import { taskDefinitions } from '../../contract/model/tasks.ts';
import type { LearnableImages } from '../../store/training-repository.ts';
import { idSlices } from '../datasets/id-slices.ts';
import type { OpenProject } from '../open-projects.ts';

const boxes: ReadonlySet<ShapeKind> = new Set<ShapeKind>(['bbox', 'rotated-box']);

/** Tasks that learn the pixels of labels. */
export const ofPixels: ReadonlySet<Task> = new Set<Task>(['segmentation', 'instance-segmentation']);

/** Kinds of labels that a run learns from. Boxes fill a mask only where that is asked for. */
export function learnableKinds({ task, data }: Pick<RunConfig, 'task' | 'data'>): ReadonlySet<ShapeKind> {
  const kinds = taskDefinitions[task].learnsFrom;
  return new Set(ofPixels.has(task) && !data.boxesAsMasks ? kinds.filter((kind) => !boxes.has(kind)) : kinds);
}

export interface SplitLabels extends LearnableImages {
  /** Images of each class. */
  byClass: ReadonlyMap<CategoryId, number>;
}

export async function countLearnable(
  { store }: Pick<OpenProject, 'store'>,
  config: Pick<RunConfig, 'task' | 'data'>,
  split: Split,
): Promise<SplitLabels> {
  const { datasetId } = config.data;
  const kinds = learnableKinds(config);
  const byClass = new Map<CategoryId, number>();
  const sum: LearnableImages = {
    images: 0,
    rejected: 0,
    labelled: 0,
    severalClasses: 0,
    background: 0,
    mostLabels: 0,
    otherObjects: 0,
  };
  for await (const range of idSlices(store, datasetId)) {
    const found = store.training.learnableInRange(datasetId, split, kinds, range);
    for (const name of ['images', 'rejected', 'labelled', 'severalClasses', 'background', 'otherObjects'] as const)
      sum[name] += found[name];
    sum.mostLabels = Math.max(sum.mostLabels, found.mostLabels);
    for (const { categoryId, images } of found.byClass)
      byClass.set(categoryId, (byClass.get(categoryId) ?? 0) + images);
  }
  return { ...sum, byClass };
}
