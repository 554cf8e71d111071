/** Changes of more labels or images than one step takes: whole in the end whatever comes between, and taken back exactly. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Shape } from '../../src-main/contract/model/annotation.ts';
import type { ClassEdit } from '../../src-main/contract/model/class-edit.ts';
import type { AnnotationId, CategoryId, ImageId } from '../../src-main/contract/model/ids.ts';
import { FoveaError } from '../../src-main/contract/errors.ts';
import { openProjectStore, type ProjectStore } from '../../src-main/store/project-store.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { adding, LabelProject } from '../helpers/label-project.ts';
import { bbox } from '../helpers/photo-dataset.ts';
import { createServices } from '../helpers/service-fixture.ts';

/** Many steps, whatever the machine's pace. */
const COUNT = 1600;

/** Every image has a cat's box; every tenth a polygon more, and every twentieth is said to show a cat and a dog as a whole. */
async function setUp(count = COUNT) {
  const project = await LabelProject.create(count);
  const { photos, store, projectId } = project;
  const [cat, dog, bird] = photos.categoryIds;
  const polygon: Shape = { kind: 'polygon', parts: [{ outer: [1, 1, 9, 1, 9, 9], holes: [] }] };
  const insert = (imageId: ImageId, categoryId: CategoryId, shape: Shape): void =>
    store.annotations.insert(imageId, {
      ...{ annotationId: (store.annotations.highestId() + 1) as AnnotationId, categoryId, shape, z: 2, note: 'kept' },
      ...{ flags: ['occluded'], attributes: { age: 3 }, provenance: { by: 'person' } },
      ...{ createdAt: '2026-02-01T00:00:00.000Z', updatedAt: '2026-02-02T00:00:00.000Z' },
    });
  store.database.transaction(() =>
    photos.imageIds.forEach((imageId, index) => {
      if (index % 10 === 0) insert(imageId, cat, polygon);
      if (index % 20 === 0) insert(imageId, cat, { kind: 'classification' });
      if (index % 20 === 0) insert(imageId, dog, { kind: 'classification' });
    }),
  )();
  const { handlers } = project.fixture;
  const merge = (gestureId = project.nextGesture()) => {
    const edit: ClassEdit = { kind: 'merge', from: [cat], into: dog };
    return handlers['category.edit']({ projectId, gestureId, datasetId: photos.datasetId, edit });
  };
  return { project, store, handlers, projectId, merge, cat, dog, bird, images: photos.imageIds };
}

/** Everything that a person has: labels, classes and images' review states, a line each. */
function contentOf({ database }: ProjectStore, { times = true } = {}): string[] {
  const lines = (sql: string) =>
    database
      .prepare(sql)
      .all()
      .map((row) => JSON.stringify(row));
  return [
    ...lines(`SELECT a.id, a.image_id, a.kind, a.category_id, a.x1, a.y1, a.x2, a.y2, a.geometry, a.flags, a.attributes, a.source,
      a.z, a.note, coalesce(a.created_at, d.created_at) AS made, ${times ? 'a.updated_at' : 'NULL'} AS changed
      FROM annotation a JOIN image i ON i.id = a.image_id JOIN dataset d ON d.id = i.dataset_id ORDER BY a.id`),
    ...lines('SELECT * FROM category ORDER BY id'),
    ...lines('SELECT id, review, label_count FROM image ORDER BY id'),
    ...lines('SELECT id, label_schema FROM dataset ORDER BY id'),
  ];
}

/** Of thousands of lines the first that differs is enough to know. */
function expectSame(found: readonly string[], wanted: readonly string[]): void {
  const at = wanted.findIndex((line, index) => found[index] !== line);
  expect([found.length, found[at]]).toEqual([wanted.length, wanted[at]]);
}

const labelsOf = ({ database }: ProjectStore, categoryId: number): number =>
  database.prepare<[number], number>('SELECT count(*) FROM annotation WHERE category_id = ?').pluck().get(categoryId) ??
  0;

