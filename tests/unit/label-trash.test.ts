/** Deleted labels in the trash: which deletions count, how they are listed, and that they come back or go for good. */
import { beforeEach, expect, test } from 'vitest';
import type { Shape } from '../../src-main/contract/model/annotation.ts';
import type { AnnotationEdit } from '../../src-main/contract/model/annotation-edit.ts';
import { trashKeyOf, type DeletedLabelsItem } from '../../src-main/contract/model/library.ts';
import type { AnnotationId, CategoryId, DatasetId, ImageId, ProjectId } from '../../src-main/contract/model/ids.ts';
import { decodeChanges } from '../../src-main/store/label-change.ts';
import { adding, LabelProject } from '../helpers/label-project.ts';
import { bbox } from '../helpers/photo-dataset.ts';

/** Of the test that runs: three images and three classes. */
let project: LabelProject;
let handlers: LabelProject['fixture']['handlers'];
let projectId: ProjectId;
let datasetId: DatasetId;
let first: ImageId, second: ImageId, third: ImageId;
let cat: CategoryId, dog: CategoryId, bird: CategoryId;

beforeEach(async () => {
  project = await LabelProject.create(3);
  ({ projectId } = project);
  ({ handlers } = project.fixture);
  ({ datasetId } = project.photos);
  [first, second, third] = project.photos.imageIds as [ImageId, ImageId, ImageId];
  [cat, dog, bird] = project.photos.categoryIds as [CategoryId, CategoryId, CategoryId];
});

const lines = async () => (await handlers['trash.labels']({ projectId, offset: 0, limit: 100 })).items;
const idsOf = (imageId: ImageId) => project.labels(imageId).map(({ annotationId }) => annotationId);
const names = () => project.store.datasets.categories(datasetId).map(({ name }) => name);

async function add(imageId: ImageId, categoryId: CategoryId, shape: Shape = bbox(1, 2, 9, 8)): Promise<AnnotationId> {
  const { first: id } = await handlers['annotation.reserveIds']({ projectId, count: 1 });
  await project.edit(imageId, [adding(id, categoryId, shape)], 'draw box');
  return id;
}

function remove(imageId: ImageId, ids: readonly AnnotationId[], label = 'delete') {
  const edits = ids.map((annotationId): AnnotationEdit => ({ kind: 'remove', annotationId }));
  return project.edit(imageId, edits, label);
}

const removeMany = (annotationIds: AnnotationId[]) =>
  handlers['annotation.relabel']({ projectId, gestureId: project.nextGesture(), annotationIds, categoryId: null });
const editClasses = (edit: Parameters<(typeof handlers)['category.edit']>[0]['edit']) =>
  handlers['category.edit']({ projectId, gestureId: project.nextGesture(), datasetId, edit });
const restore = (item: DeletedLabelsItem) => handlers['trash.restore']({ projectId, item: trashKeyOf(item) });
const empty = (item: DeletedLabelsItem | null) =>
  handlers['trash.empty']({ projectId, item: item === null ? null : trashKeyOf(item) });

test('deletions of an image and a day are a line, one on several images is another', async () => {
  const [one, two, three] = [await add(first, cat), await add(first, dog), await add(first, dog)];
  await remove(first, [one]);
  await remove(first, [two, three], 'erase');
  const [far, near] = [await add(second, cat), await add(third, cat)];
  await removeMany([far, near]);
  const found = await lines();
  expect(found).toMatchObject([
    {
      kind: 'labels',
      labelCount: 2,
      imageCount: 2,
      classes: [{ count: 2 }],
      classCount: 1,
      datasetId,
      deletedClasses: [],
    },
    { kind: 'image-labels', imageId: first, labelCount: 3, imageCount: 1, classes: [{ count: 2 }, { count: 1 }] },
  ]);
  const [dataset] = await handlers['dataset.list']({ projectId });
  expect(found.map(({ title }) => title)).toEqual([
    dataset!.name,
    (await handlers['image.get']({ projectId, imageId: first })).name,
  ]);
  expect(await handlers['trash.labels']({ projectId, offset: 1, limit: 1 })).toEqual({ total: 2, items: [found[1]] });
});

test('a line comes back as it was, by a step of undo, and is in the trash again after it', async () => {
  const before = project.labels(first);
  const ids = [await add(first, cat), await add(first, dog, bbox(3, 3, 20, 20))];
  const labels = project.labels(first);
  await remove(first, [ids[0]!]);
  await remove(first, [ids[1]!]);
  expect(idsOf(first)).toEqual(before.map(({ annotationId }) => annotationId));
  const [line] = await lines();
  expect(await restore(line!)).toEqual({ left: null });
  expect(project.labels(first)).toEqual(labels);
  expect(await lines()).toEqual([]);
  await project.undo();
  expect(project.labels(first)).toEqual(before);
  expect(await lines()).toEqual([line]);
  await expect(restore({ ...line!, kind: 'image-labels', imageId: first, day: '2020-01-01' })).rejects.toThrow(
    'not in the trash any more',
  );
});

