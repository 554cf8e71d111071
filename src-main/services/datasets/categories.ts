/** Calls about the classes of a data set: adding, renaming, colouring. */
import type { Handlers } from '../../contract/ipc.ts';
import type { ServiceContext } from '../context.ts';

type CategoryCalls = 'category.create' | 'category.rename' | 'category.recolour';

export function createCategoryHandlers({ projects, emit }: ServiceContext): Pick<Handlers, CategoryCalls> {
  return {
    'category.create': async ({ projectId, datasetId, name }) => {
      const { store } = projects.get(projectId);
      store.datasets.requireReady(datasetId);
      const created = store.categories.create(datasetId, name);
      emit('dataset.changed', { projectId });
      return created;
    },

    'category.rename': async ({ projectId, categoryId, name }) => {
      const renamed = projects.get(projectId).store.categories.rename(categoryId, name);
      emit('dataset.changed', { projectId });
      return renamed;
    },

    'category.recolour': async ({ projectId, categoryId, colour }) => {
      const recoloured = projects.get(projectId).store.categories.recolour(categoryId, colour);
      emit('dataset.changed', { projectId });
      return recoloured;
    },
  };
}
