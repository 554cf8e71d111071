/**
 * A process to be killed by a test. "merge": merges the first class of the project's only data set into the second; "classify":
 * takes the first class from all images as a whole, and marks them as done. It takes that back and does it again, for ever. Says
 * "ready" once it has begun.
 */
import { writeSync } from 'node:fs';
import type { ClassEdit } from '../../src-main/contract/model/class-edit.ts';
import { BulkGestures } from '../../src-main/services/annotate/bulk-gestures.ts';
import { createAnnotateHandlers } from '../../src-main/services/annotate/handlers.ts';
import { JobRegistry } from '../../src-main/services/jobs.ts';
import { OpenProjects } from '../../src-main/services/open-projects.ts';

const [folder = '', what = 'merge'] = process.argv.slice(2);
const projects = new OpenProjects();
const emit = (): void => undefined;
const handlers = createAnnotateHandlers({ projects, emit }, new BulkGestures(projects, emit, new JobRegistry(emit)));
const { store, project } = await projects.open(folder);
const { projectId } = project;
let gestures = 0;
const nextGesture = () => `${process.pid}:${++gestures}`;
writeSync(1, 'ready\n');

for (;;) {
  const [dataset] = store.datasets.list();
  const [first, second] = dataset!.categories.map(({ categoryId }) => categoryId);
  if (what === 'classify') {
    const imageIds = store.images.idsInRange(
      dataset!.datasetId,
      { splits: [], categoryIds: [] },
      store.images.idRange(dataset!.datasetId)!,
    );
    const change = { imageIds, categoryId: first!, mode: 'remove', review: 'done' } as const;
    await handlers['annotation.classify']({ projectId, gestureId: nextGesture(), ...change });
  } else if (dataset!.categories.length === 3) {
    const edit: ClassEdit = { kind: 'merge', from: [first!], into: second! };
    await handlers['category.edit']({ projectId, gestureId: nextGesture(), datasetId: dataset!.datasetId, edit });
  }
  for (const direction of ['undo', 'redo', 'undo'] as const) {
    await handlers[`annotation.${direction}`]({ projectId, gestureId: nextGesture(), target: null });
  }
}