test('a deletion that is taken back is in the trash no more, and done again it is', async () => {
  await remove(first, [await add(first, cat)]);
  const found = await lines();
  expect(found).toMatchObject([{ labelCount: 1 }]);
  await project.undo();
  expect(await lines()).toEqual([]);
  await project.redo();
  expect(await lines()).toEqual(found);
});

test('what became part of something else was not deleted: united, merged, another class for the image, undone', async () => {
  const [one, two] = [await add(first, cat), await add(first, cat, bbox(5, 5, 20, 20))];
  const changes = { shape: bbox(1, 2, 20, 20) };
  await project.edit(
    first,
    [
      { kind: 'update', annotationId: one, changes },
      { kind: 'remove', annotationId: two, replaced: true },
    ],
    'unite',
  );
  const classify = (categoryId: CategoryId, mode: 'only' | 'add' | 'remove') =>
    handlers['annotation.classify']({
      projectId,
      gestureId: project.nextGesture(),
      imageIds: [second],
      categoryId,
      mode,
    });
  await classify(cat, 'add');
  await classify(dog, 'only');
  await classify(bird, 'add');
  // The image has both, so that the second goes.
  await editClasses({ kind: 'merge', from: [bird], into: dog });
  await add(first, cat);
  await project.undo();
  expect(await lines()).toEqual([]);
  await classify(dog, 'remove');
  expect(await lines()).toMatchObject([{ kind: 'image-labels', imageId: second, labelCount: 1 }]);
});

test('of a label that went twice the latest deletion counts, and one that is there again is in no line', async () => {
  const [id, other] = [await add(first, cat), await add(second, cat)];
  const { version } = project.store.labelEdits.image(first);
  await removeMany([id, other]);
  const gestureId = project.nextGesture();
  await handlers['annotation.restore']({ projectId, gestureId, imageId: first, version });
  expect(await lines()).toMatchObject([{ kind: 'labels', labelCount: 1, imageCount: 1 }]);
  await project.edit(first, [{ kind: 'update', annotationId: id, changes: { note: 'later' } }]);
  await remove(first, [id]);
  const found = await lines();
  expect(found.map(({ kind, labelCount }) => [kind, labelCount])).toEqual([
    ['image-labels', 1],
    ['labels', 1],
  ]);
  await restore(found[0]!);
  expect(project.labels(first).find(({ annotationId }) => annotationId === id)?.note).toBe('later');
});

test('a class comes back with its labels, at the end and as it was; skeleton and attributes with it', async () => {
  const schema = {
    skeletons: [{ categoryId: cat, points: ['nose', 'tail'], edges: [[0, 1]] as [number, number][] }],
    attributes: [
      { name: 'age', kind: 'number' as const, options: [], categoryIds: [cat] },
      { name: 'breed', kind: 'text' as const, options: [], categoryIds: [cat, dog] },
    ],
  };
  await editClasses({ kind: 'schema', schema });
  const before = names();
  await add(first, cat);
  const labels = project.labels(first).filter(({ categoryId }) => categoryId === cat);
  await editClasses({ kind: 'remove', categoryIds: [cat] });
  const [line] = await lines();
  expect(line).toMatchObject({ kind: 'labels', deletedClasses: [before[0]], classes: [{ name: before[0] }] });
  await editClasses({ kind: 'rename', categoryId: dog, name: 'hound' });
  expect(await restore(line!)).toEqual({ left: null });
  expect(names()).toEqual(['hound', ...before.slice(2), before[0]]);
  expect(project.labels(first).filter(({ categoryId }) => categoryId === cat)).toEqual(labels);
  const now = await handlers['annotation.schema']({ projectId, datasetId });
  expect(now.skeletons).toEqual(schema.skeletons);
  expect(now.attributes.map(({ name, categoryIds }) => [name, [...categoryIds].sort()])).toEqual([
    ['breed', [cat, dog].sort()],
    ['age', [cat]],
  ]);
  // Taken back, the class goes with them; the whole way back is open.
  await project.undo();
  expect(names()).toEqual(['hound', ...before.slice(2)]);
  await project.undo();
  await project.undo();
  expect(names()).toEqual(before);
  expect(project.store.categories.usage(datasetId).some(({ categoryId }) => categoryId === bird)).toBe(false);
});

test('labels of a class that was merged, or whose name another has by now, come back as that one', async () => {
  const [one, two] = [await add(first, cat), await add(first, bird)];
  await remove(first, [one, two]);
  const birdName = names()[2]!;
  await editClasses({ kind: 'merge', from: [cat], into: dog });
  await editClasses({ kind: 'remove', categoryIds: [bird] });
  const again = await handlers['category.create']({ projectId, datasetId, name: birdName });
  const before = names();
  const line = (await lines()).find(({ kind }) => kind === 'image-labels');
  expect(await restore(line!)).toEqual({ left: null });
  expect(names()).toEqual(before);
  const classes = new Map(project.labels(first).map(({ annotationId, categoryId }) => [annotationId, categoryId]));
  expect([classes.get(one), classes.get(two)]).toEqual([dog, again.categoryId]);
});

