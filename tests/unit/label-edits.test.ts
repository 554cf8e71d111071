/** Saving gestures: one transaction each, once each, undone and redone in order, across images and restarts. */
import { expect, test } from 'vitest';
import type { Annotation } from '../../src-main/contract/model/annotation.ts';
import type { AnnotationId, ImageId } from '../../src-main/contract/model/ids.ts';
import { rejectionOf } from '../helpers/errors.ts';
import { adding, LabelProject } from '../helpers/label-project.ts';
import { bbox } from '../helpers/photo-dataset.ts';
import { createServices } from '../helpers/service-fixture.ts';

async function setUp(count = 3) {
  const project = await LabelProject.create(count);
  const [first, second, third] = project.photos.imageIds;
  const [cat, dog] = project.photos.categoryIds;
  return { project, first: first as ImageId, second: second as ImageId, third: third as ImageId, cat, dog };
}

const shapes = (labels: readonly Annotation[]): unknown[] => labels.map(({ shape }) => shape);

test('a gesture adds, changes and removes labels at once, and says so', async () => {
  const { project, first, cat, dog } = await setUp();
  const imported = project.labels(first)[0] as Annotation;
  const id = project.store.labelEdits.reserveIds(2);
  const result = await project.edit(first, [
    adding(id, dog, bbox(1, 2, 3, 4)),
    {
      kind: 'update',
      annotationId: imported.annotationId,
      changes: { categoryId: dog, note: 'blurred', flags: ['occluded'] },
    },
  ]);
  expect(result).toMatchObject({
    outcome: 'applied',
    version: 1,
    undoState: { undo: { label: 'edit', imageIds: [first] }, redo: null },
  });
  const [changed, added] = project.labels(first);
  // Who made the label stays; that a person changed it later shows in its time.
  expect(changed).toMatchObject({
    categoryId: dog,
    note: 'blurred',
    flags: ['occluded'],
    provenance: { by: 'import' },
  });
  expect(changed?.updatedAt).not.toBeNull();
  expect(added).toMatchObject({
    annotationId: id,
    shape: bbox(1, 2, 3, 4),
    provenance: { by: 'person' },
    updatedAt: null,
  });
  await project.edit(first, [
    { kind: 'remove', annotationId: id },
    { kind: 'review', review: 'done' },
  ]);
  expect(project.labels(first)).toHaveLength(1);
  expect(project.store.labelEdits.image(first)).toMatchObject({ version: 2, review: 'done' });
  const events = project.fixture.events.filter(({ name }) => name === 'annotation.changed');
  expect(events).toHaveLength(2);
  expect(events[1]?.payload).toMatchObject({
    images: [{ imageId: first, version: 2, review: 'done', changes: [{ annotationId: id, after: null }] }],
  });
  expect(cat).not.toBe(dog);
});

test('a gesture that is sent twice is saved once', async () => {
  const { project, first, dog } = await setUp();
  const id = project.store.labelEdits.reserveIds(1);
  const request = {
    ...{ projectId: project.projectId, gestureId: 'twice', imageId: first, label: 'draw box', baseVersion: 0 },
    edits: [adding(id, dog, bbox(1, 2, 3, 4))],
  };
  const answer = await project.call('annotation.apply', request);
  const again = await project.call('annotation.apply', request);
  expect(again).toEqual(answer);
  expect(project.labels(first)).toHaveLength(2);
  const undo = { projectId: project.projectId, gestureId: 'undo once', target: null };
  const undone = await project.call('annotation.undo', undo);
  expect(await project.call('annotation.undo', undo)).toEqual(undone);
  expect(project.labels(first)).toHaveLength(1);
});

test('a gesture on labels that have changed since is not saved, and hears what it missed', async () => {
  const { project, first, dog } = await setUp();
  const imported = project.labels(first)[0] as Annotation;
  await project.edit(first, [{ kind: 'update', annotationId: imported.annotationId, changes: { categoryId: dog } }]);
  const late = await project.call('annotation.apply', {
    ...{ projectId: project.projectId, gestureId: 'late', imageId: first, label: 'move', baseVersion: 0 },
    edits: [{ kind: 'remove', annotationId: imported.annotationId }],
  });
  expect(late).toMatchObject({
    outcome: 'conflict',
    version: 1,
    missed: [
      { imageId: first, version: 1, changes: [{ annotationId: imported.annotationId, after: { categoryId: dog } }] },
    ],
  });
  expect(project.labels(first)).toHaveLength(1);
});

