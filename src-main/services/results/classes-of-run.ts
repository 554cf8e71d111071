/** The classes that a run's network was trained with, found again among those that the data set has now. */
import { existsSync } from 'node:fs';
import { toErrorData } from '../../contract/errors.ts';
import type { Skeleton } from '../../contract/model/annotation-edit.ts';
import type { Category } from '../../contract/model/dataset.ts';
import type { RunId } from '../../contract/model/ids.ts';
import { networkPoints } from '../../contract/model/network-ends.ts';
import { classesAsTrained, trainedClasses, type TrainedClass } from '../../contract/model/trained-classes.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { readCategoryNames } from '../../engine/train/training-data-file.ts';
import type { OpenProject } from '../open-projects.ts';
import { runFolder } from '../runs/restore-runs.ts';

interface ClassesOfRun {
  /** As the network sees them. */
  classes: TrainedClass[];
  /** Those of them that there are, in their order. */
  categories: Category[];
  /** Why those of its training could not be read, so that these may be others; null where they are its own. */
  doubt: string | null;
}

/** Before its turn a run has no classes of its own: then they are the data set's. So they are where the run's list is damaged. */
export async function classesOfRun(opened: OpenProject, runId: RunId): Promise<ClassesOfRun> {
  const { runs, datasets } = opened.store;
  const config = runs.config(runId);
  const all = datasets.categories(config.data.datasetId);
  const file = runFiles.data(runFolder(opened, runId));
  let names: string[] | null = null;
  let doubt: string | null = null;
  try {
    if (existsSync(file)) names = await readCategoryNames(file);
  } catch (error) {
    doubt = toErrorData(error).message;
  }
  const bare = names === null ? trainedClasses(config, all) : classesAsTrained(names, all);
  const classes = networkPoints(config) === 0 ? bare : withEdges(bare, datasets.skeletons(config.data.datasetId));
  const byId = new Map(all.map((category) => [category.categoryId, category]));
  const categories = classes.flatMap(({ categoryId }) => (categoryId === null ? [] : (byId.get(categoryId) ?? [])));
  return { classes, categories, doubt };
}

/** In the order of the network's classes; empty where it says no points. */
export async function skeletonsOfRun(opened: OpenProject, runId: RunId): Promise<(Skeleton | null)[]> {
  const { runs, datasets } = opened.store;
  const config = runs.config(runId);
  if (networkPoints(config) === 0) return [];
  const known = new Map(datasets.skeletons(config.data.datasetId).map((skeleton) => [skeleton.categoryId, skeleton]));
  const { classes } = await classesOfRun(opened, runId);
  return classes.map(({ categoryId }) => (categoryId === null ? null : (known.get(categoryId) ?? null)));
}

function withEdges(classes: readonly TrainedClass[], skeletons: readonly Skeleton[]): TrainedClass[] {
  const edges = new Map(skeletons.map((skeleton) => [skeleton.categoryId, skeleton.edges]));
  return classes.map((each) => ({ ...each, edges: (each.categoryId !== null && edges.get(each.categoryId)) || [] }));
}