test('labels of an image in the trash wait for it; those of a class that the image has again stay, which is said', async () => {
  await remove(first, [await add(first, cat)]);
  const [line] = await lines();
  await handlers['image.trash']({ projectId, datasetId, imageIds: [first] });
  expect(await lines()).toEqual([]);
  await expect(restore(line!)).rejects.toThrow('not in the trash any more');
  const [images] = await handlers['trash.list']({ projectId });
  expect(await handlers['trash.restore']({ projectId, item: trashKeyOf(images!) })).toEqual({ left: null });
  expect(await lines()).toEqual([line]);
  const tag = await add(second, cat, { kind: 'classification' });
  await remove(second, [tag]);
  await add(second, cat, { kind: 'classification' });
  const [tagLine] = await lines();
  expect(await restore(tagLine!)).toEqual({
    left: '1 label stays in the trash: its image went too, or had the same class for the whole image again.',
  });
  expect(project.labels(second).filter(({ shape }) => shape.kind === 'classification')).toHaveLength(1);
});

test('what goes for good is in no undo and no earlier state; everything else still is', async () => {
  const [gone, kept] = [await add(first, cat), await add(first, dog)];
  const both: AnnotationEdit[] = [gone, kept].map((annotationId) => ({
    kind: 'update',
    annotationId,
    changes: { note: 'both' },
  }));
  await project.edit(first, both, 'note');
  const { version } = project.store.labelEdits.image(first);
  await remove(first, [gone]);
  const [line] = await lines();
  project.fixture.events.length = 0;
  await empty(line!);
  expect(await lines()).toEqual([]);
  // Whoever shows the image reads it again, and with it what can be undone.
  const told = project.fixture.events.find(({ name }) => name === 'annotation.changed');
  expect(told?.payload).toMatchObject({ images: [], untold: [first], undoState: { undo: { label: 'note' } } });
  const blobs = project.store.database
    .prepare<[ImageId], Buffer>('SELECT changes FROM label_change WHERE image_id = ?')
    .pluck();
  const remembered = blobs.all(first).flatMap((blob) => decodeChanges(blob).map(({ annotationId }) => annotationId));
  expect(remembered).not.toContain(gone);
  expect(remembered).toContain(kept);
  const state = await handlers['annotation.stateAt']({ projectId, imageId: first, version });
  expect(state.map(({ annotationId }) => annotationId)).toContain(kept);
  expect(state.map(({ annotationId }) => annotationId)).not.toContain(gone);
  const { items } = await handlers['annotation.history']({ projectId, imageId: first, offset: 0, limit: 9 });
  expect(items.map(({ label, purged, undone }) => [label, purged, undone])).toEqual([
    ['delete', 1, false],
    ['note', 1, false],
    ['draw box', 0, false],
    ['draw box', 1, false],
  ]);
  // Nothing is left of the deletion and of the first drawing, so that undo passes over them.
  await project.undo();
  expect(project.labels(first).find(({ annotationId }) => annotationId === kept)?.note).toBe('');
  await project.undo();
  expect(project.labels(first).some(({ annotationId }) => annotationId === kept)).toBe(false);
  expect((await handlers['annotation.undoState']({ projectId })).undo).toBeNull();
  const restored = await handlers['annotation.restore']({ projectId, gestureId: 'back', imageId: first, version });
  expect(restored).toMatchObject({ outcome: 'done' });
  expect(project.labels(first).some(({ annotationId }) => annotationId === gone)).toBe(false);
});

test('emptying the trash takes all of its labels, and none that is on its image', async () => {
  const ids = [await add(first, cat), await add(second, cat), await add(third, cat)];
  const stays = await add(first, cat);
  await removeMany(ids);
  await project.undo();
  await remove(first, [ids[0]!]);
  const before = idsOf(second);
  await empty(null);
  expect(await lines()).toEqual([]);
  expect(idsOf(first)).toContain(stays);
  expect(idsOf(second)).toEqual(before);
  expect(idsOf(third)).toContain(ids[2]);
});

test('images that come back bring the classes of their labels', async () => {
  const [one, two] = [await add(first, cat), await add(first, bird)];
  const labels = project.labels(first);
  await handlers['image.trash']({ projectId, datasetId, imageIds: [first] });
  const [catName] = names();
  await editClasses({ kind: 'remove', categoryIds: [cat] });
  await editClasses({ kind: 'merge', from: [bird], into: dog });
  const [images] = await handlers['trash.list']({ projectId });
  await handlers['trash.restore']({ projectId, item: trashKeyOf(images!) });
  const back = project.labels(first);
  expect(back.map(({ annotationId }) => annotationId)).toEqual(labels.map(({ annotationId }) => annotationId));
  expect(back.find(({ annotationId }) => annotationId === one)?.categoryId).toBe(cat);
  expect(back.find(({ annotationId }) => annotationId === two)?.categoryId).toBe(dog);
  expect(names()).toContain(catName);
});