test('what does not fit is refused as a whole', async () => {
  const { project, first, second, cat } = await setUp();
  const imported = project.labels(first)[0] as Annotation;
  const id = project.store.labelEdits.reserveIds(1);
  const foreign = project.labels(second)[0]?.annotationId as AnnotationId;
  const wrong = [
    [adding(id, 999 as typeof cat, bbox(1, 2, 3, 4)), 'the class 999 is not one of its data set'],
    [adding((id + 50) as AnnotationId, cat, bbox(1, 2, 3, 4)), 'was not reserved'],
    [adding(imported.annotationId, cat, bbox(1, 2, 3, 4)), 'already'],
    [adding(foreign, cat, bbox(1, 2, 3, 4)), 'already'],
    [adding(id, cat, bbox(3, 2, 3, 4)), 'has no area'],
    [
      adding(id, cat, { kind: 'mask', rle: { widthPx: 2, heightPx: 2, counts: [1, 3] } }),
      'the mask is 2 × 2 px and the image 640 × 480',
    ],
    [
      adding(id, cat, { kind: 'mask', rle: { widthPx: 640, heightPx: 480, counts: [5, 5] } }),
      'the runs cover 10 of 307200 pixels',
    ],
    [{ kind: 'remove', annotationId: foreign }, `no label ${foreign}`],
  ] as const;
  for (const [edit, words] of wrong) {
    const good = { kind: 'update', annotationId: imported.annotationId, changes: { note: 'lost?' } } as const;
    const error = await rejectionOf(project.edit(first, [good, edit]));
    expect(error.code, words).toBe('bad-input');
    expect(error.message).toContain(words);
  }
  expect(project.labels(first)).toEqual([imported]);
  expect(project.store.labelEdits.image(first).version).toBe(0);
  expect(project.store.labelEdits.undoState()).toEqual({ undo: null, redo: null });
});

test('on a full disk a gesture is refused with words, nothing of it is kept, and it can be saved later', async () => {
  const { project, first, dog } = await setUp();
  const { database, labelEdits } = project.store;
  const id = labelEdits.reserveIds(1);
  const before = project.labels(first);
  const pages = database.pragma('page_count', { simple: true });
  database.pragma(`max_page_count = ${String(pages)}`);
  const corners = Array.from({ length: 20_000 }, (_, at) => Math.round((at * 7919) % 48_000) / 100);
  const large = adding(id, dog, { kind: 'polygon', parts: [{ outer: corners, holes: [] }] });
  const error = await rejectionOf(project.edit(first, [large, { kind: 'review', review: 'done' }], 'draw', 'again'));
  expect(error.code).toBe('io');
  expect(error.message).toContain('the disk is full. Free some space and try again.');
  expect(project.labels(first)).toEqual(before);
  expect(labelEdits.image(first)).toMatchObject({ version: 0, review: 'to-do' });
  expect(labelEdits.undoState().undo).toBeNull();
  database.pragma('max_page_count = 100000');
  expect(await project.edit(first, [large], 'draw', 'again')).toMatchObject({ outcome: 'applied', version: 1 });
  expect(project.labels(first)[1]?.shape).toMatchObject({ parts: [{ outer: corners }] });
});

test('ids are never given twice, also not after a restart', async () => {
  const { project } = await setUp();
  const { labelEdits } = project.store;
  const [a, b] = [labelEdits.reserveIds(10), labelEdits.reserveIds(5)];
  expect(b).toBe(a + 10);
  await project.fixture.close();
  const services = createServices({ userDataFolder: project.fixture.userDataFolder });
  const { projectId } = await services.handlers['project.open']({ path: project.fixture.opened.folder });
  expect(await services.handlers['annotation.reserveIds']({ projectId, count: 1 })).toEqual({ first: b + 5 });
  await services.close();
});

