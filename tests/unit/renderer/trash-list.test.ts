/** What the trash dialog shows, and what it asks for. */
import { expect, test } from 'vitest';
import type { CallName } from '../../../src-main/contract/ipc.ts';
import type { DatasetId, ProjectId, RunId } from '../../../src-main/contract/model/ids.ts';
import type { TrashItem } from '../../../src-main/contract/model/library.ts';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { TrashList } from '../../../src-renderer/state/trash-list.svelte.ts';

const projectId = 'p' as ProjectId;
const run: TrashItem = { kind: 'run', runId: 3 as RunId, title: 'lenet5-3', epochsDone: 4, trashedAt: '2026-01-02' };
const dataset: TrashItem = {
  ...{ kind: 'dataset', datasetId: 3 as DatasetId, title: 'pets' },
  ...{ imageCount: 30, trashedAt: '2026-01-01' },
};

type Request = Record<string, unknown>;

function trashWith(answers: Partial<Record<CallName, (request: Request) => unknown>>) {
  const asked: [CallName, Request][] = [];
  let left: TrashItem[] = [run, dataset];
  const call = async (name: CallName, request: Request) => {
    asked.push([name, request]);
    if (answers[name] !== undefined) return answers[name](request);
    if (name === 'trash.list') return left;
    if (name === 'trash.size') return { sizeBytes: (request['item'] as { kind: string }).kind === 'run' ? 2e6 : 0 };
    left = left.slice(1);
    return {};
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
  expect(await trash.restore(run)).toBe(true);
  expect(asked).toContainEqual(['trash.restore', { projectId, item: { kind: 'run', runId: 3 } }]);
  await expect.poll(() => trash.items).toEqual([dataset]);

  const gone = new Error('This is not in the trash any more.');
  const failing = trashWith({ 'trash.restore': () => Promise.reject(gone) });
  expect(await failing.trash.restore(run)).toBe(false);
  expect(failing.trash.error).toBe(gone);
  expect(failing.trash.busy).toBe(false);
  await expect.poll(() => failing.trash.items).toEqual([run, dataset]);
});

test('one thing or everything goes for good; what fails is thrown to whoever asked', async () => {
  const { trash, asked } = trashWith({});
  await trash.empty(null);
  expect(asked[0]).toEqual(['trash.empty', { projectId, item: null }]);
  const failing = trashWith({ 'trash.empty': () => Promise.reject(new Error('no right to delete')) });
  await expect(failing.trash.empty({ kind: 'run', runId: 3 as RunId })).rejects.toThrow('no right to delete');
  expect(failing.trash.busy).toBe(false);
});