test('a class of thousands of labels is merged in steps, as one gesture, and taken back exactly', async () => {
  const { project, store, merge, cat, dog, images } = await setUp();
  const before = contentOf(store);
  const cats = labelsOf(store, cat);
  const result = await merge();
  // More than is told of: whoever shows one of the images reads it again.
  expect(result).toMatchObject({ outcome: 'done', images: [], labels: cats });
  expect(result.outcome === 'done' && result.untold.length).toBe(images.length);
  expect(store.datasets.categories(project.photos.datasetId).map(({ name }) => name)).toEqual(['dog', 'bird']);
  // Twice the same of a whole image is said once.
  expect(labelsOf(store, dog)).toBe(cats);
  const merged = contentOf(store);
  const steps = project.fixture.events.flatMap(({ name, payload }) =>
    name === 'annotation.changed' && 'untold' in payload ? payload.untold : [],
  );
  expect(new Set(steps)).toEqual(new Set(images));

  expect(await project.undo()).toMatchObject({ outcome: 'done', label: 'merge classes into “dog”' });
  expectSame(contentOf(store), before);
  await project.redo();
  expectSame(contentOf(store), merged);
  await project.undo();
  expectSame(contentOf(store), before);
  expect(store.bulkEdits.pending()).toEqual([]);
  // An image's own history knows each step.
  expect(store.labelHistory.stateAt(images[0]!, 0)).toEqual(project.labels(images[0]!));
});

test('labels that come while the class is merged come along', async () => {
  const { project, store, merge, cat, dog, images } = await setUp();
  const merging = merge();
  await setImmediate();
  expect(store.bulkEdits.pending()).toHaveLength(1);
  const id = store.labelEdits.reserveIds(1);
  await project.edit(images.at(-1)!, [adding(id, cat, bbox(1, 2, 30, 40))], 'draw box');
  expect(await merging).toMatchObject({ outcome: 'done' });
  expect(labelsOf(store, cat)).toBe(0);
  expect(store.annotations.byIds([id]).get(id)?.label.categoryId).toBe(dog);
  // The newest gesture is the box that was drawn meanwhile.
  expect(await project.undo()).toMatchObject({ outcome: 'done', label: 'draw box' });
  expect(store.annotations.byIds([id]).size).toBe(0);
  expect(await project.undo()).toMatchObject({ outcome: 'done', label: 'merge classes into “dog”' });
  expect(labelsOf(store, cat)).toBe(COUNT + COUNT / 10 + COUNT / 20);
});

test('an undo that is asked for while the class is merged waits for its turn', async () => {
  const { project, store, merge } = await setUp();
  const before = contentOf(store);
  const merging = merge();
  await setImmediate();
  const undoing = project.undo();
  expect(store.bulkEdits.pending()).toHaveLength(1);
  expect(await merging).toMatchObject({ outcome: 'done' });
  expect(await undoing).toMatchObject({ outcome: 'done', label: 'merge classes into “dog”' });
  expectSame(contentOf(store), before);
});

test('a gesture that is sent twice while it is done is done once', async () => {
  const { store, merge } = await setUp();
  const [first, second] = await Promise.all([merge('twice'), merge('twice')]);
  expect(second).toEqual(first);
  expect(store.database.prepare('SELECT count(*) FROM gesture').pluck().get()).toBe(1);
});