test('undo and redo go through all images in order, and give every label back as it was', async () => {
  const { project, first, second, dog } = await setUp();
  const before = [project.labels(first), project.labels(second)];
  const imported = before[1]?.[0] as Annotation;
  const id = project.store.labelEdits.reserveIds(1);
  await project.edit(first, [adding(id, dog, bbox(1, 2, 3, 4))], 'draw box', 'one');
  await project.edit(second, [{ kind: 'remove', annotationId: imported.annotationId }], 'delete', 'two');
  await project.edit(
    first,
    [
      { kind: 'update', annotationId: id, changes: { shape: bbox(5, 5, 9, 9) } },
      { kind: 'review', review: 'done' },
    ],
    'move',
    'three',
  );
  const after = [project.labels(first), project.labels(second)];

  expect(await project.undo('two')).toMatchObject({ outcome: 'stale' });
  expect(await project.undo('three')).toMatchObject({
    outcome: 'done',
    label: 'move',
    images: [{ imageId: first, review: 'to-do' }],
  });
  expect(shapes(project.labels(first))).toEqual([bbox(10, 20, 110, 220), bbox(1, 2, 3, 4)]);
  expect(await project.undo()).toMatchObject({ label: 'delete', images: [{ imageId: second }] });
  expect(project.labels(second)).toEqual(before[1]);
  const last = await project.undo();
  expect(last).toMatchObject({ label: 'draw box', undoState: { undo: null, redo: { gestureId: 'one' } } });
  expect(project.labels(first)).toEqual(before[0]);
  expect(await project.undo()).toMatchObject({ outcome: 'nothing' });

  for (const label of ['draw box', 'delete', 'move'])
    expect(await project.redo()).toMatchObject({ outcome: 'done', label });
  expect(await project.redo()).toMatchObject({ outcome: 'nothing' });
  expect([project.labels(first), project.labels(second)]).toEqual(after);
  expect(project.store.labelEdits.image(first).review).toBe('done');
});

test('after an undo, another gesture ends what could be redone, and the history keeps it all', async () => {
  const { project, first, dog } = await setUp();
  const id = project.store.labelEdits.reserveIds(2);
  await project.edit(first, [adding(id, dog, bbox(1, 2, 3, 4))], 'draw box');
  await project.undo();
  await project.edit(first, [adding((id + 1) as AnnotationId, dog, bbox(5, 5, 9, 9))], 'draw another');
  expect(await project.redo()).toMatchObject({ outcome: 'nothing' });
  const { total, items } = project.store.labelHistory.entries(first, 0, 10);
  expect(total).toBe(3);
  expect(items.map(({ version, kind, label, undone }) => [version, kind, label, undone])).toEqual([
    [3, 'edit', 'draw another', false],
    [2, 'undo', 'draw box', false],
    [1, 'edit', 'draw box', true],
  ]);
  // The undone box can still be had again.
  const atOne = await project.fixture.handlers['annotation.stateAt']({
    projectId: project.projectId,
    imageId: first,
    version: 1,
  });
  expect(shapes(atOne)).toEqual([bbox(10, 20, 110, 220), bbox(1, 2, 3, 4)]);
});

test('undo works after a restart', async () => {
  const { project, first, dog } = await setUp();
  const before = project.labels(first);
  const id = project.store.labelEdits.reserveIds(1);
  await project.edit(first, [adding(id, dog, bbox(1, 2, 3, 4))], 'draw box');
  await project.fixture.close();
  const services = createServices({ userDataFolder: project.fixture.userDataFolder });
  const { projectId } = await services.handlers['project.open']({ path: project.fixture.opened.folder });
  expect(await services.handlers['annotation.undoState']({ projectId })).toMatchObject({ undo: { label: 'draw box' } });
  await services.handlers['annotation.undo']({ projectId, gestureId: 'later', target: null });
  expect(services.projects.get(projectId).store.annotations.ofImage(first)).toEqual(before);
  await services.handlers['annotation.redo']({ projectId, gestureId: 'later still', target: null });
  expect(services.projects.get(projectId).store.annotations.ofImage(first)).toHaveLength(2);
  await services.close();
});

