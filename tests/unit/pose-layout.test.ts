/** How many points a data set's poses have, and which of them change places in a mirrored image. */
import { expect, test } from 'vitest';
import type { Skeleton } from '../../src-main/contract/model/annotation-edit.ts';
import type { ClassEdit } from '../../src-main/contract/model/class-edit.ts';
import type { CategoryId } from '../../src-main/contract/model/ids.ts';
import { poseLayout } from '../../src-main/services/training-data/pose-layout.ts';
import { adding, LabelProject } from '../helpers/label-project.ts';

async function setUp() {
  const project = await LabelProject.create(2);
  const { photos, store } = project;
  const [cat, dog] = photos.categoryIds;
  const layoutWith = async (...skeletons: Skeleton[]) => {
    const { projectId } = project;
    const edit: ClassEdit = { kind: 'schema', schema: { skeletons, attributes: [] } };
    const { datasetId } = photos;
    const { handlers } = project.fixture;
    await handlers['category.edit']({ projectId, gestureId: project.nextGesture(), datasetId, edit });
    return poseLayout(store, datasetId);
  };
  const label = async (categoryId: CategoryId, count: number): Promise<void> => {
    const points = Array.from({ length: count }, (_, i) => ({ x: i, y: i, visibility: 2 as const }));
    const id = store.labelEdits.reserveIds(1);
    await project.edit(photos.imageIds[0]!, [adding(id, categoryId, { kind: 'keypoints', points, bboxXyxy: null })]);
  };
  return { layoutWith, label, cat, dog, layout: () => poseLayout(store, photos.datasetId) };
}
const skeleton = (categoryId: CategoryId, points: string[], flipPairs?: [number, number][]): Skeleton => ({
  categoryId,
  points,
  edges: [],
  ...(flipPairs && { flipPairs }),
});

test('is that of the skeletons: by their pairs, or by the names of their points', async () => {
  const { layoutWith, cat, dog } = await setUp();
  const face = ['nose', 'left eye', 'right eye'];
  expect(await layoutWith(skeleton(cat, face))).toEqual({ pointCount: 3, mirrored: [0, 2, 1] });
  expect(await layoutWith(skeleton(cat, face, [[0, 1]]))).toEqual({ pointCount: 3, mirrored: [1, 0, 2] });
  expect(await layoutWith(skeleton(cat, ['head', 'tail'], []))).toEqual({ pointCount: 2, mirrored: [0, 1] });
  // A class with fewer points goes along where it does not contradict.
  const both = await layoutWith(skeleton(cat, face), skeleton(dog, ['nose'], []));
  expect(both).toEqual({ pointCount: 3, mirrored: [0, 2, 1] });
});

test('says nothing of mirroring where nobody has, or where two classes disagree', async () => {
  const { layoutWith, cat, dog } = await setUp();
  expect(await layoutWith(skeleton(cat, ['a', 'b']))).toEqual({ pointCount: 2, mirrored: null });
  const disagree = await layoutWith(skeleton(cat, ['left', 'right'], [[0, 1]]), skeleton(dog, ['head', 'tail'], []));
  expect(disagree).toEqual({ pointCount: 2, mirrored: null });
});

test('without skeletons is that of the labels', async () => {
  const { layout, label, cat, layoutWith } = await setUp();
  expect(layout()).toBeNull();
  await label(cat, 1);
  expect(layout()).toEqual({ pointCount: 1, mirrored: [0] });
  await label(cat, 4);
  expect(layout()).toEqual({ pointCount: 4, mirrored: null });
  // A label has more points than the skeleton names.
  const pairs: [number, number][] = [[0, 1]];
  expect(await layoutWith(skeleton(cat, ['left', 'right', 'top'], pairs))).toEqual({ pointCount: 4, mirrored: null });
});
