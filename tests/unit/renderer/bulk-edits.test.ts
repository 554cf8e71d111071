/** Changes of many images, and how each is taken back. */
import { expect, test } from 'vitest';
import type { CallName } from '../../../src-main/contract/ipc.ts';
import type { AnnotationId, DatasetId, ImageId, ProjectId } from '../../../src-main/contract/model/ids.ts';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { BulkEdits } from '../../../src-renderer/state/bulk-edits.svelte.ts';
import { Toasts } from '../../../src-renderer/state/toasts.svelte.ts';

const ids = Array.from({ length: 2500 }, (_, at) => (at + 1) as ImageId);
type Request = Record<string, unknown>;

function editsWith(answers: Partial<Record<CallName, (request: Request) => unknown>>) {
  const asked: [CallName, Request][] = [];
  const call = async (name: CallName, request: Request) => {
    asked.push([name, request]);
    return answers[name]?.(request) ?? {};
  };
  const listeners = new Map<string, (payload: unknown) => void>();
  const on = (event: string, listener: (payload: unknown) => void) => {
    listeners.set(event, listener);
    return () => listeners.delete(event);
  };
  const toasts = new Toasts();
  const edits = new BulkEdits({ call, on } as unknown as Api, toasts, 'p' as ProjectId, 7 as DatasetId);
  const tell = (event: string, payload: unknown) => listeners.get(event)?.(payload);
  return { edits, toasts, asked, tell };
}

test('a review state of any number of images is one gesture, which says how many it changed', async () => {
  const { edits, asked, toasts, tell } = editsWith({
    'image.setReview': () => answer.promise,
    'annotation.undo': () => ({ outcome: 'done' }),
  });
  let answer = Promise.withResolvers<unknown>();
  const mark = () => edits.setReview(ids, 'done', (count) => `${count} marked.`);
  const whole = mark();
  expect(edits.progress).toEqual({ done: 0, total: 2500 });
  const { gestureId, imageIds } = asked[0]![1];
  expect(imageIds).toEqual(ids);
  answer.resolve({ outcome: 'done', images: [], untold: ids.slice(100) });
  expect(await whole).toBe(true);
  expect(edits.undoable).toBe('2400 marked.');
  await edits.undo();
  expect(asked.slice(1)).toEqual([['annotation.undo', expect.objectContaining({ target: gestureId })]]);
  expect(edits.undoable).toBeNull();
  await edits.undo();
  expect(asked).toHaveLength(2);

  answer = Promise.withResolvers();
  const stopped = mark();
  edits.stop();
  tell('job.changed', { ...asked.at(-1)![1], jobId: 'j', state: 'running', done: 700, total: 2500 });
  expect(asked.at(-1)).toEqual(['job.cancel', { jobId: 'j' }]);
  answer.resolve({ outcome: 'done', images: [], untold: ids.slice(0, 700) });
  await stopped;
  expect(toasts.list.at(-1)?.message).toBe('Stopped. 700 marked.');

  answer = Promise.withResolvers();
  answer.resolve({ outcome: 'nothing' });
  expect(await mark()).toBe(true);
  expect(toasts.list.at(-1)).toMatchObject({ tone: 'neutral' });
  answer = Promise.withResolvers();
  answer.reject(new Error('The disk is full.'));
  expect(await mark()).toBe(false);
  expect([edits.progress, edits.undoable]).toEqual([null, 'Stopped. 700 marked.']);
});

test('only those that got the tag lose it again; the trash gives back its entry; a split its change', async () => {
  const { edits, asked, toasts } = editsWith({
    'image.tag': ({ imageIds, on }) => ({ imageIds: on === true ? (imageIds as ImageId[]).slice(1) : imageIds }),
    'image.trash': () => ({ kind: 'images', entryId: 5 }),
    'split.assign': () => ({ changeId: 3 }),
  });
  await edits.tag(ids.slice(0, 3), 'night', true, 'Tagged.');
  await edits.trash(ids.slice(0, 3), 'In the trash.');
  await edits.setSplit(ids.slice(0, 3), 'val', 'Split.');
  expect(toasts.list.map(({ message }) => message)).toEqual(['Tagged.', 'In the trash.', 'Split.']);
  asked.length = 0;
  await edits.undo();
  // The message of an older change takes that one back, whatever is newer.
  toasts.list[0]!.action!.run();
  await edits.undo();
  expect(asked).toEqual([
    ['split.undo', { projectId: 'p', changeId: 3 }],
    ['image.tag', { projectId: 'p', datasetId: 7, imageIds: [2, 3], tag: 'night', on: false }],
    ['trash.restore', { projectId: 'p', item: { kind: 'images', entryId: 5 } }],
  ]);
});

