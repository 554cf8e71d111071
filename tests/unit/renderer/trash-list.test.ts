/** What the trash dialog shows, and what it asks for. */
import { expect, test } from 'vitest';
import type { CallName } from '../../../src-main/contract/ipc.ts';
import type { DatasetId, ImageId, ProjectId, RunId } from '../../../src-main/contract/model/ids.ts';
import type { DeletedLabelsItem, TrashItem } from '../../../src-main/contract/model/library.ts';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { TrashList, type TrashLine } from '../../../src-renderer/state/trash-list.svelte.ts';
import {
  backWords,
  consequenceOf,
  questionOf,
  titleOf,
  wordsOf,
} from '../../../src-renderer/features/trash/trash-words.ts';

const projectId = 'p' as ProjectId;
const run: TrashItem = { kind: 'run', runId: 3 as RunId, title: 'lenet5-3', epochsDone: 4, trashedAt: '2026-01-02' };
const dataset: TrashItem = {
  ...{ kind: 'dataset', datasetId: 3 as DatasetId, title: 'pets' },
  ...{ imageCount: 30, trashedAt: '2026-01-01' },
};

function labelsOf(imageId: number, trashedAt: string): DeletedLabelsItem {
  return {
    ...{ kind: 'image-labels', imageId: imageId as ImageId, day: trashedAt, datasetId: 3 as DatasetId },
    ...{ title: `${imageId}.jpg`, datasetName: 'pets', deletedClasses: [], labelCount: 2, imageCount: 1 },
    ...{ classes: [{ name: 'cat', count: 2 }], classCount: 1, trashedAt },
  };
}

type Request = Record<string, unknown>;

function trashWith(answers: Partial<Record<CallName, (request: Request) => unknown>>) {
  const asked: [CallName, Request][] = [];
  let left: TrashItem[] = [run, dataset];
  const call = async (name: CallName, request: Request) => {
    asked.push([name, request]);
    if (answers[name] !== undefined) return answers[name](request);
    if (name === 'trash.list') return left;
    if (name === 'trash.labels') return { total: 0, items: [] };
    if (name === 'trash.size') return { sizeBytes: (request['item'] as { kind: string }).kind === 'run' ? 2e6 : 0 };
    left = left.slice(1);
    return name === 'trash.restore' ? { left: null } : {};
  };
  return { trash: new TrashList({ call } as unknown as Api, projectId), asked };
}

test('each thing is listed, and then what it takes on the disk; two kinds may share a number', async () => {
  const { trash, asked } = trashWith({});
  expect([trash.items, trash.sizeOf(run)]).toEqual([null, null]);
  await trash.read();
  expect(trash.items).toEqual([run, dataset]);
  expect([trash.sizeOf(run), trash.sizeOf(dataset)]).toEqual([2e6, 0]);
  // What is known is not asked for again.
  await trash.read();
  expect(asked.filter(([name]) => name === 'trash.size').map(([, { item }]) => item)).toEqual([
    { kind: 'run', runId: 3 },
    { kind: 'dataset', datasetId: 3 },
  ]);
});

test('what is brought back leaves the list; what cannot be is said, and the list is read anew', async () => {
  const { trash, asked } = trashWith({});
  await trash.read();
  expect(await trash.restore(run)).toEqual({ left: null });
  expect(asked).toContainEqual(['trash.restore', { projectId, item: { kind: 'run', runId: 3 } }]);
  expect(trash.items).toEqual([dataset]);

  const gone = new Error('This is not in the trash any more.');
  const failing = trashWith({ 'trash.restore': () => Promise.reject(gone) });
  expect(await failing.trash.restore(run)).toBeNull();
  expect(failing.trash.error).toBe(gone);
  expect(failing.trash.busy).toBe(false);
  expect(failing.trash.items).toEqual([run, dataset]);
});

test('one thing or everything goes for good; what fails is thrown to whoever asked', async () => {
  const { trash, asked } = trashWith({});
  await trash.empty(null);
  expect(asked[0]).toEqual(['trash.empty', { projectId, item: null }]);
  const failing = trashWith({ 'trash.empty': () => Promise.reject(new Error('no right to delete')) });
  await expect(failing.trash.empty({ kind: 'run', runId: 3 as RunId })).rejects.toThrow('no right to delete');
  expect(failing.trash.busy).toBe(false);
});

test('deleted labels come after the things, in their place by date, and more of them on demand', async () => {
  const [newest, oldest] = [labelsOf(1, '2026-01-03'), labelsOf(2, '2025-12-31')];
  let answer = (): void => undefined;
  const labels = (request: Request) =>
    new Promise((resolve) => {
      const items = request['offset'] === 1 ? [oldest] : [newest];
      answer = () => resolve({ total: 2, items });
    });
  const { trash, asked } = trashWith({ 'trash.labels': labels });
  const reading = trash.read();
  await expect.poll(() => trash.items).toEqual([run, dataset]);
  expect([trash.labelsPending, trash.moreLabels]).toEqual([true, 0]);
  answer();
  await reading;
  expect(trash.items).toEqual([newest, run, dataset]);
  expect([trash.labelsPending, trash.moreLabels]).toEqual([false, 1]);
  const more = trash.showMoreLabels();
  answer();
  await more;
  expect(trash.items).toEqual([newest, run, dataset, oldest]);
  expect(trash.moreLabels).toBe(0);
  // Labels take no room of their own that anybody would look up.
  expect(asked.filter(([name]) => name === 'trash.size')).toHaveLength(2);
});

test('lines say what they are, where it was, and what becomes of it', () => {
  const one = labelsOf(1, '2026-01-03');
  const [bulk, ofClass]: TrashLine[] = [
    {
      ...{ ...one, kind: 'labels', gestureId: 'g', title: 'pets', labelCount: 50_000, imageCount: 10_000 },
      ...{ classes: ['cat', 'dog', 'bird'].map((name, at) => ({ name, count: 3000 - at })), classCount: 5 },
    },
    { ...one, kind: 'labels', gestureId: 'h', title: 'pets', deletedClasses: ['cat'], labelCount: 1 },
  ];
  const lines: TrashLine[] = [run, one, bulk!, ofClass!];
  expect(lines.map((line) => `${titleOf(line)}: ${wordsOf(line)}`)).toEqual([
    'lenet5-3: Run, 4 epochs',
    '1.jpg: 2 labels of an image of “pets”: cat',
    'pets: 50,000 labels on 10,000 images: 3,000 cat, 2,999 dog, 2,998 bird and 2 more classes',
    'cat: Class of “pets” with 1 label on 1 image',
  ]);
  expect(lines.map(backWords)).toEqual([
    '“lenet5-3” is back: run, 4 epochs.',
    '2 labels are back on “1.jpg”.',
    '50,000 labels are back on 10,000 images.',
    '1 label is back on 1 image, and with them “cat”.',
  ]);
  expect(lines.map(questionOf)).toEqual([
    'Delete “lenet5-3” for good?',
    'Delete 2 labels of “1.jpg” for good?',
    'Delete 50,000 labels of “pets” for good?',
    'Delete 1 label of “cat” for good?',
  ]);
  expect(consequenceOf(one)).toContain('neither undo nor an earlier state');
  expect(consequenceOf(null)).toContain('deleted labels leave undo and the history');
});