test('labels are removed and relabelled in steps, in one gesture each; nothing is kept where nothing changes', async () => {
  const { project, store, handlers, projectId, bird } = await setUp();
  const before = contentOf(store);
  const ids = store.database.prepare<[], AnnotationId>('SELECT id FROM annotation ORDER BY id DESC').pluck().all();
  const relabel = (categoryId: CategoryId | null) =>
    handlers['annotation.relabel']({ projectId, gestureId: project.nextGesture(), annotationIds: ids, categoryId });
  expect(await relabel(null)).toMatchObject({
    outcome: 'done',
    labels: ids.length,
    undoState: { undo: { label: 'remove labels' } },
  });
  expect(store.database.prepare('SELECT count(*) FROM annotation').pluck().get()).toBe(0);
  await project.undo();
  expectSame(contentOf(store), before);
  expect(await relabel(bird)).toMatchObject({ outcome: 'done' });
  // An image that was said to show a cat and a dog as a whole shows a bird, once.
  expect(labelsOf(store, bird)).toBe(ids.length - COUNT / 20);
  await project.undo();
  expectSame(contentOf(store), before);
  await project.redo();
  expect(await relabel(bird)).toMatchObject({ outcome: 'nothing' });
  await project.undo();
  expectSame(contentOf(store), before);
});

test('what is stopped half-way keeps what is done as a step of undo, and the class', async () => {
  const { project, store, cat, dog } = await setUp();
  const before = contentOf(store);
  const gesture = { token: 'g', kind: 'edit', label: 'merge', by: 'test', at: '2026-03-01T00:00:00.000Z' } as const;
  const begun = store.bulkEdits.begin(gesture, { kind: 'classes', from: [cat], into: dog }, null, 300)!;
  expect(begun).toMatchObject({ done: 300, isFinished: false });
  store.bulkEdits.go(begun.gestureId, 200);
  store.bulkEdits.stop(begun.gestureId);
  expect(store.bulkEdits.go(begun.gestureId, 200)).toMatchObject({ isFinished: true, imageIds: [] });
  expect(labelsOf(store, cat)).toBe(COUNT + COUNT / 10 + COUNT / 20 - 500);
  await project.undo();
  expectSame(contentOf(store), before);
});

test('what is left half-way is done when the project is opened, also an undo', async () => {
  const { project, store, merge, cat } = await setUp();
  const before = contentOf(store);
  await merge();
  const merged = contentOf(store);
  const at = '2026-03-01T00:00:00.000Z';
  const begun = store.bulkEdits.beginTravel('undo', { token: 'back', by: 'test', at }, null, 300);
  expect(begun).toMatchObject({ isFinished: false });
  expect(labelsOf(store, cat)).toBeGreaterThan(0);
  const { folder } = project.fixture.opened;
  await project.fixture.close();

  const again = createServices({ userDataFolder: project.fixture.userDataFolder });
  const { projectId } = await again.handlers['project.open']({ path: folder });
  const { store: reopened } = again.projects.get(projectId);
  expectSame(contentOf(reopened), before);
  expect(await again.handlers['annotation.redo']({ projectId, gestureId: 'redo', target: null })).toMatchObject({
    outcome: 'done',
  });
  expectSame(contentOf(reopened), merged);
  await again.close();
});

test('thousands of deleted labels are one line of the trash, and come back exactly, in steps and half-way too', async () => {
  const { project, store, handlers, projectId } = await setUp();
  const before = contentOf(store);
  const ids = store.database.prepare<[], AnnotationId>('SELECT id FROM annotation ORDER BY id').pluck().all();
  await handlers['annotation.relabel']({ projectId, gestureId: 'gone', annotationIds: ids, categoryId: null });
  const gone = contentOf(store);
  const { items } = await handlers['trash.labels']({ projectId, offset: 0, limit: 10 });
  expect(items).toMatchObject([{ kind: 'labels', labelCount: ids.length, imageCount: COUNT, classCount: 2 }]);
  const item = { kind: 'labels', gestureId: 'gone' } as const;
  expect(await handlers['trash.restore']({ projectId, item })).toEqual({ left: null });
  expectSame(contentOf(store), before);
  const label = `bring back ${ids.length.toLocaleString('en')} labels`;
  expect(await project.undo()).toMatchObject({ outcome: 'done', label });
  expectSame(contentOf(store), gone);
  // Begun, and then the app was killed.
  const changes = [...store.deletedLabels.line(item)].flatMap((line) =>
    line.changes.map(({ changeId, annotationIds }) => [changeId, annotationIds] as const),
  );
  const gesture = { token: 'g', kind: 'restore', label, by: 'test', at: '2026-03-01T00:00:00.000Z' } as const;
  const begun = store.bulkEdits.begin(gesture, { kind: 'revival', changes, into: [] }, null, 7)!;
  expect(begun).toMatchObject({ done: 7, total: ids.length, isFinished: false });
  for (const limit of [1, 2, 300]) store.bulkEdits.go(begun.gestureId, limit);
  expect(store.database.prepare('SELECT count(*) FROM annotation').pluck().get()).toBe(310);
  const { folder } = project.fixture.opened;
  await project.fixture.close();
  const again = createServices({ userDataFolder: project.fixture.userDataFolder });
  await again.handlers['project.open']({ path: folder });
  expectSame(contentOf(again.projects.get(projectId).store), before);
  await again.close();
});

