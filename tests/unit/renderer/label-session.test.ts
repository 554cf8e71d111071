/** The editor's session over the real services: what is drawn is saved, in order, whatever else happens meanwhile. */
import { onTestFinished, expect, test } from 'vitest';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { FoveaError } from '../../../src-main/contract/errors.ts';
import type { CallName, Calls, EventName, Events, Handlers } from '../../../src-main/contract/ipc.ts';
import type { AnnotationId, ImageId } from '../../../src-main/contract/model/ids.ts';
import { LabelSession } from '../../../src-renderer/state/label-session.svelte.ts';
import { UnsavedLabels } from '../../../src-renderer/state/unsaved-labels.svelte.ts';
import { noModifiers } from '../../../src-renderer/canvas/editor/types.ts';
import { imagePoint } from '../../../src-renderer/canvas/viewport.ts';
import { LabelProject } from '../../helpers/label-project.ts';
import { bbox } from '../../helpers/photo-dataset.ts';

/** A window on the project: calls go through to the services unless `fails` says otherwise; events come to all windows. */
class Window {
  readonly session: LabelSession;
  /** Throws instead of calling; or after the call, as when an answer is lost. */
  fails: ((name: CallName) => FoveaError | null) | null = null;
  losesAnswer: ((name: CallName) => FoveaError | null) | null = null;
  /** Held back until it is called. */
  hold: Promise<void> | null = null;
  readonly calls: CallName[] = [];
  #listeners: ((payload: Events['annotation.changed']) => void)[] = [];

  constructor(project: LabelProject, name: string) {
    const handlers = project.fixture.handlers as unknown as Handlers;
    const api = {
      call: async <C extends CallName>(call: C, request: Calls[C]['request']): Promise<Calls[C]['response']> => {
        this.calls.push(call);
        if (this.hold !== null && call !== 'annotation.open') await this.hold;
        await Promise.resolve();
        const failure = this.fails?.(call);
        if (failure) throw failure;
        const answer = await handlers[call](structuredClone(request) as never);
        const lost = this.losesAnswer?.(call);
        if (lost) throw lost;
        return structuredClone(answer) as Calls[C]['response'];
      },
      on: <E extends EventName>(event: E, listener: (payload: Events[E]) => void) => {
        if (event === 'annotation.changed') this.#listeners.push(listener as never);
        return () => undefined;
      },
      onReconnected: () => () => undefined,
    };
    this.session = new LabelSession(api as unknown as Api, project.projectId, name);
    onTestFinished(this.session.follow());
  }

