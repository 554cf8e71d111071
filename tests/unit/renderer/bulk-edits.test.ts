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
  const toasts = new Toasts();
  const edits = new BulkEdits({ call } as unknown as Api, toasts, 'p' as ProjectId, 7 as DatasetId);
  return { edits, toasts, asked };
}

test('a review state goes out a thousand at a time, and is undone in the opposite order', async () => {
  const { edits, asked } = editsWith({
    'image.setReview': () => ({ outcome: 'done' }),
    'annotation.undo': () => ({ outcome: 'done' }),
  });
  expect(await edits.setReview(ids, 'done', 'Marked.')).toBe(true);
  expect(asked.map(([, { imageIds }]) => (imageIds as ImageId[]).length)).toEqual([1000, 1000, 500]);
  const gestures = asked.map(([, { gestureId }]) => gestureId);
  expect(edits.undoable).toBe('Marked.');
  await edits.undo();
  expect(asked.slice(3).map(([name, { target }]) => [name, target])).toEqual(
    gestures.toReversed().map((gesture) => ['annotation.undo', gesture]),
  );
  expect(edits.undoable).toBeNull();
  await edits.undo();
  expect(asked).toHaveLength(6);
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

test('labels change some at a time, with their progress; what was done before a stop or an error can be undone', async () => {
  const seen: unknown[] = [];
  let failing = 3;
  const { edits, asked, toasts } = editsWith({
    'annotation.relabel': () => {
      seen.push(edits.progress?.done);
      if (seen.length === failing) throw new Error('The disk is full.');
      if (seen.length === 5) edits.stop();
      return { outcome: 'done' };
    },
    'annotation.undo': () => ({ outcome: 'done' }),
  });
  const labels = ids.slice(0, 450) as unknown as AnnotationId[];
  const changed: number[] = [];
  const relabel = () =>
    edits.relabel(
      labels,
      null,
      (count) => `${count} removed.`,
      (some) => void changed.push(some.length),
    );
  expect(await relabel()).toBe(false);
  expect(edits.undoable).toBe('200 removed.');
  expect(changed).toEqual([100, 100]);
  expect(seen).toEqual([0, 100, 200]);
  expect(edits.progress).toBeNull();
  const sent = asked.map(([, { gestureId }]) => gestureId);
  await edits.undo();
  expect(asked.slice(3).map(([, { target }]) => target)).toEqual([sent[1], sent[0]]);
  failing = 0;
  expect(await relabel()).toBe(true);
  expect(seen).toEqual([0, 100, 200, 0, 100]);
  expect(toasts.list.at(-1)?.message).toBe('Stopped. 200 removed.');
  expect(changed).toEqual([100, 100, 100, 100]);
  // What is taken back has no message any more that offers it.
  await edits.undo();
  expect(toasts.list.map(({ message }) => message)).not.toContain('Stopped. 200 removed.');
});
