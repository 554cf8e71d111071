/** Classes of a data set: added, and changed in edits that have an undo. */
import { expect, test } from 'vitest';
import type { Annotation } from '../../src-main/contract/model/annotation.ts';
import type { LabelSchema } from '../../src-main/contract/model/annotation-edit.ts';
import type { ClassEdit } from '../../src-main/contract/model/class-edit.ts';
import type { AnnotationId, CategoryId, ImageId } from '../../src-main/contract/model/ids.ts';
import { rejectionOf } from '../helpers/errors.ts';
import { adding, LabelProject } from '../helpers/label-project.ts';
import { bbox } from '../helpers/photo-dataset.ts';

async function setUp() {
  const project = await LabelProject.create(2);
  const { projectId, photos, store } = project;
  const { datasetId, categoryIds } = photos;
  const [first, second] = photos.imageIds as [ImageId, ImageId];
  const { handlers, events } = project.fixture;
  const edit = (what: ClassEdit) =>
    handlers['category.edit']({ projectId, gestureId: project.nextGesture(), datasetId, edit: what });
  const classes = () =>
    store.datasets.categories(datasetId).map(({ ordinal, name, colour }) => [ordinal, name, colour]);
  const tag = async (imageId: ImageId, categoryId: CategoryId): Promise<void> => {
    const id = store.labelEdits.reserveIds(1);
    await project.edit(imageId, [adding(id, categoryId, { kind: 'classification' })]);
  };
  const schema = (): LabelSchema => store.datasets.labelSchema(datasetId);
  const labelled = (imageId: ImageId): [string, CategoryId][] =>
    project.labels(imageId).map(({ shape, categoryId }: Annotation) => [shape.kind, categoryId]);
  return {
    ...{ project, projectId, datasetId, handlers, events, edit, classes, tag, schema, labelled, store },
    first,
    second,
    categoryIds,
  };
}

const plain = [
  [0, 'cat', undefined],
  [1, 'dog', undefined],
  [2, 'bird', undefined],
];

test('a class is added at the end of the list; two of one name are refused', async () => {
  const { handlers, projectId, datasetId, classes } = await setUp();
  expect(await handlers['category.create']({ projectId, datasetId, name: 'fox' })).toMatchObject({
    ordinal: 3,
    name: 'fox',
  });
  expect(classes().at(-1)).toEqual([3, 'fox', undefined]);
  const again = await rejectionOf(handlers['category.create']({ projectId, datasetId, name: 'cat' }));
  expect(again).toMatchObject({ code: 'already-exists', message: 'This data set has a class named “cat” already.' });
});

test('names and colours change, and change back', async () => {
  const { edit, classes, categoryIds, project, events } = await setUp();
  const [cat, dog] = categoryIds;
  await edit({ kind: 'rename', categoryId: cat, name: 'lynx' });
  await edit({ kind: 'recolour', categoryId: dog, colour: 9 });
  const changed = [[0, 'lynx', undefined], [1, 'dog', 9], plain[2]];
  expect(classes()).toEqual(changed);
  expect(await project.undo()).toMatchObject({ outcome: 'done', label: 'colour of “dog”', images: [] });
  expect(await project.undo()).toMatchObject({ outcome: 'done', label: 'rename class “cat”' });
  expect(classes()).toEqual(plain);
  await project.redo();
  await project.redo();
  expect(classes()).toEqual(changed);
  expect(events.filter(({ name }) => name === 'dataset.changed')).toHaveLength(6);
  // Its own name is no clash, and no step of undo.
  expect(await edit({ kind: 'rename', categoryId: dog, name: 'dog' })).toMatchObject({
    undoState: { undo: { label: 'colour of “dog”' } },
  });
  expect((await rejectionOf(edit({ kind: 'rename', categoryId: dog, name: 'bird' }))).code).toBe('already-exists');
  expect((await rejectionOf(edit({ kind: 'rename', categoryId: 999 as CategoryId, name: 'x' }))).code).toBe(
    'not-found',
  );
});

test('classes that change places keep the colours they were seen in', async () => {
  const { edit, classes, categoryIds, project, handlers, projectId, datasetId } = await setUp();
  await edit({ kind: 'move', categoryId: categoryIds[2], place: 0 });
  const moved = [
    [0, 'bird', 2],
    [1, 'cat', 0],
    [2, 'dog', 1],
  ];
  expect(classes()).toEqual(moved);
  // A class that comes meanwhile has no undo of its own, and stays.
  await handlers['category.create']({ projectId, datasetId, name: 'fox' });
  await project.undo();
  expect(classes()).toEqual([...plain, [3, 'fox', undefined]]);
  await project.redo();
  expect(classes()).toEqual([...moved, [3, 'fox', undefined]]);
});