test('what fails is said and cannot be undone; what changes nothing neither', async () => {
  const { edits, toasts } = editsWith({
    'image.tag': () => ({ imageIds: [] }),
    'image.trash': () => {
      throw new Error('A run in progress uses it.');
    },
  });
  expect(await edits.trash(ids.slice(0, 1), 'Gone.')).toBe(false);
  expect(toasts.list.at(-1)).toMatchObject({ tone: 'danger', message: 'A run in progress uses it.' });
  expect(await edits.tag(ids.slice(0, 1), 'night', true, 'Tagged.')).toBe(true);
  expect(toasts.list.at(-1)).toMatchObject({ tone: 'neutral' });
  expect(edits.undoable).toBeNull();
});

test('labels change in one gesture, whose job says how far it is; what a stop leaves is done can be undone', async () => {
  const { edits, asked, toasts, tell } = editsWith({
    'annotation.relabel': () => answer.promise,
    'annotation.undo': () => ({ outcome: 'done' }),
  });
  let answer = Promise.withResolvers<unknown>();
  const labels = ids.slice(0, 450) as unknown as AnnotationId[];
  const relabel = () => edits.relabel(labels, null, (count) => `${count} removed.`);
  const jobOf = (state: string, done: number) => ({ ...{ gestureId: gesture(), jobId: 'j', state }, done, total: 450 });
  const gesture = () => asked.findLast(([name]) => name === 'annotation.relabel')![1]['gestureId'];

  const whole = relabel();
  expect(edits.progress).toEqual({ done: 0, total: 450 });
  tell('job.changed', { ...jobOf('running', 7), gestureId: 'of somebody else' });
  tell('job.changed', jobOf('running', 120));
  expect(edits.progress).toEqual({ done: 120, total: 450 });
  answer.resolve({ outcome: 'done', labels: 450 });
  expect(await whole).toBe(true);
  expect([edits.progress, edits.undoable]).toEqual([null, '450 removed.']);
  const first = gesture();
  await edits.undo();
  expect(asked.at(-1)).toEqual(['annotation.undo', expect.objectContaining({ target: first })]);

  // The stop may come before the job does.
  answer = Promise.withResolvers();
  const stopped = relabel();
  edits.stop();
  expect(asked.at(-1)![0]).toBe('annotation.relabel');
  tell('job.changed', jobOf('running', 200));
  tell('job.changed', jobOf('running', 210));
  expect(asked.filter(([name]) => name === 'job.cancel')).toEqual([['job.cancel', { jobId: 'j' }]]);
  answer.resolve({ outcome: 'done', labels: 220 });
  await stopped;
  expect(toasts.list.at(-1)?.message).toBe('Stopped. 220 removed.');
  // What is taken back has no message any more that offers it.
  await edits.undo();
  expect(toasts.list.map(({ message }) => message)).not.toContain('Stopped. 220 removed.');

  answer = Promise.withResolvers();
  const failed = relabel();
  answer.reject(new Error('The disk is full.'));
  expect(await failed).toBe(false);
  expect([edits.progress, edits.undoable]).toEqual([null, null]);
});

test('an older change that a newer one stands in the way of can be taken back after that', async () => {
  const undone: unknown[] = [];
  const { edits, asked, toasts } = editsWith({
    'image.setReview': () => ({ outcome: 'done', images: [], untold: ids }),
    'annotation.undo': ({ target }) => {
      if (target === first() && undone.length === 0) return { outcome: 'stale' };
      undone.push(target);
      return { outcome: 'done' };
    },
  });
  const first = (): unknown => asked[0]![1]['gestureId'];
  await edits.setReview(ids, 'done', () => 'First.');
  await edits.setReview(ids, 'to-do', () => 'Second.');
  toasts.list.find(({ message }) => message === 'First.')!.action!.run();
  await expect.poll(() => toasts.list.at(-1)?.tone).toBe('danger');
  expect(edits.undoable).toBe('Second.');
  await edits.undo();
  expect(edits.undoable).toBe('First.');
  await edits.undo();
  expect([undone, edits.undoable]).toEqual([[asked[1]![1]['gestureId'], first()], null]);
});