test('labels that go for good go in steps; what is left where it ends early stays in the trash', async () => {
  const { project, store, handlers, projectId } = await setUp();
  const ids = store.database.prepare<[], AnnotationId>('SELECT id FROM annotation ORDER BY id').pluck().all();
  await handlers['annotation.relabel']({ projectId, gestureId: 'gone', annotationIds: ids, categoryId: null });
  const item = { kind: 'labels', gestureId: 'gone' } as const;
  const lines = () => handlers['trash.labels']({ projectId, offset: 0, limit: 10 });
  const first = [...store.deletedLabels.line(item)][0]!.changes.slice(0, 100);
  store.deletedLabels.purge(first);
  const [left] = (await lines()).items;
  expect(left!.labelCount).toBe(ids.length - first.flatMap(({ annotationIds }) => annotationIds).length);
  // What is left of the deletion can still be taken back.
  await project.undo();
  expect(store.database.prepare('SELECT count(*) FROM annotation').pluck().get()).toBe(left!.labelCount);
  await project.redo();
  await handlers['trash.empty']({ projectId, item });
  expect(await lines()).toEqual({ total: 0, items: [] });
  await expect(handlers['trash.empty']({ projectId, item })).rejects.toThrow('not in the trash any more');
  expect((await handlers['annotation.undoState']({ projectId })).undo).toBeNull();
  const purged = store.database.prepare('SELECT sum(purged), sum(deleted) FROM label_change WHERE removed > 0').raw();
  // Of the first hundred changes the redo has no word.
  expect(purged.get()).toEqual([ids.length + left!.labelCount, 0]);
});

test('a data set that goes to the trash meanwhile ends the change, and the project opens', async () => {
  const { project, store, cat, dog } = await setUp(800);
  const gesture = { token: 'g', kind: 'edit', label: 'merge', by: 'test', at: '2026-03-01T00:00:00.000Z' } as const;
  const begun = store.bulkEdits.begin(gesture, { kind: 'classes', from: [cat], into: dog }, null, 300)!;
  store.trash.putDataset(project.photos.datasetId, '2026-03-01T00:00:00.000Z');
  expect(store.bulkEdits.go(begun.gestureId, 300)).toMatchObject({ isFinished: true, imageIds: [] });
  expect(store.bulkEdits.pending()).toEqual([]);
});

test('a class of another data set is refused before anything is changed', async () => {
  const { project, store, handlers, projectId } = await setUp(3);
  const before = contentOf(store);
  const annotationIds = project.photos.imageIds.map((imageId) => project.labels(imageId)[0]!.annotationId);
  const relabel = handlers['annotation.relabel']({ projectId, gestureId: 'g', annotationIds, categoryId: 99 as never });
  await expect(relabel).rejects.toBeInstanceOf(FoveaError);
  expectSame(contentOf(store), before);
});