  hear(payload: Events['annotation.changed']): void {
    for (const listener of this.#listeners) listener(structuredClone(payload));
  }

  get shapes(): unknown[] {
    return this.session.editor.document.ordered.map(({ shape }) => shape);
  }

  draw(x1: number, y1: number, x2: number, y2: number): void {
    const { editor } = this.session;
    editor.setTool('box');
    const at = (x: number, y: number) => ({ point: imagePoint(x, y), tolerance: 2, pressure: 0.5, ...noModifiers });
    editor.handle({ kind: 'down', button: 'primary', ...at(x1, y1) });
    editor.handle({ kind: 'move', ...at(x2, y2) });
    editor.handle({ kind: 'up', button: 'primary', ...at(x2, y2) });
  }
}

async function setUp(windowNames = ['a']) {
  const project = await LabelProject.create(3);
  const windows = windowNames.map((name) => new Window(project, name));
  let told = 0;
  /** Events reach the windows when the test says so. */
  const tell = (): void => {
    for (const { name, payload } of project.fixture.events.slice(told)) {
      if (name === 'annotation.changed')
        for (const window of windows) window.hear(payload as Events['annotation.changed']);
    }
    told = project.fixture.events.length;
  };
  const [first, second] = project.photos.imageIds as [ImageId, ImageId];
  const [cat, dog] = project.photos.categoryIds;
  for (const { session } of windows) {
    await session.open(first);
    session.editor.set({ categoryId: dog });
  }
  const shapesOf = (imageId: ImageId): unknown[] => project.labels(imageId).map(({ shape }) => shape);
  const [window] = windows as [Window];
  return { project, window, windows, tell, first, second, cat, dog, shapesOf };
}

const imported = bbox(10, 20, 110, 220);

test('each gesture is saved in order, and labels get the times they were saved at', async () => {
  const { window, first, shapesOf, project } = await setUp();
  const { session } = window;
  expect(session.image).toEqual({ imageId: first, widthPx: 640, heightPx: 480 });
  window.draw(300, 10, 340, 50);
  window.draw(400, 10, 440, 50);
  expect(session.saving).toBe('saving');
  expect(session.unsavedCount).toBe(2);
  await session.settled();
  expect([session.saving, session.unsavedCount]).toEqual(['saved', 0]);
  expect(shapesOf(first)).toEqual([imported, bbox(300, 10, 340, 50), bbox(400, 10, 440, 50)]);
  expect(session.editor.document.ordered).toEqual(project.labels(first));
  expect(session.undoState.undo).toMatchObject({ label: 'draw box', imageIds: [first] });
});

test('undo and redo are at once in the open image, and reach other images and earlier sessions', async () => {
  const { window, first, second, shapesOf, project } = await setUp();
  const { session } = window;
  window.draw(300, 10, 340, 50);
  const undoing = session.undo();
  expect(window.shapes).toEqual([imported]);
  expect(await undoing).toEqual({ imageIds: [first] });
  await session.settled();
  expect(shapesOf(first)).toEqual([imported]);
  await session.redo();
  await session.settled();
  expect(session.editor.document.ordered).toEqual(project.labels(first));
  await session.open(second);
  expect(await session.undo()).toEqual({ imageIds: [first] });
  expect(shapesOf(first)).toEqual([imported]);
  expect(await session.undo()).toBeNull();
  expect(await session.redo()).toEqual({ imageIds: [first] });
  const later = new Window(project, 'later');
  await later.session.open(first);
  await later.session.undo();
  expect(later.shapes).toEqual([imported]);
});

test('while the disk is full nothing is lost: gestures wait, are said to wait, and are saved in order', async () => {
  const { window, first, shapesOf } = await setUp();
  const { session } = window;
  window.fails = (name) => (name === 'annotation.apply' ? new FoveaError('io', 'The disk is full.') : null);
  window.draw(300, 10, 340, 50);
  window.draw(400, 10, 440, 50);
  await expect.poll(() => session.saving).toBe('retrying');
  expect(session.saveError).toBe('The disk is full.');
  void session.undo();
  window.draw(500, 10, 540, 50);
  expect(session.unsavedCount).toBe(4);
  expect(shapesOf(first)).toEqual([imported]);
  window.fails = null;
  session.retry();
  await session.settled();
  expect([session.saving, session.saveError, session.unsavedCount]).toEqual(['saved', null, 0]);
  expect(shapesOf(first)).toEqual([imported, bbox(300, 10, 340, 50), bbox(500, 10, 540, 50)]);
  expect(window.shapes).toEqual(shapesOf(first));
});

test('a gesture whose answer was lost is sent again and saved once', async () => {
  const { window, first, shapesOf, project } = await setUp();
  let losses = 0;
  window.losesAnswer = (name) =>
    name.startsWith('annotation.') && name !== 'annotation.open' && losses++ % 2 === 0
      ? new FoveaError('network', 'gone')
      : null;
  window.draw(300, 10, 340, 50);
  void window.session.undo();
  void window.session.redo();
  window.draw(400, 10, 440, 50);
  for (let turn = 0; turn < 12; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    window.session.retry();
  }
  await window.session.settled();
  expect(losses).toBeGreaterThan(4);
  expect(shapesOf(first)).toEqual([imported, bbox(300, 10, 340, 50), bbox(400, 10, 440, 50)]);
  expect(window.session.editor.document.ordered).toEqual(project.labels(first));
});

test('what is refused for good stops the line until the person decides, and the image is then shown as it is kept', async () => {
  const { window, first, shapesOf } = await setUp();
  const { session } = window;
  let refusals = 1;
  window.fails = (name) => (name === 'annotation.apply' && refusals-- > 0 ? new FoveaError('bad-input', 'No.') : null);
  window.draw(300, 10, 340, 50);
  window.draw(400, 10, 440, 50);
  await expect.poll(() => session.saving).toBe('failed');
  expect([session.saveError, session.unsavedCount]).toEqual(['No.', 2]);
  await session.discardFailed();
  await session.settled();
  expect(shapesOf(first)).toEqual([imported, bbox(400, 10, 440, 50)]);
  expect(window.shapes).toEqual(shapesOf(first));
});

test('what only the service can do is refused to who asked for it, and holds nobody up', async () => {
  const { window, first, shapesOf } = await setUp();
  const { session } = window;
  const refused = session.restore(99).then(
    () => null,
    (error: unknown) => error,
  );
  window.draw(300, 10, 340, 50);
  expect(await refused).toMatchObject({ code: 'not-found' });
  await session.settled();
  expect(session.saving).toBe('saved');
  expect(shapesOf(first)).toEqual([imported, bbox(300, 10, 340, 50)]);
});

test('two windows on one image stay in step, with gestures under way in both', async () => {
  const { windows, tell, first, shapesOf, cat } = await setUp(['a', 'b']);
  const [a, b] = windows as [Window, Window];
  a.draw(300, 10, 340, 50);
  await a.session.settled();
  tell();
  expect(b.shapes).toEqual(a.shapes);
  // Both change the same label and add others before they hear of each other.
  const [label] = b.session.editor.document.ordered;
  const id = label?.annotationId as AnnotationId;
  a.session.editor.setDetails([id], { note: 'from a', categoryId: cat });
  a.draw(400, 10, 440, 50);
  b.session.editor.toggleFlag([id], 'occluded');
  b.draw(500, 10, 540, 50);
  await Promise.all([a.session.settled(), b.session.settled()]);
  tell();
  await expect.poll(() => [a.session.unsavedCount, b.session.unsavedCount]).toEqual([0, 0]);
  await expect.poll(() => a.shapes).toEqual(shapesOf(first));
  expect(b.shapes).toEqual(shapesOf(first));
  expect(shapesOf(first)).toHaveLength(4);
  for (const { session } of windows) {
    expect(session.editor.document.get(id)).toMatchObject({ note: 'from a', flags: ['occluded'] });
  }
  await b.session.undo();
  await b.session.settled();
  tell();
  await expect.poll(() => a.shapes).toEqual(shapesOf(first));
  expect(b.shapes).toEqual(shapesOf(first));
});

test('an undo that another window has got in before is taken back in sight', async () => {
  const { windows, tell, first, second, shapesOf } = await setUp(['a', 'b']);
  const [a, b] = windows as [Window, Window];
  a.draw(300, 10, 340, 50);
  await a.session.settled();
  await b.session.open(second);
  b.draw(400, 10, 440, 50);
  await b.session.settled();
  // Window a has not heard of it yet and takes its own gesture for the newest.
  await a.session.undo();
  expect(a.shapes).toEqual([imported]);
  await a.session.settled();
  expect(a.shapes).toEqual([imported, bbox(300, 10, 340, 50)]);
  expect(shapesOf(first)).toEqual(a.shapes);
  tell();
  expect(await a.session.undo()).toEqual({ imageIds: [second] });
  expect(await a.session.undo()).toEqual({ imageIds: [first] });
  await a.session.settled();
  expect([a.shapes, shapesOf(first), shapesOf(second)]).toEqual([[imported], [imported], [imported]]);
});

test('a label that is removed in one window while it is changed in the other is not lost', async () => {
  const { windows, tell, first, project } = await setUp(['a', 'b']);
  const [a, b] = windows as [Window, Window];
  const id = a.session.editor.document.ordered[0]?.annotationId as AnnotationId;
  a.session.editor.select([id]);
  a.session.editor.run('delete');
  b.session.editor.setDetails([id], { note: 'important' });
  b.session.editor.setDetails([id], { note: 'very important' });
  await a.session.settled();
  await b.session.settled();
  tell();
  expect(project.labels(first)).toMatchObject([
    { annotationId: id, note: 'very important', shape: imported, provenance: { by: 'import' } },
  ]);
  await expect.poll(() => a.session.editor.document.ordered).toMatchObject([{ note: 'very important' }]);
  expect(b.session.editor.document.ordered).toMatchObject([{ note: 'very important' }]);
});

test('leaving an image does not wait for what is on its way, and coming back shows it', async () => {
  const { window, first, second, shapesOf } = await setUp();
  const { session } = window;
  let release: () => void = () => undefined;
  window.hold = new Promise((resolve) => (release = resolve));
  window.draw(300, 10, 340, 50);
  await session.open(second);
  expect(window.shapes).toEqual([imported]);
  await session.open(first);
  expect(window.shapes).toEqual([imported, bbox(300, 10, 340, 50)]);
  window.draw(400, 10, 440, 50);
  release();
  window.hold = null;
  await session.settled();
  expect(shapesOf(first)).toEqual([imported, bbox(300, 10, 340, 50), bbox(400, 10, 440, 50)]);
  expect(window.shapes).toEqual(shapesOf(first));
  // Read ahead before the last gesture, which must not be forgotten.
  session.prefetch(second);
  await session.open(second);
  window.draw(300, 10, 340, 50);
  await session.settled();
  session.prefetch(second);
  window.draw(400, 10, 440, 50);
  await session.open(first);
  await session.settled();
  await session.open(second);
  expect(window.shapes).toEqual(shapesOf(second));
  expect(window.shapes).toHaveLength(3);
});

test('labels are copied, propagated, restored and reviewed through the same line', async () => {
  const { window, first, second, shapesOf, project, cat } = await setUp();
  const { session } = window;
  window.draw(300, 10, 340, 50);
  await session.propagate(null, [second]);
  expect(shapesOf(second)).toEqual([imported, imported, bbox(300, 10, 340, 50)]);
  await session.copyFrom(second);
  expect(window.shapes).toHaveLength(5);
  expect(window.shapes).toEqual(shapesOf(first));
  await session.restore(1);
  expect(window.shapes).toEqual([imported, bbox(300, 10, 340, 50)]);
  expect((await session.history(0, 10)).items.map(({ kind }) => kind)).toEqual(['restore', 'copy', 'edit']);
  expect(await session.stateAt(0)).toMatchObject([{ shape: imported }]);
  await session.setReview([first, second], 'done');
  expect(session.editor.document.review).toBe('done');
  session.editor.setReview('rejected');
  await session.classify([first, second], cat, 'only');
  expect(project.store.labelEdits.image(first).review).toBe('rejected');
  expect(window.shapes).toHaveLength(3);
  for (let step = 0; step < 7; step++) await session.undo();
  expect(await session.undo()).toBeNull();
  expect([shapesOf(first), shapesOf(second)]).toEqual([[imported], [imported]]);
  expect(window.shapes).toEqual([imported]);
  expect(session.editor.document.review).toBe('to-do');
});

test('time is counted for the image that is worked on', async () => {
  const { window, first, second, project } = await setUp();
  window.draw(300, 10, 340, 50);
  await new Promise((resolve) => setTimeout(resolve, 30));
  window.draw(400, 10, 440, 50);
  await window.session.open(second);
  await expect.poll(() => project.store.labelEdits.image(first).timeMs).toBeGreaterThanOrEqual(25);
  expect(project.store.labelEdits.image(second).timeMs).toBe(0);
});

test('of an image that was left for none, nothing is changed any more', async () => {
  const { project, window, first, shapesOf } = await setUp();
  window.session.close();
  expect(window.shapes).toEqual([]);
  window.session.editor.setReview('done');
  window.draw(1, 2, 30, 40);
  await window.session.settled();
  expect(shapesOf(first)).toEqual([imported]);
  expect(window.calls.filter((call) => call === 'annotation.apply')).toEqual([]);
  expect(project.fixture.events).toEqual([]);
  await window.session.open(first);
  expect(window.shapes).toEqual([imported]);
});

test('changes that wait for the person are told of when their screen has been left', async () => {
  const { windows, shapesOf, first } = await setUp(['a', 'b']);
  const [left, next] = windows as [Window, Window];
  const unsaved = new UnsavedLabels();
  unsaved.add(left.session);
  left.fails = (name) => (name === 'annotation.apply' ? new FoveaError('bad-input', 'The class is gone.') : null);
  left.draw(1, 2, 30, 40);
  await left.session.settled();
  unsaved.add(next.session);
  expect(unsaved.stuck).toEqual([left.session]);
  left.fails = null;
  left.session.retry();
  await left.session.settled();
  expect(unsaved.stuck).toEqual([]);
  expect(shapesOf(first)).toHaveLength(2);
});
