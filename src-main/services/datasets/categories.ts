/** Adding a class to a data set; what else is done to classes changes labels and has an undo: see annotate/class-edits.ts. */
import type { Handlers } from '../../contract/ipc.ts';
import type { ServiceContext } from '../context.ts';

export function createCategoryHandlers({ projects, emit }: ServiceContext): Pick<Handlers, 'category.create'> {
  return {
    'category.create': async ({ projectId, datasetId, name }) => {
      const { store } = projects.get(projectId);
      store.datasets.requireReady(datasetId);
      const created = store.categories.create(datasetId, name);
      emit('dataset.changed', { projectId });
      return created;
    },
  };
}