test('images get a review state in steps, in one gesture that is taken back exactly', async () => {
  const { project, store, handlers, projectId, images } = await setUp();
  const before = contentOf(store);
  const mark = (review: 'done' | 'rejected', imageIds: readonly ImageId[] = images) =>
    handlers['image.setReview']({ projectId, gestureId: project.nextGesture(), imageIds: [...imageIds], review });
  await mark('rejected', images.slice(0, 10));
  const some = contentOf(store);
  const result = await mark('done', [...images, ...images.slice(5)]);
  expect(result).toMatchObject({ outcome: 'done', images: [], undoState: { undo: { label: 'mark as done' } } });
  expect(result.outcome === 'done' && new Set(result.untold)).toEqual(new Set(images));
  expect(store.labelHistory.reviewCounts(project.photos.datasetId)).toMatchObject({ done: images.length });
  expect(store.database.prepare('SELECT max(label_version) FROM image').pluck().get()).toBe(2);
  const all = contentOf(store);
  expect(await mark('done')).toMatchObject({ outcome: 'nothing' });
  await project.undo();
  expectSame(contentOf(store), some);
  await project.redo();
  expectSame(contentOf(store), all);
  await project.undo();
  await project.undo();
  expectSame(contentOf(store), before);
});

test.each(['only', 'add', 'remove'] as const)(
  'images get or lose a class as a whole in steps (%s), with a review state, in one gesture',
  async (mode) => {
    const { project, store, handlers, projectId, images, dog, bird } = await setUp();
    const before = contentOf(store);
    const tagsOf = (imageId: ImageId): CategoryId[] =>
      project.labels(imageId).flatMap(({ shape, categoryId }) => (shape.kind === 'classification' ? categoryId : []));
    const categoryId = mode === 'add' ? bird : dog;
    const wanted = images.map((imageId) => {
      const own = tagsOf(imageId);
      if (mode === 'remove') return own.filter((tag) => tag !== dog);
      return mode === 'only' ? [dog] : [...own, bird];
    });
    const boxes = store.database.prepare(`SELECT count(*) FROM annotation WHERE kind <> 'classification'`).pluck();
    const boxesBefore = boxes.get();
    const classify = (review?: 'done') =>
      handlers['annotation.classify']({
        ...{ projectId, gestureId: project.nextGesture(), imageIds: [...images], categoryId, mode },
        ...(review === undefined ? {} : { review }),
      });
    expect(await classify('done')).toMatchObject({ outcome: 'done', undoState: { undo: { label: 'set class' } } });
    expect(images.map(tagsOf)).toEqual(wanted);
    expect(boxes.get()).toBe(boxesBefore);
    expect(store.labelHistory.reviewCounts(project.photos.datasetId)).toMatchObject({ done: images.length });
    expect(await classify('done')).toMatchObject({ outcome: 'nothing' });
    expect(await classify()).toMatchObject({ outcome: 'nothing' });
    const after = contentOf(store);
    await project.undo();
    expectSame(contentOf(store), before);
    await project.redo();
    expectSame(contentOf(store), after);
  },
);

test('an image or a class that is not there is refused before anything is changed', async () => {
  const { project, store, handlers, projectId, images, cat } = await setUp(3);
  const before = contentOf(store);
  const change = { projectId, gestureId: 'g', imageIds: [...images, 99 as ImageId] };
  await expect(handlers['image.setReview']({ ...change, review: 'done' })).rejects.toThrow('There is no image 99');
  const classify = (categoryId: CategoryId, imageIds: ImageId[]) =>
    handlers['annotation.classify']({ ...change, imageIds, categoryId, mode: 'add' });
  await expect(classify(cat, change.imageIds)).rejects.toThrow('There is no image 99');
  await expect(classify(99 as CategoryId, [...images])).rejects.toThrow('The class 99 is not one of image 1');
  expectSame(contentOf(store), before);
  store.trash.putDataset(project.photos.datasetId, '2026-03-01T00:00:00.000Z');
  await expect(classify(cat, [...images])).rejects.toThrow('There is no image 1 ');
});