test('a class goes with its labels and what is asked of them; undo brings all of it back', async () => {
  const { edit, classes, categoryIds, project, first, second, labelled, schema, tag, handlers, projectId, datasetId } =
    await setUp();
  const [cat, dog, bird] = categoryIds;
  await tag(first, dog);
  const before: LabelSchema = {
    skeletons: [{ categoryId: cat, points: ['nose', 'tail'], edges: [[0, 1]] }],
    attributes: [
      { name: 'asleep', kind: 'yes-no', options: [], categoryIds: [cat] },
      { name: 'wet', kind: 'yes-no', options: [], categoryIds: [cat, dog] },
      { name: 'hidden', kind: 'yes-no', options: [], categoryIds: [] },
    ],
  };
  await edit({ kind: 'schema', schema: before });
  expect(await handlers['category.usage']({ projectId, datasetId })).toEqual([
    { categoryId: cat, labels: 2, images: 2 },
    { categoryId: dog, labels: 1, images: 1 },
  ]);
  const labels = [project.labels(first), project.labels(second)];
  expect(await edit({ kind: 'remove', categoryIds: [cat] })).toMatchObject({
    outcome: 'done',
    label: 'delete class “cat”',
    images: [
      { imageId: first, version: 2 },
      { imageId: second, version: 1 },
    ],
  });
  const gone = [
    [0, 'dog', 1],
    [1, 'bird', 2],
  ];
  expect(classes()).toEqual(gone);
  expect([labelled(first), labelled(second)]).toEqual([[['classification', dog]], []]);
  expect(schema()).toEqual({
    skeletons: [],
    attributes: [{ ...before.attributes[1], categoryIds: [dog] }, before.attributes[2]],
  });
  await project.undo();
  expect(classes()).toEqual(plain);
  expect([project.labels(first), project.labels(second)]).toEqual(labels);
  expect(schema()).toEqual(before);
  await project.redo();
  expect(classes()).toEqual(gone);
  expect(labelled(second)).toEqual([]);
  await project.undo();
  // Undo goes on to what was before.
  await project.undo();
  await project.undo();
  expect(schema()).toEqual({ skeletons: [], attributes: [] });
  expect(labelled(first)).toEqual([['bbox', cat]]);
  expect(bird).not.toBe(cat);
});

test('merged classes leave one class on each label, and one tag on an image', async () => {
  const { edit, classes, categoryIds, project, first, second, labelled, tag } = await setUp();
  const [cat, dog, bird] = categoryIds;
  await tag(first, dog);
  await tag(first, bird);
  await tag(second, cat);
  await edit({ kind: 'merge', from: [cat, dog], into: bird });
  expect(classes()).toEqual([[0, 'bird', 2]]);
  expect(labelled(first)).toEqual([
    ['bbox', bird],
    ['classification', bird],
  ]);
  expect(labelled(second)).toEqual([
    ['bbox', bird],
    ['classification', bird],
  ]);
  await project.undo();
  expect(classes()).toEqual(plain);
  expect(labelled(first)).toEqual([
    ['bbox', cat],
    ['classification', dog],
    ['classification', bird],
  ]);
  expect(labelled(second)).toEqual([
    ['bbox', cat],
    ['classification', cat],
  ]);
});

test('a merge takes the skeleton along, and is refused where two differ', async () => {
  const { edit, categoryIds, schema } = await setUp();
  const [cat, dog, bird] = categoryIds;
  const skeleton = { points: ['nose', 'tail'], edges: [[0, 1] as [number, number]] };
  const attributes = [{ name: 'wet', kind: 'yes-no' as const, options: [], categoryIds: [cat] }];
  await edit({ kind: 'schema', schema: { skeletons: [{ categoryId: cat, ...skeleton }], attributes } });
  await edit({ kind: 'merge', from: [cat], into: dog });
  expect(schema()).toEqual({
    skeletons: [{ categoryId: dog, ...skeleton }],
    attributes: [{ ...attributes[0], categoryIds: [dog] }],
  });
  const other = { categoryId: bird, points: ['beak', 'wing'], edges: [] };
  await edit({ kind: 'schema', schema: { skeletons: [...schema().skeletons, other], attributes: [] } });
  expect(await rejectionOf(edit({ kind: 'merge', from: [dog], into: bird }))).toMatchObject({
    code: 'bad-input',
    message: '“dog” and “bird” have skeletons of different points, so their labels cannot be put together.',
  });
});