test('any earlier state can be restored, and the restore undone', async () => {
  const { project, first, dog } = await setUp();
  const imported = project.labels(first)[0] as Annotation;
  const id = project.store.labelEdits.reserveIds(1);
  const states = [project.labels(first)];
  await project.edit(first, [adding(id, dog, bbox(1, 2, 3, 4))]);
  states.push(project.labels(first));
  await project.edit(first, [{ kind: 'update', annotationId: imported.annotationId, changes: { note: 'x', z: 3 } }]);
  states.push(project.labels(first));
  await project.edit(first, [
    { kind: 'remove', annotationId: imported.annotationId },
    { kind: 'remove', annotationId: id },
  ]);
  states.push(project.labels(first));
  const { handlers } = project.fixture;
  for (const [version, state] of states.entries()) {
    const request = { projectId: project.projectId, imageId: first, version };
    expect(await handlers['annotation.stateAt'](request), `version ${version}`).toEqual(state);
  }
  const restored = await handlers['annotation.restore']({
    projectId: project.projectId,
    gestureId: 'r',
    imageId: first,
    version: 2,
  });
  expect(restored).toMatchObject({ outcome: 'done', images: [{ version: 4 }] });
  expect(project.labels(first)).toEqual(states[2]);
  await project.undo();
  expect(project.labels(first)).toEqual([]);
  const missing = handlers['annotation.restore']({
    projectId: project.projectId,
    gestureId: 'q',
    imageId: first,
    version: 9,
  });
  expect((await rejectionOf(missing)).code).toBe('not-found');
});

test('labels are copied to many images as one step, cut to their size', async () => {
  const { project, first, second, third } = await setUp();
  const { handlers } = project.fixture;
  project.store.database.prepare('UPDATE image SET width = 60, height = 480 WHERE id = ?').run(third);
  const result = await handlers['annotation.copy']({
    ...{ projectId: project.projectId, gestureId: 'copy', fromImageId: first, annotationIds: null },
    toImageIds: [second, third, first],
  });
  expect(result).toMatchObject({ outcome: 'done', undoState: { undo: { imageIds: [second, third] } } });
  expect(project.labels(second)).toHaveLength(2);
  expect(project.labels(third)[1]).toMatchObject({ shape: bbox(10, 20, 60, 220), provenance: { by: 'person' } });
  expect(project.labels(first)).toHaveLength(1);
  await project.undo();
  expect([project.labels(second), project.labels(third)].map(({ length }) => length)).toEqual([1, 1]);
});

test('whole images are given classes and review states, many at once, as one step', async () => {
  const { project, cat, dog } = await setUp(4);
  const { handlers } = project.fixture;
  const { imageIds, datasetId } = project.photos;
  const tags = (imageId: ImageId): unknown[] =>
    project
      .labels(imageId)
      .filter(({ shape }) => shape.kind === 'classification')
      .map(({ categoryId }) => categoryId);
  const call = (gestureId: string, categoryId: typeof cat, mode: 'only' | 'add' | 'remove') =>
    handlers['annotation.classify']({ projectId: project.projectId, gestureId, imageIds, categoryId, mode });
  await call('a', cat, 'add');
  await call('b', dog, 'add');
  expect(imageIds.map(tags)).toEqual([
    [cat, dog],
    [cat, dog],
    [cat, dog],
    [cat, dog],
  ]);
  await call('c', dog, 'only');
  expect(imageIds.map(tags)).toEqual([[dog], [dog], [dog], [dog]]);
  await call('d', dog, 'remove');
  expect(imageIds.map(tags)).toEqual([[], [], [], []]);
  await project.undo();
  await project.undo();
  expect(imageIds.map(tags)).toEqual([
    [cat, dog],
    [cat, dog],
    [cat, dog],
    [cat, dog],
  ]);

  const review = {
    projectId: project.projectId,
    gestureId: 'e',
    imageIds: imageIds.slice(1, 3),
    review: 'needs-review',
  } as const;
  await handlers['image.setReview'](review);
  const counts = await handlers['image.reviewCounts']({ projectId: project.projectId, datasetId });
  expect(counts).toEqual({ 'to-do': 2, 'needs-review': 2, done: 0, rejected: 0 });
  const queue = (states: readonly ('to-do' | 'needs-review')[], from: ImageId | null, direction: 'next' | 'previous') =>
    handlers['image.reviewQueue']({
      projectId: project.projectId,
      datasetId,
      states: [...states],
      from,
      direction,
      limit: 10,
    });
  const [a, b, c, d] = imageIds as [ImageId, ImageId, ImageId, ImageId];
  expect(await queue(['to-do'], null, 'next')).toEqual({ imageIds: [a, d] });
  expect(await queue(['to-do', 'needs-review'], b, 'next')).toEqual({ imageIds: [c, d] });
  expect(await queue(['to-do', 'needs-review'], d, 'previous')).toEqual({ imageIds: [c, b, a] });
  await project.undo();
  expect(await queue(['needs-review'], null, 'next')).toEqual({ imageIds: [] });
});