test('images that are left half-way are done when the project is opened; one that is gone is passed over', async () => {
  const { project, store, images, dog } = await setUp(800);
  const gesture = {
    token: 'g',
    kind: 'classify',
    label: 'set class',
    by: 'test',
    at: '2026-03-01T00:00:00.000Z',
  } as const;
  const change = { kind: 'images', imageIds: images, review: 'done', tag: { categoryId: dog, mode: 'only' } } as const;
  expect(store.bulkEdits.begin(gesture, change, null, 300)).toMatchObject({ done: 300, total: 800, isFinished: false });
  const entry = store.trash.beginEntry(project.photos.datasetId, '1 image', '2026-03-01T00:00:00.000Z');
  store.trash.putImages(entry, [images[700]!]);
  const { folder } = project.fixture.opened;
  await project.fixture.close();
  const again = createServices({ userDataFolder: project.fixture.userDataFolder });
  const { projectId } = await again.handlers['project.open']({ path: folder });
  const { store: reopened } = again.projects.get(projectId);
  expect(reopened.bulkEdits.pending()).toEqual([]);
  expect(reopened.labelHistory.reviewCounts(project.photos.datasetId)).toMatchObject({ done: 799 });
  const tags = reopened.database.prepare(
    `SELECT count(*), count(DISTINCT image_id) FROM annotation WHERE kind = 'classification' AND category_id = ?`,
  );
  expect(tags.raw().get(dog)).toEqual([799, 799]);
  await again.close();
});

test.each([
  ['merge', 'merge classes into “dog”'],
  ['classify', 'set class'],
] as const)(
  'after a kill at any moment what is done (%s) is there as a whole, or not at all',
  { timeout: 120_000 },
  async (what, label) => {
    const { project, store, merge, handlers, projectId: first, images, cat } = await setUp();
    // Each merge gives its labels the time at which it was made.
    const states = (of: ProjectStore) => contentOf(of, { times: false }).join('\n');
    const apart = states(store);
    const change = { imageIds: [...images], categoryId: cat, mode: 'remove' as const, review: 'done' as const };
    if (what === 'merge') await merge();
    else await handlers['annotation.classify']({ projectId: first, gestureId: project.nextGesture(), ...change });
    const merged = states(store);
    expect(await project.undo()).toMatchObject({ label });
    const { folder } = project.fixture.opened;
    const { userDataFolder } = project.fixture;
    await project.fixture.close();
    const seed = Number(process.env['FOVEA_SEED'] ?? 1);
    const random = seededRandom(seed);
    const merger = fileURLToPath(new URL('../helpers/doomed-merger.ts', import.meta.url));
    let half = 0;
    for (let kill = 0; kill < 6; kill++) {
      const child = spawn(process.execPath, [merger, folder, what], { stdio: ['ignore', 'pipe', 'inherit'] });
      const closed = once(child, 'close');
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, random() * 500));
      child.kill('SIGKILL');
      await closed;
      expect(child.signalCode).toBe('SIGKILL');
      const left = openProjectStore(`${folder}/project.sqlite`);
      half += left.bulkEdits.pending().length;
      left.close();
      const services = createServices({ userDataFolder });
      const { projectId } = await services.handlers['project.open']({ path: folder });
      const { store: reopened } = services.projects.get(projectId);
      expect(reopened.database.pragma('integrity_check', { simple: true })).toBe('ok');
      expect(reopened.bulkEdits.pending()).toEqual([]);
      const found = states(reopened);
      expect(found === apart || found === merged, `kill ${kill} of seed ${seed}`).toBe(true);
      await services.close();
    }
    console.log(`seed ${seed}: ${half} of 6 kills left a change half done`);
  },
);