test('an edit that is sent twice is made once, and what it would break keeps it from being undone', async () => {
  const { handlers, projectId, datasetId, categoryIds, classes, project } = await setUp();
  const [cat] = categoryIds;
  const request = {
    projectId,
    gestureId: 'once',
    datasetId,
    edit: { kind: 'move', categoryId: cat, place: 1 },
  } as const;
  const answer = await handlers['category.edit'](request);
  expect(await handlers['category.edit'](request)).toEqual(answer);
  expect(classes().map(([, name]) => name)).toEqual(['dog', 'cat', 'bird']);
  await handlers['category.edit']({ ...request, gestureId: 'gone', edit: { kind: 'remove', categoryIds: [cat] } });
  await handlers['category.create']({ projectId, datasetId, name: 'cat' });
  // The name is taken: nothing changes, and the step stays.
  expect((await rejectionOf(project.undo())).code).toBe('already-exists');
  expect(classes().map(([, name]) => name)).toEqual(['dog', 'bird', 'cat']);
});

test.each([
  ['joins points that it does not have', { points: ['a', 'b'], edges: [[0, 2]] }],
  ['joins a point with itself', { points: ['a', 'b'], edges: [[1, 1]] }],
  ['have the same name', { points: ['a', 'a'], edges: [] }],
  [
    'with one other point only',
    {
      points: ['a', 'b', 'c'],
      edges: [],
      flipPairs: [
        [0, 1],
        [1, 2],
      ],
    },
  ],
] as const)('a skeleton that %s is refused', async (words, skeleton) => {
  const { edit, categoryIds } = await setUp();
  const { points, edges } = skeleton;
  const pairs = (list: readonly (readonly [number, number])[]): [number, number][] => list.map(([a, b]) => [a, b]);
  const flipPairs = 'flipPairs' in skeleton ? { flipPairs: pairs(skeleton.flipPairs) } : {};
  const whole = { categoryId: categoryIds[0], points: [...points], edges: pairs(edges), ...flipPairs };
  const refused = await rejectionOf(edit({ kind: 'schema', schema: { skeletons: [whole], attributes: [] } }));
  expect(refused.code).toBe('bad-input');
  expect(refused.message).toContain(words);
});

test('images of the trash bring back the class of their labels', async () => {
  const { store, datasetId, first, edit, categoryIds, project } = await setUp();
  const id = store.labelEdits.reserveIds(1);
  await project.edit(first, [adding(id as AnnotationId, categoryIds[1], bbox(1, 2, 3, 4))]);
  const entry = store.trash.beginEntry(datasetId, 'one image', '2026-01-02T03:04:05Z');
  store.trash.putImages(entry, [first]);
  await edit({ kind: 'remove', categoryIds: [categoryIds[0]] });
  store.trash.restoreSome(entry, 10);
  expect(project.labels(first).map(({ categoryId }) => categoryId)).toEqual([categoryIds[0], categoryIds[1]]);
  expect(store.datasets.categories(datasetId).map(({ categoryId }) => categoryId)).toEqual([
    ...categoryIds.slice(1),
    categoryIds[0],
  ]);
});

test('an earlier state of an image comes back without a class that was deleted, and under the one that it was merged into', async () => {
  const { edit, categoryIds, project, first, second, handlers, projectId, tag, labelled } = await setUp();
  const [cat, dog, bird] = categoryIds;
  await tag(first, dog);
  const id = project.labels(first)[0]!.annotationId;
  await project.edit(first, [{ kind: 'update', annotationId: id, changes: { note: 'later' } }]);
  await edit({ kind: 'merge', from: [cat], into: bird });
  await edit({ kind: 'remove', categoryIds: [dog] });
  await handlers['annotation.restore']({ projectId, gestureId: 'back', imageId: first, version: 1 });
  expect(labelled(first)).toEqual([['bbox', bird]]);
  expect(project.labels(first)[0]!.note).toBe('');
  expect(labelled(second)).toEqual([['bbox', bird]]);
});
