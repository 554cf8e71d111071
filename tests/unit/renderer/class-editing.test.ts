/** Editing classes: what an edit would do is said before it is done, over the real services; skeletons from presets. */
import { onTestFinished, expect, test } from 'vitest';
import { mirroredPairs } from '../../../src-main/contract/model/mirrored-points.ts';
import {
  skeletonPresets,
  toggledEdge,
  withoutPoint,
  withPair,
} from '../../../src-renderer/features/annotate/skeleton-presets.ts';
import type { AnnotateState } from '../../../src-renderer/state/annotate-state.svelte.ts';
import { ClassEditing } from '../../../src-renderer/state/class-editing.svelte.ts';
import type { ClassEdit } from '../../../src-main/contract/model/class-edit.ts';
import type { CategoryId } from '../../../src-main/contract/model/ids.ts';
import { adding, LabelProject } from '../../helpers/label-project.ts';
import { bbox } from '../../helpers/photo-dataset.ts';

async function setUp() {
  const project = await LabelProject.create(3);
  onTestFinished(() => project.fixture.close());
  const { projectId, store } = project;
  const { datasetId, categoryIds, imageIds } = project.photos;
  const { handlers } = project.fixture;
  const annotate = {
    get dataset() {
      return { categories: store.datasets.categories(datasetId) };
    },
    classUsage: () => handlers['category.usage']({ projectId, datasetId }),
    editClasses: (edit: ClassEdit) =>
      handlers['category.edit']({ projectId, datasetId, edit, gestureId: project.nextGesture() }),
  };
  const editing = new ClassEditing(annotate as unknown as AnnotateState);
  await editing.count();
  return { project, editing, categoryIds, imageIds, store };
}

test('how many labels a deletion takes is said first, and that is how many go', async () => {
  const { editing, categoryIds, project, imageIds } = await setUp();
  const [cat, dog] = categoryIds;
  editing.askToRemove([cat]);
  expect(editing.asked).toMatchObject({
    title: 'Delete the class “cat”?',
    consequence: '3 labels on 3 images go with it. Undo brings all of it back.',
  });
  editing.askToRemove([dog]);
  expect(editing.asked?.consequence).toBe('No label has it. Undo brings all of it back.');
  editing.askToRemove([cat, dog]);
  expect(editing.asked).toMatchObject({
    title: 'Delete 2 classes?',
    consequence: '3 labels on 3 images go with them. Undo brings all of it back.',
  });
  editing.toggle(cat);
  await editing.confirm();
  expect(editing.categories.map(({ name }) => name)).toEqual(['bird']);
  expect(imageIds.flatMap((imageId) => project.labels(imageId))).toEqual([]);
  expect(editing.chosenIds).toEqual([]);
  expect(editing.usage?.size).toBe(0);
});

test('a merge says what becomes what, and leaves the target out of what goes', async () => {
  const { editing, categoryIds, project, imageIds } = await setUp();
  const [cat, dog, bird] = categoryIds;
  const id = project.store.labelEdits.reserveIds(1);
  await project.edit(imageIds[0]!, [adding(id, dog, bbox(1, 2, 3, 4))]);
  await editing.count();
  editing.askToMerge([dog, bird], bird);
  expect(editing.asked).toMatchObject({
    title: 'Merge “dog” into “bird”?',
    consequence: '1 label on 1 image becomes “bird”. “dog” is then gone. Undo brings all of it back.',
  });
  editing.askToMerge([cat, dog, bird], bird);
  expect(editing.asked).toMatchObject({
    title: 'Merge “cat” and “dog” into “bird”?',
    consequence: '4 labels become “bird”. “cat” and “dog” are then gone. Undo brings all of it back.',
  });
  await editing.confirm();
  expect(editing.usage?.get(bird)).toMatchObject({ labels: 4, images: 3 });
});

test('a class moves within the list, and nothing is done where it is', async () => {
  const { editing, categoryIds } = await setUp();
  const [cat] = categoryIds;
  expect(await editing.move(cat, 99)).toBe(true);
  expect(editing.categories.map(({ name }) => name)).toEqual(['dog', 'bird', 'cat']);
  expect(await editing.move(cat, 5)).toBe(false);
  expect(await editing.move(999 as CategoryId, 0)).toBe(false);
});

test('COCO’s person has its lines and its mirrored points', () => {
  const { skeleton } = skeletonPresets.find(({ id }) => id === 'coco-person')!;
  const named = ([a, b]: readonly [number, number]): string =>
    [skeleton.points[a], skeleton.points[b]].sort().join(' – ');
  expect(skeleton.edges.map(named)).toContain('left ankle – left knee');
  expect(skeleton.edges).toHaveLength(19);
  expect(skeleton.flipPairs.map(named)).toEqual(
    ['eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'].map((part) => `left ${part} – right ${part}`),
  );
  expect(mirroredPairs(['Left_hand', 'Right_hand', 'LEFT foot', 'RIGHT foot', 'cleft', 'left tail'])).toEqual([
    [0, 1],
    [2, 3],
  ]);
});

test('points, lines and pairs of a skeleton change together', () => {
  const skeleton = {
    categoryId: 1 as CategoryId,
    points: ['a', 'b', 'c', 'd'],
    edges: [
      [0, 1],
      [1, 2],
      [2, 3],
    ] as [number, number][],
    flipPairs: [
      [0, 1],
      [2, 3],
    ] as [number, number][],
  };
  expect(withoutPoint(skeleton, 1)).toEqual({
    ...skeleton,
    points: ['a', 'c', 'd'],
    edges: [[1, 2]],
    flipPairs: [[1, 2]],
  });
  expect(withPair(skeleton, 0, 2).flipPairs).toEqual([[0, 2]]);
  expect(withPair(skeleton, 0, null).flipPairs).toEqual([[2, 3]]);
  expect(toggledEdge(skeleton, 1, 0).edges).toEqual([
    [1, 2],
    [2, 3],
  ]);
  expect(toggledEdge(skeleton, 3, 0).edges).toEqual([...skeleton.edges, [3, 0]]);
});