test('undo passes over data sets that are in the trash', async () => {
  const { project, first, second, dog } = await setUp();
  const ids = project.store.labelEdits.reserveIds(2);
  await project.edit(first, [adding(ids, dog, bbox(1, 2, 3, 4))], 'seen');
  await project.edit(second, [adding((ids + 1) as AnnotationId, dog, bbox(1, 2, 3, 4))], 'unseen');
  project.store.database.prepare(`UPDATE dataset SET trashed_at = '2026-01-01'`).run();
  expect(await project.undo()).toMatchObject({ outcome: 'nothing' });
  project.store.database.prepare(`UPDATE dataset SET trashed_at = NULL`).run();
  expect(await project.undo()).toMatchObject({ label: 'unseen' });
});

test('a class that was deleted does not hold up the undo of its labels', async () => {
  const { project, first, dog } = await setUp();
  const id = project.store.labelEdits.reserveIds(1);
  const imported = project.labels(first)[0] as Annotation;
  await project.edit(first, [adding(id, dog, bbox(1, 2, 3, 4))], 'draw');
  await project.edit(
    first,
    [
      { kind: 'remove', annotationId: id },
      { kind: 'remove', annotationId: imported.annotationId },
    ],
    'delete',
  );
  project.store.database.prepare('DELETE FROM category WHERE id = ?').run(dog);
  expect(await project.undo()).toMatchObject({ outcome: 'done', label: 'delete' });
  expect(project.labels(first)).toEqual([imported]);
  expect(await project.undo()).toMatchObject({ outcome: 'done', label: 'draw', images: [] });
});

test('time on an image adds up', async () => {
  const { project, first } = await setUp();
  const { handlers } = project.fixture;
  const { projectId } = project;
  await handlers['image.addTime']({ projectId, imageId: first, durationMs: 1500 });
  expect(await handlers['image.addTime']({ projectId, imageId: first, durationMs: 500 })).toEqual({ timeMs: 2000 });
  expect(await handlers['annotation.open']({ projectId, imageId: first })).toMatchObject({
    timeMs: 2000,
    version: 0,
    review: 'to-do',
  });
});

test('the history of images that are gone for good is forgotten, and of no others', async () => {
  const { project, first, second, dog } = await setUp();
  const ids = project.store.labelEdits.reserveIds(2);
  await project.edit(first, [adding(ids, dog, bbox(1, 2, 3, 4))]);
  await project.edit(second, [adding((ids + 1) as AnnotationId, dog, bbox(1, 2, 3, 4))]);
  project.store.database.prepare('DELETE FROM image WHERE id = ?').run(first);
  project.store.labelEdits.sweep();
  const images = project.store.database.prepare('SELECT image_id FROM label_change').pluck().all();
  expect(images).toEqual([second]);
  expect(await project.undo()).toMatchObject({ outcome: 'done', images: [{ imageId: second }] });
});
